//! Writes to the archive without ever waiting for it long: a disk that hangs must not stop a line.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::archive::Archive;
use crate::clock::Nanos;
use crate::control::priority;
use crate::room::store::{Record, StoreError};

/// How long a write is waited for before the line goes on without it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The pause after a failure, and the longest after many.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Records = Vec<(String, Record)>;

/// What the thread of the archive is asked for, one at a time.
#[derive(Debug)]
enum Job {
    Write(Records),
    Close,
}

/// How well what happens in the rooms is kept, for everybody to see.
#[derive(Debug, Default)]
pub struct Health {
    failing: AtomicBool,
    errors: AtomicU64,
    last: Mutex<Option<String>>,
}

impl Health {
    /// Whether it is kept.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }

    /// Failed attempts so far.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Why it is not kept, while it is not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, trouble: Option<String>) {
        self.failing.store(trouble.is_some(), Ordering::Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// The room thread's end of the archive.
#[derive(Debug)]
pub(super) struct Pen {
    jobs: Sender<Job>,
    done: Receiver<Result<(), StoreError>>,
    /// A job is under way.
    busy: bool,
    /// No attempt before this, and the pause that led to it.
    rest: Option<(Nanos, Duration)>,
    patience: Duration,
    health: Arc<Health>,
}

impl Pen {
    /// Starts the thread of the archive. It ends with this.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(mut archive: Archive) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        let (tell, done) = mpsc::channel();
        thread::Builder::new().name("spillway-store".into()).spawn(move || {
            priority::restore();
            for job in inbox {
                let outcome = match job {
                    Job::Write(records) => archive.write(&records),
                    Job::Close => {
                        archive.close();
                        Ok(())
                    }
                };
                if tell.send(outcome).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs, done, busy: false, rest: None, patience: PATIENCE, health: Arc::default() })
    }

    /// How well it goes.
    pub(super) fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Has records written; whether they are kept for certain. Where they are not, the next records must tell of them too.
    pub(super) fn write(&mut self, records: Records, now: Nanos) -> bool {
        if records.is_empty() {
            return self.health.is_healthy();
        }
        let rests = self.rest.is_some_and(|(until, _)| now < until);
        if !self.idles_within(Duration::ZERO, now) || rests {
            return false;
        }
        self.begin(Job::Write(records));
        self.ends_within(self.patience, now)
    }

    /// The same where nothing goes on until they are kept, or `limit` has passed, whatever went wrong before.
    pub(super) fn write_last(&mut self, records: Records, limit: Duration, now: Nanos) -> bool {
        if !self.idles_within(limit, now) {
            return false;
        }
        if records.is_empty() {
            return true;
        }
        self.begin(Job::Write(records));
        self.ends_within(limit, now)
    }

    /// Leaves the store to another process until the next write; false if it is not left within `limit`.
    pub(super) fn close(&mut self, limit: Duration, now: Nanos) -> bool {
        if self.busy {
            return false;
        }
        self.begin(Job::Close);
        self.ends_within(limit, now)
    }

    fn begin(&mut self, job: Job) {
        // An error means that the thread has panicked; then nothing is ever done again, and waiting for it says so.
        let _ = self.jobs.send(job);
        self.busy = true;
    }

    /// Waits for the job under way, if there is one; whether there is none any more.
    fn idles_within(&mut self, limit: Duration, now: Nanos) -> bool {
        if self.busy {
            self.ends_within(limit, now);
        }
        !self.busy
    }

    /// Waits for the job under way; whether it has ended well.
    fn ends_within(&mut self, limit: Duration, now: Nanos) -> bool {
        let outcome = match self.done.recv_timeout(limit) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) if limit.is_zero() => return false,
            Err(RecvTimeoutError::Timeout) => {
                self.failed(&format!("the store has not answered for {limit:?}"));
                return false;
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.failed("the thread of the store has ended");
                return false;
            }
        };
        self.busy = false;
        match outcome {
            Ok(()) => {
                self.rest = None;
                self.mended();
                true
            }
            Err(error) => {
                let pause = self.rest.map_or(PAUSE, |(_, pause)| (pause * 2).min(LONGEST_PAUSE));
                self.rest = Some((now.saturating_add(pause.as_nanos() as Nanos), pause));
                self.failed(&error.to_string());
                false
            }
        }
    }

