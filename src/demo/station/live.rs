//! A model driven by the clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{Job, JobId, Offered, Optimum, Started, Station, Trouble};
use crate::demo::page::Class;

/// A [`Station`] whose jobs end when their time has come. Cloned handles share it, from any thread.
#[derive(Debug, Clone)]
pub struct LiveStation {
    shared: Arc<Shared>,
}

/// How a job went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Finished,
    /// The station did not want it.
    Rejected,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    state: Mutex<State>,
    /// The next moment at which something happens has moved forward.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    station: Box<dyn Station>,
    brought: JobId,
    waiting: HashMap<JobId, oneshot::Sender<()>>,
    /// How late the driver came, in microseconds; there always is one, for its bounds are right.
    lag: Option<Histogram<u32>>,
}

/// Longer lags count as this.
const LONGEST_MICROS: u64 = 60_000_000;

impl LiveStation {
    /// Somebody must run [`LiveStation::drive`].
    #[must_use]
    pub fn new(station: Box<dyn Station>) -> Self {
        let lag = Histogram::new_with_max(LONGEST_MICROS, 2).ok();
        let state = State { station, brought: 0, waiting: HashMap::new(), lag };
        let shared = Shared { began: Instant::now(), state: Mutex::new(state), sooner: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Runs a job that alone would take `work`. The job keeps running when the future is dropped.
    pub async fn run(&self, work: Duration, class: Class, hot: bool) -> Done {
        let (end, ended) = oneshot::channel();
        let sooner = {
            let mut state = self.lock();
            let now = self.now();
            let before = state.station.next();
            state.brought += 1;
            let id = state.brought;
            if state.station.start(Job { id, work, class, hot }, now) == Started::Rejected {
                return Done::Rejected;
            }
            state.waiting.insert(id, end);
            state.station.next().is_some_and(|next| before.is_none_or(|before| next < before))
        };
        if sooner {
            self.shared.sooner.notify_one();
        }
        // An error means that the driver is gone: the shop is closing.
        let _ = ended.await;
        Done::Finished
    }

    /// Jobs under way.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.lock().station.jobs()
    }

    /// The best that could be got out of it as it is now.
    #[must_use]
    pub fn optimum(&self, offered: Offered) -> Optimum {
        self.lock().station.optimum(offered)
    }

    /// Changes what it can do from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.lock().station.trouble(trouble, self.now());
        self.shared.sooner.notify_one();
    }

    /// How late ends of jobs were noticed, at `quantile` (0.0 – 1.0) of all since it was made.
    #[must_use]
    pub fn lag(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.lock().lag.as_ref().map_or(0, |lag| lag.value_at_quantile(quantile)))
    }

    /// Ends jobs when their time has come; never returns.
    pub async fn drive(&self) {
        loop {
            match self.end_due() {
                Some(next) => {
                    let at = self.shared.began + next;
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => self.note_lag(at.elapsed()),
                        () = self.shared.sooner.notified() => {}
                    }
                }
                None => self.shared.sooner.notified().await,
            }
        }
    }

    fn end_due(&self) -> Option<Duration> {
        let mut state = self.lock();
        let State { station, waiting, .. } = &mut *state;
        for id in station.finished(self.now()) {
            if let Some(end) = waiting.remove(&id) {
                // Nobody waits for abandoned work.
                let _ = end.send(());
            }
        }
        station.next()
    }

    fn note_lag(&self, lag: Duration) {
        if let Some(histogram) = &mut self.lock().lag {
            histogram.saturating_record(lag.as_micros() as u64);
        }
    }

    fn now(&self) -> Duration {
        self.shared.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::database::{Database, Parameters};
    use crate::demo::rejecting::Rejecting;

    fn live(station: impl Station + 'static) -> LiveStation {
        let station = LiveStation::new(Box::new(station));
        let driver = station.clone();
        tokio::spawn(async move { driver.drive().await });
        station
    }

    async fn work(station: &LiveStation, work: Duration) -> Done {
        station.run(work, Class::Browse, false).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_job_still_slows_the_others() {
        let database = live(Database::new(Parameters { best_concurrency: 1, retrograde: 0.0, speed: 1.0 }));
        let began = Instant::now();
        let patience = Duration::from_millis(100);
        let impatient = tokio::time::timeout(patience, work(&database, Duration::from_secs(1))).await;
        assert!(impatient.is_err());
        assert_eq!(database.jobs(), 1);
        // 100 ms alone, then the other two halves share it: 2 s of work in 2 s.
        assert_eq!(work(&database, Duration::from_secs(1)).await, Done::Finished);
        assert_eq!(began.elapsed().as_millis() / 10, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_job_that_comes_later_ends_first() {
        let database = live(Database::new(Parameters::default()));
        let began = Instant::now();
        let long = tokio::spawn({
            let database = database.clone();
            async move { work(&database, Duration::from_secs(60)).await }
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        work(&database, Duration::from_millis(50)).await;
        assert_eq!(began.elapsed().as_millis(), 60);
        database.trouble(Trouble::Speed(100.0));
        long.await.unwrap();
        assert_eq!(began.elapsed().as_millis() / 10, 66);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_job_is_told_so_at_once() {
        let parameters = Parameters { best_concurrency: 1, ..Parameters::default() };
        let server = live(Rejecting::new(Database::new(parameters), 1));
        for _ in 0..2 {
            let server = server.clone();
            tokio::spawn(async move { work(&server, Duration::from_secs(1)).await });
        }
        tokio::task::yield_now().await;
        assert_eq!(work(&server, Duration::from_millis(1)).await, Done::Rejected);
        assert_eq!(server.jobs(), 2);
    }
}
