//! What can be wrong with the head of a request.

use http::StatusCode;
use thiserror::Error;

use crate::policy::path::PathFault;

/// Why a request is refused unseen. Its `Display` is fit for the client: it repeats nothing the client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// Neither `Host` nor an authority.
    #[error("The request names no host.")]
    NoHost,
    /// More than one `Host`.
    #[error("The request names several hosts.")]
    SeveralHosts,
    /// Not a host name or address with an optional port.
    #[error("The host the request names is malformed.")]
    BadHost,
    /// User information before the host.
    #[error("The request's target carries user information.")]
    Userinfo,
    /// `Host` and the target's authority differ.
    #[error("The request's target and its Host header name different hosts.")]
    AuthorityMismatch,
    /// The TLS handshake asked for another name.
    #[error("This connection was opened for another host.")]
    Misdirected,
    /// Anything but one exact `chunked`.
    #[error("The request's transfer coding is not supported.")]
    TransferEncoding,
    /// Several lengths, one that is not a number, or one beside a transfer coding.
    #[error("The length of the request's body is ambiguous.")]
    ContentLength,
    /// The path has no canonical form.
    #[error("The request's path is malformed: {0}.")]
    Path(#[from] PathFault),
    /// Neither a path, nor an absolute http URL, nor `*` with OPTIONS.
    #[error("The form of the request's target is not supported.")]
    TargetForm,
    /// Longer than `client.max_uri`.
    #[error("The request's target is too long.")]
    UriTooLong,
    /// The method CONNECT.
    #[error("This is not a forward proxy.")]
    Connect,
    /// An expectation other than `100-continue`.
    #[error("The request's expectation cannot be met.")]
    Expect,
}

impl Fault {
    /// The status it is answered with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::Expect => StatusCode::EXPECTATION_FAILED,
            Self::NoHost
            | Self::SeveralHosts
            | Self::BadHost
            | Self::Userinfo
            | Self::AuthorityMismatch
            | Self::TransferEncoding
            | Self::ContentLength
            | Self::Path(_)
            | Self::TargetForm
            | Self::Connect => StatusCode::BAD_REQUEST,
        }
    }

    /// The `kind` label of `spillway_protocol_errors_total`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::NoHost => "host_missing",
            Self::SeveralHosts => "host_repeated",
            Self::BadHost => "host_malformed",
            Self::Userinfo => "userinfo",
            Self::AuthorityMismatch => "authority_mismatch",
            Self::Misdirected => "misdirected",
            Self::TransferEncoding => "transfer_encoding",
            Self::ContentLength => "content_length",
            Self::Path(_) => "path",
            Self::TargetForm => "target_form",
            Self::UriTooLong => "uri_too_long",
            Self::Connect => "connect",
            Self::Expect => "expect",
        }
    }

    /// Whether an HTTP/1 connection must end with the answer, because where the next request begins is in doubt or
    /// its sender is not to be trusted to say.
    #[must_use]
    pub const fn closes(self) -> bool {
        match self {
            Self::Misdirected | Self::Path(_) | Self::UriTooLong => false,
            Self::NoHost
            | Self::SeveralHosts
            | Self::BadHost
            | Self::Userinfo
            | Self::AuthorityMismatch
            | Self::TransferEncoding
            | Self::ContentLength
            | Self::TargetForm
            | Self::Connect
            // The body may or may not follow.
            | Self::Expect => true,
        }
    }
}
