//! Where the origin does best: the limit at which more requests at once would bring no more done.
//!
//! With `n` requests at once that each take `r` times as long as at rest, `n / r` seconds of work get done each second. So
//! a change of `n` pays as long as `r` grows more slowly than `n`: the slope of `ln r` over `ln n` is 0 while nothing
//! contends, 1 where requests only queue behind each other, and above 1 where they get in each other's way. The limit is
//! tried a little higher and a little lower in turn, and moved where that pays; a try ends as soon as it is clear.
//!
//! While the ratio is about 1 no try is needed (TCP's slow start does the same), and where it jumps the limit is cut at
//! once to where a square law puts the best point: `n / √r`, which is exact for a throughput that falls as `1 / n`, and
//! found by further tries otherwise.

mod moves;

use super::Seconds;
use super::reading::Reading;
use crate::overload::signal::{Bounds, Cause};

/// The limit and what is being tried.
#[derive(Debug)]
pub(super) struct Search {
    bounds: Bounds,
    limit: f64,
    phase: Phase,
    /// How much slower than at rest the origin is at least, for reasons that fewer requests do not mend; 1.0 or more.
    floor: f64,
    /// The last reading in [`Phase::Hold`].
    held: Option<Reading>,
    /// When the limit changed last.
    changed: Seconds,
    /// Which way the next try goes, and how far, in shares of the limit.
    upward: bool,
    stride: f64,
    /// The last growth without a try.
    spurt: f64,
    /// No try before.
    rest_until: Seconds,
    resting: Seconds,
    /// A limit at which requests failed, and until when it is believed.
    ceiling: Option<(f64, Seconds)>,
    /// Where requests were seen to contend.
    crest: Option<f64>,
    /// The ratio at the limit when it was last read exactly; 1.0 or more.
    believed: f64,
    /// Whether it ever had too much.
    proven: bool,
    /// Requests at once and their ratio when the limit was cut last, until it is known whether that helped.
    cut_from: Option<(f64, f64)>,
    /// Most requests at the origin since the limit changed.
    peak: f64,
    pub(super) cause: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Doubles as long as nothing contends.
    Ramp,
    /// Stays.
    Hold,
    /// Tries another limit than the one that was held.
    Try { from: f64, held: Reading },
    /// Waits until a stuck origin answers as it should.
    Wait { since: Seconds },
}

/// Where a search begins: more than this at once would overfill a small origin before it is noticed.
const FIRST: f64 = 10.0;
/// Growth of a ramp in one step.
const RAMP: f64 = 1.5;
/// From this ratio over what was held the limit is cut at once.
const STEEP: f64 = 1.25;
/// Strides as shares of the limit.
const SHORT: f64 = 0.025;
/// Rests between tries that failed.
const SHORTEST_REST: Seconds = 0.6;
/// Shortest and longest time that a reading takes.
const QUICK: Seconds = 0.1;
const STEADY: Seconds = 0.25;
const SLOWEST: Seconds = 3.0;
/// How long a limit at which requests failed is not tried again.
const CEILING: Seconds = 10.0;
/// How much of a limit that is not needed goes at a time.
const TRIM: f64 = 0.9;
const TRIM_AFTER: Seconds = 5.0;
/// A stuck origin gets this share of its limit.
const TRICKLE: f64 = 0.05;

/// What a tick brings to the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) now: Seconds,
    /// Since the last change, without the time it took to settle.
    pub(super) reading: &'a Reading,
    /// The latest moments of it.
    pub(super) latest: &'a Reading,
    /// Whether the seats run out.
    pub(super) full: bool,
    /// Whether the origin lets the limit grow.
    pub(super) may_grow: bool,
    /// Requests at the origin now.
    pub(super) in_use: f64,
}

impl Search {
    pub(super) fn new(bounds: Bounds, now: Seconds) -> Self {
        let (min, max) = (f64::from(bounds.min), f64::from(bounds.max));
        Self {
            bounds,
            limit: FIRST.clamp(min, max.max(min)),
            phase: Phase::Ramp,
            floor: 1.0,
            held: None,
            changed: now,
            upward: true,
            stride: SHORT,
            spurt: SHORT,
            rest_until: now,
            resting: SHORTEST_REST,
            ceiling: None,
            crest: None,
            believed: 1.0,
            proven: false,
            cut_from: None,
            peak: 0.0,
            cause: Cause::Start,
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.round() as u32
    }

    /// The highest that the configuration allows.
    pub(super) fn most(&self) -> u32 {
        self.bounds.max
    }

    pub(super) fn floor(&self) -> f64 {
        self.floor
    }

    pub(super) fn is_ramping(&self) -> bool {
        matches!(self.phase, Phase::Ramp)
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Wait { .. })
    }

    /// What the origin can do a second at the limit; `None` while it has never had too much.
    pub(super) fn capacity(&self) -> Option<f64> {
        let limit = match self.phase {
            Phase::Try { from, .. } => from,
            Phase::Ramp | Phase::Hold | Phase::Wait { .. } => self.limit,
        };
        self.proven.then_some(limit / self.believed)
    }

    pub(super) fn changed(&self) -> Seconds {
        self.changed
    }

