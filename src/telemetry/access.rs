//! The access log: one JSON object a line for each finished request.
//!
//! Each worker formats into a buffer of its own ([`AccessWriter`]) and hands it, full or at a tick, to one thread that
//! writes. That queue is bounded: when the thread is behind or the disk fails, whole buffers are dropped and their lines
//! counted in `spillway_access_log_dropped_total`; a request never waits for the log.
//!
//! The keys of a line are those of [`AccessRecord`], always all of them and in the same order, `null` when unknown. They
//! are stable: `replay` reads them. Queries are never logged, because tokens and personal data travel in them.

mod date;
mod json;
mod record;
mod sink;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, SystemTime};

use crate::clock::Nanos;
use crate::config::settings;

use super::metrics::{AccessCounters, Metrics};

pub use record::AccessRecord;
pub use writer::AccessWriter;

use sink::{Output, Sink};

/// Buffers that may wait for the writing thread: 8 MiB at most, a fifth of a second of disk at full load.
const QUEUE: usize = 128;

/// The thread that writes the access log.
#[derive(Debug)]
pub struct AccessLog {
    shared: Arc<Shared>,
    queue: SyncSender<Message>,
    thread: Thread,
    finished: Receiver<()>,
}

impl AccessLog {
    /// Opens `target` and starts the writing thread; `None` writes nothing until [`AccessLog::redirect`].
    ///
    /// # Errors
    ///
    /// When the file cannot be opened for appending or the thread cannot be started.
    pub fn start(target: Option<&settings::AccessLog>, metrics: &Metrics) -> io::Result<Self> {
        let output = Output::open(target)?;
        let shared = Arc::new(Shared {
            on: AtomicBool::new(target.is_some()),
            counters: metrics.access_log(),
            ..Shared::default()
        });
        let (queue, batches) = mpsc::sync_channel(QUEUE);
        let (finish, finished) = mpsc::sync_channel(1);
        let sink = Sink::new(output, Arc::clone(&shared));
        let thread = spawn(sink, batches, finish)?.thread().clone();
        Ok(Self { shared, queue, thread, finished })
    }

    /// The part of one worker. `now` and `wall` are the same moment, as monotonic and as wall-clock time.
    #[must_use]
    pub fn writer(&self, now: Nanos, wall: SystemTime) -> AccessWriter {
        AccessWriter::new(Arc::clone(&self.shared), self.queue.clone(), now, wall)
    }

    /// Opens the file anew by its name, as after a rotation. Lines recorded before may still go to the old one. When it
    /// cannot be opened, the error is counted and logged, and the old one stays in use until it can.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        self.wake();
    }

    /// Sends lines to another target from now on, also those still queued; `None` stops recording.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened for appending; the old target stays.
    pub fn redirect(&self, target: Option<&settings::AccessLog>) -> io::Result<()> {
        let output = Output::open(target)?;
        *self.shared.replacement() = Some(output);
        self.shared.on.store(target.is_some(), Ordering::Release);
        self.wake();
        Ok(())
    }

    /// Waits until everything recorded is written, at most `limit`; `false` when time ran out. Every [`AccessWriter`]
    /// must have been dropped before, for each holds the log open. A failing disk gets one more attempt.
    pub fn shutdown(self, limit: Duration) -> bool {
        self.shared.closing.store(true, Ordering::Release);
        drop(self.queue);
        self.thread.unpark();
        self.finished.recv_timeout(limit).is_ok()
    }

    fn wake(&self) {
        // A full queue needs no waking: the thread looks at the flags before each batch.
        let _ = self.queue.try_send(Message::Wake);
        // It may be pausing after an error rather than waiting for a batch.
        self.thread.unpark();
    }
}

fn spawn(mut sink: Sink, batches: Receiver<Message>, finish: SyncSender<()>) -> io::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name("access-log".to_owned());
    thread.spawn(move || {
        for message in batches {
            sink.refresh();
            if let Message::Batch(batch) = message {
                sink.write(batch);
            }
        }
        let _ = finish.send(());
    })
}

/// What the log's handle, its workers and its thread share.
#[derive(Debug, Default)]
struct Shared {
    /// Whether lines are wanted.
    on: AtomicBool,
    reopen: AtomicBool,
    closing: AtomicBool,
    replacement: Mutex<Option<Output>>,
    counters: Arc<AccessCounters>,
}

impl Shared {
    fn replacement(&self) -> std::sync::MutexGuard<'_, Option<Output>> {
        self.replacement.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_dropped(&self, lines: u64) {
        self.counters.dropped.fetch_add(lines, Ordering::Relaxed);
    }

    fn count_error(&self) {
        self.counters.errors.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
enum Message {
    Batch(Batch),
    /// Only to look at the flags.
    Wake,
}

/// Whole lines.
#[derive(Debug)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

#[cfg(test)]
mod tests;
