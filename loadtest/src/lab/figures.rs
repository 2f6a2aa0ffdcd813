//! What a run comes to, in a few figures.

use serde::{Serialize, Serializer};
use serde_json::json;
use spillway::demo::page::Class;

use super::run::{Run, Sample};
use super::scenario::{JOURNEY, Scenario};
use crate::report::median;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Goodput while there was trouble, of the possible, in percent; from two seconds on, when all who came together
    /// have asked for more than their first page.
    Goodput,
    /// Goodput in the last seconds of the run, of the possible, in percent.
    GoodputAtTheEnd,
    /// Journeys finished while there was trouble, from one journey's length on, of those that the possible goodput is
    /// worth, in percent.
    Journeys,
    /// Of the journeys that had begun and ended while there was trouble, those that ended well, in percent.
    Finished,
    /// Journeys finished from the beginning of the trouble to the end of the run: who waits in line may finish later.
    Completed,
    /// Seconds from the beginning of the trouble until goodput is, and for a while stays, at 90 % of what is possible,
    /// or was before, whichever is less.
    Response,
    /// Seconds from the end of the trouble until goodput is, and for a while stays, at 90 % of the possible.
    Recovery,
    /// Latency of the checkout's pages while there was trouble, in milliseconds.
    CheckoutMedian,
    CheckoutTail,
    /// Requests while there was trouble that were refused or got no answer in time, in percent.
    Refused,
}

impl Figure {
    pub(crate) const ALL: [Self; 10] = [
        Self::Goodput,
        Self::GoodputAtTheEnd,
        Self::Journeys,
        Self::Finished,
        Self::Completed,
        Self::Response,
        Self::Recovery,
        Self::CheckoutMedian,
        Self::CheckoutTail,
        Self::Refused,
    ];

    /// What stands above its column.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Goodput => "goodput, %",
            Self::GoodputAtTheEnd => "at the end, %",
            Self::Journeys => "journeys, %",
            Self::Finished => "finished, %",
            Self::Completed => "completed",
            Self::Response => "response, s",
            Self::Recovery => "recovery, s",
            Self::CheckoutMedian => "checkout p50, ms",
            Self::CheckoutTail => "p99, ms",
            Self::Refused => "refused, %",
        }
    }

    /// As it is printed.
    pub(crate) fn text(self, value: Option<f64>) -> String {
        match (self, value) {
            (_, None) => "–".to_owned(),
            (Self::Response | Self::Recovery, Some(value)) if value.is_infinite() => "never".to_owned(),
            (Self::Completed | Self::CheckoutMedian | Self::CheckoutTail, Some(value)) => format!("{value:.0}"),
            (Self::Refused, Some(value)) => format!("{value:.2}"),
            (_, Some(value)) => format!("{value:.1}"),
        }
    }
}

/// The figures of one run; `None` where one makes no sense.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures(Vec<(Figure, Option<f64>)>);

impl Serialize for Figures {
    /// As a table by name; JSON knows no infinity.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(figure, value)| match value {
            Some(value) if value.is_infinite() => (figure, json!("never")),
            value => (figure, json!(value)),
        }))
    }
}

/// The last seconds of a run, by when things should be as before.
const LAST: f64 = 5.0;

/// Until all who came together have asked for more than their first page.
const SETTLING: f64 = 2.0;

/// Goodput is back when it is for that long, and on average over the longer time.
const BACK: f64 = 0.5;
const BACK_FOR_GOOD: f64 = 3.0;

const NEARLY_ALL: f64 = 0.9;

