//! The logs of the process, as the policy and the operator change them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::settings::LogSettings;
use crate::telemetry::{AccessLog, Logs};

/// The logs; cheap to clone.
#[derive(Debug, Clone)]
pub struct ProcessLogs {
    diagnostics: Option<Arc<Logs>>,
    /// Taken out when the process ends.
    access: Arc<Mutex<Option<AccessLog>>>,
}

impl ProcessLogs {
    /// The access log, and the diagnostics where they are this process's to change.
    #[must_use]
    pub fn new(diagnostics: Option<Logs>, access: AccessLog) -> Self {
        Self { diagnostics: diagnostics.map(Arc::new), access: Arc::new(Mutex::new(Some(access))) }
    }

    /// Opens the access log's file anew, as after a rotation.
    pub fn reopen(&self) {
        if let Some(access) = self.access().as_ref() {
            access.reopen();
        }
    }

    /// Puts `wanted` in force where it differs from `current`. A log that cannot be changed stays as it is: traffic is not
    /// refused for it.
    pub fn follow(&self, wanted: &LogSettings, current: &LogSettings) {
        if wanted.level != current.level
            && let Some(diagnostics) = &self.diagnostics
            && let Err(error) = diagnostics.reload(wanted)
        {
            tracing::error!(%error, "the level of the log stays as it was");
        }
        if wanted.access != current.access
            && let Some(access) = self.access().as_ref()
            && let Err(error) = access.redirect(wanted.access.as_ref())
        {
            tracing::error!(%error, "the access log stays where it was");
        }
    }

    /// Writes what is left of the access log, waiting for at most `limit`; the workers must have ended.
    pub fn finish(&self, limit: Duration) {
        let access = self.access().take();
        if !access.is_none_or(|access| access.shutdown(limit)) {
            tracing::warn!("the end of the access log could not be written in time");
        }
    }

    fn access(&self) -> MutexGuard<'_, Option<AccessLog>> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
