//! What is sent to an origin and what comes back from it.

mod request;
mod response;

pub use request::RequestBody;
pub(super) use request::{Upload, UploadState};
pub use response::OriginBody;
