//! Control: the life of the process and of its policy, on threads of its own, away from traffic.
//!
//! Knows nothing of requests: it decides which revision is in force and which process holds the sockets.

pub mod actor;
pub mod boot;
mod edit;
pub mod handover;
pub mod in_force;
pub mod overrides;
pub mod reload;
mod restart;
pub mod revision;
pub mod signals;
pub mod sockets;
pub mod state_dir;
pub mod systemd;
pub mod watch;
