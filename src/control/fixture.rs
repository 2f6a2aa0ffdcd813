//! What tests of control and of the admin API begin with: an engine that remembers, and a policy.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tempfile::TempDir;

use super::boot::Boot;
use super::in_force::{Attempt, Change};
use super::overrides::Effective;
use super::reload::{Engine, Reloader};
use crate::config::Problem;
use crate::config::settings::Settings;

/// What the engine was told, shared with the test.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) in_force: Option<(Effective, u64)>,
    pub(crate) prepared: Option<(Effective, u64)>,
    pub(crate) commits: usize,
    pub(crate) refuses: bool,
    pub(crate) attempts: Vec<Result<Change, String>>,
}

#[derive(Clone, Default)]
pub(crate) struct Recorder(pub(crate) Arc<Mutex<Seen>>);

impl Engine for Recorder {
    fn prepare(&mut self, effective: &Effective, revision: u64) -> Result<(), Vec<Problem>> {
        let mut seen = self.0.lock().unwrap();
        if seen.refuses {
            return Err(vec![problem("the certificate does not match its key")]);
        }
        seen.prepared = Some((effective.clone(), revision));
        Ok(())
    }

    fn commit(&mut self) {
        let mut seen = self.0.lock().unwrap();
        seen.in_force = seen.prepared.take();
        seen.commits += 1;
    }

    fn tidy(&mut self) -> bool {
        false
    }

    fn attempted(&mut self, attempt: &Attempt, _revision: u64) {
        self.0.lock().unwrap().attempts.push(attempt.outcome.clone().map_err(|why| why.to_string()));
    }
}

impl Recorder {
    pub(crate) fn rate(&self) -> f64 {
        self.settings().limits[0].rate.per_second()
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.0.lock().unwrap().in_force.as_ref().unwrap().0.settings.clone()
    }

    pub(crate) fn commits(&self) -> usize {
        self.0.lock().unwrap().commits
    }
}

/// A process that begins in `dir`, where `shop.toml` is its configuration.
pub(crate) fn begin(dir: &TempDir) -> (Reloader, Recorder) {
    let engine = Recorder::default();
    let boot = Boot::load(&dir.path().join("shop.toml")).unwrap();
    let reloader = Reloader::start(boot, Box::new(engine.clone()), at(0)).unwrap();
    (reloader, engine)
}

/// Writes `text` into the configuration of `dir`.
pub(crate) fn write(dir: &TempDir, text: &str) {
    std::fs::write(dir.path().join("shop.toml"), text).unwrap();
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn problem(message: &str) -> Problem {
    Problem { line: 1, column: 1, key: String::new(), message: message.into(), suggestion: None }
}

pub(crate) fn policy(rate: &str) -> String {
    format!(
        r#"
        [server]
        workers = 2
        state_dir = "state"
        [[listener]]
        address = "127.0.0.1:8080"
        [admin]
        address = "127.0.0.1:9900"
        [origin.shop]
        servers = ["http://127.0.0.1:9000", "http://127.0.0.1:9001"]
        capacity = {{ mode = "fixed", limit = 200 }}
        [[class]]
        name = "all"
        [limit.login]
        key = "client-ip"
        rate = "{rate}"
        burst = 5
        [[route]]
        name = "everything"
        path = "/{{*rest}}"
        class = "all"
        origin = "shop"
        limits = ["login"]
        "#
    )
}
