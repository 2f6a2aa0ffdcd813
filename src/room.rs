//! The waiting room: who may come in, who waits, and for how long.
//!
//! A place in line is a number. Numbers are given in the order of arrival, out of blocks that the store has set aside
//! before; the server keeps about two bytes for each. A shopper who is called is given a slot of a slab that has exactly
//! as many as may be inside, and the call is in the store before the shopper hears of it: so nobody is called twice, and
//! never more are inside than may be, whatever happens to the process.
//!
//! Workers ask ([`Room::enter`], [`Room::standing`], [`Room::claim`], [`Room::stay`]) and wait for one another at most
//! for as long as it takes to look a number up. One thread calls [`Room::tick`] ten times a second, has what it decided written, and then makes it visible with
//! [`Room::publish`].

pub mod challenge;
pub mod cookie;
pub mod draw;
mod enter;
mod era;
mod estimate;
mod inside;
pub mod keyring;
pub mod line;
mod measure;
mod outflow;
pub mod pass;
mod poll;
mod reject;
mod seal;
mod shadow;
pub mod standing;
pub mod store;
#[cfg(test)]
mod tests;
mod tick;
pub mod ticket;
pub mod view;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use arc_swap::{ArcSwap, Guard};

pub use self::outflow::Headroom;
pub use self::reject::Reject;
pub use self::seal::{RoomId, Scope};
pub use self::tick::{Batch, Tick};
use crate::clock::Nanos;
use crate::config::settings::RoomSettings;
use era::Era;
use shadow::Shadow;
use store::Saved;
use tick::Desk;
use view::{Forecast, View};

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic, for lengths of time.
    pub mono: Nanos,
    /// Seconds since the epoch on a clock without jumps, for what is written into tickets.
    pub unix: u64,
}

impl Moment {
    /// Monotonic seconds.
    pub(crate) fn seconds(self) -> u32 {
        // Wraps after a century of uptime.
        (self.mono / 1_000_000_000) as u32
    }
}

/// A waiting room; kept by name over reloads.
#[derive(Debug)]
pub struct Room {
    name: String,
    terms: ArcSwap<RoomSettings>,
    era: ArcSwap<Era>,
    view: ArcSwap<View>,
    desk: Mutex<Desk>,
    shadow: Shadow,
    sold_out: AtomicBool,
    /// An operator wants the room to begin anew.
    begin_anew: AtomicBool,
    /// Shoppers to be called whatever the rate is.
    grants: AtomicU32,
    counts: Counts,
    /// Whom to wake when there is something to be done at once.
    attendant: OnceLock<Thread>,
}

/// What happened since the process began.
#[derive(Debug, Default)]
struct Counts {
    admitted: AtomicU64,
    directly: AtomicU64,
    abandoned: AtomicU64,
    completed: AtomicU64,
    ended: AtomicU64,
    /// When a number in line was last given, on the monotonic clock.
    given: AtomicU64,
    promises: Mutex<Vec<(u32, u32)>>,
}

/// How often something happened since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Shoppers who came in, from the line or directly.
    pub admitted: u64,
    /// Places in line given up, or whose holders fell silent.
    pub abandoned: u64,
    /// Stays that ended because the shopper was done.
    pub completed: u64,
}

impl Room {
    /// A room as the store knows it, or a new one. `seed` makes the epoch of a new one: any random number.
    #[must_use]
    pub fn new(settings: &RoomSettings, saved: Option<&Saved>, seed: u32, now: Moment) -> Self {
        let era = match saved {
            Some(saved) => Era::restored(saved, enter::deadline(now, enter::RESTART_GRACE), now.seconds()),
            None => Era::new(seed),
        };
        let desk = Desk::new(saved, now);
        let is_lobby = saved.is_some_and(|saved| saved.head.lobby.is_some());
        let view = View::first(settings, era.epoch, is_lobby, saved.is_some_and(|saved| saved.head.sold_out));
        Self {
            name: settings.name.clone(),
            terms: ArcSwap::from_pointee(settings.clone()),
            era: ArcSwap::from_pointee(era),
            view: ArcSwap::from_pointee(view),
            desk: Mutex::new(desk),
            shadow: Shadow::default(),
            sold_out: AtomicBool::new(saved.is_some_and(|saved| saved.head.sold_out)),
            begin_anew: AtomicBool::new(false),
            grants: AtomicU32::new(0),
            counts: Counts::default(),
            attendant: OnceLock::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes new settings; who waits and who is inside stays.
    pub fn reconfigure(&self, settings: &RoomSettings) {
        if **self.terms.load() != *settings {
            self.terms.store(Arc::new(settings.clone()));
            self.nudge();
        }
    }

    /// A summary, at most a tick old.
    #[must_use]
    pub fn view(&self) -> Guard<Arc<View>> {
        self.view.load()
    }

    /// Visitors who would be inside if the room were on, while it is off.
    #[must_use]
    pub fn shadow_inside(&self) -> u32 {
        self.shadow.inside()
    }

    /// What happened since the process began.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let Counts { admitted, abandoned, completed, .. } = &self.counts;
        Tally {
            admitted: admitted.load(Relaxed),
            abandoned: abandoned.load(Relaxed),
            completed: completed.load(Relaxed),
        }
    }

    /// Calls so many more, whatever the rate and even while it is paused, as soon as there are slots for them.
    pub fn admit(&self, count: u32) {
        let add = |grants: u32| Some(grants.saturating_add(count));
        // Never fails: the closure always has an answer.
        let _ = self.grants.fetch_update(Relaxed, Relaxed, add);
        self.nudge();
    }

    /// Begins anew: every ticket and every pass is void from the next tick on.
    pub fn reset(&self) {
        self.begin_anew.store(true, Relaxed);
        self.nudge();
    }

    /// Closes the room because everything is sold, as an origin says.
    pub fn sold_out(&self) {
        if !self.sold_out.swap(true, Relaxed) {
            self.nudge();
        }
    }

    /// Takes back what an origin said of being sold out.
    pub fn reopen(&self) {
        if self.sold_out.swap(false, Relaxed) {
            self.nudge();
        }
    }

    /// How waits would be under other settings.
    #[must_use]
    pub fn predict(&self, settings: &RoomSettings) -> Forecast {
        self.desk().forecast(settings, self.view().waiting)
    }

    /// Has this thread woken when there is something to be done before the next tick.
    pub fn attend(&self, thread: Thread) {
        // A room is attended by one thread as long as it lives.
        let _ = self.attendant.set(thread);
    }

    fn nudge(&self) {
        if let Some(thread) = self.attendant.get() {
            thread.unpark();
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // A tick that panicked has published nothing of what it had not finished.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
