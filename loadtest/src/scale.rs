//! Two workers against one.

use std::time::Duration;

use crate::origin::Origin;
use crate::peer::{Job, Peer, Proxy};
use crate::process::Core;
use crate::report::{Figure, Goal, Row};
use crate::stage::Stage;
use crate::wrk::{Ask, Protocol};

/// Requests that two workers serve in a processor's second, for each that one does, times two; and the throughputs. More
/// than twice is luck and counts as twice.
///
/// Where clients and origin have cores of their own the throughputs tell; where they have not, they take what the second
/// worker would need, and only the cost of a request can show whether workers get in each other's way.
pub(crate) fn scale(stage: &Stage) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let (second, shared) = second_core(stage);
    let one = vec![stage.options.proxy_core];
    let two = vec![stage.options.proxy_core, second];
    let contenders = [("one worker", one), ("two workers", two)];
    let name = |(name, _): &(&'static str, Vec<Core>)| (*name).to_owned();
    let [throughput, cost] = stage.rounds(&contenders, name, |(_, cores)| {
        let job = Job { workers: cores.len(), cores: cores.clone(), ..Job::generous(origin.address, 0) };
        measure(&stage.start(Peer::Spillway, &job)?, stage.measured_for())
    });
    let gain = |rows: &[Row], times: f64, power: i32| {
        let [one, two] = rows else { return Row::skipped(Peer::Spillway.name(), "not measured") };
        match (one.median(), two.median()) {
            (Some(one), Some(two)) => {
                Row::measured(Peer::Spillway.name(), vec![(times * (two / one).powi(power)).min(2.0)])
            }
            _ => Row::skipped(Peer::Spillway.name(), "not measured; see the figures before"),
        }
    };
    let limits = "clients and origin run on the second worker's core and limit it: only the cost of a request tells";
    let notes = if shared { vec![limits.to_owned()] } else { Vec::new() };
    let by_throughput = if shared { Goal::Shown } else { Goal::AtLeast(1.8) };
    let figure =
        |name: &str, unit, rows, goal| Figure { name: name.to_owned(), unit, rows, goal, notes: notes.clone() };
    let gained = gain(&throughput, 1.0, 1);
    let afforded = gain(&cost, 2.0, -1);
    Ok(vec![
        figure("throughput", "requests/s", throughput, Goal::Shown),
        figure("CPU per request", "µs", cost, Goal::Shown),
        figure("two workers against one, throughput", "×", vec![gained], by_throughput),
        figure("two workers against one, requests per CPU time", "×", vec![afforded], Goal::AtLeast(1.8)),
    ])
}

/// A core for the second worker, and whether clients run there as well.
fn second_core(stage: &Stage) -> (Core, bool) {
    let cores = std::fs::read_dir("/sys/devices/system/cpu").into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("cpu")?.parse().ok();
    let taken = [stage.options.proxy_core, stage.options.load_core];
    let free = cores.filter_map(|entry| number(entry.file_name().to_str()?)).find(|core| !taken.contains(core));
    (free.unwrap_or(stage.options.load_core), free.is_none())
}

fn measure(proxy: &Proxy, lasting: Duration) -> Result<[f64; 2], String> {
    let ask = Ask { address: proxy.address, path: "/1k", protocol: Protocol::Http1, clients: 1000, lasting };
    Ask { lasting: Duration::from_secs(1), ..ask }.ask()?;
    let before = proxy.program.cpu();
    let heard = ask.ask()?;
    let used = proxy.program.cpu().saturating_sub(before);
    let rate = heard.answers as f64 / heard.lasted.as_secs_f64();
    let each = used.as_secs_f64() * 1e6 / heard.answers.max(1) as f64;
    eprintln!("    {rate:.0} requests/s, {each:.2} µs");
    Ok([rate, each])
}
