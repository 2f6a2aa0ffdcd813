//! Measures Spillway against its peers on one machine.
fn main() {}
