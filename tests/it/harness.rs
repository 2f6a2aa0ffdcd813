//! Proxy, origin and client, so that a test reads as a sentence.

pub mod browser;
pub mod client;
pub mod frames;
pub mod gate;
pub mod h2;
pub mod load;
pub mod nginx;
pub mod origin;
pub mod proxy;
pub mod shopper;
pub mod successor;
pub mod tls;
pub mod tools;
pub mod wait;
pub mod wire;

pub use client::{Answer, Client};
pub use gate::Gate;
pub use h2::H2;
pub use load::Load;
pub use origin::{Origin, Seen};
pub use proxy::{PATIENCE, Proxy};
pub use shopper::Shopper;
pub use wait::until;
pub use wire::Wire;
