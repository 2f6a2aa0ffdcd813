//! The waiting room in the path of a request.
//!
//! [`Reserved`] serves the proxy's own paths, where shoppers ask how they stand; [`judge`] is asked for every request of a
//! route with a room before it gets a seat. Both see a room through its door, which knows one request: what it holds
//! (`holding`), how it comes (`approach`), what a newcomer is given (`join`). Whatever somebody is told is a `status`, and
//! a `notice` with it; pages are painted from a [`scene`]. What the answer of an origin means for a stay is in `stay`.

mod approach;
mod destination;
mod door;
mod gate;
mod holding;
mod join;
mod notice;
pub mod page;
mod reserved;
pub mod scene;
mod status;
mod stay;

pub(crate) use self::gate::judge;
pub(crate) use self::notice::Turned;
pub(crate) use self::reserved::{Reserved, ReservedLayer};
pub(crate) use self::stay::{Stays, settle, tell};
