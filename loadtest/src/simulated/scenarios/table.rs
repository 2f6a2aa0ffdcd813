//! The scenarios as data.

use std::time::Duration;

use spillway::demo::page::Class;
use spillway::demo::station::{Model, Trouble};

use super::{Phases, Scenario};
use crate::simulated::figures::Goals;
use crate::simulated::shopper::Habits;

/// A quarter of a minute of calm, as much of trouble, and as much after it.
const PHASES: Phases = Phases { calm: 8.0, trouble: 15.0, grace: 2.0, over: 30.0, recovery: 5.0, end: 45.0 };

/// The same with a trouble that lasts until `over`.
const fn until(over: f64) -> Phases {
    Phases { over, end: over + 15.0, ..PHASES }
}

/// For a trouble that the origin is back from after a while: within 15 s.
const fn until_and_back(over: f64) -> Phases {
    Phases { over, recovery: 15.0, end: over + 30.0, ..PHASES }
}

const GOALS: Goals = Goals { before: 0.9, refused: 0.01, after: 0.9, recovery: 8.0, ..Goals::NONE };

/// Where more is asked for than can be done from the beginning, so that nothing is refused wrongly.
const FULL: Goals = Goals { before: 0.8, refused: 1.0, ..GOALS };

/// A step of the load to several times of what can be done, and back.
const STEP: Goals = Goals { during: 0.95, finished: 0.85, finished_of_begun: 0.98, to_90: 1.0, ..GOALS };

/// The origin all but stops. What counts is that it comes back.
const STOP: Goals = Goals { recovery: 15.0, ..GOALS };

