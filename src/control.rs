//! Control: the life of the process and of its policy, on threads of its own, away from traffic.
//!
//! ```text
//! boot ─ which policy ─► engine::start ─► reload (Reloader) ◄─ actor (Policies) ◄─ file watch, HUP, admin API
//!                                            │ prepares and commits snapshots
//! handover, sockets ─► workers ─► process (Process::run): requests of signals, phases of lifecycle, until it has left
//! rooms: the thread that moves the lines of waiting rooms, and what keeps them
//! overload: the thread that finds out what origins can do, and has their seats follow
//! ```
//!
//! Knows nothing of requests: it decides which revision is in force and which process holds the sockets.

pub mod actor;
pub mod boot;
mod edit;
pub mod engine;
#[cfg(test)]
pub(crate) mod fixture;
mod gauges;
pub mod handover;
pub mod in_force;
pub mod lifecycle;
pub mod logs;
pub mod overload;
pub mod overrides;
pub mod priority;
pub mod process;
pub mod reload;
mod restart;
pub mod revision;
pub mod rooms;
pub mod saturation;
pub mod signals;
pub mod sockets;
pub mod state_dir;
mod systemd;
mod templates;
pub mod watch;
