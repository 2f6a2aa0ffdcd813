//! Integration tests: the real binary, real sockets, real peers.

mod harness;
mod smoke;
