//! Cells that one thread writes and a scrape reads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

/// A count with a single writer: no locked instruction, and a reader sees either the old or the new value.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Adds `n`. Only the owning thread may call it.
    #[inline]
    pub(super) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// The count so far.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A `T` for each worker and one for the control thread, each on cache lines of its own and made when first written.
#[derive(Debug)]
pub(super) struct PerWorker<T> {
    shards: Box<[Shard<T>]>,
}

type Shard<T> = OnceLock<Box<CachePadded<T>>>;

impl<T: Default> PerWorker<T> {
    /// Room for `workers` workers and the control thread.
    pub(super) fn new(workers: usize) -> Self {
        Self { shards: std::iter::repeat_with(OnceLock::new).take(workers.saturating_add(1)).collect() }
    }

    /// The part that `worker` writes; `None` for an index that belongs to nobody.
    #[inline]
    pub(super) fn of(&self, worker: usize) -> Option<&T> {
        let shard = self.shards.get(worker)?.get_or_init(Box::default);
        Some(shard)
    }

    /// Everything written so far, with the worker that wrote it.
    pub(super) fn written(&self) -> impl Iterator<Item = (usize, &T)> {
        self.shards.iter().enumerate().filter_map(|(worker, shard)| Some((worker, &***shard.get()?)))
    }
}
