//! Latency that a proxy adds at a tenth of what saturates it.

use std::time::Duration;

use crate::origin::Origin;
use crate::pacer::Pace;
use crate::peer::{Job, Peer};
use crate::proxied::cost;
use crate::report::{Figure, Goal};
use crate::stage::Stage;
use crate::wrk::{Ask, Protocol};

/// Options of `latency`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Requests a second; a tenth of what saturates nginx if not given
    #[arg(long)]
    pub(crate) rate: Option<f64>,
}

/// Kept-alive connections.
const CONNECTIONS: usize = 64;

/// Added latency at the median and at the 99th percentile, the origin's own subtracted round by round.
pub(crate) fn latency(stage: &Stage, options: Options) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let job = Job::generous(origin.address, stage.options.proxy_core);
    let rate = options.rate.map_or_else(|| tenth_of_saturation(stage, &job), Ok)?;
    let listen = |target| {
        let lasting = stage.measured_for();
        let warm_up =
            Pace { target, rate, connections: CONNECTIONS, renew_after: 0, lasting: Duration::from_millis(500) };
        let pace = Pace { lasting, ..warm_up.clone() };
        warm_up.keep().and_then(|_| pace.keep()).map_err(|error| error.to_string())
    };
    let [median, tail] = stage.proxies(&job, |proxy| {
        let (direct, heard) = (listen(origin.address)?, listen(proxy.address)?);
        if let Some(why) = heard.first_failure {
            return Err(format!("{} requests failed: {why}", heard.failed));
        }
        let added = [0.5, 0.99].map(|quantile| heard.micros(quantile) - direct.micros(quantile));
        let [p50, p99] = added;
        eprintln!("    {p50:.0} µs at the median, {p99:.0} µs at the 99th percentile");
        Ok(added)
    });
    let notes = vec![format!("{rate:.0} requests/s, open loop, over {CONNECTIONS} connections")];
    let figure = |name: &str, rows| Figure {
        name: format!("added latency, {name}"),
        unit: "µs",
        rows,
        goal: Goal::TimesNginx(1.0),
        notes: notes.clone(),
    };
    Ok(vec![figure("p50", median), figure("p99", tail)])
}

fn tenth_of_saturation(stage: &Stage, job: &Job) -> Result<f64, String> {
    eprintln!("  finding a tenth of saturation");
    let proxy = stage.start(Peer::Nginx, job)?;
    let lasting = Duration::from_secs(2);
    let ask = Ask { address: proxy.address, path: "/1k", protocol: Protocol::Http1, clients: 1, lasting };
    Ok(0.1 * 1e6 / cost(&proxy, ask, |heard| heard.refusals == 0)?)
}
