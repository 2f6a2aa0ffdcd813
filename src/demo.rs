//! A small shop with a database that can be overfilled, and the crowd that overfills it.
//!
//! `spillway demo` puts the proxy between the two; the `loadtest` program puts any proxy there. Nothing here knows about
//! Spillway's own parts: shoppers see status codes and headers, the shop sees requests.
//!
//! - [`station`]: what all models of an origin have in common, time being an argument.
//! - [`database`], [`pool`], [`warming`], [`rejecting`]: the models.
//! - [`application`]: what a request meets before any of them.
//! - [`page`]: what the shop serves, what each page costs the database and which class it belongs to.
//! - [`storefront`]: the shop itself, an HTTP/1.1 server.
//! - [`shoppers`]: people who arrive whether or not the shop keeps up, lose patience and try again.
//! - [`exposition`]: reads what a proxy says of itself on its page of metrics.
//! - [`background`]: a thread with a runtime of its own, which is how both are run beside other things.

pub mod application;
pub mod background;
pub mod database;
pub mod exposition;
pub mod page;
pub mod pool;
pub mod rejecting;
pub mod shoppers;
pub mod station;
pub mod storefront;
pub mod warming;
