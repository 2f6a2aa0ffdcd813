//! A worker's part of the access log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use crate::clock::Nanos;

use super::date::Date;
use super::record::AccessRecord;
use super::{Batch, Message, Shared};

/// Bytes at which a buffer is handed over: large enough to make writes cheap, small enough to stay in the cache.
const FULL: usize = 64 * 1024;

/// Formats a worker's lines into a buffer of its own. Call [`AccessWriter::tick`] about every 100 ms, so that lines of a
/// quiet time are seen too; what is left goes out on drop.
#[derive(Debug)]
pub struct AccessWriter {
    shared: Arc<Shared>,
    queue: SyncSender<Message>,
    date: Date,
    buffer: Vec<u8>,
    lines: u64,
}

impl AccessWriter {
    pub(super) fn new(shared: Arc<Shared>, queue: SyncSender<Message>, now: Nanos, wall: SystemTime) -> Self {
        Self { shared, queue, date: Date::new(now, wall), buffer: Vec::new(), lines: 0 }
    }

    /// Whether lines are wanted; asked by [`AccessWriter::record`] too, and here to spare the making of a record.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.shared.on.load(Ordering::Relaxed)
    }

    /// Records a finished request.
    pub fn record(&mut self, record: &AccessRecord<'_>) {
        if !self.is_on() {
            return;
        }
        if self.buffer.capacity() == 0 {
            // With room for the line that fills it, in all but the strangest cases.
            self.buffer.reserve_exact(FULL + FULL / 16);
        }
        record.append(&mut self.buffer, &mut self.date);
        self.lines += 1;
        if self.buffer.len() >= FULL {
            self.flush();
        }
    }

    /// Hands over what has been recorded and follows the wall clock. `now` and `wall` are the same moment.
    pub fn tick(&mut self, now: Nanos, wall: SystemTime) {
        self.date.set(now, wall);
        self.flush();
    }

    /// Hands over what has been recorded, or drops and counts it when the writing thread is behind.
    pub fn flush(&mut self) {
        if self.lines == 0 {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let bytes = std::mem::take(&mut self.buffer);
        if self.queue.try_send(Message::Batch(Batch { bytes, lines })).is_err() {
            self.shared.count_dropped(lines);
        }
    }
}

impl Drop for AccessWriter {
    fn drop(&mut self) {
        self.flush();
    }
}