    pub(super) fn set_bounds(&mut self, bounds: Bounds, now: Seconds) {
        self.bounds = bounds;
        let before = self.limit;
        self.set(before, now);
        if (self.limit - before).abs() > 0.0 {
            self.cause = Cause::Bounds;
        }
    }

    /// Looks at the origin since the limit changed, and changes it if that pays.
    pub(super) fn step(&mut self, sight: Sight<'_>) {
        let Sight { now, reading, latest, full, may_grow, in_use } = sight;
        self.peak = self.peak.max(in_use);
        let unknown = self.crest.is_none() && !self.is_waiting();
        if unknown && now - self.changed > TRIM_AFTER && 2.0 * self.peak < self.limit {
            // Nobody needs it, and what has not been tried is not known.
            self.set((self.limit * TRIM).max(2.0 * self.peak), now);
        }
        match self.phase {
            Phase::Ramp => self.ramp(now, reading, latest, full && may_grow),
            Phase::Hold => self.hold(now, reading, latest, full, may_grow),
            Phase::Try { from, held } => self.judge(now, reading, from, &held, full),
            Phase::Wait { since } => self.wait(now, reading, since),
        }
    }

    /// A stuck origin is given little until it is well again, or it turns out that giving it little does not help.
    fn wait(&mut self, now: Seconds, reading: &Reading, since: Seconds) {
        if reading.samples < 4.0 || reading.lasting < QUICK {
            return;
        }
        let ratio = reading.ratio / self.floor;
        if ratio < STEEP {
            self.cause = Cause::Recovered;
            self.phase = Phase::Ramp;
            self.held = None;
            let limit = (self.limit * RAMP).max(self.limit + 1.0);
            return self.set(limit, now);
        }
        let patience = if reading.ratio < SLOWER { PATIENCE } else { LONG_PATIENCE };
        if now - since > patience.max(3.0 * reading.latency) && reading.samples >= 8.0 {
            // So few do not contend. It is not stuck but slower than it was.
            self.floor = reading.ratio;
            self.phase = Phase::Ramp;
            self.cause = Cause::Headroom;
        }
    }

    /// Cuts the limit to where the best point should be.
    pub(super) fn cut(&mut self, now: Seconds, at_once: f64, severity: f64, cause: Cause) {
        let limit = at_once / severity.max(1.0).sqrt();
        self.proven = true;
        self.cut_from = (cause == Cause::Latency).then_some((at_once, severity * self.floor));
        if cause == Cause::Latency {
            self.crest = Some((at_once * limit).sqrt().max(limit + 1.0));
        }
        self.cause = cause;
        self.next_try(now, false);
        self.resting = SHORTEST_REST;
        self.held = None;
        if limit <= self.trickle() && severity > STEEP * STEEP {
            return self.give_up(now);
        }
        if cause == Cause::Stalled {
            // How many were too many is not known; what is left will tell soon.
            self.phase = Phase::Ramp;
        }
        self.set(limit, now);
    }

    /// Gives an origin that answers nothing next to nothing, until it does again.
    pub(super) fn give_up(&mut self, now: Seconds) {
        self.proven = true;
        (self.held, self.cut_from, self.cause) = (None, None, Cause::Stuck);
        self.set(self.trickle(), now);
        self.phase = Phase::Wait { since: now };
    }

    /// What a stuck origin gets.
    fn trickle(&self) -> f64 {
        (self.limit * TRICKLE).max(f64::from(self.bounds.min))
    }

    /// Lowers the limit for a reason other than latency; one at which requests failed is not tried again for a while.
    pub(super) fn retreat(&mut self, now: Seconds, limit: f64, cause: Cause) {
        // At the least, failures say nothing of too many.
        if cause == Cause::Errors && self.limit > f64::from(self.bounds.min) {
            self.ceiling = Some((self.limit, now + CEILING));
        }
        self.proven = true;
        self.next_try(now, false);
        self.rest_until = now + 2.0 * SHORTEST_REST;
        self.held = None;
        self.set(limit, now);
        self.cause = cause;
    }

    /// What is lower than at rest was not rest.
    pub(super) fn note_ratio(&mut self, reading: &Reading) {
        if reading.samples >= 30.0 && reading.ratio + 2.0 * reading.error < self.floor {
            self.floor = reading.ratio.max(1.0);
        }
    }

    fn under_ceiling(&mut self, limit: f64, now: Seconds) -> (f64, Cause) {
        match self.ceiling {
            Some((ceiling, until)) if now < until => (limit.min(ceiling - 1.0).max(1.0), Cause::Errors),
            _ => {
                self.ceiling = None;
                (limit, Cause::Headroom)
            }
        }
    }

    fn set(&mut self, limit: f64, now: Seconds) {
        let (min, max) = (f64::from(self.bounds.min), f64::from(self.bounds.max));
        let limit = limit.clamp(min, max.max(min));
        if (limit - self.limit).abs() > 1e-9 {
            (self.limit, self.changed, self.peak) = (limit, now, 0.0);
        }
    }
}

/// An origin that is this many times slower is not slower but stuck.
const SLOWER: f64 = 5.0;
/// A stuck origin is waited for this long before it is taken for a slower one, or for a much slower one.
const PATIENCE: Seconds = 3.0;
const LONG_PATIENCE: Seconds = 15.0;
