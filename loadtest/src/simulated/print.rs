//! What is shown on a terminal.

use super::figures::Figures;
use super::record::{Record, Tick};
use super::scenarios::Scenario;

pub(crate) fn heading() {
    println!(
        "{:18} {:>7} {:>7} {:>7} {:>9} {:>9} {:>8} {:>7} {:>8} {:>9} {:>9}",
        "% of the possible:",
        "before",
        "during",
        "after",
        "finished",
        "of begun",
        "refused",
        "to 90",
        "recovery",
        "checkout",
        "its p99",
    );
}

/// The figures of a scenario, and which of its goals they miss.
pub(crate) fn line(scenario: &Scenario, figures: &Figures) {
    println!(
        "{:18} {:>7} {:>7} {:>7} {:>9} {:>9} {:>8} {:>7} {:>8} {:>9} {:>9}  {}",
        scenario.name,
        percent(figures.before),
        percent(figures.during),
        percent(figures.after),
        percent(figures.finished),
        percent(figures.finished_of_begun),
        format!("{:.2}", 100.0 * figures.refused),
        seconds(figures.to_90),
        seconds(figures.recovery),
        percent(figures.checkout),
        seconds(figures.checkout_p99),
        scenario.misses(figures).join("; "),
    );
}

fn percent(part: f64) -> String {
    if part.is_nan() { "-".to_owned() } else { format!("{:.1}", 100.0 * part) }
}

fn seconds(seconds: f64) -> String {
    if seconds.is_finite() { format!("{seconds:.1} s") } else { "never".to_owned() }
}

/// Every tick.
pub(crate) fn trace(record: &Record) {
    record.ticks.iter().for_each(trace_tick);
}

fn trace_tick(tick: &Tick) {
    let Some(directive) = &tick.directive else { return };
    let queue = &tick.queue;
    let waited = if queue.returned > 0 { 1e3 * queue.waited / queue.returned as f64 } else { 0.0 };
    println!(
        "{:5.1} {}/{} limit {} in use {} jobs {} best {:.0} work {:.1}/{:.1} begin {:.1} may {:.0} active {} begun {} \
         finished {} served {:?} refused {:?} left {} waited {waited:.0} ms lines {}+{}",
        tick.at,
        directive.state,
        directive.cause,
        directive.limit,
        tick.in_use,
        tick.jobs,
        tick.optimum,
        tick.work * 10.0,
        tick.possible,
        directive.begin_rate,
        directive.may_begin,
        tick.active,
        tick.begun,
        tick.finished,
        tick.served,
        tick.refused,
        tick.left,
        queue.waiting,
        queue.newcomers_waiting,
    );
}
