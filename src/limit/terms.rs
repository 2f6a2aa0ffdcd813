//! Virtual time: how a limit changes its rate without touching its buckets.
//!
//! governor always runs at [`TOKEN`] nanoseconds a token. What flows faster or slower is the time it is shown:
//! `v(now) = base + (now − since) · rate · TOKEN`. A bucket's debt is its arrival time (TAT) minus `v`, in tokens
//! whatever the rate, so
//!
//! * a new rate changes the slope from `now` on: every bucket keeps its level and refills at the new rate;
//! * a larger burst moves `v` back by the difference (each bucket keeps its tokens and has more room), a smaller one
//!   moves it on (each keeps its tokens, up to the new burst).
//!
//! A reader uses one immutable [`Terms`] for a judgement. One that still has the old terms agrees with the new on every
//! bucket's tokens, so their commits may interleave.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::Nanos;
use crate::config::settings::Rate;

/// Virtual nanoseconds a token. Fine enough to divide a day per token to a third of a second, coarse enough that 64 bits
/// last for two years at [`MAX_RATE`].
pub(super) const TOKEN: u64 = 250_000;

/// Tokens a second, at most.
pub(super) const MAX_RATE: u64 = 1_000_000;

/// Where virtual time begins: past the largest possible debt, so that a larger burst can always move it back.
const BEGINNING: u64 = 2 * TOKEN * (1 << 32);

/// Where virtual time ends: the largest possible debt before 64 bits do.
const END: u64 = u64::MAX - BEGINNING;

/// Virtual nanoseconds, and their advance for each real one, have this many bits after the point.
const FRACTION: u32 = 64;

/// Rate and burst in force, and the virtual clock they drive.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    rate: Rate,
    burst: NonZeroU32,
    /// Real time from which `slope` holds.
    since: Nanos,
    /// Virtual time at `since`; fixed point.
    base: u128,
    /// Virtual nanoseconds a real one; fixed point, rounded up so that a whole number of tokens falls due on time.
    slope: u128,
    /// Real nanoseconds after which virtual time ends.
    lifetime: u64,
}

impl Terms {
    pub(super) fn new(rate: Rate, burst: u32, now: Nanos) -> Self {
        Self::starting(rate, at_least_one(burst), now, u128::from(BEGINNING) << FRACTION)
    }

    /// The same clock under a new rate and burst. Unchanged terms stay exactly as they are, so that any number of
    /// reloads loses no fraction of a token.
    pub(super) fn changed(&self, rate: Rate, burst: u32, now: Nanos) -> Self {
        let burst = at_least_one(burst);
        if rate == self.rate && burst == self.burst {
            return self.clone();
        }
        let now = now.max(self.since);
        let old = u128::from(tokens(self.burst.get())) << FRACTION;
        let new = u128::from(tokens(burst.get())) << FRACTION;
        Self::starting(rate, burst, now, (self.fixed(now) + old).saturating_sub(new))
    }

    fn starting(rate: Rate, burst: NonZeroU32, since: Nanos, base: u128) -> Self {
        let slope = slope(rate);
        let left = (u128::from(END) << FRACTION).saturating_sub(base) / slope;
        Self { rate, burst, since, base, slope, lifetime: u64::try_from(left).unwrap_or(u64::MAX) }
    }

    /// Virtual time at `now`. Never falls as `now` rises.
    pub(super) fn at(&self, now: Nanos) -> u64 {
        (self.fixed(now) >> FRACTION) as u64
    }

    fn fixed(&self, now: Nanos) -> u128 {
        let elapsed = now.saturating_sub(self.since).min(self.lifetime);
        self.base + u128::from(elapsed) * self.slope
    }

    /// Real time from `now` to the first nanosecond at which [`Terms::at`] reaches `virtual_time`.
    pub(super) fn until(&self, virtual_time: u64, now: Nanos) -> Duration {
        let ahead = (u128::from(virtual_time) << FRACTION).saturating_sub(self.base);
        let due = u128::from(self.since) + ahead.div_ceil(self.slope);
        nanos(due.saturating_sub(u128::from(now)))
    }

    /// Tokens of a bucket with arrival time `tat` (`None`: never used) at virtual time `at`.
    pub(super) fn tokens(&self, tat: Option<u64>, at: u64) -> f64 {
        let debt = tat.map_or(0, |tat| tat.saturating_sub(at));
        tokens(self.burst.get()).saturating_sub(debt) as f64 / TOKEN as f64
    }

    /// Whole tokens of such a bucket.
    pub(super) fn whole_tokens(&self, tat: u64, at: u64) -> u32 {
        let level = tokens(self.burst.get()).saturating_sub(tat.saturating_sub(at));
        u32::try_from(level / TOKEN).unwrap_or(u32::MAX)
    }

    pub(super) fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate.per_second().min(MAX_RATE as f64)
    }

    /// Real time in which an empty bucket becomes full.
    pub(super) fn window(&self) -> Duration {
        let full = u128::from(tokens(self.burst.get())) << FRACTION;
        nanos(full.div_ceil(self.slope))
    }
}

/// Virtual nanoseconds of so many tokens.
fn tokens(count: u32) -> u64 {
    u64::from(count) * TOKEN
}

fn at_least_one(burst: u32) -> NonZeroU32 {
    NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)
}

fn nanos(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

/// `rate · TOKEN` in virtual nanoseconds a real one: `count · TOKEN / per`, in two steps because one would not fit.
fn slope(rate: Rate) -> u128 {
    const FASTEST: u128 = ((MAX_RATE * TOKEN) as u128) << FRACTION;
    let per = rate.per.as_nanos().clamp(1, u128::from(u64::MAX));
    let virtual_nanos = u128::from(rate.count.max(1)) * u128::from(TOKEN);
    let whole = (virtual_nanos / per).min(u128::from(u64::MAX)) << FRACTION;
    let fraction = ((virtual_nanos % per) << FRACTION).div_ceil(per);
    whole.saturating_add(fraction).min(FASTEST.div_ceil(1_000_000_000))
}
