//! What is known of an origin, and what follows from it: the words between those who count, those who judge and those
//! who act.

use std::fmt;
use std::time::Duration;

use super::classes::Slot;
use crate::clock::Nanos;

/// A route as its samples name it: a small number that is the same in every revision that has a route of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteTag(pub u32);

/// How a request at an origin ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finish {
    /// With an answer below 500.
    Good,
    /// With a 5xx, a broken answer, or no connection.
    Failed,
    /// Not in time.
    TimedOut,
    /// In a way that says nothing of the origin: a tunnel, a request broken off by its client.
    Gone,
}

/// Something that happened to a request at an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It was sent.
    Began {
        /// Its route.
        route: RouteTag,
        /// When.
        at: Nanos,
    },
    /// Its answer began, or will not come.
    Ended {
        /// Its route.
        route: RouteTag,
        /// Its class.
        class: Slot,
        /// How.
        finish: Finish,
        /// When it began, exactly as was said then.
        began: Nanos,
        /// Time that the origin took: without that for a connection or for a body that its client had yet to send.
        latency: Duration,
    },
}

/// What happened at the seats of an origin since the last time it was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QueueCounts {
    /// Newcomers that were given a seat.
    pub begun: u64,
    /// Newcomers that were not: refused, shed, or tired of waiting.
    pub turned_away: u64,
    /// Requests of returning shoppers that were given a seat.
    pub returned: u64,
    /// Sum of the times that they had waited in line, in seconds.
    pub waited: f64,
    /// Requests of returning shoppers that were given none.
    pub failed: u64,
    /// Returning ones in line now.
    pub waiting: u32,
    /// Newcomers in line now.
    pub newcomers_waiting: u32,
}

/// A class as its judge sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassGoal {
    /// The class.
    pub slot: Slot,
    /// Past this latency it is in trouble.
    pub latency_goal: Option<Duration>,
}

/// One origin over one tick.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// The end of it.
    pub now: Nanos,
    /// What happened, in about the order it did.
    pub events: &'a [Event],
    /// Events that were lost because there were too many.
    pub lost: u64,
    /// Seats in use at the end.
    pub in_use: u32,
    /// Shoppers who have begun and are not gone, as far as can be told; 0 where nobody counts them.
    pub active: u32,
    /// What happened at the seats.
    pub queue: QueueCounts,
    /// Utilisation as the origin tells it, 1.0 being full.
    pub utilisation: Option<f64>,
    /// The classes in force, most important first.
    pub classes: &'a [ClassGoal],
}

/// How an origin is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Its capacity is not known yet.
    Learning,
    /// It does well at its limit, or has not reached it.
    Steady,
    /// It has more than it does best with, or says so.
    Overloaded,
    /// It is stuck: it is given little until it answers as it should, and then more step by step.
    Recovering,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Learning, Self::Steady, Self::Overloaded, Self::Recovering];

    /// Its word in metrics and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Steady => "steady",
            Self::Overloaded => "overloaded",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which signal moved the limit last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing has yet.
    Start,
    /// Latencies are as at rest, and seats run out.
    Headroom,
    /// More at once brought more done.
    Gain,
    /// More at once brought no more done, or fewer no less.
    NoGain,
    /// Latencies are above those at rest.
    Latency,
    /// Requests stay without an answer for much longer than usual.
    Stalled,
    /// Answers are failures or do not come.
    Errors,
    /// A class is past its latency goal.
    Goal,
    /// The origin says that it is full.
    Report,
    /// Much less gets done than the same number at once brought before.
    Stuck,
    /// The origin answers as at rest again.
    Recovered,
    /// The bounds of the configuration.
    Bounds,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 12] = [
        Self::Start,
        Self::Headroom,
        Self::Gain,
        Self::NoGain,
        Self::Latency,
        Self::Stalled,
        Self::Errors,
        Self::Goal,
        Self::Report,
        Self::Stuck,
        Self::Recovered,
        Self::Bounds,
    ];

    /// Its word in metrics, status and log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Headroom => "headroom",
            Self::Gain => "gain",
            Self::NoGain => "no_gain",
            Self::Latency => "latency",
            Self::Stalled => "stalled",
            Self::Errors => "errors",
            Self::Goal => "latency_goal",
            Self::Report => "report",
            Self::Stuck => "stuck",
            Self::Recovered => "recovered",
            Self::Bounds => "bounds",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is to be done with an origin until the next tick.
#[derive(Debug, Clone, PartialEq)]
pub struct Directive {
    /// Requests at the origin at once.
    pub limit: u32,
    /// Most seats some classes may hold for now.
    pub caps: Vec<(Slot, u32)>,
    /// Shoppers that may begin until the next tick, so that those who have begun can finish; infinite where the seats are
    /// not short, or it is not known.
    pub may_begin: f64,
    /// Shoppers a second that the origin carries through a whole visit; infinite where it is not known.
    pub begin_rate: f64,
    /// Whether the seats are short, so that newcomers are held to `may_begin`.
    pub pressed: bool,
    /// Whether requests are refused for want of seats, so that none may be sent a second time.
    pub shedding: bool,
    /// How the origin is doing.
    pub state: State,
    /// What moved the limit last.
    pub cause: Cause,
}

/// Bounds of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Never fewer at once; at least 1.
    pub min: u32,
    /// Never more at once; at least `min`.
    pub max: u32,
}

/// What a route takes when the origin is at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// The route.
    pub route: RouteTag,
    /// Time to the head of its answer.
    pub latency: Duration,
    /// How much longer it took of late, in times of `latency`; `None` when it was not asked for.
    pub ratio: Option<f64>,
}

/// Decides how many requests an origin is given at once.
pub trait Governor: fmt::Debug + Send {
    /// Learns what happened, and decides; called about ten times a second.
    fn tick(&mut self, window: &Window<'_>) -> Directive;

    /// Takes over new bounds.
    fn set_bounds(&mut self, bounds: Bounds);

    /// What it knows of routes, in the order of their tags; nothing, unless it learns of them.
    fn baselines(&self) -> Vec<Baseline> {
        Vec::new()
    }

    /// Begins with what was known of routes before a restart, if that is of use.
    fn restore(&mut self, _baselines: &[(RouteTag, Duration)]) {}
}