const PLAIN: Scenario = Scenario {
    name: "",
    model: Model::Retrograde,
    size: 40,
    scattered: false,
    load: &[(0.0, 0.6)],
    habits: &[(0.0, Habits::USUAL)],
    troubles: &[],
    phases: PHASES,
    goals: GOALS,
};

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "steady", load: &[(0.0, 0.8)], goals: Goals { during: 0.94, to_90: 0.5, ..GOALS }, ..PLAIN },
    Scenario {
        name: "step-2",
        load: &[(0.0, 0.6), (15.0, 2.0), (45.0, 0.6)],
        phases: until(45.0),
        goals: STEP,
        ..PLAIN
    },
    Scenario {
        name: "step-5",
        load: &[(0.0, 0.6), (15.0, 5.0), (45.0, 0.6)],
        phases: until(45.0),
        goals: STEP,
        ..PLAIN
    },
    Scenario {
        name: "step-10",
        load: &[(0.0, 0.6), (15.0, 10.0), (45.0, 0.6)],
        phases: until(45.0),
        goals: STEP,
        ..PLAIN
    },
    Scenario {
        name: "flash",
        load: &[(0.0, 0.6), (15.0, 10.0), (20.0, 0.6)],
        phases: Phases { grace: 1.0, ..until(20.0) },
        goals: STEP,
        ..PLAIN
    },
    Scenario {
        name: "slow-database",
        load: &[(0.0, 0.9)],
        troubles: &[(15.0, Trouble::Speed(0.3)), (25.0, Trouble::Speed(1.0))],
        phases: until(25.0),
        goals: Goals { during: 0.75, ..GOALS },
        ..PLAIN
    },
    Scenario {
        name: "stuck",
        load: &[(0.0, 0.9)],
        troubles: &[(15.0, Trouble::Speed(0.05)), (23.0, Trouble::Speed(1.0))],
        phases: until_and_back(23.0),
        goals: STOP,
        ..PLAIN
    },
    Scenario {
        name: "quarter",
        load: &[(0.0, 0.9)],
        troubles: &[(15.0, Trouble::BestConcurrency(10)), (35.0, Trouble::BestConcurrency(40))],
        phases: until(35.0),
        goals: Goals { during: 0.6, finished_of_begun: 0.98, ..GOALS },
        ..PLAIN
    },
    Scenario {
        name: "halved",
        load: &[(0.0, 0.6), (8.0, 3.0)],
        troubles: &[(15.0, Trouble::BestConcurrency(20)), (30.0, Trouble::BestConcurrency(40))],
        goals: Goals { during: 0.7, ..FULL },
        ..PLAIN
    },
    Scenario {
        name: "doubled",
        load: &[(0.0, 0.6), (8.0, 3.0)],
        troubles: &[(15.0, Trouble::BestConcurrency(80)), (30.0, Trouble::BestConcurrency(40))],
        goals: Goals { during: 0.75, after: 0.8, recovery: 12.0, ..FULL },
        ..PLAIN
    },
    Scenario {
        name: "slow-browsing",
        load: &[(0.0, 0.8)],
        troubles: &[
            (15.0, Trouble::Delay(Class::Browse, Duration::from_secs(2))),
            (45.0, Trouble::Delay(Class::Browse, Duration::ZERO)),
        ],
        // Until then visits that take longer ask for less.
        phases: Phases { grace: 14.0, ..until(45.0) },
        // Checkout is to notice nothing, and it does; those who were held up all come back at once.
        goals: Goals { after: 0.75, during: 0.5, checkout: 0.5, recovery: 12.0, ..GOALS },
        ..PLAIN
    },
    Scenario {
        name: "mix-shift",
        load: &[(0.0, 0.6), (8.0, 5.0)],
        habits: &[(0.0, Habits::USUAL.with_lookers(0.95)), (15.0, Habits::USUAL.with_lookers(0.5))],
        goals: Goals { during: 0.95, ..FULL },
        ..PLAIN
    },
    Scenario {
        name: "hot-product",
        load: &[(0.0, 0.9)],
        habits: &[(0.0, Habits::USUAL), (15.0, Habits::USUAL.with_hot(0.45)), (30.0, Habits::USUAL)],
        troubles: &[(15.0, Trouble::HotLock(true)), (30.0, Trouble::HotLock(false))],
        goals: Goals { during: 0.7, after: 0.85, ..GOALS },
        ..PLAIN
    },
    Scenario {
        name: "retry-storm",
        load: &[(0.0, 0.6), (15.0, 3.0), (45.0, 0.6)],
        habits: &[(0.0, Habits::STORMING)],
        // Until then pages are missing of those who were turned away for good.
        phases: until_and_back(45.0),
        goals: STEP,
        ..PLAIN
    },
    Scenario {
        name: "pool",
        model: Model::Pool,
        load: &[(0.0, 0.6), (15.0, 5.0), (45.0, 0.6)],
        phases: until(45.0),
        goals: Goals { checkout_p99: 1.0, ..STEP },
        ..PLAIN
    },
    Scenario {
        name: "cold-cache",
        model: Model::Warming,
        load: &[(0.0, 0.9)],
        troubles: &[(15.0, Trouble::Cold)],
        goals: Goals { during: 0.7, to_90: 3.0, ..GOALS },
        ..PLAIN
    },
    Scenario {
        name: "rejecting",
        model: Model::Rejecting,
        load: &[(0.0, 0.6), (15.0, 5.0), (45.0, 0.6)],
        phases: until(45.0),
        goals: STEP,
        ..PLAIN
    },
    Scenario {
        name: "ten-times-too-low",
        size: 4,
        load: &[(0.0, 0.2), (15.0, 2.0)],
        troubles: &[(15.0, Trouble::BestConcurrency(40))],
        phases: Phases { grace: 10.0, ..until(35.0) },
        // Ten seconds are meant; one crowd in three takes eleven.
        goals: Goals { before: 0.5, during: 0.9, to_90: 12.0, ..FULL },
        ..PLAIN
    },
    Scenario {
        name: "ten-times-too-high",
        size: 400,
        load: &[(0.0, 9.0), (15.0, 2.0)],
        troubles: &[(15.0, Trouble::BestConcurrency(40))],
        phases: Phases { grace: 10.0, ..until(35.0) },
        goals: Goals { during: 0.9, after: 0.7, to_90: 10.0, ..GOALS },
        ..PLAIN
    },
    Scenario {
        name: "no-answers",
        load: &[(0.0, 0.8)],
        troubles: &[(15.0, Trouble::Speed(0.0)), (30.0, Trouble::Speed(1.0))],
        goals: STOP,
        phases: until_and_back(30.0),
        ..PLAIN
    },
    Scenario {
        name: "scattered",
        scattered: true,
        load: &[(0.0, 0.6), (15.0, 5.0), (45.0, 0.6)],
        phases: until(45.0),
        goals: STEP,
        ..PLAIN
    },
];
