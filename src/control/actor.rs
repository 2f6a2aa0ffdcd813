//! The thread on which the policy changes, one change at a time.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::in_force::InForce;
use super::reload::Reloader;

/// The longest sleep: the wall clock may be set while one waits for an override to end.
const LONGEST: Duration = Duration::from_secs(60);
/// The pause before another try at ending an override.
const RETRY: Duration = Duration::from_secs(5);

/// How soon what a change left behind is looked at again.
const TIDYING: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(&mut Reloader) + Send>;

/// Where changes are asked for, and what is in force is seen.
#[derive(Debug, Clone)]
pub struct Policies {
    jobs: Sender<Job>,
    in_force: Arc<ArcSwap<InForce>>,
}

/// The thread is gone, or what was asked made it panic; what was in force stays.
#[derive(Debug, thiserror::Error)]
#[error("the change failed for a reason inside of the proxy; its log says more")]
pub struct Failed;

impl Policies {
    /// Starts the thread. It ends when nobody can ask any more.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(reloader: Reloader) -> io::Result<Self> {
        let in_force = reloader.in_force();
        let (jobs, inbox) = mpsc::channel();
        thread::Builder::new().name("spillway-policy".into()).spawn(move || run(reloader, &inbox))?;
        Ok(Self { jobs, in_force })
    }

    /// What is in force now.
    #[must_use]
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Has `change` made when it is its turn, and waits for what comes of it. A caller who leaves does not undo it.
    ///
    /// # Errors
    /// The change could not be made.
    pub async fn ask<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Reloader, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Failed> {
        let (reply, answer) = oneshot::channel();
        self.tell(move |reloader, now| {
            // An error means that the caller has left.
            let _ = reply.send(change(reloader, now));
        });
        answer.await.map_err(|_| Failed)
    }

    /// Has `change` made when it is its turn.
    pub fn tell(&self, change: impl FnOnce(&mut Reloader, Timestamp) + Send + 'static) {
        // An error means that the process is ending.
        let _ = self.jobs.send(Box::new(move |reloader| change(reloader, Timestamp::now())));
    }
}

fn run(mut reloader: Reloader, inbox: &Receiver<Job>) {
    let mut untidy = true;
    loop {
        let longest = if untidy { TIDYING } else { LONGEST };
        match inbox.recv_timeout(patience(reloader.next_end(), Timestamp::now()).min(longest)) {
            Ok(job) => guarded(|| job(&mut reloader)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        guarded(|| reloader.end_overrides(Timestamp::now()));
        guarded(|| untidy = reloader.tidy());
    }
}

/// A panic is logged by the process's hook and costs the change that caused it.
fn guarded(job: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(job)).is_err() {
        tracing::error!("a change of the policy was abandoned");
    }
}

/// How long to sleep. An end that is past by now was tried and failed.
fn patience(end: Option<Timestamp>, now: Timestamp) -> Duration {
    match end.map(|end| Duration::try_from(end.duration_since(now))) {
        Some(Ok(left)) if !left.is_zero() => left.min(LONGEST),
        Some(_) => RETRY,
        None => LONGEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn it_sleeps_until_an_override_ends_and_never_spins() {
        let cases = [
            (None, LONGEST),
            (Some(at(250)), Duration::from_millis(250)),
            (Some(at(3_600_000)), LONGEST),
            (Some(at(0)), RETRY),
            (Some(at(-5_000)), RETRY),
        ];
        for (end, expected) in cases {
            assert_eq!(patience(end, at(0)), expected, "{end:?}");
        }
    }
}
