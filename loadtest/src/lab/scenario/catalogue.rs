//! Every scenario.

use std::time::Duration;

use spillway::demo::database::Parameters;
use spillway::demo::page::Class;
use spillway::demo::shoppers::Habits;
use spillway::demo::station::{Model, Trouble};

use super::{Act, Scenario};

/// Before anything happens.
const CALM: f64 = 8.0;

const BEST: u32 = 40;

/// Every scenario, in the order of the report.
pub(crate) fn catalogue() -> Vec<Scenario> {
    let mut all = surges();
    all.extend(slow_shops());
    all.extend(other_sizes());
    all.extend(other_crowds());
    all.extend(other_models());
    all
}

fn surges() -> Vec<Scenario> {
    let step = |name, about, load| Scenario { about, ..surge(name, load, 20.0, 10.0) };
    vec![
        Scenario {
            about: "0.8 of what the shop can do, all the time",
            trouble: (CALM, 30.0),
            ..steady("steady", 0.8, 30.0)
        },
        step("step-2x", "twice as many shoppers as it can serve, for 20 s", 2.0),
        step("step-5x", "five times as many, for 20 s", 5.0),
        step("step-10x", "ten times as many, for 20 s", 10.0),
        Scenario { about: "ten times as many, for 5 s", ..surge("flash", 10.0, 5.0, 17.0) },
    ]
}

fn slow_shops() -> Vec<Scenario> {
    vec![
        troubled(
            "slow",
            "its database runs at 0.3 of its speed for 10 s",
            0.9,
            10.0,
            Trouble::Speed(0.3),
            Trouble::Speed(1.0),
        ),
        troubled("stuck", "its database is stuck for 8 s", 0.9, 8.0, Trouble::Speed(0.05), Trouble::Speed(1.0)),
        troubled(
            "slow-browse",
            "pages for looking around take 2 s longer, for something that is not the database",
            0.8,
            14.0,
            Trouble::Delay(Class::Browse, Duration::from_secs(2)),
            Trouble::Delay(Class::Browse, Duration::ZERO),
        ),
        Scenario {
            habits: Habits { hot: 0.5, ..habits() },
            ..troubled(
                "hot-product",
                "half of all want one product, whose pages come one after the other",
                0.9,
                14.0,
                Trouble::HotLock(true),
                Trouble::HotLock(false),
            )
        },
    ]
}

fn other_sizes() -> Vec<Scenario> {
    let size = Trouble::BestConcurrency;
    vec![
        Scenario {
            about: "it does best with a quarter of the jobs, for good",
            events: vec![(CALM, size(BEST / 4))],
            trouble: (CALM, 40.0),
            ..steady("quarter", 0.9, 40.0)
        },
        Scenario {
            about: "twice as many shoppers as it can serve; half of its capacity goes for 14 s",
            events: vec![(CALM, size(BEST / 2)), (CALM + 14.0, size(BEST))],
            trouble: (CALM, CALM + 14.0),
            ..steady("halved", 2.0, 36.0)
        },
        Scenario {
            about: "three times as many shoppers as it can serve; it becomes twice as large for 14 s",
            events: vec![(CALM, size(2 * BEST)), (CALM + 14.0, size(BEST))],
            trouble: (CALM, CALM + 14.0),
            ..steady("doubled", 3.0, 36.0)
        },
        Scenario {
            about: "the limit was learned at a shop ten times as large, whose jobs take four times as long",
            parameters: Parameters { best_concurrency: 10 * BEST, speed: 0.25, ..Parameters::default() },
            events: vec![(14.0, size(BEST)), (14.0, Trouble::Speed(1.0))],
            trouble: (14.0, 38.0),
            acts: vec![act(14.0, 3.0), act(24.0, 2.0)],
            only_learners: true,
            ..steady("limit-too-high", 2.0, 38.0)
        },
        Scenario {
            about: "the limit was learned at a shop a tenth as large",
            parameters: Parameters { best_concurrency: BEST / 10, ..Parameters::default() },
            events: vec![(14.0, size(BEST))],
            trouble: (14.0, 38.0),
            acts: vec![act(14.0, 0.2), act(24.0, 2.0)],
            only_learners: true,
            ..steady("limit-too-low", 2.0, 38.0)
        },
    ]
}

fn other_crowds() -> Vec<Scenario> {
    let mix = |lasts, load, buyers| Act { lasts, load, buyers };
    vec![
        Scenario {
            about: "twice as much as it can do; of 5 % who buy, it becomes half of all",
            acts: vec![mix(CALM, 0.8, 0.05), mix(8.0, 2.0, 0.05), mix(12.0, 2.0, 0.5), mix(8.0, 0.8, 0.5)],
            trouble: (CALM, 28.0),
            ..steady("mix-shift", 2.0, 36.0)
        },
        Scenario {
            about: "three times as many; three of ten have programs that try again at once",
            habits: Habits { storming: 0.3, ..habits() },
            ..surge("retry-storm", 3.0, 16.0, 12.0)
        },
        Scenario {
            about: "five times as many for 10 s; who gave up comes back some seconds later, seven of ten times",
            habits: Habits { back_after: Some(Duration::from_secs(4)), leaving: 0.3, ..habits() },
            ..surge("come-back", 5.0, 10.0, 20.0)
        },
    ]
}

fn other_models() -> Vec<Scenario> {
    vec![
        Scenario {
            about: "its caches are lost at 0.8",
            model: Model::Warming,
            events: vec![(CALM, Trouble::Cold)],
            trouble: (CALM, CALM + 12.0),
            ..steady("cold-cache", 0.8, 36.0)
        },
        Scenario {
            about: "five times as many, where more jobs at once do no harm but to their latency",
            model: Model::Pool,
            ..surge("thread-pool", 5.0, 16.0, 12.0)
        },
        Scenario {
            about: "five times as many, where the shop says no at once, but at twice the jobs that it does best with",
            model: Model::Rejecting,
            ..surge("fast-reject", 5.0, 16.0, 12.0)
        },
    ]
}

/// One load all the time.
fn steady(name: &'static str, load: f64, lasts: f64) -> Scenario {
    Scenario {
        name,
        about: "",
        model: Model::Retrograde,
        parameters: Parameters { best_concurrency: BEST, ..Parameters::default() },
        acts: vec![act(lasts, load)],
        events: Vec::new(),
        habits: habits(),
        trouble: (0.0, lasts),
        only_learners: false,
    }
}

/// Calm, many shoppers, calm.
fn surge(name: &'static str, load: f64, lasts: f64, after: f64) -> Scenario {
    Scenario {
        acts: vec![act(CALM, 0.8), act(lasts, load), act(after, 0.8)],
        trouble: (CALM, CALM + lasts),
        ..steady(name, load, CALM + lasts + after)
    }
}

/// One load all the time, and something that befalls the shop and goes away again.
fn troubled(
    name: &'static str,
    about: &'static str,
    load: f64,
    lasts: f64,
    trouble: Trouble,
    end: Trouble,
) -> Scenario {
    Scenario {
        about,
        events: vec![(CALM, trouble), (CALM + lasts, end)],
        trouble: (CALM, CALM + lasts),
        ..steady(name, load, 40.0)
    }
}

fn act(lasts: f64, load: f64) -> Act {
    Act { lasts, load, buyers: 1.0 }
}

/// Shoppers who know what they want, so that a journey fits into a run.
fn habits() -> Habits {
    Habits { thinking: Duration::from_millis(700), ..Habits::default() }
}
