//! What serves the shop's pages, as a model: jobs go in, take their time together, and come out.
//!
//! | model | what it is like |
//! | --- | --- |
//! | [`Database`] | shared by all jobs; past its best number of jobs the throughput of all together falls |
//! | [`Pool`] | some threads with a queue in front; more jobs only wait longer |
//! | [`Warming`] | a database behind a cache; slow until the cache is warm again |
//! | [`Rejecting`] | says no at once to whatever is more than it wants, and wants too much |
//!
//! [`Application`] stands before each of them, for troubles that are not the database's: pages that wait for something
//! else, and a product that everybody wants at once.
//!
//! A job runs to its end whether or not anybody still wants the answer. Time is an argument: a duration since any fixed
//! moment that never goes back.

mod live;

pub use live::{Done, LiveStation};

use std::fmt;
use std::time::Duration;
use std::vec::Drain;

use super::application::Application;
use super::database::{Database, Parameters};
use super::page::Class;
use super::pool::Pool;
use super::rejecting::Rejecting;
use super::warming::Warming;

/// Names a job; chosen by whoever starts it, different for each job under way.
pub type JobId = u64;

/// Something to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// Time that it would take alone.
    pub work: Duration,
    /// The class of the page it is for.
    pub class: Class,
    /// Whether it is for the product that everybody wants.
    pub hot: bool,
}

/// What became of a job that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// It is under way, and will be among the finished.
    Running,
    /// It was refused at once.
    Rejected,
}

/// Work that is asked for, in seconds of it each second; 1.0 keeps one job running all the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offered {
    /// All of it.
    pub work: f64,
    /// Of it, work for the hot product.
    pub hot: f64,
}

impl Offered {
    /// More than any station can do, none of it for the hot product.
    pub const MORE_THAN_ENOUGH: Self = Self { work: f64::INFINITY, hot: 0.0 };
}

/// The best that a controller in front could get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// Jobs at once, those included that wait for something else than the station.
    pub concurrency: f64,
    /// Seconds of work done each second.
    pub goodput: f64,
}

/// What may befall a station. A model that has no such part is not troubled by it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trouble {
    /// Everything runs at this speed, 1.0 being healthy; 0.05 is a database that is stuck.
    Speed(f64),
    /// It does best with this many jobs at once.
    BestConcurrency(u32),
    /// Jobs of this class wait so long for something else before they begin; zero ends it.
    Delay(Class, Duration),
    /// Jobs for the hot product run one after the other, or freely again.
    HotLock(bool),
    /// Caches are empty.
    Cold,
}

/// A model of what serves pages.
pub trait Station: fmt::Debug + Send {
    /// Brings a job.
    fn start(&mut self, job: Job, now: Duration) -> Started;

    /// When something happens next, if nothing is brought or changed until then. Not always a job's end.
    fn next(&self) -> Option<Duration>;

    /// Jobs that have ended by `now` and were not reported before, in the order they ended.
    fn finished(&mut self, now: Duration) -> Drain<'_, JobId>;

    /// Jobs under way, those included that wait for their turn.
    fn jobs(&self) -> usize;

    /// The best that could be got out of it as it is now.
    fn optimum(&self, offered: Offered) -> Optimum;

    /// Changes what it can do from `now` on; jobs under way continue as it then can.
    fn trouble(&mut self, trouble: Trouble, now: Duration);
}

/// The models by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Model {
    /// [`Database`].
    Retrograde,
    /// [`Pool`].
    Pool,
    /// [`Warming`].
    Warming,
    /// [`Rejecting`].
    Rejecting,
}

impl Model {
    /// Every model.
    pub const ALL: [Self; 4] = [Self::Retrograde, Self::Pool, Self::Warming, Self::Rejecting];

    /// Its name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retrograde => "retrograde",
            Self::Pool => "pool",
            Self::Warming => "warming",
            Self::Rejecting => "rejecting",
        }
    }

    /// An idle station of this kind, behind an [`Application`].
    #[must_use]
    pub fn build(self, parameters: Parameters) -> Box<dyn Station> {
        match self {
            Self::Retrograde => Box::new(Application::new(Database::new(parameters))),
            Self::Pool => Box::new(Application::new(Pool::new(parameters))),
            Self::Warming => Box::new(Application::new(Warming::new(parameters))),
            Self::Rejecting => {
                Box::new(Rejecting::new(Application::new(Database::new(parameters)), parameters.best_concurrency))
            }
        }
    }
}

#[cfg(test)]
mod tests;
