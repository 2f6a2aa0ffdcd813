//! The proxy is killed again and again under a crowd that remembers every answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::venue::{Terms, Venue};
use super::witness::book::{Book, Fault};
use super::witness::crowd::{Crowd, Tally};
use crate::origin::Origin;
use crate::peer::{Peer, Proxy};
use crate::report::{Figure, Goal, Row};
use crate::stage::Stage;

/// Options of `kill`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// How often, in all
    #[arg(long, default_value_t = 1000)]
    pub(crate) kills: u32,
    /// Proxies at once, each with a crowd and a state directory of its own
    #[arg(long, default_value_t = 16)]
    pub(crate) at_once: u32,
    /// Decides who does what, and when
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Shoppers of a crowd, and how many of them may be inside: a line that is mostly there, and now and then is not.
const SHOPPERS: u32 = 48;
const CAP: usize = 16;
/// Most processes are killed after so many answers at most, and more of them after a few than after many.
const SHORT: f64 = 400.0;
/// One of so many is killed after so many: long enough that people are called who have outlived the one before.
const LONG_OF: u8 = 3;
const LONG: std::ops::Range<u64> = 300..700;
/// Some are killed before they are ready.
const STILLBORN: u8 = 16;
const STARTING: Duration = Duration::from_millis(150);
/// A proxy that answers nobody for this long will not any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// Places lost, doubled or reordered, and shoppers above the cap.
pub(crate) fn kill(stage: &Stage, options: Options) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let houses = options.at_once.clamp(1, options.kills.max(1));
    let began = Instant::now();
    let outcomes: Vec<Result<(Book, Tally), String>> = thread::scope(|scope| {
        let haunt = |house: u32| {
            let kills = options.kills / houses + u32::from(house < options.kills % houses);
            let address = origin.address;
            scope.spawn(move || haunt(stage, house, address, kills, options.seed + u64::from(house)))
        };
        let threads: Vec<_> = (0..houses).map(haunt).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a house broke".to_owned()))).collect()
    });
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let count = |fault| outcomes.iter().map(|(book, _)| book.count(fault)).sum::<usize>() as f64;
    let total = |of: fn(&Tally) -> u64| outcomes.iter().map(|(_, tally)| of(tally)).sum::<u64>();
    let mut notes = vec![
        format!("{} kills in {:.0} s, {houses} proxies at once", options.kills, began.elapsed().as_secs_f64()),
        format!(
            "{} joined, {} came in directly, {} polls, {} called, {} gave up, {} orders, {} questions without an answer",
            total(|tally| tally.joined),
            total(|tally| tally.directly),
            total(|tally| tally.polls),
            total(|tally| tally.called),
            total(|tally| tally.left),
            total(|tally| tally.done),
            total(|tally| tally.unanswered),
        ),
    ];
    notes.extend(outcomes.iter().flat_map(|(book, _)| book.told()).take(20));
    let figure = |name: &str, unit, faults: &[Fault], notes| Figure {
        name: format!("{name} over {} kill -9", options.kills),
        unit,
        rows: vec![Row::measured(Peer::Spillway.name(), vec![faults.iter().map(|fault| count(*fault)).sum()])],
        goal: Goal::AtMost(0.0),
        notes,
    };
    let most = outcomes.iter().map(|(book, _)| book.most()).max().unwrap_or_default();
    Ok(vec![
        figure("places lost or sent back", "places", &[Fault::Lost, Fault::SentBack], notes),
        figure("places doubled or reordered", "places", &[Fault::Doubled, Fault::Reordered], Vec::new()),
        figure(
            "times above the cap",
            "times",
            &[Fault::AboveTheCap],
            vec![format!("at most {most} were inside or called for certain, {CAP} may be")],
        ),
    ])
}

/// Kills one proxy so often.
fn haunt(stage: &Stage, house: u32, origin: SocketAddr, kills: u32, seed: u64) -> Result<(Book, Tally), String> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let terms = Terms {
        mode: if house.is_multiple_of(2) { "auto" } else { "always" },
        cap: CAP,
        rate: "50/s".to_owned(),
        claim: "10s",
        workers: 2,
        cores: vec![stage.options.proxy_core, stage.options.load_core],
    };
    let venue = Venue::build(stage, &format!("house-{house}"), &terms, origin)?;
    let mut proxy = venue.open()?;
    let address = Arc::new(Mutex::new(venue.address));
    let crowd = Crowd::gather(address, SHOPPERS, CAP, seed).map_err(|error| error.to_string())?;
    for _ in 0..kills {
        let long = dice.u8(..LONG_OF) == 0;
        let life = if long { dice.u64(LONG) } else { SHORT.powf(dice.f64()) as u64 };
        let alive = until_heard(&crowd, &mut proxy, life);
        thread::sleep(Duration::from_micros(dice.u64(..3_000)));
        proxy.program.kill();
        alive.map_err(|problem| format!("{problem}\n{}", proxy.said()))?;
        if dice.u8(..) < STILLBORN {
            let mut stillborn = venue.start()?;
            thread::sleep(STARTING.mul_f64(dice.f64()));
            stillborn.program.kill();
        }
        proxy = venue.start()?;
    }
    until_heard(&crowd, &mut proxy, LONG.end).map_err(|problem| format!("{problem}\n{}", proxy.said()))?;
    crowd.finish().map_err(|error| error.to_string())
}

/// Waits until the crowd has heard so many answers more.
fn until_heard(crowd: &Crowd, proxy: &mut Proxy, more: u64) -> Result<(), String> {
    let goal = crowd.answers() + more;
    let (mut heard, mut deadline) = (crowd.answers(), Instant::now() + PATIENCE);
    while heard < goal {
        if proxy.program.ended() {
            return Err("the proxy ended by itself".to_owned());
        }
        if crowd.is_gone() || Instant::now() > deadline {
            return Err("nobody hears an answer any more".to_owned());
        }
        // A long line asks rarely: only silence is a failure.
        if crowd.answers() > heard {
            (heard, deadline) = (crowd.answers(), Instant::now() + PATIENCE);
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
