//! When the limit moves: growing freely, trying, judging a try.

use super::{Phase, QUICK, RAMP, SHORT, SHORTEST_REST, SLOWER, SLOWEST, STEADY, STEEP, Search};
use crate::overload::governor::Seconds;
use crate::overload::governor::reading::Reading;
use crate::overload::signal::Cause;

/// Up to this ratio over the floor nothing contends.
const CALM: f64 = 1.12;
/// From this ratio over the floor on requests contend, where nothing better is known.
const CONTENDED: f64 = 1.08;
/// Fewest requests at once that can contend.
const FEW: f64 = 1.5;
/// Where the limit grows, so much of it is in use on the mean.
const FILLED: f64 = 0.75;
/// A higher limit pays if the ratio grows with less than this power of it, a lower one if with more than that.
const PAYS_UP: f64 = 0.75;
const PAYS_DOWN: f64 = 0.95;
/// Below this power nothing contends.
const FLAT: f64 = 0.3;
/// The longest stride.
const LONG: f64 = 0.5;
/// The widest stride that noise asks for.
const WIDEST: f64 = 0.15;
/// The longest rest between tries that failed.
const LONGEST_REST: Seconds = 2.0;
/// Standard error of the ratio that is exact enough for any step, and that for a wide one: its width over this.
const PRECISE: f64 = 0.02;
const TELLING: f64 = 2.5;
/// Up to this ratio over the floor nothing contends at all.
const FREE: f64 = 1.03;
/// Up to this share of where requests were seen to contend is far from it.
const FAR: f64 = 0.85;

impl Search {
    pub(super) fn ramp(&mut self, now: Seconds, reading: &Reading, latest: &Reading, full: bool) {
        let ratio = reading.ratio / self.floor;
        if reading.samples < 4.0 || reading.lasting < QUICK {
            return;
        }
        if self.contends(latest, CALM) {
            self.cut(now, latest.at_once, latest.ratio / self.floor, Cause::Latency);
        } else if full && latest.at_once > FILLED * self.limit && ratio < CALM + 2.0 * reading.error.min(0.2) {
            let _ = self.grow(now, RAMP);
        } else if full && tells(reading, PRECISE) {
            // It cannot be told from what is known of rest: whether more pays is to be tried.
            self.phase = Phase::Hold;
        }
    }

    /// Grows without a try, up to what is known to be too much; whether it did.
    fn grow(&mut self, now: Seconds, factor: f64) -> bool {
        let (grown, cause) = self.under_ceiling((self.limit * factor).max(self.limit + 1.0), now);
        let to = self.crest.map_or(grown, |crest| grown.min(crest - 1.0));
        let grows = to > self.limit;
        if grows {
            self.set(to, now);
            self.cause = cause;
        } else if self.phase == Phase::Ramp {
            self.phase = Phase::Hold;
        }
        grows
    }

    /// Whether requests get in each other's way: by `little` where the limit is filled, clearly where it is not.
    fn contends(&self, reading: &Reading, little: f64) -> bool {
        let usual = self.held.map_or(1.0, |held| (held.ratio / self.floor).max(1.0));
        if reading.lasting < QUICK || reading.samples < 8.0 {
            return false;
        }
        let surely = (reading.ratio - 3.0 * reading.error - 2.0 * reading.doubt) / self.floor;
        let filled = reading.at_once > FILLED * self.limit;
        (filled && surely > little * usual) || (reading.at_once > FEW && surely > STEEP * usual)
    }

    /// Whether a limit is well below where requests were seen to contend.
    fn is_far(&self, limit: f64) -> bool {
        self.crest.is_none_or(|crest| limit < FAR * crest)
    }

    /// Whether the limit may grow without a try: near to where requests were seen to contend only if nothing contends for
    /// sure, far from it unless something does. Too few at once cost a store more than a few too many, which show soon.
    fn is_free(&self, reading: &Reading) -> bool {
        if reading.lasting < QUICK || reading.samples < 8.0 {
            return false;
        }
        let (ratio, doubt) = (reading.ratio / self.floor, 2.0 * reading.error / self.floor);
        let far = self.is_far(self.limit);
        let near = self.crest.is_none_or(|crest| self.limit < crest - 1.5);
        (near && ratio + doubt < FREE) || (far && ratio - doubt - reading.doubt < CONTENDED)
    }

