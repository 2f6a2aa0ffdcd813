//! The thread that moves the lines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use super::pen::Pen;
use super::steady::Steady;
use super::{LAST_WRITES, headroom};
use crate::clock::{self, Nanos};
use crate::control::priority;
use crate::edge::snapshot::{RoomHandle, Snapshot};
use crate::edge::worker::Shared;
use crate::room::store::Record;
use crate::room::{Batch, Moment, Tick};

/// How often lines move.
const TICK: Duration = Duration::from_millis(100);
/// How soon after each other they move when somebody asks for it.
const SOONEST: Duration = Duration::from_millis(5);
/// Numbers that may still be given while another process takes over: whoever comes meanwhile should get a place.
const RESERVE: u32 = u32::MAX;

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Job {
    /// Let the lines move.
    Begin(SyncSender<()>),
    /// Have what was changed take effect; whether it is kept.
    Settle(oneshot::Sender<bool>),
    /// Write everything down and leave the store; whether it was left.
    Leave(oneshot::Sender<bool>),
    /// Go on after having left.
    Resume(oneshot::Sender<()>),
    /// Write everything down for the last time.
    Finish(oneshot::Sender<()>),
}

/// See the module.
pub(super) struct Attendant {
    shared: Arc<Shared>,
    pen: Pen,
    clock: Steady,
    /// Whether the lines move.
    moves: bool,
    /// Whether another process has, or will have, the store.
    left: bool,
}

impl Attendant {
    pub(super) fn new(shared: Arc<Shared>, pen: Pen) -> Self {
        let clock = Steady::new(clock::now(), wall());
        shared.set_unix_at_zero(clock.offset());
        Self { shared, pen, clock, moves: false, left: false }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, inbox: &Receiver<Job>) {
        priority::raise();
        loop {
            self.look_at_the_clock();
            loop {
                match inbox.try_recv() {
                    Ok(job) => self.answer(job),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            let begun = Instant::now();
            if self.moves && !self.left {
                self.round();
            }
            thread::park_timeout(TICK.saturating_sub(begun.elapsed()));
            // Whoever cannot be given a number asks for a round, and there may be many of them.
            thread::sleep(SOONEST.saturating_sub(begun.elapsed()));
        }
    }

    fn answer(&mut self, job: Job) {
        // An error of sending means that nobody waits for the answer any more.
        match job {
            Job::Begin(reply) => {
                self.moves = true;
                self.round();
                let _ = reply.send(());
            }
            Job::Settle(reply) => {
                let _ = reply.send(!self.left && self.round());
            }
            Job::Leave(reply) => {
                let _ = reply.send(!self.left && self.leave(RESERVE));
            }
            Job::Resume(reply) => {
                self.left = false;
                let _ = reply.send(());
            }
            Job::Finish(reply) => {
                if !self.left && !self.leave(0) {
                    tracing::error!("the end of what happened in the waiting rooms could not be kept");
                }
                self.left = true;
                let _ = reply.send(());
            }
        }
    }

    /// Has every room decide, the store know of it, and everybody see it; whether it is kept.
    fn round(&mut self) -> bool {
        let snapshot = self.shared.live.load_full();
        let now = self.now();
        let decided: Vec<_> = (0..)
            .zip(&snapshot.rooms)
            .filter_map(|(index, handle)| Some((handle, decide(&snapshot, index, handle, now)?)))
            .collect();
        let record = |(handle, batch): &(&RoomHandle, Batch)| Some((name(handle), batch.record.clone()?));
        let records = decided.iter().filter_map(record).collect();
        let durable = self.pen.write(records, clock::now());
        for (handle, batch) in decided {
            guarded(handle, || handle.room.publish(batch, durable));
        }
        durable
    }

    /// Writes everything down, lets at most `reserve` more numbers be given, and closes the store; whether that went well.
    /// Where it did not, all is as before.
    fn leave(&mut self, reserve: u32) -> bool {
        // Before it began nothing was its own, and the process before this one may go on.
        let kept = !self.moves || self.write_last(reserve);
        self.left = kept && self.pen.close(LAST_WRITES, clock::now());
        self.left
    }

    fn write_last(&mut self, reserve: u32) -> bool {
        let snapshot = self.shared.live.load_full();
        let last = |handle: &RoomHandle| (name(handle), handle.room.close(reserve));
        let records: Vec<(String, Record)> = snapshot.rooms.iter().map(last).collect();
        let kept = self.pen.write_last(records.clone(), LAST_WRITES, clock::now());
        for (handle, (_, record)) in snapshot.rooms.iter().zip(records) {
            let mut batch = Batch::default();
            batch.record = Some(record);
            guarded(handle, || handle.room.publish(batch, kept));
        }
        kept
    }

    fn look_at_the_clock(&mut self) {
        let doubted = self.clock.doubts().is_some();
        if self.clock.observe(clock::now(), wall()) {
            tracing::warn!("the wall clock has shown another time for ten minutes and is believed now");
        } else if let Some(seconds) = self.clock.doubts().filter(|_| !doubted) {
            tracing::warn!(
                seconds,
                "the wall clock has jumped; tickets go by the time it should be until it has lasted"
            );
        }
        self.shared.set_unix_at_zero(self.clock.offset());
    }

    fn now(&self) -> Moment {
        let mono = clock::now();
        Moment { mono, unix: self.shared.unix_seconds(mono) }
    }
}

fn decide(snapshot: &Snapshot, index: usize, handle: &RoomHandle, now: Moment) -> Option<Batch> {
    handle.room.attend(thread::current());
    let mut random = [0; 32];
    if let Err(error) = aws_lc_rs::rand::fill(&mut random) {
        tracing::error!(%error, "the system gives no random numbers, so the waiting rooms stand still");
        return None;
    }
    let tick = Tick { now, headroom: headroom::of(snapshot, index), random };
    guarded(handle, || handle.room.tick(tick))
}

/// A panic is logged by the process's hook and costs the round of one room.
fn guarded<T>(handle: &RoomHandle, work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    if done.is_none() {
        tracing::error!(room = handle.room.name(), "a round of this waiting room was abandoned");
    }
    done
}

fn name(handle: &RoomHandle) -> String {
    handle.room.name().to_owned()
}

/// What the wall clock shows, in nanoseconds since the epoch.
fn wall() -> Nanos {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    unix.as_nanos().try_into().unwrap_or(Nanos::MAX)
}
