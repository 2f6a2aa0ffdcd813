//! What one client connection is doing, shared between its socket, its service and the patrol.
//!
//! Written by one thread only; the atomics are relaxed and stand for `Cell`s, because hyper asks that a socket that
//! may be upgraded be `Send`.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::patrol::{CoarseClock, Watched};
use crate::clock::Nanos;

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// What the connection has been told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    Serve = 0,
    /// Say so with the next answer (`Connection: close`) or at once (GOAWAY), and finish what is under way.
    Finish = 1,
    /// As `Finish`, but an idle connection is closed without waiting for a request to answer.
    Close = 2,
    /// The request head took too long: answer 408 and close.
    HeadTimeout = 3,
    /// Close at once.
    Abort = 4,
}

/// How long an idle HTTP/1 connection that is to finish waits for a request it can answer with `Connection: close`:
/// closed at once, it would meet a request already on its way.
const LINGER: Duration = Duration::from_secs(2);

/// Resets a connection may send ahead of its answers before it is told to go away…
const RESET_BURST: u64 = 100;
/// …and how many more it earns a second.
const RESETS_PER_SECOND: u64 = 2;

/// How long a connection told to close may take to bring out what it has still to say.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// The times a connection is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// From the first byte of a head to its end.
    pub(crate) head: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
    /// For the client to take bytes that are ready for it.
    pub(crate) unread: Duration,
}

/// The state of one client connection.
#[derive(Debug)]
pub(crate) struct Activity {
    clock: CoarseClock,
    patience: Patience,
    opened: Nanos,
    state: AtomicU8,
    since: AtomicU64,
    open_requests: AtomicU32,
    resets: AtomicU64,
    order: AtomicU8,
    ordered_at: AtomicU64,
    /// Since when bytes wait for the client to take them; 0 is not at all.
    unread_since: AtomicU64,
    waker: AtomicWaker,
}

impl Activity {
    /// A connection on which nothing has been said yet.
    pub(crate) fn new(clock: CoarseClock, patience: Patience) -> Self {
        let now = clock.now();
        Self {
            clock,
            patience,
            opened: now,
            // A client that says nothing at first is held to the time of a head, not of a kept-alive pause.
            state: AtomicU8::new(HEAD),
            since: AtomicU64::new(now),
            open_requests: AtomicU32::new(0),
            resets: AtomicU64::new(0),
            order: AtomicU8::new(Order::Serve as u8),
            ordered_at: AtomicU64::new(0),
            unread_since: AtomicU64::new(0),
            waker: AtomicWaker::new(),
        }
    }

    /// Bytes came in.
    pub(crate) fn received(&self) {
        if self.state.load(Relaxed) == IDLE {
            self.enter(HEAD);
        }
    }

    /// The client took bytes, or (`waits`) does not take those that are ready for it.
    pub(crate) fn wrote(&self, waits: bool) {
        if !waits {
            self.unread_since.store(0, Relaxed);
        } else if self.unread_since.load(Relaxed) == 0 {
            self.unread_since.store(self.clock.now(), Relaxed);
        }
    }

    /// A whole head came in; the guard lasts until its answer has ended.
    pub(crate) fn request_began(&self) {
        self.state.store(BUSY, Relaxed);
        self.open_requests.store(self.open_requests.load(Relaxed) + 1, Relaxed);
    }

    /// An answer ended.
    pub(crate) fn request_ended(&self) {
        let left = self.open_requests.load(Relaxed).saturating_sub(1);
        self.open_requests.store(left, Relaxed);
        if left == 0 {
            self.enter(IDLE);
        }
    }

    /// Whole seconds since the connection was opened.
    pub(crate) fn age_seconds(&self) -> u64 {
        self.clock.now().saturating_sub(self.opened) / 1_000_000_000
    }

    /// Whether a request is being served.
    pub(crate) fn is_busy(&self) -> bool {
        self.open_requests.load(Relaxed) > 0
    }

    /// Since when it has been idle, unless it has been told to close.
    pub(crate) fn idle_since(&self) -> Option<Nanos> {
        let idle = self.state.load(Relaxed) == IDLE && self.ordered() < Order::Close;
        idle.then(|| self.since.load(Relaxed))
    }

    /// Since when it has been told to close, unless it still has requests to finish or has been cut off.
    pub(crate) fn closing_since(&self) -> Option<Nanos> {
        let closing = self.ordered() == Order::Close && !self.is_busy();
        closing.then(|| self.ordered_at.load(Relaxed))
    }

    /// A stream was reset before its answer. Past the bound the connection is told to go away.
    ///
    /// Counting resets ahead of answers is what stops the "rapid reset" of CVE-2023-44487 also when it is paced.
    pub(crate) fn reset_early(&self) {
        let resets = self.resets.load(Relaxed) + 1;
        self.resets.store(resets, Relaxed);
        let bound = RESET_BURST + RESETS_PER_SECOND * self.age_seconds();
        if resets > 2 * bound {
            // GOAWAY takes effect when the client acknowledges it; this one goes on as if it had not heard.
            self.order(Order::Abort);
        } else if resets > bound {
            self.order(Order::Finish);
        }
    }

    /// Tells the connection what to do; a stronger order replaces a weaker one.
    pub(crate) fn order(&self, order: Order) {
        if self.order.load(Relaxed) < order as u8 {
            self.order.store(order as u8, Relaxed);
            self.ordered_at.store(self.clock.now(), Relaxed);
            if let Some(waker) = self.waker.take() {
                waker.wake_by_ref();
                // Kept for the next order: connections register once.
                self.waker.register(&waker);
            }
        }
    }

    /// What the connection has been told to do.
    pub(crate) fn ordered(&self) -> Order {
        match self.order.load(Relaxed) {
            0 => Order::Serve,
            1 => Order::Finish,
            2 => Order::Close,
            3 => Order::HeadTimeout,
            _ => Order::Abort,
        }
    }

    /// Registers the connection's task, to be woken by [`Self::order`].
    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }

    fn enter(&self, state: u8) {
        self.state.store(state, Relaxed);
        self.since.store(self.clock.now(), Relaxed);
    }
}

/// Lets the patrol hold an [`Activity`] that the socket shares.
#[derive(Debug)]
pub(crate) struct Inspected(pub(crate) std::sync::Arc<Activity>);

impl Watched for Inspected {
    fn inspect(&self, now: Nanos) {
        let activity = &self.0;
        let since = |then: &AtomicU64| Duration::from_nanos(now.saturating_sub(then.load(Relaxed)));
        let silent = since(&activity.since);
        let unread =
            activity.unread_since.load(Relaxed) != 0 && since(&activity.unread_since) > activity.patience.unread;
        // Who said nothing in time is given no more than that time again.
        let last_words = match activity.ordered() {
            Order::Close => LAST_WORDS,
            Order::HeadTimeout => activity.patience.head.min(LAST_WORDS),
            Order::Serve | Order::Finish | Order::Abort => Duration::MAX,
        };
        let closing = since(&activity.ordered_at) > last_words;
        if unread || (closing && !activity.is_busy()) {
            activity.order(Order::Abort);
        }
        match activity.state.load(Relaxed) {
            HEAD if silent > activity.patience.head => activity.order(Order::HeadTimeout),
            IDLE if silent > activity.patience.idle => activity.order(Order::Close),
            IDLE if activity.ordered() == Order::Finish && silent.min(since(&activity.ordered_at)) > LINGER => {
                activity.order(Order::Close);
            }
            _ => {}
        }
    }
}
