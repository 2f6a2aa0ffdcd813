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
    /// Whether it ever had too much.
    proven: bool,
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
    Wait { since: Seconds, best: f64 },
}

/// Where a search begins: more than this at once would overfill a small origin before it is noticed.
const FIRST: f64 = 10.0;
/// Growth of a ramp in one step.
const RAMP: f64 = 1.5;
/// Up to this ratio over the floor nothing contends.
const CALM: f64 = 1.12;
/// From this ratio over the floor on requests contend, where nothing better is known.
const CONTENDED: f64 = 1.08;
/// Fewest requests at once that can contend.
const FEW: f64 = 1.5;
/// Where the limit grows, so much of it is in use on the mean.
const FILLED: f64 = 0.75;
/// From this ratio over what was held the limit is cut at once.
const STEEP: f64 = 1.25;
/// A higher limit pays if the ratio grows with less than this power of it, a lower one if with more than that.
const PAYS_UP: f64 = 0.75;
const PAYS_DOWN: f64 = 0.95;
/// Strides as shares of the limit.
const SHORT: f64 = 0.025;
const LONG: f64 = 0.5;
/// Rests between tries that failed.
const SHORTEST_REST: Seconds = 0.6;
const LONGEST_REST: Seconds = 2.0;
/// Shortest and longest time that a reading takes.
const QUICK: Seconds = 0.1;
const STEADY: Seconds = 0.25;
const SLOWEST: Seconds = 5.0;
/// How long a limit at which requests failed is not tried again.
const CEILING: Seconds = 10.0;
/// Up to this ratio over the floor nothing contends at all.
const FREE: f64 = 1.03;
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
            proven: false,
            peak: 0.0,
            cause: Cause::Start,
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.round() as u32
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
        let ratio = self.held.map_or(1.0, |held| held.ratio.max(1.0));
        let limit = match self.phase {
            Phase::Try { from, .. } => from,
            Phase::Ramp | Phase::Hold | Phase::Wait { .. } => self.limit,
        };
        self.proven.then_some(limit / ratio)
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
        if now - self.changed > TRIM_AFTER && 2.0 * self.peak < self.limit && !self.is_waiting() {
            // Nobody needs it, and what has not been tried is not known.
            self.set((self.limit * TRIM).max(2.0 * self.peak), now);
        }
        match self.phase {
            Phase::Ramp => self.ramp(now, reading, latest, full && may_grow),
            Phase::Hold => self.hold(now, reading, latest, full, may_grow),
            Phase::Try { from, held } => self.judge(now, reading, from, &held, full),
            Phase::Wait { since, best } => self.wait(now, reading, since, best),
        }
    }

    fn ramp(&mut self, now: Seconds, reading: &Reading, latest: &Reading, full: bool) {
        let ratio = reading.ratio / self.floor;
        if reading.samples < 4.0 || reading.lasting < QUICK {
            return;
        }
        if self.contends(latest, CALM) {
            self.cut(now, latest.at_once, latest.ratio / self.floor, Cause::Latency);
        } else if full && latest.at_once > FILLED * self.limit && ratio < CALM + 2.0 * reading.error.min(0.2) {
            self.grow(now, RAMP);
        }
    }

    /// Grows without a try, up to what is known to be too much.
    fn grow(&mut self, now: Seconds, factor: f64) {
        let (grown, cause) = self.under_ceiling((self.limit * factor).max(self.limit + 1.0), now);
        let to = self.crest.map_or(grown, |crest| grown.min(crest - 1.0));
        if to > self.limit {
            self.set(to, now);
            self.cause = cause;
        } else if self.phase == Phase::Ramp {
            self.phase = Phase::Hold;
        }
    }

    /// Whether requests get in each other's way: by `little` where the limit is filled, clearly where it is not.
    fn contends(&self, reading: &Reading, little: f64) -> bool {
        let usual = self.held.map_or(1.0, |held| (held.ratio / self.floor).max(1.0));
        if reading.lasting < QUICK || reading.samples < 8.0 {
            return false;
        }
        let surely = (reading.ratio - 3.0 * reading.error) / self.floor;
        let filled = reading.at_once > FILLED * self.limit;
        (filled && surely > little * usual) || (reading.at_once > FEW && surely > STEEP * usual)
    }

    fn hold(&mut self, now: Seconds, reading: &Reading, latest: &Reading, full: bool, may_grow: bool) {
        if reading.lasting < QUICK || reading.samples < 8.0 {
            return;
        }
        if self.contends(latest, if self.held.is_none() { CONTENDED } else { STEEP }) {
            return self.cut(now, latest.at_once, latest.ratio / self.floor, Cause::Latency);
        }
        let free = latest.ratio + 2.0 * latest.error < self.floor * FREE;
        let filled = latest.at_once > FILLED * self.limit;
        if full && may_grow && free && filled && self.crest.is_none_or(|crest| self.limit < crest - 1.5) {
            self.spurt = (self.spurt * 2.0).clamp(2.0 * SHORT, LONG);
            return self.grow(now, 1.0 + self.spurt);
        }
        if !is_clear(reading, STEADY) || now < self.rest_until || !full {
            return;
        }
        self.held = Some(*reading);
        let noise = 2.0 * reading.error;
        let stride = (self.limit * self.stride.max(noise).min(LONG)).max(1.0);
        let upward = self.upward && may_grow;
        let to = if upward { self.under_ceiling(self.limit + stride, now).0 } else { self.limit - stride };
        let from = self.limit;
        self.set(to, now);
        if (self.limit - from).abs() < 0.5 {
            // At a bound or a ceiling: the other way is tried next.
            self.limit = from;
            self.next_try(now, false);
            return;
        }
        self.phase = Phase::Try { from, held: *reading };
    }

    fn judge(&mut self, now: Seconds, reading: &Reading, from: f64, held: &Reading, full: bool) {
        let up = self.limit > from;
        let steep = reading.ratio - 3.0 * reading.error > held.ratio.max(self.floor) * STEEP;
        if up && steep && reading.samples >= 8.0 {
            self.limit = from;
            return self.cut(now, reading.at_once, reading.ratio / self.floor, Cause::Latency);
        }
        if !is_clear(reading, STEADY) {
            return;
        }
        let apart = (reading.at_once / held.at_once.max(1e-3)).ln();
        // Too few came to see a difference.
        if !full || apart.abs() < 0.3 * (self.limit / from).ln().abs() {
            self.limit_back(from, now);
            return self.next_try(now, false);
        }
        let slope = (reading.ratio / held.ratio.max(1e-3)).ln() / apart;
        let pays = if up { slope < PAYS_UP } else { slope > PAYS_DOWN };
        if pays {
            self.phase = Phase::Hold;
            self.held = Some(*reading);
            if up {
                // Far from it if nothing contends here.
                self.crest = if slope < 0.3 { None } else { Some(self.limit + 1.0) };
            } else {
                self.crest = Some(self.crest.map_or(from, |crest| crest.min(from)));
            }
            self.cause = if up { Cause::Gain } else { Cause::NoGain };
            self.stride = if up && slope > 0.3 { self.stride } else { (self.stride * 2.0).min(LONG) };
            self.rest_until = now;
            self.resting = SHORTEST_REST;
            self.upward = up;
        } else {
            let tried = self.limit;
            self.limit_back(from, now);
            if up {
                self.cause = Cause::NoGain;
                self.crest = Some(tried);
                self.proven = true;
            }
            self.next_try(now, true);
        }
    }

    fn next_try(&mut self, now: Seconds, failed: bool) {
        self.phase = Phase::Hold;
        self.upward = !self.upward;
        (self.stride, self.spurt) = (SHORT, SHORT);
        self.rest_until = now + self.resting;
        if failed {
            self.resting = (self.resting * 1.5).min(LONGEST_REST);
        }
    }

    /// A stuck origin is given little until it is well again, or it turns out that giving it little does not help.
    fn wait(&mut self, now: Seconds, reading: &Reading, since: Seconds, best: f64) {
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
        if now - since > PATIENCE.max(3.0 * reading.latency) && reading.samples >= 8.0 {
            // So few do not contend. It is not stuck but slower than it was.
            self.floor = reading.ratio;
            self.phase = Phase::Ramp;
            self.cause = Cause::Headroom;
        } else if best > 0.0 {
            self.phase = Phase::Wait { since, best };
        }
    }

    /// Cuts the limit to where the best point should be.
    pub(super) fn cut(&mut self, now: Seconds, at_once: f64, severity: f64, cause: Cause) {
        let limit = at_once / severity.max(1.0).sqrt();
        self.proven = true;
        if cause == Cause::Latency {
            self.crest = Some((at_once * limit).sqrt().max(limit + 1.0));
        }
        let few = (self.limit * TRICKLE).max(f64::from(self.bounds.min));
        self.cause = cause;
        self.next_try(now, false);
        self.resting = SHORTEST_REST;
        self.held = None;
        if limit <= few && severity > STEEP * STEEP {
            let best = self.limit;
            self.set(few, now);
            self.cause = Cause::Stuck;
            self.phase = Phase::Wait { since: now, best };
            return;
        }
        self.set(limit, now);
    }

    /// Lowers the limit because of failures; a limit this high is not tried again for a while.
    pub(super) fn retreat(&mut self, now: Seconds, limit: f64, cause: Cause) {
        self.ceiling = Some((self.limit, now + CEILING));
        self.proven = true;
        self.next_try(now, false);
        self.rest_until = now + 2.0 * SHORTEST_REST;
        self.held = None;
        self.set(limit, now);
        self.cause = cause;
    }

    /// What is lower than at rest was not rest.
    pub(super) fn note_ratio(&mut self, reading: &Reading) {
        if reading.samples >= 8.0 && reading.ratio < self.floor {
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

    fn limit_back(&mut self, from: f64, now: Seconds) {
        self.set(from, now);
    }

    fn set(&mut self, limit: f64, now: Seconds) {
        let (min, max) = (f64::from(self.bounds.min), f64::from(self.bounds.max));
        let limit = limit.clamp(min, max.max(min));
        if (limit - self.limit).abs() > 1e-9 {
            (self.limit, self.changed, self.peak) = (limit, now, 0.0);
        }
    }
}

/// A stuck origin is waited for this long before it is taken for a slower one.
const PATIENCE: Seconds = 3.0;

/// Whether a reading tells enough, or has taken as long as it may.
fn is_clear(reading: &Reading, least: Seconds) -> bool {
    let enough = reading.samples >= 30.0 && reading.error < 0.02 && reading.lasting >= least;
    enough || (reading.lasting >= SLOWEST && reading.samples >= 8.0)
}
