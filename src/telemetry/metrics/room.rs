//! What workers count per waiting room; what the room itself knows is read at scrape.

use std::time::Duration;

use super::family;
use super::kinds::Kinds;
use super::page::Page;
use super::per_worker::{Count, PerWorker};
use super::spans::{SpanTotals, Spans};
use crate::room::standing::Promise;

/// One waiting room.
#[derive(Debug)]
pub struct RoomMetrics {
    room: Box<str>,
    shards: PerWorker<Shard>,
}

/// One worker's part.
#[derive(Debug, Default)]
struct Shard {
    joined: Count,
    would_wait: Count,
    promises: [Count; Kept::ALL.len()],
    wait: Spans,
    error: Spans,
    rejects: Kinds,
}

/// What became of the estimate shown at joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// The turn came within the likely wait.
    Likely,
    /// It came later than that, within the late one.
    Late,
    /// It came later than both.
    Broken,
}

impl Kept {
    const ALL: [Self; 3] = [Self::Likely, Self::Late, Self::Broken];

    /// What became of it after a wait of so many seconds; `None` where nothing was promised.
    fn of(promise: &Promise, waited: u64) -> Option<Self> {
        let late = u64::from(promise.late?);
        let likely = promise.likely.map_or(0, u64::from);
        Some(if waited <= likely {
            Self::Likely
        } else if waited <= late {
            Self::Late
        } else {
            Self::Broken
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Likely => "likely",
            Self::Late => "late",
            Self::Broken => "broken",
        }
    }
}

/// Methods that take a `worker` may only be called by that worker's thread.
impl RoomMetrics {
    pub(super) fn new(room: &str, workers: usize) -> Self {
        Self { room: room.into(), shards: PerWorker::new(workers) }
    }

    /// The room's name.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// Counts a place given in line.
    pub fn joined(&self, worker: usize) {
        self.with(worker, |shard| shard.joined.add(1));
    }

    /// Counts a shopper who waited for so long until the turn came; `promise` is what was shown at joining.
    pub fn turn_came(&self, worker: usize, waited: Duration, promise: &Promise) {
        let waited = waited.as_secs();
        self.with(worker, |shard| {
            shard.wait.record(waited);
            if let Some(likely) = promise.likely {
                shard.error.record(waited.abs_diff(likely.into()));
            }
            if let Some(cell) = Kept::of(promise, waited).and_then(|kept| shard.promises.get(kept as usize)) {
                cell.add(1);
            }
        });
    }

    /// Counts a shopper who would have waited if the room were not off.
    pub fn would_wait(&self, worker: usize) {
        self.with(worker, |shard| shard.would_wait.add(1));
    }

    /// Counts a ticket or pass that was not believed because of `reason`, a short `snake_case` constant.
    pub fn ticket_rejected(&self, worker: usize, reason: &'static str) {
        self.with(worker, |shard| shard.rejects.add(reason));
    }

    pub(super) fn collect(&self, page: &mut Page) {
        let room = &*self.room;
        let sum = |count: fn(&Shard) -> &Count| self.shards.written().map(|(_, shard)| count(shard).get()).sum::<u64>();
        for (family, count) in [
            (&family::ROOM_JOINED, sum(|shard| &shard.joined)),
            (&family::ROOM_WOULD_WAIT, sum(|shard| &shard.would_wait)),
        ] {
            page.counter(family, &[room], count as f64);
        }
        for kept in Kept::ALL {
            let cells = self.shards.written().filter_map(|(_, shard)| shard.promises.get(kept as usize));
            let count: u64 = cells.map(Count::get).sum();
            page.counter(&family::ROOM_PROMISES, &[room, kept.as_str()], count as f64);
        }
        let spans = |of: fn(&Shard) -> &Spans| SpanTotals::from_iter(self.shards.written().map(|(_, shard)| of(shard)));
        page.spans(&family::ROOM_WAIT, &[room], &spans(|shard| &shard.wait));
        page.spans(&family::ROOM_ETA_ERROR, &[room], &spans(|shard| &shard.error));
        for (reason, count) in self.rejects() {
            page.counter(&family::ROOM_TICKET_REJECTS, &[room, reason], count as f64);
        }
    }

    fn rejects(&self) -> std::collections::BTreeMap<&'static str, u64> {
        let mut counts = std::collections::BTreeMap::new();
        for (reason, count) in self.shards.written().flat_map(|(_, shard)| shard.rejects.read()) {
            *counts.entry(reason).or_default() += count;
        }
        counts
    }

    fn with(&self, worker: usize, count: impl FnOnce(&Shard)) {
        if let Some(shard) = self.shards.of(worker) {
            count(shard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(likely: Option<u32>, late: Option<u32>) -> Promise {
        Promise { joined: 1_000, likely, late }
    }

    #[test]
    fn a_promise_is_held_against_the_wait() {
        for (likely, late, waited, expected) in [
            (Some(10), Some(15), 10, Some(Kept::Likely)),
            (Some(10), Some(15), 11, Some(Kept::Late)),
            (Some(10), Some(15), 15, Some(Kept::Late)),
            (Some(10), Some(15), 16, Some(Kept::Broken)),
            (None, Some(15), 3, Some(Kept::Late)),
            (Some(10), None, 3, None),
            (None, None, 3, None),
        ] {
            assert_eq!(Kept::of(&promise(likely, late), waited), expected, "{likely:?} {late:?} {waited}");
        }
    }

    #[test]
    fn workers_are_added_up() {
        let metrics = RoomMetrics::new("sale", 1);
        metrics.ticket_rejected(0, "expired");
        metrics.ticket_rejected(1, "expired");
        metrics.ticket_rejected(1, "signature");
        metrics.ticket_rejected(2, "signature");
        assert_eq!(metrics.rejects().into_iter().collect::<Vec<_>>(), [("expired", 2), ("signature", 1)]);
    }
}
