//! Spillway: a reverse proxy that keeps an online store selling through a traffic surge.
//!
//! # The life of a request
//!
//! ```text
//! main → cli ─ starts ─► control (own thread: reload, signals, health checks, DNS) and admin (own thread)
//!                └─────► edge worker × N (own thread, own runtime, own sockets, own connections to the origins)
//!
//! edge/listener → tls → connection → stack ──► screen ────► admit ────► forward → origin → body
//!                                                │            │
//!                          hygiene (one meaning) ┘            ├ policy   (route, class, who is this)   ┐
//!                                                             ├ limit    (token buckets)               ├ pure judgement,
//!                                                             ├ room     (inside, or a place in line)  │ `now` is an argument
//!                                                             └ overload (a seat, or a short wait)     ┘
//!                          edge/waiting asks the room and writes what those who wait are told;
//!                          every refusal is written by edge/refuse; every request is counted by edge/trail
//! ```
//!
//! A thread of the control part lets time pass in the waiting rooms, ten times a second ([`room::Room::tick`]), has what it
//! decided written by another, and makes it visible then.
//!
//! Another one, as often, drains what happened at each origin of adaptive capacity from the workers' rings
//! ([`overload::Feed`]), has the origin's [`overload::Governor`] judge it, and has the seats follow: how many at once, and how
//! many shoppers may begin ([`control::overload`]).
//!
//! A worker reads the revision in force ([`edge::snapshot::Snapshot`]) through a cache of its own and pins it for the
//! length of a request. Live state (buckets, seats, lines, servers, counters) is kept by name and handed from one snapshot to
//! the next, so a reload never refills a bucket, drops a request or resets a counter.
//!
//! # Who may import whom
//!
//! Imports go one way; a test holds them to it.
//!
//! ```text
//! clock, config ← policy, limit, overload, room ← telemetry ← origin ← edge ← control ← admin ← cli;   demo beside them
//! ```
//!
//! - [`config`] turns what was typed into what is meant, and reports every mistake at once. It knows nothing that runs.
//! - [`policy`], [`limit`], [`overload`] and [`room`] judge. They know no runtime, no HTTP server, no metrics and no clock.
//! - [`telemetry`] counts and logs. It does not know what it counts: live values come from sources registered with it.
//! - [`origin`] sends a request to a server and brings the answer. It does not know why the request was let through.
//! - [`edge`] takes connections and answers requests. It does not know how a revision comes about.
//! - [`control`] changes the revision and the phase of the process; [`admin`] is how operators ask it to.
//! - [`demo`] is a shop, its shoppers and its database as a model; the load tests use it too.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod demo;
pub mod edge;
pub mod limit;
pub mod origin;
pub mod overload;
pub mod policy;
pub mod room;
pub mod telemetry;
