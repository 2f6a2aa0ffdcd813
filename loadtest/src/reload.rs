//! What reloading costs, and what it breaks.

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::process::Signal;

use crate::admin::Admin;
use crate::origin::Origin;
use crate::pacer::{Heard, Pace};
use crate::peer::{Job, Peer, Proxy};
use crate::report::{Figure, Goal, Row, median};
use crate::stage::Stage;

/// Options of `reload-routes`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct RoutesOptions {
    /// Routes of the policy
    #[arg(long, default_value_t = 10_000)]
    pub(crate) routes: u32,
}

/// Options of `reload-storm`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct StormOptions {
    /// How long, in seconds
    #[arg(long = "lasting", default_value_t = 60)]
    pub(crate) seconds: u64,
}

/// Requests a second of the traffic that passes meanwhile.
const RATE: f64 = 1000.0;

/// Between two reloads.
const GAP: Duration = Duration::from_millis(100);

/// Time to reload a large policy, and what passing traffic feels of it.
pub(crate) fn routes(stage: &Stage, options: RoutesOptions) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let contenders = [Peer::Spillway];
    let name = |peer: &Peer| peer.name().to_owned();
    let [taken, quiet, busy] = stage.rounds(&contenders, name, |peer| {
        let proxy = stage.start(*peer, &on_both_cores(stage, &origin))?;
        let admin = Admin::new(proxy.admin)?;
        let policies = [0, 1].map(|version| policy(&proxy, options.routes, version));
        let [first, second] = policies;
        let (first, second) = (first?, second?);
        admin.put_policy(&first)?;
        let pace = pace(&proxy, stage.measured_for());
        let quiet = good(pace.keep().map_err(|error| error.to_string())?)?;
        let (heard, reloads) = meanwhile(pace, || {
            let taken = [admin.put_policy(&second)?, admin.put_policy(&first)?];
            thread::sleep(GAP);
            Ok(taken)
        })?;
        let millis: Vec<f64> = reloads.iter().flatten().map(|taken| taken.as_secs_f64() * 1e3).collect();
        let (middle, slowest) = (median(&millis).ok_or("no reload")?, millis.iter().copied().fold(0.0, f64::max));
        let (before, during) = (quiet.micros(0.99), good(heard)?.micros(0.99));
        eprintln!(
            "    {middle:.0} ms, {slowest:.0} at most; p99 {before:.0} µs before, {during:.0} µs while reloading"
        );
        Ok([middle, before, during])
    });
    let moved = match (quiet.first().and_then(Row::median), busy.first().and_then(Row::median)) {
        (Some(before), Some(during)) => Row::measured(Peer::Spillway.name(), vec![during / before]),
        _ => Row::skipped(Peer::Spillway.name(), "not measured; see the figures before"),
    };
    let notes = vec![format!("{} routes; worker and admin thread may use both cores", options.routes)];
    let figure =
        |name: &str, unit, rows, goal| Figure { name: name.to_owned(), unit, rows, goal, notes: notes.clone() };
    Ok(vec![
        figure("reload of a large policy", "ms", taken, Goal::AtMost(200.0)),
        figure("p99 of passing traffic before", "µs", quiet, Goal::Shown),
        figure("p99 of passing traffic while reloading", "µs", busy, Goal::Shown),
        figure("p99 while reloading against before", "×", vec![moved], Goal::AtMost(UNMOVED)),
    ])
}

/// Two p99 of the same traffic differ by this much on a quiet machine without any reload.
const UNMOVED: f64 = 1.2;

/// Requests that fail while the policy is exchanged ten times a second, with one handover to a new process.
pub(crate) fn storm(stage: &Stage, options: StormOptions) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let outcome = stage.start(Peer::Spillway, &on_both_cores(stage, &origin)).and_then(|proxy| {
        let lasting = Duration::from_secs(options.seconds);
        let admin = Admin::new(proxy.admin)?;
        let [first, second] = [0, 1].map(|version| policy(&proxy, 10, version));
        let (first, second) = (first?, second?);
        let pace = Pace { renew_after: 50, ..pace(&proxy, lasting) };
        let middle = Instant::now() + lasting / 2;
        let mut handed_over = false;
        let before = proxy.program.ids();
        let (heard, reloads) = meanwhile(pace, || {
            if !handed_over && Instant::now() > middle {
                handed_over = true;
                proxy.program.signal(Signal::USR2).map_err(|error| error.to_string())?;
                return Ok(Duration::ZERO);
            }
            // Between the old process and the new one nobody may be at the admin address for a moment.
            let put = [&first, &second].map(|policy| admin.put_policy(policy));
            thread::sleep(GAP);
            match put {
                [Err(why), Err(_)] if !handed_over => Err(why),
                put => Ok(put.into_iter().flatten().max().unwrap_or_default()),
            }
        })?;
        let taken_over = proxy.program.ids().iter().any(|id| !before.contains(id));
        Ok((heard, reloads.len(), taken_over))
    });
    let name = "failed requests, a reload every 100 ms and one handover".to_owned();
    let (row, notes) = match outcome {
        Err(why) => (Row::skipped(Peer::Spillway.name(), why), Vec::new()),
        Ok((_, _, false)) => (Row::skipped(Peer::Spillway.name(), "no new process took over"), Vec::new()),
        Ok((heard, reloads, true)) => {
            let mut notes = vec![format!("{} good answers, {reloads} rounds of reloads", heard.good)];
            notes.extend(heard.first_failure.map(|why| format!("first failure: {why}")));
            (Row::measured(Peer::Spillway.name(), vec![heard.failed as f64]), notes)
        }
    };
    Ok(vec![Figure { name, unit: "requests", rows: vec![row], goal: Goal::AtMost(0.0), notes }])
}

fn on_both_cores(stage: &Stage, origin: &Origin) -> Job {
    let cores = vec![stage.options.proxy_core, stage.options.load_core];
    Job { cores, ..Job::generous(origin.address, stage.options.proxy_core) }
}

fn pace(proxy: &Proxy, lasting: Duration) -> Pace {
    Pace { target: proxy.address, rate: RATE, connections: 32, renew_after: 0, lasting }
}

fn good(heard: Heard) -> Result<Heard, String> {
    match &heard.first_failure {
        Some(why) => Err(format!("{} requests failed: {why}", heard.failed)),
        None => Ok(heard),
    }
}

/// Does `act` again and again while requests flow.
fn meanwhile<T>(pace: Pace, mut act: impl FnMut() -> Result<T, String>) -> Result<(Heard, Vec<T>), String> {
    let flow = thread::spawn(move || pace.keep());
    let mut acts = Vec::new();
    while !flow.is_finished() {
        acts.push(act()?);
    }
    let heard = flow.join().map_err(|_| "the client broke".to_owned())?;
    Ok((heard.map_err(|error| error.to_string())?, acts))
}

/// The proxy's configuration with that many routes more. Versions differ in one limit.
fn policy(proxy: &Proxy, routes: u32, version: u32) -> Result<Bytes, String> {
    let typed = fs::read_to_string(&proxy.config).map_err(|error| error.to_string())?;
    let mut policy = typed.replace("burst = ", &format!("burst = {}", 1 + version));
    for n in 0..routes {
        let _ = write!(
            policy,
            "\n[[route]]\nname = \"department-{n}\"\nhost = \"shop-{}.example\"\npath = \"/departments/{n}/{{*rest}}\"\n\
             class = \"browse\"\norigin = \"storefront\"\nlimits = [\"per-client\"]\n",
            n % 100,
        );
    }
    Ok(Bytes::from(policy))
}
