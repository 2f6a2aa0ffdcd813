//! The scenarios, and what a governor must reach in each.

mod table;

use spillway::demo::database::Parameters;
use spillway::demo::station::{Model, Trouble};
use spillway::overload::Bounds;

use super::figures::{Figures, Goals};
use super::play::{FULL, Play, at};
use super::shopper::Habits;

pub(crate) use table::SCENARIOS;

/// One of them. Times are in seconds, loads in times of what a healthy origin of the usual size can do.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    model: Model,
    /// Jobs at once that the origin does best at first.
    size: u32,
    scattered: bool,
    /// From each time on.
    load: &'static [(f64, f64)],
    habits: &'static [(f64, Habits)],
    troubles: &'static [(f64, Trouble)],
    pub(crate) phases: Phases,
    pub(crate) goals: Goals,
}

/// What is looked at, in seconds from the beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phases {
    /// From when on everything is as it should be.
    pub(crate) calm: f64,
    /// When the trouble begins.
    pub(crate) trouble: f64,
    /// So much later it is looked at.
    pub(crate) grace: f64,
    /// When it is over.
    pub(crate) over: f64,
    /// So much later everything should be as before.
    pub(crate) recovery: f64,
    pub(crate) end: f64,
}

impl Scenario {
    pub(crate) fn play(&self) -> Play {
        Play {
            lasting: at(self.phases.end),
            model: self.model,
            parameters: Parameters { best_concurrency: self.size, ..Parameters::default() },
            bounds: Bounds { min: 4, max: 1000 },
            arrivals: self.load.iter().map(|(from, load)| (at(*from), load * FULL)).collect(),
            habits: self.habits.iter().map(|(from, habits)| (at(*from), *habits)).collect(),
            troubles: self.troubles.iter().map(|(from, trouble)| (at(*from), *trouble)).collect(),
            scattered: self.scattered,
        }
    }

    /// What of the goals was missed, in words.
    pub(crate) fn misses(&self, figures: &Figures) -> Vec<String> {
        self.goals.misses(figures)
    }
}
