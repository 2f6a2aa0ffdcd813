//! The edge: connections in, judged requests out.

pub mod hygiene;
pub mod refuse;
