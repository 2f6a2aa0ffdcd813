//! CPU per proxied request, and per refused one.

use std::time::Duration;

use crate::origin::Origin;
use crate::peer::{Job, Proxy};
use crate::report::{Figure, Goal};
use crate::stage::Stage;
use crate::wrk::{Ask, Heard, Protocol};

/// Options of `proxied`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Size of the bodies
    #[arg(long, value_enum, default_value_t = Size::Small)]
    pub(crate) size: Size,
    /// Over TLS
    #[arg(long)]
    pub(crate) tls: bool,
    /// HTTP/2 to the proxy; with TLS
    #[arg(long, requires = "tls")]
    pub(crate) h2: bool,
}

/// Sizes of bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Size {
    #[value(name = "1k")]
    Small,
    #[value(name = "64k")]
    Large,
}

/// Client addresses that requests come from.
const CLIENTS: u32 = 1000;

/// Before the measurement, so that connections, buffers and buckets are there.
const WARM_UP: Duration = Duration::from_secs(1);

/// CPU per request that passes the policy and is answered by the origin.
pub(crate) fn proxied(stage: &Stage, options: Options) -> Result<Figure, String> {
    let origin = Origin::start()?;
    let mut job = Job::generous(origin.address, stage.options.proxy_core);
    job.tls = options.tls.then(|| stage.certificate.clone());
    let (path, size) = match options.size {
        Size::Small => ("/1k", "1 KB"),
        Size::Large => ("/64k", "64 KB"),
    };
    let (protocol, spoken) = match (options.tls, options.h2) {
        (false, _) => (Protocol::Http1, "h1"),
        (true, false) => (Protocol::Http1Tls, "TLS, h1"),
        (true, true) => (Protocol::Http2Tls, "TLS, h2"),
    };
    let [rows] = stage.proxies(&job, |proxy| {
        let ask = Ask { address: proxy.address, path, protocol, clients: CLIENTS, lasting: stage.measured_for() };
        Ok([cost(proxy, ask, |heard| heard.refusals == 0)?])
    });
    let name = format!("CPU per proxied request, {spoken}, {size}");
    Ok(Figure { name, unit: "µs", rows, goal: Goal::TimesBest(1.0), notes: Vec::new() })
}

/// CPU per request that the limit of its client refuses.
pub(crate) fn refused(stage: &Stage) -> Result<Figure, String> {
    let origin = Origin::start()?;
    let job = Job { rate: 1, burst: 1, ..Job::generous(origin.address, stage.options.proxy_core) };
    let [rows] = stage.proxies(&job, |proxy| {
        let ask = Ask {
            address: proxy.address,
            path: "/1k",
            protocol: Protocol::Http1,
            clients: 1,
            lasting: stage.measured_for(),
        };
        Ok([cost(proxy, ask, |heard| heard.refusals + 10 > heard.answers)?])
    });
    let name = "CPU per refused request, h1".to_owned();
    Ok(Figure { name, unit: "µs", rows, goal: Goal::TimesBest(0.85), notes: Vec::new() })
}

/// Microseconds of CPU per request, provided that all were answered as they should be.
pub(crate) fn cost(proxy: &Proxy, ask: Ask, as_expected: impl Fn(&Heard) -> bool) -> Result<f64, String> {
    cost_of(proxy, ask.lasting, |lasting| Ask { lasting, ..ask }.ask(), as_expected)
}

/// As [`cost`], for requests that are made by `ask`.
pub(crate) fn cost_of(
    proxy: &Proxy,
    lasting: Duration,
    ask: impl Fn(Duration) -> Result<Heard, String>,
    as_expected: impl Fn(&Heard) -> bool,
) -> Result<f64, String> {
    ask(WARM_UP)?;
    let before = proxy.program.cpu();
    let heard = ask(lasting)?;
    let used = proxy.program.cpu().saturating_sub(before);
    if heard.answers == 0 || heard.broken > 0 || !as_expected(&heard) {
        return Err(format!("answers are not what they should be: {heard:?}"));
    }
    let rate = heard.answers as f64 / heard.lasted.as_secs_f64();
    let busy = used.as_secs_f64() / heard.lasted.as_secs_f64();
    let each = used.as_secs_f64() * 1e6 / heard.answers as f64;
    eprintln!("    {each:.2} µs, {rate:.0} requests/s, {:.0} % of the core", busy * 100.0);
    Ok(each)
}
