//! Which policy is in force and how reloads went.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::family;
use super::page::Page;

/// The policy in force. Written by the control thread.
#[derive(Debug, Default)]
pub struct PolicyMetrics {
    revision: AtomicU64,
    loaded_millis: AtomicU64,
    last_failed: AtomicBool,
    successes: AtomicU64,
    failures: AtomicU64,
}

impl PolicyMetrics {
    /// The process began with `revision`, loaded at `at`.
    pub fn started(&self, revision: u64, at: SystemTime) {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.revision.store(revision, Ordering::Relaxed);
        self.loaded_millis.store(millis, Ordering::Relaxed);
        self.last_failed.store(false, Ordering::Relaxed);
    }

    /// A reload put `revision` in force at `at`.
    pub fn reloaded(&self, revision: u64, at: SystemTime) {
        self.started(revision, at);
        self.successes.fetch_add(1, Ordering::Relaxed);
    }

    /// A reload was rejected and the policy in force stays.
    pub fn rejected(&self) {
        self.last_failed.store(true, Ordering::Relaxed);
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn collect(&self, page: &mut Page) {
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed) as f64;
        page.gauge(&family::POLICY_REVISION, &[], load(&self.revision));
        let succeeded = !self.last_failed.load(Ordering::Relaxed);
        page.gauge(&family::POLICY_LAST_RESULT, &[], f64::from(u8::from(succeeded)));
        page.gauge(&family::POLICY_LAST_SUCCESS, &[], load(&self.loaded_millis) / 1e3);
        page.counter(&family::POLICY_RELOADS, &["success"], load(&self.successes));
        page.counter(&family::POLICY_RELOADS, &["failure"], load(&self.failures));
    }
}
