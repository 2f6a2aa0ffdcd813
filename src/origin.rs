//! Origins: which server is asked, over which connection, and what is done when it does not answer.
//!
//! ```text
//! control thread                          every worker
//! ──────────────                          ────────────
//! registry ─ resolve  names → addresses   client ─ exchange ─┬─ balance   which server
//!          └ health   checks → healthy                       ├─ pool      which connection (h1, h2 over stream, tls)
//!                │                                           ├─ retry     whether again (copy: what)
//!                ▼                                           └─ body      the answer, which holds its connection
//!              live: Origin, its Table and Servers ◄── atomics ── alarm: coarse timeouts
//! ```
//!
//! A worker shares nothing with another but the atomics of [`Server`]. Knows nothing of clients, routes, seats or
//! metrics; its counters are plain numbers that whoever shows them reads.

mod alarm;
mod balance;
mod body;
mod client;
mod copy;
mod ejection;
mod error;
mod exchange;
pub(crate) mod gather;
mod h1;
mod h2;
mod health;
mod live;
mod load;
mod pool;
mod registry;
mod relay;
mod resolve;
mod retry;
mod server;
mod stream;
mod tls;

#[cfg(test)]
mod tests;

pub use body::{OriginBody, RequestBody};
pub use client::{AnsweredBy, Exchange, OriginClient, Sending, Timings};
pub(crate) use error::is_exhausted;
pub use error::{BodyError, BoxError, Fault, OriginError};
pub use live::{Origin, Prepared};
pub use load::{Report, read as read_report};
pub use registry::Origins;
pub use resolve::Resolver;
pub use retry::RetryReason;
pub use server::{AdminState, Server, ServerStatus};
