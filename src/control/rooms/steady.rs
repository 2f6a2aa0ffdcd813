//! A wall clock without jumps.
//!
//! What is written into tickets is compared with the time of day, and the time of day may be set: by an operator, by a
//! virtual machine that wakes up, by a time server that lies. A clock that followed at once would end every ticket, or open
//! a lobby, at the wrong moment and for everybody. This one is the monotonic clock with an offset that small differences move
//! slowly, and that a step moves only after it has lasted.

use std::time::Duration;

use crate::clock::Nanos;

/// Greater differences are steps; time servers keep a clock far closer.
const STEP: u64 = 2 * SECOND;
/// A step is followed after this: long enough to notice that a clock is wrong and to put it right.
const LASTING: Nanos = Duration::from_secs(600).as_nanos() as Nanos;
/// Small differences move the offset by at most this part of the time that passes.
const SLEW: u64 = 20;

const SECOND: u64 = 1_000_000_000;

/// The clock; told the time now and then.
#[derive(Debug, Clone)]
pub struct Steady {
    /// Nanoseconds between the epoch and monotonic zero.
    offset: u64,
    last: Nanos,
    step: Option<Step>,
}

/// A wall clock that shows another time.
#[derive(Debug, Clone, Copy)]
struct Step {
    since: Nanos,
    /// The offset it would mean.
    offset: u64,
}

impl Steady {
    /// A clock that believes the first time it is told: `unix` nanoseconds since the epoch at monotonic `mono`.
    #[must_use]
    pub fn new(mono: Nanos, unix: u64) -> Self {
        Self { offset: unix.saturating_sub(mono), last: mono, step: None }
    }

    /// Nanoseconds between the epoch and monotonic zero.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Is told what the wall clock shows. True if it has just followed a step.
    pub fn observe(&mut self, mono: Nanos, unix: u64) -> bool {
        let passed = mono.saturating_sub(self.last);
        self.last = mono;
        let wanted = unix.saturating_sub(mono);
        if wanted.abs_diff(self.offset) <= STEP {
            self.step = None;
            self.slew(wanted, passed / SLEW);
            return false;
        }
        // Another step in between, and the time of waiting begins anew.
        let step = self.step.filter(|step| wanted.abs_diff(step.offset) <= STEP);
        let step = *self.step.insert(step.unwrap_or(Step { since: mono, offset: wanted }));
        let follows = mono.saturating_sub(step.since) >= LASTING;
        if follows {
            self.offset = wanted;
            self.step = None;
        }
        follows
    }

    /// How far the wall clock is ahead of this one, while it shows another time than it should, in seconds.
    #[must_use]
    pub fn doubts(&self) -> Option<f64> {
        self.step.map(|step| (step.offset as f64 - self.offset as f64) / SECOND as f64)
    }

    fn slew(&mut self, wanted: u64, most: u64) {
        self.offset = wanted.clamp(self.offset.saturating_sub(most), self.offset.saturating_add(most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGIN: u64 = 1_800_000_000 * SECOND;
    const HOUR: i64 = 3_600;
    const TICK: u64 = SECOND / 10;

    /// A process whose wall clock is off by some seconds, looked at ten times a second.
    struct Day {
        clock: Steady,
        mono: Nanos,
    }

    impl Day {
        fn begin() -> Self {
            Self { clock: Steady::new(0, BEGIN), mono: 0 }
        }

        /// Lets time pass; the number of steps followed.
        fn passes(&mut self, seconds: u64, off: f64) -> usize {
            let off = (off * SECOND as f64) as i64;
            let mut tick = || {
                self.mono += TICK;
                self.clock.observe(self.mono, (BEGIN + self.mono).saturating_add_signed(off))
            };
            (0..seconds * 10).filter(|_| tick()).count()
        }

        /// How far it is ahead of the right time, in seconds.
        fn ahead(&self) -> f64 {
            (self.clock.offset() as f64 - BEGIN as f64) / SECOND as f64
        }
    }

    #[test]
    fn an_hour_either_way_is_followed_only_after_it_lasted() {
        for hour in [HOUR, -HOUR] {
            let mut day = Day::begin();
            assert_eq!(day.passes(599, hour as f64), 0);
            assert!(day.ahead().abs() < 1e-6);
            assert!((day.clock.doubts().unwrap() - hour as f64).abs() < 1e-6);
            assert_eq!(day.passes(2, hour as f64), 1);
            assert!((day.ahead() - hour as f64).abs() < 1e-6);
            assert_eq!(day.clock.doubts(), None);
        }
    }

    #[test]
    fn a_step_taken_back_was_never_there() {
        let mut day = Day::begin();
        day.passes(590, HOUR as f64);
        day.passes(1, 0.0);
        day.passes(590, HOUR as f64);
        assert!(day.ahead().abs() < 1e-6);
    }

    #[test]
    fn a_clock_that_cannot_make_up_its_mind_is_not_followed() {
        let mut day = Day::begin();
        for minutes in 0..120 {
            assert_eq!(day.passes(60, 100.0 + 60.0 * f64::from(minutes)), 0);
        }
        assert!(day.ahead().abs() < 1e-6);
    }

    #[test]
    fn small_differences_are_followed_slowly() {
        let mut day = Day::begin();
        day.passes(10, 1.0);
        assert!((day.ahead() - 0.5).abs() < 0.01, "{}", day.ahead());
        day.passes(20, 1.0);
        assert!((day.ahead() - 1.0).abs() < 1e-6, "{}", day.ahead());
        day.passes(40, -0.5);
        assert!((day.ahead() + 0.5).abs() < 1e-6, "{}", day.ahead());
    }

    #[test]
    fn a_clock_that_drifts_is_kept_up_with_for_a_day() {
        let mut day = Day::begin();
        for minute in 0..1_440 {
            assert_eq!(day.passes(60, f64::from(minute) * 0.012), 0, "200 parts in a million");
        }
        assert!((day.ahead() - 1_439.0 * 0.012).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn it_never_goes_back_but_after_a_step_that_lasted(
            looks in proptest::collection::vec((1u64..30 * SECOND, -4_000i64..4_000), 1..300)
        ) {
            let mut clock = Steady::new(0, BEGIN);
            let (mut mono, mut before) = (0, BEGIN);
            for (passed, off) in looks {
                mono += passed;
                let followed = clock.observe(mono, (BEGIN + mono).saturating_add_signed(off * SECOND as i64 / 10));
                let now = clock.offset() + mono;
                prop_assert!(followed || now >= before, "{} back", before - now);
                before = now;
            }
        }
    }
}
