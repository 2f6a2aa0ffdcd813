//! Shoppers who remember every answer they got, and hold the room to it.
//!
//! The integration tests include this file too, so nothing here uses anything else of this program.

#[path = "witness/book.rs"]
pub(crate) mod book;
#[path = "witness/calls.rs"]
mod calls;
#[path = "witness/crowd.rs"]
pub(crate) mod crowd;
#[path = "witness/shopper.rs"]
mod shopper;
#[path = "witness/status.rs"]
pub(crate) mod status;
#[path = "witness/stub.rs"]
pub(crate) mod stub;
#[path = "witness/talk.rs"]
pub(crate) mod talk;

/// Microseconds since the first shopper came.
pub(crate) type Micros = u64;
