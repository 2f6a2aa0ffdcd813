//! The waiting room: who may come in, who waits, and for how long.
//!
//! A place in line is a number. Numbers are given in the order of arrival, out of blocks that the store has set aside
//! before; the server keeps about two bytes for each. A shopper who is called is given a slot of a slab that has exactly
//! as many as may be inside, and the call is in the store before the shopper hears of it: so nobody is called twice, and
//! never more are inside than may be, whatever happens to the process.

pub mod challenge;
pub mod cookie;
pub mod draw;
mod estimate;
pub mod keyring;
pub mod line;
pub mod pass;
mod poll;
mod reject;
mod seal;
pub mod standing;
pub mod store;
pub mod ticket;
pub mod view;

pub use self::reject::Reject;
pub use self::seal::{RoomId, Scope};

use crate::clock::Nanos;

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic, for lengths of time.
    pub mono: Nanos,
    /// Seconds since the epoch on a clock without jumps, for what is written into tickets.
    pub unix: u64,
}
