//! RFC 3339 times, the slow part of which is done once a second.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Nanos;

use super::json;

/// Turns monotonic times into wall-clock ones.
#[derive(Debug)]
pub(super) struct Date {
    /// Unix time in nanoseconds at which the monotonic clock read 0.
    origin: u64,
    /// The second that `text` is for.
    second: Option<u64>,
    /// As `2026-11-11T00:00:00`.
    text: String,
}

impl Date {
    /// `now` and `wall` are the same moment.
    pub(super) fn new(now: Nanos, wall: SystemTime) -> Self {
        let mut date = Self { origin: 0, second: None, text: String::new() };
        date.set(now, wall);
        date
    }

    /// Follows a wall clock that was set. `now` and `wall` are the same moment.
    pub(super) fn set(&mut self, now: Nanos, wall: SystemTime) {
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.origin = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).saturating_sub(now);
    }

    /// Appends the time of `at` in UTC with milliseconds.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, at: Nanos) {
        let unix = Duration::from_nanos(self.origin.saturating_add(at));
        if self.second != Some(unix.as_secs()) {
            self.second = Some(unix.as_secs());
            self.text = text(unix.as_secs());
        }
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'.');
        json::three_digits(out, unix.subsec_millis());
        out.push(b'Z');
    }
}

/// Nanoseconds in 64 bits end in the year 2554, well inside what a timestamp can be.
fn text(second: u64) -> String {
    let second = i64::try_from(second).unwrap_or_default();
    let timestamp = jiff::Timestamp::from_second(second).unwrap_or_default();
    let mut text = timestamp.to_string();
    text.truncate(text.trim_end_matches('Z').len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(date: &mut Date, at: Nanos) -> String {
        let mut out = Vec::new();
        date.append(&mut out, at);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_utc_with_milliseconds() {
        let mut date = Date::new(5_000_000_000, UNIX_EPOCH + Duration::from_millis(1_794_355_200_007));
        assert_eq!(shown(&mut date, 5_000_000_000), "2026-11-11T00:00:00.007Z");
        assert_eq!(shown(&mut date, 5_992_999_999), "2026-11-11T00:00:00.999Z");
        assert_eq!(shown(&mut date, 5_993_000_000), "2026-11-11T00:00:01.000Z");
        assert_eq!(shown(&mut date, 4_000_000_000), "2026-11-10T23:59:59.007Z");
    }

    #[test]
    fn a_clock_that_was_set_is_followed() {
        let mut date = Date::new(0, UNIX_EPOCH);
        assert_eq!(shown(&mut date, 0), "1970-01-01T00:00:00.000Z");
        date.set(1_000_000_000, UNIX_EPOCH + Duration::from_secs(86_401));
        assert_eq!(shown(&mut date, 0), "1970-01-02T00:00:00.000Z");
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        let mut date = Date::new(0, UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX) * 4));
        assert_eq!(shown(&mut date, u64::MAX), "2554-07-21T23:34:33.709Z");
    }
}
