//! Why a request got no usable answer, and whether the origin may have acted on it.

use std::io;

use rustix::io::Errno;
use thiserror::Error;

/// Any error of a body handed to the origin.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a request got no response head from its origin.
#[derive(Debug, Error)]
pub enum OriginError {
    /// Every server is unhealthy, ejected, drained, or its name does not resolve.
    #[error("no server of the origin can take the request")]
    NoHealthyServer,
    /// TCP or TLS could not be established.
    #[error("cannot connect to the origin: {0}")]
    Connect(#[source] io::Error),
    /// TCP and TLS were not established within `connect_timeout`.
    #[error("the origin did not accept the connection within connect_timeout")]
    ConnectTimeout,
    /// The server's `max_connections` were all in use for the whole of `connect_timeout`.
    #[error("every connection to the origin is in use")]
    TooManyConnections,
    /// The proxy itself has no descriptor, port or memory left for a connection.
    #[error("the proxy is out of what a connection takes: {0}")]
    Exhausted(#[source] io::Error),
    /// The connection ended, or what came was not HTTP, before a response head.
    #[error("the origin broke the connection before it answered: {0}")]
    Broken(#[source] hyper::Error),
    /// No response head within `response_timeout`.
    #[error("the origin did not answer within response_timeout")]
    Timeout,
    /// The request's own body failed while it was sent: the client left, was too slow, or sent too much.
    /// [`OriginError::body_error`] gives the body's error.
    #[error("the request's body failed: {0}")]
    RequestBody(#[source] hyper::Error),
}

/// Whose fault it is, which decides the answer the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody to ask: 503, `origin-down`.
    Down,
    /// It failed: 502, `origin-error`.
    Error,
    /// It was too slow: 504, `origin-timeout`.
    Timeout,
    /// It, or the proxy itself, has no connection left: 503, `capacity`.
    Capacity,
    /// The client's own: the origin is not to blame.
    Client,
}

impl OriginError {
    /// That a connection could not be established.
    pub(super) fn connect(error: io::Error) -> Self {
        if is_exhausted(&error) { Self::Exhausted(error) } else { Self::Connect(error) }
    }

    /// Whether the origin may have seen the request. `false` means that it certainly has not, so that even a payment
    /// may be tried again.
    #[must_use]
    pub const fn forwarded(&self) -> bool {
        match self {
            Self::NoHealthyServer
            | Self::Connect(_)
            | Self::ConnectTimeout
            | Self::TooManyConnections
            | Self::Exhausted(_) => false,
            Self::Broken(_) | Self::Timeout | Self::RequestBody(_) => true,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NoHealthyServer => Fault::Down,
            Self::Connect(_) | Self::Broken(_) => Fault::Error,
            Self::ConnectTimeout | Self::Timeout => Fault::Timeout,
            Self::TooManyConnections | Self::Exhausted(_) => Fault::Capacity,
            Self::RequestBody(_) => Fault::Client,
        }
    }

    /// The error the request's own body gave, when that is what failed.
    #[must_use]
    pub fn body_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::RequestBody(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

/// Whether the process is out of something of its own, for which the other side is not to blame.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    exhausted.iter().any(|errno| Some(errno.raw_os_error()) == error.raw_os_error())
}

/// Why a response body ended too early.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The origin's connection broke within the body.
    #[error("the origin broke the connection within its answer: {0}")]
    Broken(#[source] hyper::Error),
    /// The origin was silent for `body_timeout` within the body.
    #[error("the origin was silent for body_timeout within its answer")]
    Timeout,
}
