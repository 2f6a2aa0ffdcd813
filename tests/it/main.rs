//! Integration tests: the real binary, real sockets, real peers.

mod architecture;
mod config;
mod harness;
mod leaving;
mod reload;
mod smoke;