impl Figures {
    /// What `run` comes to.
    pub(crate) fn of(scenario: &Scenario, run: &Run) -> Self {
        let samples = Samples(&run.samples);
        let (from, to) = scenario.trouble();
        let end = scenario.lasts();
        let trouble = samples.between(from + SETTLING.min((to - from) / 2.0), to);
        let walked = samples.between(from + JOURNEY, to);
        let value = |figure| match figure {
            Figure::Goodput => trouble.goodput_of_the_possible(),
            // Those whom the trouble has held up may come on top.
            Figure::GoodputAtTheEnd => {
                samples.between(end - LAST.min(end / 4.0), end).goodput_of_the_possible().map(|share| share.min(100.0))
            }
            Figure::Journeys => walked.journeys_of_the_bound(scenario.work_of_a_journey(to - 0.1)),
            Figure::Finished => samples.between(from, to).finished_of_those_begun(),
            Figure::Completed => Some(samples.between(from, end).sum(|sample| sample.finished as f64)),
            Figure::Response => {
                let before = samples.between(from - BACK_FOR_GOOD, from).mean(|sample| sample.possible);
                before.and_then(|before| samples.between(from, end).back(&|sample| sample.possible.min(before)))
            }
            Figure::Recovery if to >= end => None,
            Figure::Recovery => samples.between(to, end).back(&|sample| sample.possible),
            Figure::CheckoutMedian => latency(run, 0.5),
            Figure::CheckoutTail => latency(run, 0.99),
            Figure::Refused => {
                let during = samples.between(from, to);
                percent(
                    during.sum(|sample| (sample.refused + sample.lost) as f64),
                    during.sum(|sample| sample.requests as f64),
                )
            }
        };
        Self(Figure::ALL.map(|figure| (figure, value(figure))).to_vec())
    }

    pub(crate) fn get(&self, figure: Figure) -> Option<f64> {
        self.0.iter().find(|(own, _)| *own == figure).and_then(|(_, value)| *value)
    }

    /// The median of each over several runs.
    pub(crate) fn median(all: &[&Self]) -> Self {
        let middle = |figure| median(&all.iter().filter_map(|figures| figures.get(figure)).collect::<Vec<_>>());
        Self(Figure::ALL.map(|figure| (figure, middle(figure))).to_vec())
    }
}

fn latency(run: &Run, quantile: f64) -> Option<f64> {
    let served = run.during.class(Class::Checkout).served > 0;
    served.then(|| run.during.latency_of(Class::Checkout, quantile).as_secs_f64() * 1e3)
}

fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| 100.0 * part / whole)
}

/// Some of a run, in the order of time.
#[derive(Debug, Clone, Copy)]
struct Samples<'a>(&'a [Sample]);

impl<'a> Samples<'a> {
    /// Those whose middle lies there.
    fn between(&self, from: f64, to: f64) -> Self {
        let middle = |sample: &Sample| sample.at - sample.lasts / 2.0;
        let first = self.0.partition_point(|sample| middle(sample) < from);
        let last = self.0.partition_point(|sample| middle(sample) < to);
        Self(self.0.get(first..last).unwrap_or_default())
    }

    fn sum(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        self.0.iter().map(of).sum()
    }

    /// Over time; `None` of no time.
    fn mean(&self, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        let time = self.sum(|sample| sample.lasts);
        (time > 0.0).then(|| self.sum(|sample| of(sample) * sample.lasts) / time)
    }

    fn goodput_of_the_possible(&self) -> Option<f64> {
        percent(self.mean(Sample::all_goodput)?, self.mean(|sample| sample.possible)?)
    }

    fn journeys_of_the_bound(&self, work: f64) -> Option<f64> {
        percent(self.sum(|sample| sample.finished as f64), self.sum(|sample| sample.possible * sample.lasts) / work)
    }

    fn finished_of_those_begun(&self) -> Option<f64> {
        let finished = self.sum(|sample| sample.finished as f64);
        percent(finished, finished + self.sum(|sample| sample.broken_off as f64))
    }

    /// Seconds until goodput is nearly all of `wanted`; infinite if it never is.
    fn back(&self, wanted: &dyn Fn(&Sample) -> f64) -> Option<f64> {
        let first = self.0.first()?;
        let begin = first.at - first.lasts;
        let last = self.0.last()?.at;
        let enough = |from: f64, lasts: f64| {
            let some = self.between(from, from + lasts);
            some.mean(Sample::all_goodput) >= some.mean(|sample| NEARLY_ALL * wanted(sample))
        };
        let back = self
            .0
            .iter()
            .map(|sample| sample.at - sample.lasts)
            .find(|from| from + BACK_FOR_GOOD <= last && enough(*from, BACK) && enough(*from, BACK_FOR_GOOD));
        Some(back.map_or(f64::INFINITY, |back| back - begin))
    }
}

#[cfg(test)]
mod tests;
