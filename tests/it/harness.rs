//! Proxy, origin and client, so that a test reads as a sentence.

pub mod client;
pub mod gate;
pub mod load;
pub mod nginx;
pub mod origin;
pub mod proxy;
pub mod tls;
pub mod tools;
pub mod wait;

pub use client::Client;
pub use gate::Gate;
pub use load::Load;
pub use origin::{Origin, Seen};
pub use proxy::Proxy;
pub use wait::until;
