//! When a refused client is asked to come back.

use std::time::Duration;

use super::Refusal;
use crate::config::settings::ClassIndex;

/// Nobody is sent away for longer than twice this, in seconds: by then the picture has changed.
const LONGEST_BASE: u64 = 32;

/// `Retry-After` in seconds, where it can be told.
///
/// A limit knows to the second when it will have a token. Capacity does not: the most important class is asked to wait 1
/// – 2 s and each lower one twice as long, spread at random so that those refused together do not return together.
pub(super) fn seconds(refusal: Refusal, class: ClassIndex, random: u64) -> Option<u64> {
    match refusal {
        Refusal::Limit { retry_after, .. } => Some(whole_seconds(retry_after)),
        Refusal::Capacity | Refusal::WaitedOut => Some(spread(class, random)),
        // Another instance, or the next of this one, is there at once.
        Refusal::Draining => Some(1),
        Refusal::OriginDown
        | Refusal::OriginFailed { .. }
        | Refusal::OriginTimeout { .. }
        | Refusal::Request(_)
        | Refusal::NotFound
        | Refusal::BadMethod
        | Refusal::CrossSite
        | Refusal::RequestTimeout { .. }
        | Refusal::BodyTooLarge { .. }
        | Refusal::BodyMalformed { .. }
        | Refusal::HeadersTooLarge => None,
    }
}

/// Rounded up, so that who comes back then is not too early; at least one.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    let more = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(more).max(1)
}

/// From `base` to twice that.
fn spread(class: ClassIndex, random: u64) -> u64 {
    let doublings = u32::try_from(class).unwrap_or(u32::MAX);
    let base = 1_u64.checked_shl(doublings).unwrap_or(LONGEST_BASE).clamp(1, LONGEST_BASE);
    base + random % (base + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_rounded_up_to_the_second() {
        for (nanoseconds, expected) in [(1, 1), (1_000_000_000, 1), (1_000_000_001, 2), (12_500_000_000, 13)] {
            assert_eq!(whole_seconds(Duration::from_nanos(nanoseconds)), expected);
        }
        let refusal = Refusal::Limit { limit: 0, retry_after: Duration::from_millis(4_200) };
        assert_eq!(seconds(refusal, 3, 99), Some(5));
    }

    #[test]
    fn lower_classes_wait_longer_and_everyone_is_spread() {
        for (class, least) in
            [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 32), (63, 32), (64, 32), (usize::MAX, 32)]
        {
            let asked: Vec<_> = (0..1_000).filter_map(|random| seconds(Refusal::Capacity, class, random)).collect();
            assert_eq!(asked.iter().min(), Some(&least), "class {class}");
            assert_eq!(asked.iter().max(), Some(&(2 * least)), "class {class}");
        }
    }
}
