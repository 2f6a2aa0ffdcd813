//! Proxy, origin and client, so that a test reads as a sentence.

pub mod client;
pub mod load;
pub mod origin;
pub mod proxy;
pub mod tls;

pub use client::Client;
pub use origin::{Origin, Seen};
pub use proxy::Proxy;