    fn failed(&self, why: &str) {
        if self.health.is_healthy() {
            tracing::error!(
                why,
                "what happens in the waiting rooms cannot be kept; the lines go on in memory, with the places set aside before"
            );
        }
        self.health.errors.fetch_add(1, Ordering::Relaxed);
        self.health.set(Some(why.to_owned()));
    }

    fn mended(&self) {
        if !self.health.is_healthy() {
            tracing::info!("what happens in the waiting rooms is kept again");
            self.health.set(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::store::{Saved, Store};
    use std::sync::mpsc::SyncSender;

    const SECOND: Nanos = 1_000_000_000;

    /// A store that does what the test says, one outcome after the other, and hangs until there is one.
    #[derive(Debug)]
    struct Obedient(Arc<Mutex<Receiver<Result<(), StoreError>>>>);

    impl Store for Obedient {
        fn load(&mut self, _: &str) -> Result<Option<Saved>, StoreError> {
            Ok(None)
        }

        fn write(&mut self, records: &[(String, Record)]) -> Result<(), StoreError> {
            if records.is_empty() { Ok(()) } else { self.0.lock().unwrap().recv().unwrap() }
        }
    }

    fn pen() -> (Pen, SyncSender<Result<(), StoreError>>) {
        let (says, outcomes) = mpsc::sync_channel(16);
        let outcomes = Arc::new(Mutex::new(outcomes));
        let archive = Archive::new(move || Ok(Box::new(Obedient(Arc::clone(&outcomes)))));
        let pen = Pen::start(archive).unwrap();
        (Pen { patience: Duration::from_millis(20), ..pen }, says)
    }

    fn records() -> Records {
        vec![("sale".to_owned(), Record::default())]
    }

    fn full() -> Result<(), StoreError> {
        Err(StoreError("no space left".to_owned()))
    }

    #[test]
    fn a_failing_store_is_tried_again_after_longer_and_longer_pauses_until_it_works() {
        let (mut pen, says) = pen();
        says.send(full()).unwrap();
        assert!(!pen.write(records(), 0));
        assert_eq!((pen.health.trouble().as_deref(), pen.health.errors()), (Some("no space left"), 1));
        assert!(!pen.write(records(), SECOND / 10), "too soon, so nothing is tried");
        assert_eq!(pen.health.errors(), 1);
        says.send(full()).unwrap();
        assert!(!pen.write(records(), SECOND / 5));
        assert!(!pen.write(records(), SECOND / 2));
        assert_eq!(pen.health.errors(), 2);
        says.send(Ok(())).unwrap();
        // Opened again, it is first given everything that was kept before: nothing yet.
        assert!(pen.write(records(), SECOND));
        assert!(pen.health.is_healthy() && pen.health.trouble().is_none());
    }

    #[test]
    fn a_store_that_hangs_is_waited_for_once_and_not_by_every_round() {
        let (mut pen, says) = pen();
        assert!(!pen.write(records(), 0));
        assert!(!pen.health.is_healthy());
        pen.patience = Duration::from_secs(3_600);
        assert!(!pen.write(records(), 1), "nobody waits for an answer that is overdue");
        says.send(Ok(())).unwrap();
        says.send(Ok(())).unwrap();
        while !pen.write(records(), 2) {
            thread::yield_now();
        }
        assert!(pen.health.is_healthy());
    }

    #[test]
    fn the_last_records_are_waited_for_whatever_was_before() {
        let (mut pen, says) = pen();
        says.send(full()).unwrap();
        assert!(!pen.write(records(), 0));
        says.send(Ok(())).unwrap();
        assert!(pen.write_last(records(), Duration::from_secs(60), 1), "no pause is kept");
        assert!(!pen.write(records(), 2), "it hangs");
        assert!(!pen.write_last(records(), Duration::from_millis(20), 3));
        assert!(!pen.close(Duration::from_millis(20), 4));
        says.send(Ok(())).unwrap();
        says.send(Ok(())).unwrap();
        assert!(pen.write_last(records(), Duration::from_secs(60), 5));
        assert!(pen.close(Duration::from_secs(60), 6));
    }

    #[test]
    fn a_thread_that_has_panicked_is_a_store_that_does_not_work() {
        let (mut pen, says) = pen();
        drop(says);
        assert!(!pen.write(records(), 0));
        assert!(!pen.write_last(records(), Duration::from_secs(60), 1));
        assert!(!pen.health.is_healthy());
    }
}
