//! Control: the life of the process and of its policy, on threads of its own, away from traffic.
//!
//! Knows nothing of requests: it decides which revision is in force and which process holds the sockets.

pub mod handover;
pub mod revision;
pub mod sockets;
pub mod state_dir;
pub mod watch;