    /// Whether a cut has helped. Where fewer are as slow as more were, it is the origin that is slower, not too many.
    fn look_back(&mut self, now: Seconds, reading: &Reading, before: f64, ratio: f64) {
        if reading.samples < 15.0 && reading.lasting < STEADY {
            return;
        }
        self.cut_from = None;
        let apart = (before / reading.at_once.max(1.0)).ln();
        let slope = (ratio / reading.ratio.max(1e-3)).ln() / apart;
        let slower = (STEEP * self.floor..SLOWER).contains(&reading.ratio);
        if apart > 2.0 * SHORT && slope < FLAT && slower {
            (self.floor, self.crest, self.cause) = (reading.ratio, Some(before + 1.0), Cause::Gain);
            self.set(before, now);
        }
    }

    pub(super) fn hold(&mut self, now: Seconds, reading: &Reading, latest: &Reading, full: bool, may_grow: bool) {
        if reading.lasting < QUICK || reading.samples < 8.0 {
            return;
        }
        if let Some((before, ratio)) = self.cut_from {
            return self.look_back(now, reading, before, ratio);
        }
        if self.contends(latest, if self.held.is_none() { CONTENDED } else { STEEP }) {
            return self.cut(now, latest.at_once, latest.ratio / self.floor, Cause::Latency);
        }
        let filled = latest.at_once > FILLED * self.limit;
        if full && may_grow && filled && self.is_free(reading) {
            // Back to what was borne before, or on to what nobody knows.
            let known = self.crest.is_some() && self.is_far(self.limit);
            let most = if self.proven && !known { LONG / 3.0 } else { LONG };
            self.spurt = (self.spurt * 2.0).clamp(2.0 * SHORT, most);
            if self.grow(now, 1.0 + self.spurt) {
                return;
            }
        }
        if !tells(reading, PRECISE) || now < self.rest_until || !full {
            return;
        }
        self.held = Some(*reading);
        self.believed = reading.ratio.max(1.0);
        let noise = (4.0 * reading.error).min(WIDEST);
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

    pub(super) fn judge(&mut self, now: Seconds, reading: &Reading, from: f64, held: &Reading, full: bool) {
        let up = self.limit > from;
        let steep = reading.ratio - 3.0 * reading.error > held.ratio.max(self.floor) * STEEP;
        if up && steep && reading.samples >= 8.0 {
            self.limit = from;
            return self.cut(now, reading.at_once, reading.ratio / self.floor, Cause::Latency);
        }
        let step = (self.limit / from).ln().abs();
        if !tells(reading, (step / TELLING).max(PRECISE)) {
            return;
        }
        let apart = (reading.at_once / held.at_once.max(1e-3)).ln();
        // Too few came to see a difference.
        if !full || apart.abs() < 0.3 * step {
            self.set(from, now);
            return self.next_try(now, false);
        }
        let slope = (reading.ratio / held.ratio.max(1e-3)).ln() / apart;
        let doubt = (reading.error / reading.ratio.max(1e-3)).hypot(held.error / held.ratio.max(1e-3)) / apart.abs();
        // In doubt it grows where that is not known to be too much, and believes what it sees where it is.
        let lenient = if self.is_far(from) { doubt } else { 0.0 };
        let pays = if up { slope - lenient < PAYS_UP } else { slope - lenient > PAYS_DOWN };
        if pays {
            self.phase = Phase::Hold;
            self.held = Some(*reading);
            if up {
                // Far from it if nothing contends here.
                let flat = slope + doubt < FLAT;
                self.crest = if flat { None } else { self.crest.map(|crest| crest.max(self.limit + 1.0)) };
                if flat {
                    // Where more do not slow each other down is rest, whatever was believed.
                    self.floor = self.floor.max(reading.ratio);
                }
            } else {
                self.crest = Some(self.crest.map_or(from, |crest| crest.min(from)));
            }
            self.cause = if up { Cause::Gain } else { Cause::NoGain };
            self.stride = if up && slope > FLAT { self.stride } else { (self.stride * 2.0).min(LONG) };
            self.rest_until = now;
            self.resting = SHORTEST_REST;
            self.upward = up;
        } else {
            let tried = self.limit;
            self.set(from, now);
            if up {
                self.cause = Cause::NoGain;
                self.crest = Some(tried);
                self.proven = true;
            }
            self.next_try(now, true);
        }
    }

    pub(super) fn next_try(&mut self, now: Seconds, failed: bool) {
        self.phase = Phase::Hold;
        self.upward = !self.upward;
        (self.stride, self.spurt) = (SHORT, SHORT);
        self.rest_until = now + self.resting;
        if failed {
            self.resting = (self.resting * 1.5).min(LONGEST_REST);
        }
    }
}

/// Whether a reading is exact to `error`, or has taken as long as it may.
fn tells(reading: &Reading, error: f64) -> bool {
    let enough = reading.samples >= 30.0 && reading.error < error && reading.lasting >= STEADY;
    enough || (reading.lasting >= SLOWEST && reading.samples >= 8.0)
}
