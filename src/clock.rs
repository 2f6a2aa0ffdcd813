//! Monotonic time as a plain number, so that judgement can be given it as an argument.

use std::sync::LazyLock;
use std::time::Instant;

/// Monotonic nanoseconds since the process began to count.
pub type Nanos = u64;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Reads the clock. Called once at each point of a request's life that is measured, never by judgement.
#[must_use]
pub fn now() -> Nanos {
    at(Instant::now())
}

/// The same scale for an [`Instant`] taken elsewhere; 0 for one before the process began to count.
#[must_use]
pub fn at(instant: Instant) -> Nanos {
    u64::try_from(instant.saturating_duration_since(*START).as_nanos()).unwrap_or(u64::MAX)
}
