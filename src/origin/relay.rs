//! A waker that stays with a connection while the task that drives the connection changes.
//!
//! hyper's channels wake each other whenever one end moves. When one task drives both ends those wakes would only have
//! the task polled again for nothing, so wakes that arrive while the connection is being driven are held back and
//! forwarded only if the driver then goes to sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// Where wakes of one connection go.
#[derive(Debug, Default)]
pub(super) struct Relay {
    driving: AtomicBool,
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Relay {
    /// The task in `waker` begins to drive the connection.
    pub(super) fn enter(&self, waker: &Waker) {
        self.task.register(waker);
        self.hold();
    }

    /// Begins to hold wakes back for nobody: used to look at an idle connection.
    pub(super) fn hold(&self) {
        self.woken.store(false, Ordering::Relaxed);
        self.driving.store(true, Ordering::SeqCst);
    }

    /// Forgets the wakes so far: whatever they announce is about to be looked at.
    pub(super) fn clear(&self) {
        self.woken.store(false, Ordering::Relaxed);
    }

    /// The driver got what it wanted; wakes held back concern nobody.
    pub(super) fn leave_done(&self) {
        self.driving.store(false, Ordering::Relaxed);
    }

    /// The driver goes to sleep; a wake held back since [`Relay::clear`] is forwarded.
    pub(super) fn leave_asleep(&self) {
        self.driving.store(false, Ordering::SeqCst);
        if self.woken.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }

    /// Nobody drives the connection any more.
    pub(super) fn forget(&self) {
        drop(self.task.take());
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    // SeqCst on both sides: either this sees that nobody drives, or `leave_asleep` sees the wake.
    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if !self.driving.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn setup() -> (Arc<Count>, Waker, Arc<Relay>, Waker) {
        let count = Arc::new(Count::default());
        let task = Waker::from(Arc::clone(&count));
        let relay = Arc::new(Relay::default());
        let waker = Waker::from(Arc::clone(&relay));
        (count, task, relay, waker)
    }

    #[test]
    fn a_wake_while_asleep_reaches_the_task() {
        let (count, task, relay, waker) = setup();
        relay.enter(&task);
        relay.leave_asleep();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        waker.wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_wake_while_driven_is_forwarded_only_to_a_sleeper() {
        let (count, task, relay, waker) = setup();
        relay.enter(&task);
        waker.wake_by_ref();
        relay.leave_done();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        relay.enter(&task);
        waker.wake_by_ref();
        relay.clear();
        relay.leave_asleep();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        relay.enter(&task);
        waker.wake_by_ref();
        relay.leave_asleep();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_idle_connection_wakes_nobody() {
        let (count, task, relay, waker) = setup();
        relay.enter(&task);
        relay.leave_done();
        relay.forget();
        waker.wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
    }
}
