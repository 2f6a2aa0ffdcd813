//! What a run comes to, in numbers.

use super::record::{Record, Tick, possible, share};
use super::scenarios::Phases;

/// Parts of 1.0 and seconds; no number where a run does not tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    /// Work done in time, of the possible.
    pub(crate) before: f64,
    pub(crate) during: f64,
    pub(crate) after: f64,
    /// Visits that came to their end in the trouble, of those possible; and of those begun in it.
    pub(crate) finished: f64,
    pub(crate) finished_of_begun: f64,
    /// Requests refused while there was enough for all, without those of the background.
    pub(crate) refused: f64,
    /// From the trouble's beginning, and from its end, until 90 % of the possible is done; infinite for never.
    pub(crate) to_90: f64,
    pub(crate) recovery: f64,
    /// Checkout in the trouble: requests served of those wanted, and the latency that 99 % were within.
    pub(crate) checkout: f64,
    pub(crate) checkout_p99: f64,
}

/// What the figures must be at least or at most.
pub(crate) type Goals = Figures;

/// Enough work, of the possible.
const ENOUGH: f64 = 0.9;
/// Nearly all visits are shorter when nobody waits; in seconds.
const LONGEST_VISIT: f64 = 14.0;
/// Fewer ticks do not tell how many visits end.
const FEWEST_TICKS: usize = 50;
/// Long enough to tell how much is done.
const SECOND: f64 = 1.0;

impl Figures {
    pub(crate) fn of(record: &Record, phases: &Phases) -> Self {
        let Phases { calm, trouble, grace, over, recovery, end } = *phases;
        let shaken = record.between(trouble + grace, over);
        let sum = |of: fn(&Tick) -> u64| shaken.iter().map(of).sum::<u64>() as f64;
        let (finishing, cut) = (sum(|tick| tick.to_finish), sum(|tick| tick.to_be_cut));
        // Those who end their visits until then have begun in calmer times.
        let of_the_trouble = record.between(trouble + LONGEST_VISIT, over);
        let wanted: f64 = shaken.iter().map(|tick| tick.wanted_checkouts).sum();
        Self {
            before: record.share(calm, trouble),
            during: share(shaken),
            after: record.share(over + recovery, end),
            finished: visits(of_the_trouble),
            finished_of_begun: finishing / (finishing + cut),
            refused: refused(record.between(calm, trouble)),
            to_90: time_to_enough(record, trouble, over),
            recovery: time_to_enough(record, over, end),
            checkout: (sum(|tick| tick.served.first().copied().unwrap_or(0)) / wanted.max(1.0)).min(1.0),
            checkout_p99: quantile(shaken.iter().flat_map(|tick| tick.checkouts.iter().copied()).collect(), 0.99),
        }
    }

    /// Each figure's median.
    pub(crate) fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| quantile(runs.iter().map(figure).collect(), 0.5);
        Self {
            before: of(|run| run.before),
            during: of(|run| run.during),
            after: of(|run| run.after),
            finished: of(|run| run.finished),
            finished_of_begun: of(|run| run.finished_of_begun),
            refused: of(|run| run.refused),
            to_90: of(|run| run.to_90),
            recovery: of(|run| run.recovery),
            checkout: of(|run| run.checkout),
            checkout_p99: of(|run| run.checkout_p99),
        }
    }
}

impl Goals {
    /// Anything goes.
    pub(crate) const NONE: Self = Self {
        before: 0.0,
        during: 0.0,
        after: 0.0,
        finished: 0.0,
        finished_of_begun: 0.0,
        refused: 1.0,
        to_90: f64::INFINITY,
        recovery: f64::INFINITY,
        checkout: 0.0,
        checkout_p99: f64::INFINITY,
    };

    /// What of the goals was missed, in words.
    pub(crate) fn misses(&self, figures: &Figures) -> Vec<String> {
        let at_least = [
            ("before", figures.before, self.before),
            ("during", figures.during, self.during),
            ("after", figures.after, self.after),
            ("finished", figures.finished, self.finished),
            ("finished of begun", figures.finished_of_begun, self.finished_of_begun),
            ("checkout", figures.checkout, self.checkout),
        ];
        let at_most = [
            ("refused", figures.refused, self.refused),
            ("to 90 %", figures.to_90, self.to_90),
            ("recovery", figures.recovery, self.recovery),
            ("checkout p99", figures.checkout_p99, self.checkout_p99),
        ];
        let low = at_least.iter().filter(|(_, is, goal)| is < goal);
        let high = at_most.iter().filter(|(_, is, goal)| is > goal);
        low.chain(high).map(|(figure, is, goal)| format!("{figure} {is:.3}, not {goal:.3}")).collect()
    }
}

/// Visits that came to their end, of those that could: as many as come, and as many as their work allows.
fn visits(ticks: &[Tick]) -> f64 {
    if ticks.len() < FEWEST_TICKS {
        return f64::NAN;
    }
    let sum = |of: fn(&Tick) -> f64| ticks.iter().map(of).sum::<f64>();
    let each = sum(|tick| tick.arrived_work) / sum(|tick| tick.arrived as f64);
    let bound = sum(|tick| tick.wanted_visits).min(possible(ticks) / each);
    sum(|tick| tick.finished as f64) / bound
}

fn refused(ticks: &[Tick]) -> f64 {
    let waiting = |of: &[u64; 4]| of.iter().take(3).sum::<u64>() as f64;
    let refused: f64 = ticks.iter().map(|tick| waiting(&tick.refused)).sum();
    let offered: f64 = ticks.iter().map(|tick| waiting(&tick.offered)).sum();
    refused / offered.max(1.0)
}

/// Seconds until enough is done over a second.
fn time_to_enough(record: &Record, from: f64, to: f64) -> f64 {
    let steps = ((to - from - SECOND) / 0.1).max(0.0) as usize;
    let waits = (0..=steps).map(|step| step as f64 * 0.1);
    let enough = |wait: &f64| record.share(from + wait, from + wait + SECOND) >= ENOUGH;
    waits.into_iter().find(enough).unwrap_or(f64::INFINITY)
}

fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values.get((last * part).round() as usize).copied().unwrap_or(f64::INFINITY)
}
