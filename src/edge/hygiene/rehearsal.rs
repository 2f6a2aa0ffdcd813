//! A request that is only imagined, taken the way a real one goes: for `spillway explain` and the admin API.

use std::net::IpAddr;

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use jiff::Timestamp;
use thiserror::Error;

use super::{Connection, inspect};
use crate::edge::refuse::Audience;
use crate::policy::Policy;
use crate::policy::explain::{Explanation, Question};

/// An imagined request.
#[derive(Debug)]
pub struct Rehearsal {
    parts: Parts,
    connection: Connection,
}

/// Why a request cannot be imagined.
#[derive(Debug, Error)]
pub enum BadRehearsal {
    /// Not a method.
    #[error("{0:?} is not a method")]
    Method(String),
    /// Neither an absolute http or https URL nor a path.
    #[error("{0:?} is neither a URL nor a path")]
    Url(String),
    /// A name that no header has.
    #[error("{0:?} is not a header name")]
    HeaderName(String),
    /// A value that no header has.
    #[error("header {0} cannot have this value")]
    HeaderValue(HeaderName),
}

impl Rehearsal {
    /// `url` is absolute, or a path when `headers` have a `Host`; `peer` is the other end of the connection.
    ///
    /// # Errors
    /// A [`BadRehearsal`] for what could not even be sent.
    pub fn new<'a>(
        method: &str,
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        peer: IpAddr,
    ) -> Result<Self, BadRehearsal> {
        let bad_url = || BadRehearsal::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad_url())?;
        let https = uri.scheme_str() == Some("https");
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::from_bytes(method.as_bytes()).map_err(|_| BadRehearsal::Method(method.to_owned()))?;
        for (name, value) in headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadRehearsal::HeaderName(name.to_owned()))?;
            let value = HeaderValue::from_str(value).map_err(|_| BadRehearsal::HeaderValue(name.clone()))?;
            parts.headers.append(name, value);
        }
        if let Some(authority) = uri.authority() {
            if !matches!(uri.scheme_str(), Some("http" | "https")) {
                return Err(bad_url());
            }
            add_host(&mut parts, authority);
        }
        parts.uri = uri.into_parts().path_and_query.map(Uri::from).ok_or_else(bad_url)?;
        Ok(Self { parts, connection: Connection::new(peer, https, None) })
    }

    /// How `policy` would judge it if it came at a time.
    #[must_use]
    pub fn explain(&self, policy: &Policy, at: Timestamp) -> Explanation {
        let Parts { method, uri, headers, .. } = &self.parts;
        match inspect(&self.parts, &self.connection, policy.settings.client.max_uri) {
            Ok(target) => Explanation::of(
                policy,
                &Question {
                    method,
                    host: target.host(),
                    path: target.path(uri),
                    headers,
                    peer: self.connection.peer(),
                    https: self.connection.is_https(),
                    journey: None,
                    wants_page: Audience::of(&self.parts).wants_document(),
                    at,
                },
            ),
            Err(fault) => Explanation::refused(policy.revision, fault.status().as_u16(), fault.to_string()),
        }
    }
}

/// A client sends the URL's authority as `Host`, unless it is told otherwise.
fn add_host(parts: &mut Parts, authority: &Authority) {
    if parts.headers.contains_key(header::HOST) {
        return;
    }
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        parts.headers.insert(header::HOST, host);
    }
}
