//! What is counted per limit.

use super::family;
use super::page::Page;
use super::per_worker::{Count, PerWorker};
use crate::policy::verdict::Mode;

/// One limit.
#[derive(Debug)]
pub struct LimitMetrics {
    limit: Box<str>,
    refusals: PerWorker<[Count; Mode::ALL.len()]>,
}

impl LimitMetrics {
    pub(super) fn new(limit: &str, workers: usize) -> Self {
        Self { limit: limit.into(), refusals: PerWorker::new(workers) }
    }

    /// Counts a request that the limit refused, or in shadow mode would have refused. Only the thread of `worker` may
    /// call it.
    #[inline]
    pub fn refused(&self, worker: usize, mode: Mode) {
        let cell = self.refusals.of(worker).and_then(|cells| cells.get(mode.index()));
        if let Some(cell) = cell {
            cell.add(1);
        }
    }

    pub(super) fn collect(&self, page: &mut Page) {
        for mode in Mode::ALL {
            let cells = self.refusals.written().filter_map(|(_, cells)| cells.get(mode.index()));
            let count: u64 = cells.map(Count::get).sum();
            if count > 0 {
                page.counter(&family::LIMIT_REFUSALS, &[&self.limit, mode.as_str()], count as f64);
            }
        }
    }
}
