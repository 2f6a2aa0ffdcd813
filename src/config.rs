//! The configuration file: what was typed ([`file`]) becomes what is meant ([`resolve`], giving [`settings`]).
//!
//! Knows nothing of runtimes, sockets, metrics or the running proxy.

mod problem;
pub mod settings;

pub use self::problem::Problem;
