//! A million shoppers in compressed time, some of whom leave and some of whom come back.

mod guest;
mod street;

use street::{Evening, Plan, Street};

use super::venue::{Terms, Venue};
use super::witness::book::Fault;
use crate::origin::Origin;
use crate::peer::Peer;
use crate::report::{Figure, Goal, Row};
use crate::stage::Stage;

/// Options of `million`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Shoppers
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) shoppers: u32,
    /// How many come in a second
    #[arg(long, default_value_t = 8000)]
    pub(crate) arrivals: u32,
    /// How many are let in a second
    #[arg(long, default_value_t = 4000)]
    pub(crate) rate: u32,
}

/// Seconds after which those called first have come in.
const SETTLED: usize = 6;
/// Memory grows with numbers once this part of them was given and everything else has its size.
const FILLED: f64 = 0.2;

/// Order, cap, rate, promises and memory.
pub(crate) fn million(stage: &Stage, options: Options) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let Options { shoppers, arrivals, rate } = options;
    let cap = rate as usize * 8;
    let crowd = Plan { shoppers, arrivals, cap, leaving: 40, returning: 33, saying: 50 };
    let whole = evening(stage, &origin, "million", crowd, rate)?;
    let gone = Plan { shoppers: shoppers / 40, leaving: 70, returning: 0, saying: 0, ..crowd };
    let gone_rate = (rate / 32).max(1);
    let gone = evening(stage, &origin, "gone", gone, gone_rate)?;
    let kept = whole.kept();
    let promises = whole.promises();
    let count = |faults: &[Fault]| Ok(whole.count(faults));
    Ok(vec![
        figure(
            "called out of order, or doubled",
            "places",
            count(&[Fault::Reordered, Fault::Doubled]),
            Goal::AtMost(0.0),
            whole.notes(),
        ),
        figure(
            "places lost or sent back",
            "places",
            count(&[Fault::Lost, Fault::SentBack]),
            Goal::AtMost(0.0),
            Vec::new(),
        ),
        figure("times above the cap", "times", count(&[Fault::AboveTheCap]), Goal::AtMost(0.0), Vec::new()),
        figure(
            "let in against the rate, 40 % leaving",
            "%",
            whole.against_the_rate(rate),
            Goal::AtLeast(95.0),
            Vec::new(),
        ),
        figure(
            "let in against the rate, 70 % of those ahead gone",
            "%",
            gone.against_the_rate(gone_rate),
            Goal::AtLeast(95.0),
            gone.notes(),
        ),
        figure("waits shorter than the late estimate, at least", "%", kept.clone(), Goal::AtLeast(85.0), promises),
        figure("waits shorter than the late estimate, at most", "%", kept, Goal::AtMost(95.0), Vec::new()),
        figure("memory of each number more", "bytes", whole.each_number(), Goal::AtMost(4.0), Vec::new()),
    ])
}

fn figure(name: &str, unit: &'static str, value: Result<f64, String>, goal: Goal, notes: Vec<String>) -> Figure {
    let (name, who) = (format!("a crowd: {name}"), Peer::Spillway.name());
    let row = value.map_or_else(|why| Row::skipped(who, why), |value| Row::measured(who, vec![value]));
    Figure { name, unit, rows: vec![row], goal, notes }
}

/// An evening, and the memory of the proxy in it.
struct Outcome {
    plan: Plan,
    evening: Evening,
    /// Numbers given, and bytes, in each second.
    memory: Vec<(u64, u64)>,
}

fn evening(stage: &Stage, origin: &Origin, name: &str, plan: Plan, rate: u32) -> Result<Outcome, String> {
    let terms = Terms {
        mode: "always",
        cap: plan.cap,
        rate: format!("{rate}/s"),
        claim: "30s",
        workers: 1,
        cores: vec![stage.options.proxy_core],
    };
    let venue = Venue::build(stage, name, &terms, origin.address)?;
    let proxy = venue.open()?;
    let mut memory = Vec::new();
    let evening = Street::open(venue.address, plan, |tally| {
        memory.push((tally.joined, proxy.program.resident()));
        if memory.len() % 10 == 0 {
            eprintln!("    {} joined, {} wait, {} called", tally.joined, tally.waiting, tally.called);
        }
    })?;
    Ok(Outcome { plan, evening, memory })
}

