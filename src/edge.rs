//! The edge: connections in, judged requests out.

pub(crate) mod activity;
pub(crate) mod admit;
pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod forward;
pub(crate) mod frames;
pub(crate) mod gate;
pub mod hygiene;
pub(crate) mod listener;
pub(crate) mod local;
pub(crate) mod parser_answer;
pub(crate) mod patrol;
pub(crate) mod preference;
pub(crate) mod proxy_protocol;
pub mod refuse;
pub(crate) mod screen;
pub mod snapshot;
pub(crate) mod socket;
pub(crate) mod stack;
pub mod tls;
pub(crate) mod trail;
pub(crate) mod tunnel;
pub(crate) mod upload;
pub mod waiting;
pub mod worker;
