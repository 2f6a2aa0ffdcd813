//! The waiting room.

pub(crate) mod kill;
pub(crate) mod million;
pub(crate) mod notice;
pub(crate) mod polls;
mod venue;
pub(crate) mod witness;
