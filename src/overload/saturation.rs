//! The proxy's own saturation: from how full a resource is to how much is refused for its sake.
//!
//! A [`Level`] rises at once and falls one step at a time. Every step is left lower than it was entered, and only after
//! [`CALM`], so that what a step saved does not bring it back.

use std::time::Duration;

use crate::clock::Nanos;
use crate::config::settings::{ClassIndex, ClassSettings};

/// How long a resource must do without a step before it is given up: a scrape or a burst is shorter.
pub const CALM: Duration = Duration::from_secs(1);

/// Steps that classes without a guarantee share out among them.
const SHARED: usize = 3;
/// Every step above [`Level::NORMAL`].
const STEPS: usize = SHARED + 2;

/// How much is refused so that the proxy itself survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Level(u8);

impl Level {
    /// Nothing is refused.
    pub const NORMAL: Self = Self(0);
    /// Background is refused: classes that neither wait nor have a guarantee.
    pub const ELEVATED: Self = Self(1);
    /// Everything is refused but the most important class.
    pub const CRITICAL: Self = Self(STEPS as u8);

    /// Every level, from the lowest.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..=STEPS as u8).map(Self)
    }

    /// From 0, which is normal.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The level of a [number](Self::number); what is past the highest is the highest.
    #[must_use]
    pub const fn of(number: u8) -> Self {
        if number > Self::CRITICAL.0 { Self::CRITICAL } else { Self(number) }
    }

    /// The word of log and status. Between elevated and critical, classes without a guarantee are refused too, the least
    /// important first.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NORMAL => "normal",
            Self::ELEVATED => "elevated",
            Self::CRITICAL => "critical",
            Self(_) => "high",
        }
    }

    /// Whether requests of `class` are refused. The first of `classes`, the most important, never is.
    #[must_use]
    pub fn sheds(self, class: ClassIndex, classes: &[ClassSettings]) -> bool {
        if self == Self::NORMAL || class == 0 {
            return false;
        }
        let Some(settings) = classes.get(class).filter(|_| self < Self::CRITICAL) else {
            return self == Self::CRITICAL;
        };
        if !is_optional(settings) {
            return is_background(settings);
        }
        let optional = classes.iter().skip(1).filter(|class| is_optional(class)).count();
        let below = classes.iter().skip(class + 1).filter(|class| is_optional(class)).count();
        below * SHARED < optional * usize::from(self.0 - Self::ELEVATED.0)
    }
}

fn is_background(class: &ClassSettings) -> bool {
    class.guaranteed <= 0.0 && class.max_wait.is_zero()
}

fn is_optional(class: &ClassSettings) -> bool {
    class.guaranteed <= 0.0 && !class.max_wait.is_zero()
}

/// Where the steps of a resource begin and end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The value from which each step is taken, rising.
    enter: [f64; STEPS],
    /// The share of that value below which it is given up, under 1.
    leave: f64,
}

impl Scale {
    /// Client connections of those that may be open. Nothing is refused on connections that are: the level says that
    /// idle ones are closed to make room, and at the last that new ones are refused.
    pub const CONNECTIONS: Self = Self { enter: [0.85, 0.90, 0.94, 0.97, 1.0], leave: 0.97 };
    /// Descriptors of those that may be open. Client connections alone cannot get past [`connections_within`].
    pub const DESCRIPTORS: Self = Self { enter: [0.88, 0.91, 0.93, 0.95, 0.97], leave: 0.97 };
    /// Resident memory of what the process may have: past the last step the kernel is about to end it.
    pub const MEMORY: Self = Self { enter: [0.80, 0.86, 0.89, 0.92, 0.95], leave: 0.97 };
    /// Seconds that a worker comes late, smoothed. Half a tenth is felt by a shopper; at four tenths every health check
    /// in front of the proxy is about to fail.
    pub const POLL_DELAY: Self = Self { enter: [0.05, 0.10, 0.15, 0.20, 0.40], leave: 0.7 };

    /// Below this value even the lowest step is given up.
    #[must_use]
    pub fn floor(&self) -> f64 {
        self.enter.first().map_or(0.0, |enter| enter * self.leave)
    }

    /// The highest step that begins at or under `value`.
    fn reached(&self, value: f64) -> Level {
        Level(self.enter.iter().take_while(|enter| value >= **enter).count() as u8)
    }

    /// Whether `level` is given up at `value`. A value that is no number says nothing.
    fn is_left(&self, level: Level, value: f64) -> bool {
        let entered = usize::from(level.0).checked_sub(1).and_then(|step| self.enter.get(step));
        entered.is_some_and(|enter| value < enter * self.leave)
    }
}

/// The level of one resource over time.
#[derive(Debug, Clone)]
pub struct Judge {
    scale: Scale,
    level: Level,
    /// When the level was last entered or needed.
    needed: Nanos,
}

impl Judge {
    /// A judge that has seen nothing yet.
    #[must_use]
    pub const fn new(scale: Scale) -> Self {
        Self { scale, level: Level::NORMAL, needed: 0 }
    }

    /// The level from `now` on, the resource being at `value`.
    pub fn judge(&mut self, value: f64, now: Nanos) -> Level {
        let reached = self.scale.reached(value);
        if reached > self.level {
            (self.level, self.needed) = (reached, now);
        } else if !self.scale.is_left(self.level, value) {
            self.needed = now;
        } else if now.saturating_sub(self.needed) >= CALM.as_nanos() as Nanos {
            (self.level, self.needed) = (Level(self.level.0.saturating_sub(1)), now);
        }
        self.level
    }

    /// The level now.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }
}

/// How late a worker is, smoothed: one late timer is chance, ten are a worker that does not keep up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lateness(f64);

impl Lateness {
    /// Weight of a new measurement; at ten a second the last second makes two thirds of the whole.
    const WEIGHT: f64 = 0.1;

    /// Takes a measurement; gives the smoothed lateness in seconds.
    pub fn measured(&mut self, late: Duration) -> f64 {
        self.0 += (late.as_secs_f64() - self.0) * Self::WEIGHT;
        self.0
    }
}

/// Descriptors that neither clients nor origins get: for operators, health checks, logs and connections being refused.
#[must_use]
pub fn reserved_descriptors(limit: u64) -> u64 {
    (limit / 8).max(16)
}

/// How many client connections there may be so that descriptors last, `limit` being those of the process, `other` those
/// open that belong to no connection, and `origins` the most connections to origins.
///
/// A connection on which a request is served mostly needs a second one, to an origin: half of the rest is for these,
/// or as many as there can be.
#[must_use]
pub fn connections_within(limit: u64, other: u64, origins: u64) -> u64 {
    let left = limit.saturating_sub(reserved_descriptors(limit)).saturating_sub(other);
    // With none at all nobody would ever learn that it does not work.
    left.saturating_sub(origins).max(left / 2).max(1)
}
