//! The waiting room in the path of a request.

pub mod scene;
