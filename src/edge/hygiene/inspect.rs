//! One look at a parsed request head: is it what it seems, and what is it for.

use std::net::IpAddr;

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use super::names::{Kind, Seen};
use super::{Authority, Fault};
use crate::policy::path;

/// What is true of every request of one connection; made once when it is accepted.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(super) peer: IpAddr,
    /// The peer's address as text, so that it need not be written for each request.
    pub(super) peer_text: Box<str>,
    pub(super) https: bool,
    sni: Option<Box<str>>,
}

impl Connection {
    /// `peer` is the other end, or what a PROXY header said it is; `sni` the name its TLS handshake asked for.
    #[must_use]
    pub fn new(peer: IpAddr, https: bool, sni: Option<&str>) -> Self {
        let peer = peer.to_canonical();
        Self { peer, peer_text: peer.to_string().into(), https, sni: sni.map(|name| name.to_ascii_lowercase().into()) }
    }

    /// The address of the other end; IPv4 mapped into IPv6 is given as IPv4.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether it is TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }
}

/// What a request is for, in canonical form.
#[derive(Debug, Clone)]
pub struct Target {
    pub(super) authority: Authority,
    /// The canonical path, where it is not the one that was sent.
    pub(super) rewritten_path: Option<String>,
    pub(super) seen: Seen,
    pub(super) websocket: bool,
    /// Whether the `Host` header is there and already canonical.
    pub(super) host_is_canonical: bool,
    /// Whether there are several `Cookie` lines to join.
    pub(super) crumbled: bool,
    content_length: Option<u64>,
}

impl Target {
    /// The host, lower case, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The canonical path, which is what the origin will be sent; `*` for `OPTIONS *`. `uri` is the request's.
    #[must_use]
    pub fn path<'a>(&'a self, uri: &'a Uri) -> &'a str {
        self.rewritten_path.as_deref().unwrap_or(uri.path())
    }

    /// Whether the path was not canonical as sent.
    #[must_use]
    pub fn is_rewritten(&self) -> bool {
        self.rewritten_path.is_some()
    }

    /// The length the body is announced to have, in bytes.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Whether it asks to become a WebSocket.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.seen.has(Kind::Expect)
    }
}

/// Judges the head of a request that hyper has parsed. `max_uri` is in bytes.
///
/// # Errors
/// The first [`Fault`] found.
pub fn inspect(parts: &Parts, connection: &Connection, max_uri: usize) -> Result<Target, Fault> {
    if parts.method == Method::CONNECT {
        return Err(Fault::Connect);
    }
    let headers = Headers::read(&parts.headers)?;
    headers.check_framing(parts.version)?;
    let authority = authority(&parts.uri, &headers, connection)?;
    if connection.sni.as_deref().is_some_and(|sni| sni != authority.host()) {
        return Err(Fault::Misdirected);
    }
    let host_is_canonical = headers.host.is_some_and(|host| host.as_bytes() == authority.as_bytes());
    Ok(Target {
        host_is_canonical,
        rewritten_path: canonical_path(parts, max_uri)?,
        authority,
        websocket: headers.seen.has(Kind::Upgrade) && is_websocket(parts),
        seen: headers.seen,
        crumbled: headers.cookies > 1,
        content_length: headers.content_length,
    })
}

/// What one pass over the headers finds.
#[derive(Default)]
struct Headers<'a> {
    seen: Seen,
    host: Option<&'a HeaderValue>,
    cookies: usize,
    content_length: Option<u64>,
}

impl<'a> Headers<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, Fault> {
        let mut found = Self::default();
        for (name, value) in headers {
            let kind = Kind::of(name);
            match kind {
                Kind::Plain => continue,
                Kind::Host if found.host.replace(value).is_some() => return Err(Fault::SeveralHosts),
                Kind::ContentLength if found.seen.has(kind) => return Err(Fault::ContentLength),
                Kind::ContentLength => found.content_length = Some(read_length(value)?),
                Kind::TransferEncoding if found.seen.has(kind) || !is_chunked(value) => {
                    return Err(Fault::TransferEncoding);
                }
                Kind::Expect if !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"100-continue") => {
                    return Err(Fault::Expect);
                }
                Kind::Cookie => found.cookies += 1,
                _ => {}
            }
            found.seen.add(kind);
        }
        Ok(found)
    }

    fn check_framing(&self, version: Version) -> Result<(), Fault> {
        if !self.seen.has(Kind::TransferEncoding) {
            return Ok(());
        }
        if version != Version::HTTP_11 {
            return Err(Fault::TransferEncoding);
        }
        if self.content_length.is_some() { Err(Fault::ContentLength) } else { Ok(()) }
    }
}

fn is_chunked(value: &HeaderValue) -> bool {
    value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
}

fn read_length(value: &HeaderValue) -> Result<u64, Fault> {
    let digits = value.as_bytes();
    if digits.is_empty() {
        return Err(Fault::ContentLength);
    }
    let number = digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.ok_or(Fault::ContentLength)
}

/// The one authority that `Host`, an absolute target and `:authority` agree on.
fn authority(uri: &Uri, headers: &Headers<'_>, connection: &Connection) -> Result<Authority, Fault> {
    let host = headers.host.map(|host| Authority::parse(host.as_bytes()));
    let Some(target) = uri.authority() else { return host.unwrap_or(Err(Fault::NoHost)) };
    let is_http = uri.scheme_str().is_some_and(|scheme| matches!(scheme, "http" | "https"));
    if !is_http {
        return Err(Fault::TargetForm);
    }
    let target = Authority::parse(target.as_str().as_bytes())?;
    match host.transpose()? {
        Some(host) if !host.is_same(&target, connection.https) => Err(Fault::AuthorityMismatch),
        _ => Ok(target),
    }
}

/// The canonical path, if it is not the one that was sent.
fn canonical_path(parts: &Parts, max_uri: usize) -> Result<Option<String>, Fault> {
    let uri = &parts.uri;
    let length = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if length + uri.authority().map_or(0, |authority| authority.as_str().len()) > max_uri {
        return Err(Fault::UriTooLong);
    }
    match uri.path() {
        "*" if parts.method == Method::OPTIONS => Ok(None),
        "*" => Err(Fault::TargetForm),
        path => match path::normalise(path)? {
            std::borrow::Cow::Borrowed(_) => Ok(None),
            std::borrow::Cow::Owned(rewritten) => Ok(Some(rewritten)),
        },
    }
}

/// Whether it is an HTTP/1.1 request for exactly `websocket` (RFC 6455, section 4.1).
fn is_websocket(parts: &Parts) -> bool {
    let mut protocols = parts.headers.get_all(UPGRADE).into_iter();
    let asks = protocols.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let tokens = parts.headers.get_all(CONNECTION).into_iter().flat_map(list_tokens);
    parts.version == Version::HTTP_11
        && parts.method == Method::GET
        && asks
        && protocols.next().is_none()
        && tokens.into_iter().any(|token| token.eq_ignore_ascii_case(b"upgrade"))
}

/// The elements of a comma-separated value, without the space around them.
pub(super) fn list_tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let tokens = value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    tokens.filter(|token| !token.is_empty())
}
