//! All running origins, by name, and the control tasks that look after them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::health::check;
use super::live::{Origin, Prepared};
use super::resolve::{self, Resolver};
use crate::clock::Nanos;
use crate::config::settings::OriginSettings;

/// The running origins. Their names are resolved and their servers checked on the runtime given at the start.
#[derive(Debug)]
pub struct Origins {
    runtime: Handle,
    resolver: Resolver,
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    origin: Arc<Origin>,
    task: AbortHandle,
}

impl Origins {
    /// None yet; `runtime` is the control thread's.
    #[must_use]
    pub fn new(runtime: Handle, resolver: Resolver) -> Self {
        Self { runtime, resolver, entries: Mutex::default() }
    }

    /// Builds all that can fail for these settings, without touching what runs.
    ///
    /// # Errors
    /// Every problem found, each one line that begins with its key path.
    pub fn prepare(&self, settings: &[OriginSettings]) -> Result<Vec<Prepared>, Vec<String>> {
        let entries = self.lock();
        let mut problems = Vec::new();
        let mut prepared = Vec::with_capacity(settings.len());
        for settings in settings {
            let running = entries.get(&settings.name).map(|entry| entry.origin.as_ref());
            match Prepared::new(settings, running) {
                Ok(one) => prepared.push(one),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(prepared) } else { Err(problems) }
    }

    /// Puts prepared settings in force and answers the origins in their order. Origins that are not among them are
    /// retired: their requests finish, their idle connections are closed.
    pub fn commit(&self, prepared: Vec<Prepared>, now: Nanos) -> Vec<Arc<Origin>> {
        let mut entries = self.lock();
        let kept: Vec<_> = prepared.iter().map(|prepared| prepared.settings.name.clone()).collect();
        entries.retain(|name, entry| kept.contains(name) || entry.retire());
        let origins = prepared.into_iter().map(|prepared| match entries.get(&prepared.settings.name) {
            Some(entry) => {
                entry.origin.reconfigure(prepared, now);
                Arc::clone(&entry.origin)
            }
            None => {
                let origin = Origin::new(prepared, now);
                let task = self.runtime.spawn(tend(Arc::clone(&origin), self.resolver.clone())).abort_handle();
                entries.insert(origin.name().to_owned(), Entry { origin: Arc::clone(&origin), task });
                origin
            }
        });
        origins.collect()
    }

    /// The running origin of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Origin>> {
        self.lock().get(name).map(|entry| Arc::clone(&entry.origin))
    }

    /// Ends when every name has been asked for once, or after `bound`. What does not resolve is logged and asked for
    /// again; until then its servers do not exist.
    pub async fn resolved(&self, bound: Duration) {
        let waits: Vec<_> = self.lock().values().map(|entry| entry.origin.resolved()).collect();
        let all = async {
            for mut resolved in waits {
                // An error means that the origin is gone: nothing to wait for.
                let _ = resolved.wait_for(|&resolved| resolved).await;
            }
        };
        // Elapsing is an answer too.
        let _ = tokio::time::timeout(bound, all).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Stops looking after it; `false`, for `retain`.
    fn retire(&self) -> bool {
        self.task.abort();
        self.origin.retire();
        false
    }
}

impl Drop for Origins {
    fn drop(&mut self) {
        for entry in self.lock().values() {
            entry.task.abort();
        }
    }
}

/// Looks after one origin for as long as it is configured.
async fn tend(origin: Arc<Origin>, resolver: Resolver) {
    loop {
        let settings = origin.settings();
        tokio::select! {
            () = origin.reconfigured.notified() => {}
            () = resolve::keep(&origin, &settings, &resolver) => {}
            () = check::keep(&origin, &settings) => {}
        }
    }
}
