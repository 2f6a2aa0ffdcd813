//! How many retries an origin is given: a share of the requests of the last ten seconds, and a few in any case.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Nanos;

/// Seconds looked back over.
const WINDOW: usize = 10;
/// Retries a second that are always allowed: without them a quiet origin would have none.
const FLOOR: u32 = 3;

/// Why a request was tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryReason {
    /// A kept connection turned out to be closed.
    Stale,
    /// A connection could not be established.
    Connect,
    /// A connection broke before the answer.
    Broken,
}

impl RetryReason {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 3] = [Self::Stale, Self::Connect, Self::Broken];

    /// The metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Connect => "connect",
            Self::Broken => "broken",
        }
    }
}

/// Requests and retries of the last seconds. Pure.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    seconds: [Second; WINDOW],
}

#[derive(Debug, Clone, Copy, Default)]
struct Second {
    at: u64,
    requests: u64,
    retries: u64,
}

impl Window {
    /// Counts requests, not their retries.
    pub(super) fn requested(&mut self, count: u64, now: Nanos) {
        if let Some(second) = self.second(now) {
            second.requests += count;
        }
    }

    /// Takes one retry out of the budget, of which `share` of the requests is the size; whether there was one.
    pub(super) fn take(&mut self, share: f64, now: Nanos) -> bool {
        let oldest = seconds(now).saturating_sub(WINDOW as u64 - 1);
        let recent = self.seconds.iter().filter(|second| second.at >= oldest);
        let (requests, retries) =
            recent.fold((0, 0), |(requests, retries), s| (requests + s.requests, retries + s.retries));
        let budget = requests as f64 * share + f64::from(FLOOR) * WINDOW as f64;
        if share <= 0.0 || retries as f64 + 1.0 > budget {
            return false;
        }
        if let Some(second) = self.second(now) {
            second.retries += 1;
        }
        true
    }

    fn second(&mut self, now: Nanos) -> Option<&mut Second> {
        let at = seconds(now);
        let second = self.seconds.get_mut((at % WINDOW as u64) as usize)?;
        if second.at != at {
            *second = Second { at, ..Second::default() };
        }
        Some(second)
    }
}

fn seconds(now: Nanos) -> u64 {
    Duration::from_nanos(now).as_secs()
}

/// The budget of one origin over all workers. Locked once a tick and on retries, never for an ordinary request.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<Window>);

impl Budget {
    pub(super) fn requested(&self, count: u64, now: Nanos) {
        self.window().requested(count, now);
    }

    pub(super) fn take(&self, share: f64, now: Nanos) -> bool {
        self.window().take(share, now)
    }

    fn window(&self) -> std::sync::MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn drain(window: &mut Window, share: f64, now: Nanos) -> usize {
        (0..10_000).take_while(|_| window.take(share, now)).count()
    }

    #[test]
    fn a_quiet_origin_has_the_floor_and_no_more() {
        assert_eq!(drain(&mut Window::default(), 0.2, 50 * SECOND), 30);
    }

    #[test]
    fn a_share_of_the_requests_is_added_and_expires() {
        let mut window = Window::default();
        window.requested(1000, 50 * SECOND);
        assert_eq!(drain(&mut window, 0.2, 50 * SECOND), 230);
        assert_eq!(drain(&mut window, 0.2, 59 * SECOND), 0);
        assert_eq!(drain(&mut window, 0.2, 60 * SECOND), 30);
    }

    #[test]
    fn a_share_of_zero_is_no_retry() {
        assert!(!Window::default().take(0.0, 50 * SECOND));
    }
}
