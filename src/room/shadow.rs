//! What a room that is off would have done: who would be inside is kept by a hash of the visitor.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Visitors looked through for one that is not known.
const WAYS: usize = 8;
/// Most visitors kept, whatever the cap.
const MOST: usize = 4 << 20;

/// Visitors inside, roughly: two that share a hash are one, and in a table that is nearly full the one least recently seen
/// is forgotten.
#[derive(Debug, Default)]
pub(super) struct Shadow {
    /// The hash's high 32 bits and the second last seen, or 0.
    cells: OnceLock<Box<[AtomicU64]>>,
    inside: AtomicU32,
}

impl Shadow {
    /// Notes a request of a visitor; true if it would have waited because `cap` others are inside.
    pub(super) fn would_wait(&self, visitor: u64, cap: u32, now: u32, session: u32) -> bool {
        let size = (cap as usize * 2).next_power_of_two().clamp(WAYS, MOST);
        let cells = self.cells.get_or_init(|| (0..size).map(|_| AtomicU64::new(0)).collect());
        let start = visitor as usize % (cells.len() / WAYS) * WAYS;
        let name = (visitor >> 32).max(1) << 32;
        let set = cells.get(start..start + WAYS).unwrap_or_default();
        let is_over = |packed: u64| now.saturating_sub(packed as u32) > session;
        let stamp = name | u64::from(now);
        let mut victim = None;
        for cell in set {
            let packed = cell.load(Relaxed);
            if packed & !0xffff_ffff == name && !is_over(packed) {
                cell.store(stamp, Relaxed);
                return false;
            }
            let age = if packed == 0 { u32::MAX } else { now.saturating_sub(packed as u32) };
            if victim.is_none_or(|(_, oldest, _)| age > oldest) {
                victim = Some((cell, age, packed));
            }
        }
        if self.inside.load(Relaxed) >= cap {
            return true;
        }
        if let Some((cell, _, packed)) = victim {
            cell.store(stamp, Relaxed);
            if packed == 0 || is_over(packed) {
                self.inside.fetch_add(1, Relaxed);
            }
        }
        false
    }

    /// Counts anew who is inside. A visitor noted meanwhile is counted with the next.
    pub(super) fn recount(&self, now: u32, session: u32) {
        let Some(cells) = self.cells.get() else { return };
        let is_inside = |cell: &&AtomicU64| {
            let packed = cell.load(Relaxed);
            packed != 0 && now.saturating_sub(packed as u32) <= session
        };
        self.inside.store(cells.iter().filter(is_inside).count() as u32, Relaxed);
    }

    /// Visitors who would be inside.
    pub(super) fn inside(&self) -> u32 {
        self.inside.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(number: u64) -> u64 {
        number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn those_over_the_cap_would_have_waited_until_others_are_gone() {
        let shadow = Shadow::default();
        let asks = |number, now| shadow.would_wait(visitor(number), 10, now, 60);
        assert_eq!((0..15).filter(|number| asks(*number, 1)).count(), 5);
        assert_eq!((0..10).filter(|number| asks(*number, 30)).count(), 0, "who is inside stays");
        shadow.recount(60, 60);
        assert!(asks(11, 60));
        shadow.recount(91, 60);
        assert_eq!(shadow.inside(), 0);
        assert!(!asks(11, 91));
    }
}