impl Outcome {
    fn count(&self, faults: &[Fault]) -> f64 {
        faults.iter().map(|fault| self.evening.book.count(*fault)).sum::<usize>() as f64
    }

    /// Of those who might have come in while there was a line, how many did, in percent.
    fn against_the_rate(&self, rate: u32) -> Result<f64, String> {
        // At the end fewer are in line than may come in at any moment.
        let busy = self.evening.lines.iter().rposition(|waiting| *waiting > 2 * u64::from(rate)).unwrap_or_default();
        let admitted = self.evening.admissions.get(SETTLED..busy).filter(|seconds| !seconds.is_empty());
        let admitted = admitted.ok_or("the line was too short for too short a time")?;
        let possible = u64::from(rate) * admitted.len() as u64;
        Ok(admitted.iter().sum::<u64>() as f64 * 100.0 / possible as f64)
    }

    /// The part of the waits that were shorter than promised, in percent.
    fn kept(&self) -> Result<f64, String> {
        let waits = &self.evening.waits;
        let kept = waits.partition_point(|part| *part <= 1.0);
        if waits.is_empty() {
            Err("nothing was promised".to_owned())
        } else {
            Ok(kept as f64 * 100.0 / waits.len() as f64)
        }
    }

    fn promises(&self) -> Vec<String> {
        let waits = &self.evening.waits;
        let at = |part: f64| waits.get((waits.len() as f64 * part) as usize).copied().unwrap_or_default();
        let quantiles = [0.1, 0.5, 0.9, 0.99].map(|part| format!("{:.2}", at(part))).join(", ");
        vec![format!("{} promises; p10, p50, p90, p99 of wait over late estimate: {quantiles}", waits.len())]
    }

    /// Bytes that each number takes, in the end against the beginning, where buffers and caches had their size already.
    fn each_number(&self) -> Result<f64, String> {
        let all = u64::from(self.plan.shoppers);
        let mean = |wanted: &dyn Fn(u64) -> bool| {
            let samples: Vec<_> = self.memory.iter().filter(|(numbers, _)| wanted(*numbers)).collect();
            let mean = |of: fn(&(u64, u64)) -> u64| {
                samples.iter().map(|sample| of(sample) as f64).sum::<f64>() / samples.len() as f64
            };
            (!samples.is_empty()).then(|| (mean(|(numbers, _)| *numbers), mean(|(_, bytes)| *bytes)))
        };
        let filled = |part: f64| (all as f64 * part) as u64;
        let early = mean(&|numbers| numbers > filled(FILLED) && numbers < filled(FILLED * 2.0));
        let late = mean(&|numbers| numbers == all);
        let (early, late) = early.zip(late).ok_or("too short to see memory grow")?;
        Ok((late.1 - early.1) / (late.0 - early.0))
    }

    fn notes(&self) -> Vec<String> {
        let (tally, plan, evening) = (self.evening.tally, &self.plan, &self.evening);
        let mut notes = vec![
            format!(
                "{} joined, {} a second; {} polls, {} called, {} left before their turn, {} orders; {} s",
                tally.joined,
                plan.arrivals,
                tally.polls,
                tally.called,
                tally.left,
                tally.done,
                evening.lines.len(),
            ),
            format!(
                "at most {} waited and {} were inside, {} may be; nobody asked more than {:.1} s late; {} without an answer",
                evening.lines.iter().max().unwrap_or(&0),
                evening.book.most(),
                plan.cap,
                tally.latest as f64 / 1e6,
                tally.unanswered,
            ),
        ];
        notes.extend(evening.book.told());
        notes
    }
}
