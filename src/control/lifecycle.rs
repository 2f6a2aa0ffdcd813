//! Where the process is in its life, for everybody who has to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::edge::worker::Phase;

/// The life of the process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Lifecycle(Arc<Life>);

#[derive(Debug)]
struct Life {
    phase: watch::Sender<Phase>,
    serving: AtomicBool,
    began: Instant,
    began_at: Timestamp,
}

impl Lifecycle {
    /// It begins now: running, and not yet ready.
    #[must_use]
    pub fn begin() -> Self {
        Self(Arc::new(Life {
            phase: watch::Sender::new(Phase::Running),
            serving: AtomicBool::new(false),
            began: Instant::now(),
            began_at: Timestamp::now(),
        }))
    }

    /// The phase, to be waited on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Phase> {
        self.0.phase.subscribe()
    }

    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.phase.borrow()
    }

    /// In one word: `starting`, `running`, `draining`, `handing-over` or `stopped`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.phase() {
            Phase::Running if !self.0.serving.load(Ordering::Relaxed) => "starting",
            Phase::Running => "running",
            Phase::Draining => "draining",
            Phase::HandingOver => "handing-over",
            Phase::Stopped => "stopped",
        }
    }

    /// Whether a balancer should send requests here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.serving.load(Ordering::Relaxed) && self.phase() == Phase::Running
    }

    /// When it began.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        self.0.began_at
    }

    /// How long ago it began.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// From now on it is ready.
    pub fn serve(&self) {
        self.0.serving.store(true, Ordering::Relaxed);
    }

    /// Enters another phase. Readiness is gone before any worker is told.
    pub fn enter(&self, phase: Phase) {
        if phase != Phase::Running {
            self.0.serving.store(false, Ordering::Relaxed);
        }
        self.0.phase.send_replace(phase);
    }
}
