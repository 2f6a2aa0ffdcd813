//! Counts by a constant name that another module chooses.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many names are told apart.
const NAMES: usize = 48;

/// Counts by name, written from any thread without a lock. For what is rare: finding a name is a linear search.
#[derive(Debug)]
pub(super) struct Kinds {
    named: [(OnceLock<&'static str>, AtomicU64); NAMES],
    other: AtomicU64,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { named: std::array::from_fn(|_| Default::default()), other: AtomicU64::new(0) }
    }
}

impl Kinds {
    /// Counts one of `kind`; as `other` when there are too many kinds.
    pub(super) fn add(&self, kind: &'static str) {
        let count = self
            .named
            .iter()
            .find(|(name, _)| *name.get_or_init(|| kind) == kind)
            .map_or(&self.other, |(_, count)| count);
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Every kind counted so far.
    pub(super) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = self.named.iter().filter_map(|(name, count)| Some((*name.get()?, count.load(Ordering::Relaxed))));
        let other = self.other.load(Ordering::Relaxed);
        named.chain((other > 0).then_some(("other", other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_name() {
        let kinds = Kinds::default();
        kinds.add("bad_host");
        kinds.add("bad_path");
        kinds.add("bad_host");
        assert_eq!(kinds.read().collect::<Vec<_>>(), [("bad_host", 2), ("bad_path", 1)]);
    }

    #[test]
    fn names_past_the_table_are_counted_together() {
        let kinds = Kinds::default();
        for n in 0..NAMES + 3 {
            kinds.add(format!("kind_{n}").leak());
        }
        let counts: Vec<_> = kinds.read().collect();
        assert_eq!(counts.len(), NAMES + 1);
        assert_eq!(counts.last(), Some(&("other", 3)));
    }
}
