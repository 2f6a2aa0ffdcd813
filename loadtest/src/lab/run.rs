//! One subject in one scenario.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use spillway::demo::page::Class;
use spillway::demo::shoppers::{Crowd, Tally};
use spillway::demo::station::{LiveStation, Optimum};
use spillway::demo::storefront::Storefront;

use super::probe::{Probe, Reading};
use super::scenario::Scenario;
use super::subject::Subject;
use crate::peer::Job;
use crate::stage::Stage;

/// What happened in a fraction of a second.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    /// The end of it, in seconds since the beginning.
    pub(crate) at: f64,
    /// Its length in seconds.
    pub(crate) lasts: f64,
    /// Work that arriving shoppers brought, in seconds a second, as are the next two.
    pub(crate) offered: f64,
    /// The best that any controller could get of it.
    pub(crate) possible: f64,
    /// Work of the pages that were served in time, by class, most important first.
    pub(crate) goodput: [f64; Class::ALL.len()],
    /// Jobs at once that would have been best.
    pub(crate) best: f64,
    /// Jobs at the shop at its end.
    pub(crate) jobs: usize,
    /// The limit in force and the state, where the subject tells.
    pub(crate) limit: Option<f64>,
    pub(crate) state: Option<String>,
    /// Latency of what was served, in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    /// Not answered in time, or not properly.
    pub(crate) lost: u64,
    pub(crate) arrived: u64,
    /// Shoppers who saw their first page, who came to the end of their journey, and who broke it off in between.
    pub(crate) begun: u64,
    pub(crate) finished: u64,
    pub(crate) broken_off: u64,
}

/// A run as it was measured.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) samples: Vec<Sample>,
    /// What happened to requests while there was trouble.
    pub(crate) during: Tally,
    /// How late the generator and the shop were at the 99th percentile, whichever was worse.
    pub(crate) lag: Duration,
}

/// Later than this at the 99th percentile, and it is the generator that was measured.
pub(crate) const MOST_LAG: Duration = Duration::from_millis(50);

impl Sample {
    pub(crate) fn all_goodput(&self) -> f64 {
        self.goodput.iter().sum()
    }

    fn of(at: f64, lasts: f64, tally: &Tally) -> Self {
        let millis = |quantile| tally.latency(quantile).as_secs_f64() * 1e3;
        Self {
            at,
            lasts,
            offered: 0.0,
            possible: 0.0,
            goodput: Class::ALL.map(|class| tally.class(class).work.as_secs_f64() / lasts),
            best: 0.0,
            jobs: 0,
            limit: None,
            state: None,
            p50: millis(0.5),
            p99: millis(0.99),
            requests: tally.offered(),
            refused: tally.refused.values().sum(),
            lost: tally.left + tally.broken,
            arrived: tally.arrived,
            begun: tally.entered,
            finished: tally.finished + tally.looked_around,
            broken_off: tally.broken_off,
        }
    }
}

/// How often is looked, and how often the subject is asked for its limit: every other time.
const TICK: Duration = Duration::from_millis(125);

/// Plays `scenario` with `subject` before the shop; `seed` decides who comes and when.
pub(crate) fn play(stage: &Stage, scenario: &Scenario, subject: Subject, seed: u64) -> Result<Run, String> {
    let station = scenario.model.build(scenario.parameters);
    let shop = Storefront::open((Ipv4Addr::LOCALHOST, 0).into(), station).map_err(|error| error.to_string())?;
    let job = job(shop.address(), stage);
    let mut proxy = subject.start(stage, &job)?;
    let target = proxy.as_ref().map_or(shop.address(), |proxy| proxy.address);
    let probe = Probe::new(subject.limit(&job), proxy.as_ref().map(|proxy| proxy.admin))?;
    let crowd = Crowd::gather(target, scenario.timeline(), scenario.habits, seed).map_err(|error| error.to_string())?;
    let run = Observation { scenario, station: shop.station(), crowd: &crowd, probe: &probe }.observe();
    if let Some(proxy) = &mut proxy
        && proxy.program.ended()
    {
        return Err(format!("ended by itself: {}", proxy.said()));
    }
    Ok(run)
}

/// What a proxy is told that knows the healthy shop.
fn job(shop: SocketAddr, stage: &Stage) -> Job {
    let seats = spillway::demo::database::Parameters::default().best_concurrency;
    // More than a person needs, less than a program that storms takes.
    Job { seats, rate: 1200, burst: 40, ..Job::generous(shop, stage.options.proxy_core) }
}

struct Observation<'a> {
    scenario: &'a Scenario,
    station: &'a LiveStation,
    crowd: &'a Crowd,
    probe: &'a Probe,
}

impl Observation<'_> {
    fn observe(&self) -> Run {
        let began = Instant::now();
        let end = Duration::from_secs_f64(self.scenario.lasts());
        let mut run = Run { samples: Vec::new(), during: Tally::default(), lag: Duration::ZERO };
        let mut everything = Tally::default();
        let mut events = self.scenario.events().iter().peekable();
        let mut reading = Reading::default();
        let (mut before, mut looked) = (0.0, 0_u32);
        while began.elapsed() < end {
            looked += 1;
            thread::sleep((TICK * looked).saturating_sub(began.elapsed()));
            let at = began.elapsed().as_secs_f64();
            let tally = self.crowd.take();
            while let Some((_, trouble)) = events.next_if(|(due, _)| *due <= at) {
                self.station.trouble(*trouble);
            }
            if looked.is_multiple_of(2) {
                reading = self.probe.read();
            }
            run.samples.push(self.sample(before, at, &tally, &reading));
            let (from, to) = self.scenario.trouble();
            if (from..to).contains(&before) {
                run.during.add(&tally);
            }
            everything.add(&tally);
            before = at;
        }
        run.lag = everything.lag(0.99).max(self.station.lag(0.99));
        run
    }

    fn sample(&self, before: f64, at: f64, tally: &Tally, reading: &Reading) -> Sample {
        let offered = self.scenario.offered(f64::midpoint(before, at));
        let Optimum { concurrency, goodput } = self.station.optimum(offered);
        Sample {
            offered: offered.work,
            possible: goodput,
            best: concurrency,
            jobs: self.station.jobs(),
            limit: reading.limit,
            state: reading.state.clone(),
            ..Sample::of(at, at - before, tally)
        }
    }
}
