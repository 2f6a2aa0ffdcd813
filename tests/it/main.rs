//! Integration tests: the real binary, real sockets, real peers.
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

#[cfg(test)]
mod adaptive;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod architecture;
mod begin;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod config;
#[cfg(test)]
mod ctl;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod priority;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod room;
#[cfg(test)]
mod saturation;
#[cfg(test)]
mod security;
#[cfg(test)]
mod smoke;
