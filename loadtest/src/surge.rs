//! The demo's shop and its shoppers through each proxy with a fixed capacity, or through none.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use spillway::demo::database::Parameters;
use spillway::demo::page::Page;
use spillway::demo::shoppers::{Crowd, Habits, Stretch, Tally, Timeline};
use spillway::demo::station::{LiveStation, Model, Trouble};
use spillway::demo::storefront::Storefront;

use crate::peer::{Job, Peer};
use crate::report::{Figure, Goal};
use crate::stage::Stage;

/// Options of `surge`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// What happens
    #[arg(long, value_enum, default_value_t = Scenario::Surge)]
    pub(crate) scenario: Scenario,
    /// Load in times of the database's capacity, during a surge
    #[arg(long, default_value_t = 5.0)]
    pub(crate) load: f64,
}

/// What happens to the shop in the second of three stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Many times more shoppers than it can serve
    Surge,
    /// Its database is stuck for 8 s at 0.9 of its capacity
    Stuck,
    /// Its database does best with half as many jobs, under a surge, and nobody tells the proxy
    Halved,
}

const CALM: f64 = 0.6;
const BEFORE: Duration = Duration::from_secs(10);
const TROUBLE: Duration = Duration::from_secs(20);
const AFTER: Duration = Duration::from_secs(15);
const STUCK: Duration = Duration::from_secs(8);
const STUCK_SPEED: f64 = 0.05;

/// Who stands before the shop.
#[derive(Debug, Clone, Copy)]
enum Guard {
    Nobody,
    Proxy(Peer),
}

/// Goodput and journeys while there is trouble, and goodput afterwards.
pub(crate) fn surge(stage: &Stage, options: Options) -> Vec<Figure> {
    let guards: Vec<Guard> =
        std::iter::once(Guard::Nobody).chain(stage.peers().into_iter().map(Guard::Proxy)).collect();
    let [during, orders, completed, after] =
        stage.rounds(&guards, |guard| guard.name().to_owned(), |guard| play(stage, *guard, options));
    let what = match options.scenario {
        Scenario::Surge => format!("surge to {}×", options.load),
        Scenario::Stuck => "stuck for 8 s at 0.9×".to_owned(),
        Scenario::Halved => format!("half the concurrency at {}×", options.load),
    };
    let figure = |name: &str, rows| Figure {
        name: format!("{what}: {name}"),
        unit: "%",
        rows,
        goal: Goal::Shown,
        notes: Vec::new(),
    };
    vec![
        figure("goodput during, of the possible", during),
        figure("journeys finished from the trouble to the end, of the possible", orders),
        figure("finished of those who got in, from the trouble to the end", completed),
        figure("goodput in the last 5 s, of the demand", after),
    ]
}

/// Keeps the shop open until the program is ended.
pub(crate) fn open_shop(port: u16) -> Result<Vec<Figure>, String> {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let shop = Storefront::open(address, Model::Retrograde.build(Parameters::default()))
        .map_err(|error| format!("port {port}: {error}"))?;
    println!("The shop is open at http://{}/", shop.address());
    loop {
        thread::park();
    }
}

/// One run; percentages in the order of the figures.
fn play(stage: &Stage, guard: Guard, options: Options) -> Result<[f64; 4], String> {
    let healthy = Parameters::default();
    let station = Model::Retrograde.build(healthy);
    let shop = Storefront::open((Ipv4Addr::LOCALHOST, 0).into(), station).map_err(|error| error.to_string())?;
    let job = Job { seats: healthy.best_concurrency, ..Job::generous(shop.address(), stage.options.proxy_core) };
    let proxy = match guard {
        Guard::Nobody => None,
        Guard::Proxy(peer) => Some(stage.start(peer, &job)?),
    };
    let target: SocketAddr = proxy.as_ref().map_or(shop.address(), |proxy| proxy.address);
    let crowd = Crowd::gather(target, options.timeline(), Habits::default(), 11).map_err(|error| error.to_string())?;
    thread::sleep(BEFORE);
    let before = crowd.take();
    let troubled = Instant::now();
    let possible_each_second = options.trouble(shop.station());
    let during = crowd.take();
    let possible = possible_each_second * troubled.elapsed().as_secs_f64();
    thread::sleep(AFTER.saturating_sub(LAST));
    let mut rest = crowd.take();
    let ending = Instant::now();
    thread::sleep(LAST);
    let last = crowd.take();
    let end = ending.elapsed();
    rest.add(&during);
    rest.add(&last);
    eprintln!("    before {}; during {}; the last 5 s {}", said(&before), said(&during), said(&last));
    let share = |done: f64, possible: f64| if possible > 0.0 { 100.0 * done / possible } else { 0.0 };
    let capacity = f64::from(healthy.best_concurrency);
    let orders_possible = (possible + capacity * AFTER.as_secs_f64()) / work_of_a_journey();
    Ok([
        share(during.work.as_secs_f64(), possible),
        share(rest.finished as f64, orders_possible),
        share(rest.finished as f64, rest.entered as f64),
        // Those whom the surge has held up may come on top.
        share(last.work.as_secs_f64(), capacity * options.calm() * end.as_secs_f64()).min(100.0),
    ])
}

/// The end of a run, by when things should be as before.
const LAST: Duration = Duration::from_secs(5);

impl Options {
    fn timeline(&self) -> Timeline {
        let capacity = f64::from(Parameters::default().best_concurrency) / work_of_a_journey();
        let stretch = |lasts, load| Stretch { lasts, rate: load * capacity, buyers: 1.0 };
        let trouble = match self.scenario {
            Scenario::Surge | Scenario::Halved => self.load,
            Scenario::Stuck => self.calm(),
        };
        Timeline::new(vec![
            stretch(BEFORE, self.calm()),
            stretch(TROUBLE, trouble),
            stretch(Duration::MAX / 2, self.calm()),
        ])
    }

    fn calm(&self) -> f64 {
        match self.scenario {
            Scenario::Surge | Scenario::Halved => CALM,
            Scenario::Stuck => 0.9,
        }
    }

    /// Makes the trouble, and gives the work that was possible in each of its seconds, in seconds.
    fn trouble(&self, station: &LiveStation) -> f64 {
        let healthy = Parameters::default();
        let best = f64::from(healthy.best_concurrency);
        match self.scenario {
            Scenario::Surge => {
                thread::sleep(TROUBLE);
                best
            }
            Scenario::Stuck => {
                station.trouble(Trouble::Speed(STUCK_SPEED));
                thread::sleep(STUCK);
                station.trouble(Trouble::Speed(1.0));
                thread::sleep(TROUBLE.saturating_sub(STUCK));
                let stuck = STUCK.div_duration_f64(TROUBLE);
                best * (1.0 - stuck + stuck * STUCK_SPEED)
            }
            Scenario::Halved => {
                station.trouble(Trouble::BestConcurrency(healthy.best_concurrency / 2));
                thread::sleep(TROUBLE);
                station.trouble(Trouble::BestConcurrency(healthy.best_concurrency));
                best / 2.0
            }
        }
    }
}

impl Guard {
    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "no proxy",
            Self::Proxy(peer) => peer.name(),
        }
    }
}

/// The database's work for one shopper, from the front page to the confirmation.
fn work_of_a_journey() -> f64 {
    Page::ALL.iter().map(|page| page.work().as_secs_f64()).sum()
}

fn said(tally: &Tally) -> String {
    format!(
        "{} of {} served, {} refused, {} left, {} broken, {} orders",
        tally.served(),
        tally.offered(),
        tally.refused.values().sum::<u64>(),
        tally.left,
        tally.broken,
        tally.finished,
    )
}
