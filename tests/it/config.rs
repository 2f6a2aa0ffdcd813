//! The configuration file, from the outside: what loads, what is said about what does not, and the reference.

mod files;
mod roundtrip;
mod schema;
