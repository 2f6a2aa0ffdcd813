//! How often a waiting page asks: soon near the front, rarely at the back, never all at the same moment.

use std::time::Duration;

use crate::config::settings::RoomMode;

use super::view::View;

/// At the front, and wherever something may happen at any moment.
const SOON: f64 = 1.5;
/// At the back of an ordinary line.
const RARELY: f64 = 30.0;
/// The longest interval however long the line is.
const LONGEST: f64 = 300.0;
/// Questions a second that a whole room may ask; a longer line asks more rarely.
const BUDGET: f64 = 2_000.0;
/// The part of the wait after which it is worth asking again.
const PART: f64 = 0.1;
/// Never less often than this part of the wait, or a turn would come unnoticed.
const LARGEST_PART: f64 = 0.25;
/// Places whose holders ask soon while nothing moves.
const FRONT: u32 = 1_000;
/// While nothing moves.
const STANDING_STILL: f64 = 10.0;

impl View {
    /// The interval for somebody with `rank` ahead, before jitter.
    pub(super) fn poll_interval(&self, rank: Option<u32>) -> Duration {
        let by_load = f64::from(self.waiting) / BUDGET;
        let places = rank.map_or(f64::from(self.waiting), f64::from);
        let wait = if self.is_lobby() || self.mode == RoomMode::Paused || self.is_closed() {
            f64::INFINITY
        } else {
            self.outlook.turn_after(places)
        };
        let seconds = if wait.is_infinite() {
            let near = rank.is_some_and(|rank| rank < FRONT) && !self.is_lobby() && !self.is_closed();
            if near { SOON } else { STANDING_STILL.max(by_load) }
        } else {
            (wait * PART).min(RARELY).max(by_load.min(wait * LARGEST_PART))
        };
        // Whoever may be called at any moment hears of it while the turn is held.
        let called_anytime = self.is_lobby() || (rank.is_none() && !self.is_closed());
        let longest = if called_anytime { self.claim.as_secs_f64() / 3.0 } else { LONGEST };
        Duration::from_secs_f64(seconds.min(longest).clamp(SOON, LONGEST))
    }
}

/// Up to 15 % to either side, so that those who asked together do not ask together again.
pub(super) fn jittered(interval: Duration, random: u64) -> Duration {
    let part = (random >> 40) as f64 / (1u64 << 24) as f64;
    interval.mul_f64(0.85 + 0.3 * part)
}
