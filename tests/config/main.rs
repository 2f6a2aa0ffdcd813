//! The configuration file, from the outside: what loads, what is said about what does not, and the reference.

#[cfg(test)]
mod files;
#[cfg(test)]
mod roundtrip;
#[cfg(test)]
mod schema;
