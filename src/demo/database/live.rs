//! The model driven by the clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{Database, JobId, Parameters};

/// A [`Database`] whose jobs end when their time has come. Cloned handles share it, from any thread.
#[derive(Debug, Clone)]
pub struct LiveDatabase {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    state: Mutex<State>,
    /// The next end has moved forward.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    database: Database,
    waiting: HashMap<JobId, oneshot::Sender<()>>,
}

impl LiveDatabase {
    /// An idle database. Somebody must run [`LiveDatabase::drive`].
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let state = State { database: Database::new(parameters), waiting: HashMap::new() };
        let shared = Shared { began: Instant::now(), state: Mutex::new(state), sooner: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Runs a job that alone would take `work`. The job keeps running when the future is dropped.
    pub async fn run(&self, work: Duration) {
        let (end, ended) = oneshot::channel();
        let sooner = {
            let mut state = self.lock();
            let id = state.database.start(work, self.now());
            state.waiting.insert(id, end);
            state.database.next().is_some_and(|(next, _)| next == id)
        };
        if sooner {
            self.shared.sooner.notify_one();
        }
        // An error means that the driver is gone: the shop is closing.
        let _ = ended.await;
    }

    /// Jobs under way.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.lock().database.jobs()
    }

    /// What it can do at present.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        self.lock().database.parameters()
    }

    /// Changes what it can do from now on.
    pub fn set_parameters(&self, parameters: Parameters) {
        self.lock().database.set_parameters(parameters, self.now());
        self.shared.sooner.notify_one();
    }

    /// Ends jobs when their time has come; never returns.
    pub async fn drive(&self) {
        loop {
            match self.end_due() {
                Some(next) => {
                    let at = self.shared.began + next;
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = self.shared.sooner.notified() => {}
                    }
                }
                None => self.shared.sooner.notified().await,
            }
        }
    }

    fn end_due(&self) -> Option<Duration> {
        let mut state = self.lock();
        let State { database, waiting } = &mut *state;
        for id in database.finished(self.now()) {
            if let Some(end) = waiting.remove(&id) {
                // Nobody waits for abandoned work.
                let _ = end.send(());
            }
        }
        database.next().map(|(_, at)| at)
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

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_job_still_slows_the_others() {
        let database = LiveDatabase::new(Parameters { best_concurrency: 1, retrograde: 0.0, speed: 1.0 });
        let driver = database.clone();
        tokio::spawn(async move { driver.drive().await });
        let began = Instant::now();
        let impatient = tokio::time::timeout(Duration::from_millis(100), database.run(Duration::from_secs(1))).await;
        assert!(impatient.is_err());
        assert_eq!(database.jobs(), 1);
        // 100 ms alone, then the other two halves share it: 2 s of work in 2 s.
        database.run(Duration::from_secs(1)).await;
        assert_eq!(began.elapsed().as_millis() / 10, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_job_that_comes_later_ends_first() {
        let database = LiveDatabase::new(Parameters::default());
        let driver = database.clone();
        tokio::spawn(async move { driver.drive().await });
        let began = Instant::now();
        let long = tokio::spawn({
            let database = database.clone();
            async move { database.run(Duration::from_secs(60)).await }
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        database.run(Duration::from_millis(50)).await;
        assert_eq!(began.elapsed().as_millis(), 60);
        database.set_parameters(Parameters { speed: 100.0, ..Parameters::default() });
        long.await.unwrap();
        assert_eq!(began.elapsed().as_millis() / 10, 66);
    }
}
