//! Whether a line is one that comes and goes, or one that stands: the controlled delay of Nichols and Jacobson (RFC 8289)
//! in the form that suits servers.
//!
//! A line that empties now and then does good work: it keeps seats busy. One whose least wait over a whole interval is long
//! only makes everybody late; serving the newest first and shedding the rest makes some of them be in time.

use std::time::Duration;

use crate::clock::Nanos;

/// Long enough for a burst to pass, as in RFC 8289.
const INTERVAL: Nanos = 100_000_000;

/// What was judged longer ago is no longer believed: whoever judges has gone, or hangs.
const BELIEVED: Nanos = 10 * INTERVAL;

/// Below this, scheduling alone makes a line stand.
const LEAST_TARGET: Duration = Duration::from_millis(5);

/// Above this, nobody takes a page for quick.
const MOST_TARGET: Duration = Duration::from_millis(100);

/// A line may stand at most this part of the time its class may wait.
const PART_OF_MAX_WAIT: u32 = 5;

/// The least wait, over an interval, that makes a line a standing one.
pub(super) fn target(max_wait: Duration) -> Nanos {
    (max_wait / PART_OF_MAX_WAIT).clamp(LEAST_TARGET, MOST_TARGET).as_nanos() as Nanos
}

/// The longest anybody waits in a line that stands.
pub(super) fn patience(target: Nanos) -> Nanos {
    2 * target
}

/// What is known of one line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// When the interval began.
    since: Nanos,
    /// How long who had waited longest had waited, at the least, whenever somebody was served in the interval.
    least: Option<Nanos>,
    stands: bool,
}

impl Standing {
    /// Whether it stands.
    pub(super) fn stands(&self, now: Nanos) -> bool {
        self.stands && now.saturating_sub(self.since) < BELIEVED
    }

    /// Somebody was served while the one who had waited longest had waited so long. Not how long who was served had:
    /// that is little when the newest are served first, and the line would seem to be gone.
    pub(super) fn served(&mut self, longest: Nanos) {
        self.least = Some(self.least.map_or(longest, |least| least.min(longest)));
    }

    /// Judges, if the interval is over. `longest` is how long who has waited longest has waited now; `None` when nobody waits.
    pub(super) fn judge(&mut self, now: Nanos, longest: Option<Nanos>, target: Option<Nanos>) {
        if now.saturating_sub(self.since) < INTERVAL {
            return;
        }
        let least = longest.map(|longest| self.least.map_or(longest, |least| least.min(longest)));
        self.stands = target.zip(least).is_some_and(|(target, least)| least > target);
        self.least = None;
        self.since = now;
    }
}
