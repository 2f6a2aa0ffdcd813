//! What is refused, dropped or rewritten of a request and its answer before anyone relies on it.
//!
//! Pure functions over `http` types; the order of a request's life is [`RequestId::new`], [`inspect`], then, once it is
//! admitted, [`prepare`]; [`strip_response`] for the answer and [`filter_trailers`] for trailers of either direction.
//!
//! | case | here |
//! | --- | --- |
//! | `Transfer-Encoding` other than one exact `chunked` | [`inspect`]: [`Fault::TransferEncoding`] |
//! | more than one `Content-Length`, or one beside `Transfer-Encoding` | [`inspect`]: [`Fault::ContentLength`] |
//! | no `Host`, two, an odd one, user information in it | [`Authority::parse`] by [`inspect`]: [`Fault::NoHost`] … |
//! | absolute form or `:authority` that is not `Host` | [`inspect`]: [`Fault::AuthorityMismatch`] |
//! | a name the TLS handshake did not ask for | [`inspect`]: [`Fault::Misdirected`] |
//! | dot segments, `%2f`, backslashes, NUL in the path | [`crate::policy::path::normalise`] by [`inspect`]: [`Fault::Path`] |
//! | `CONNECT`, odd target forms, targets too long | [`inspect`]: [`Fault::Connect`], [`Fault::TargetForm`], [`Fault::UriTooLong`] |
//! | `Expect` other than `100-continue` | [`inspect`]: [`Fault::Expect`] |
//! | names with underscores, `x-spillway-*` | dropped by [`prepare`] |
//! | hop-by-hop headers and what `Connection` names | dropped by [`prepare`], except those [`names`] protects |
//! | `Upgrade` other than `websocket` | dropped by [`prepare`]; [`Target::is_websocket`] |
//! | cookie crumbs | joined by [`prepare`] |
//! | `X-Forwarded-*` and `Forwarded` of an untrusted peer | replaced or dropped by [`prepare`] |
//! | trailers that frame, route, authenticate or forge | dropped by [`filter_trailers`] |
//! | hop-by-hop headers and notes to the proxy in an answer | taken by [`strip_response`] |

mod authority;
mod fault;
mod forward;
mod identity;
mod inspect;
mod names;
mod prepare;
mod rehearsal;
mod response;
#[cfg(test)]
mod tests;
mod trailers;

pub use self::authority::Authority;
pub use self::fault::Fault;
pub use self::forward::Forwarding;
pub use self::identity::RequestId;
pub use self::inspect::{Connection, Target, inspect};
pub use self::prepare::prepare;
pub use self::rehearsal::{BadRehearsal, Rehearsal};
pub use self::response::{OriginNotes, strip_response};
pub use self::trailers::filter_trailers;
