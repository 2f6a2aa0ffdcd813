//! The only place that writes a refusal: which status, which headers, which words.
//!
//! A browser that asked for a document gets a small page in its language; everything else gets
//! `application/problem+json` (RFC 9457). A refusal has to be cheaper than what it protects, so its body and the text of
//! its headers are appended to one buffer.

mod audience;
mod page;
mod problem;
mod raw;
mod retry;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

pub use self::audience::Audience;
use self::audience::Wish;
pub(crate) use self::problem::{Said, begin as begin_problem, push_escaped};
pub use self::raw::{raw, raw_full};
pub(crate) use self::retry::whole_seconds;
use super::hygiene::{Fault, RequestId};
use crate::config::settings::{ClassIndex, LimitIndex, RouteIndex};
use crate::policy::Policy;
use crate::policy::verdict::Reason;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_SPILLWAY_REASON: HeaderName = HeaderName::from_static("x-spillway-reason");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Why a request is not given to the origin, or the origin's answer not to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A limit has no token for it.
    Limit {
        /// Which limit.
        limit: LimitIndex,
        /// Time until it has one.
        retry_after: Duration,
    },
    /// The origin is full and there is no place to wait, or the proxy itself has no room for it.
    Capacity,
    /// No seat came free in time.
    WaitedOut,
    /// No server of the origin is healthy.
    OriginDown,
    /// The origin could not be reached or broke the exchange off.
    OriginFailed {
        /// Whether it may have seen the request.
        forwarded: bool,
    },
    /// The origin did not answer in time.
    OriginTimeout {
        /// Whether it may have seen the request.
        forwarded: bool,
    },
    /// The head of the request is not acceptable.
    Request(Fault),
    /// No route matches.
    NotFound,
    /// A path of the proxy's own does not take this method.
    BadMethod,
    /// A page of another site sent it to a path of the proxy's own.
    CrossSite,
    /// The request did not arrive in time.
    RequestTimeout {
        /// Whether the origin may have seen a part of it.
        forwarded: bool,
    },
    /// The body is longer than the route takes.
    BodyTooLarge {
        /// Whether the origin may have seen a part of it.
        forwarded: bool,
    },
    /// The framing of the body is broken.
    BodyMalformed {
        /// Whether the origin may have seen a part of it.
        forwarded: bool,
    },
    /// The headers are longer than is taken.
    HeadersTooLarge,
    /// The proxy is leaving.
    Draining,
}

impl Refusal {
    /// The status it is answered with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Limit { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Capacity | Self::WaitedOut | Self::OriginDown | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::OriginFailed { .. } => StatusCode::BAD_GATEWAY,
            Self::OriginTimeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Request(fault) => fault.status(),
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::RequestTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyMalformed { .. } => StatusCode::BAD_REQUEST,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }

    /// Why, in the word of metrics, logs and `X-Spillway-Reason`.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Limit { .. } => Reason::Limit,
            Self::Capacity => Reason::Capacity,
            Self::WaitedOut => Reason::Wait,
            Self::OriginDown => Reason::OriginDown,
            Self::OriginFailed { .. } => Reason::OriginError,
            Self::OriginTimeout { .. } => Reason::OriginTimeout,
            Self::Request(_)
            | Self::NotFound
            | Self::BadMethod
            | Self::CrossSite
            | Self::RequestTimeout { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyMalformed { .. }
            | Self::HeadersTooLarge => Reason::Request,
            Self::Draining => Reason::Draining,
        }
    }

    /// Whether the origin may have seen the request. Where it has not, even a payment may be sent again.
    #[must_use]
    pub const fn forwarded(self) -> bool {
        match self {
            Self::OriginFailed { forwarded }
            | Self::OriginTimeout { forwarded }
            | Self::RequestTimeout { forwarded }
            | Self::BodyTooLarge { forwarded }
            | Self::BodyMalformed { forwarded } => forwarded,
            Self::Limit { .. }
            | Self::Capacity
            | Self::WaitedOut
            | Self::OriginDown
            | Self::Request(_)
            | Self::NotFound
            | Self::BadMethod
            | Self::CrossSite
            | Self::HeadersTooLarge
            | Self::Draining => false,
        }
    }

    /// Whether an HTTP/1 connection must end with the answer, because where the next request begins is in doubt.
    #[must_use]
    pub const fn closes(self) -> bool {
        match self {
            Self::Request(fault) => fault.closes(),
            Self::RequestTimeout { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyMalformed { .. }
            | Self::HeadersTooLarge
            | Self::Draining => true,
            Self::Limit { .. }
            | Self::Capacity
            | Self::WaitedOut
            | Self::OriginDown
            | Self::OriginFailed { .. }
            | Self::OriginTimeout { .. }
            | Self::NotFound
            | Self::BadMethod
            | Self::CrossSite => false,
        }
    }
}

/// What is known of a refused request.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The revision it was judged by.
    pub policy: &'a Policy,
    /// What it goes by.
    pub request_id: &'a RequestId,
    /// Its route, if one matched.
    pub route: Option<RouteIndex>,
    /// Its class; the less important it is, the longer the wait that is asked for.
    pub class: ClassIndex,
    /// Random bits that spread the return of those refused at the same moment.
    pub random: u64,
}

/// The answer to a refused request.
#[must_use]
pub fn respond(refusal: Refusal, audience: &Audience, occasion: &Occasion<'_>) -> Response<Bytes> {
    let retry_after = retry::seconds(refusal, occasion.class, occasion.random);
    let mut text = Vec::with_capacity(512);
    let wish = audience.wish();
    match wish {
        Wish::Document(language) => page::write(&mut text, refusal, language, audience, occasion, retry_after),
        Wish::Problem => problem::write(&mut text, refusal, occasion),
    }
    let body_length = text.len();
    let limit = limit_headers(&mut text, refusal, occasion);
    let id_start = text.len();
    text.extend_from_slice(occasion.request_id.as_bytes());

    let text = Bytes::from(text);
    let mut headers = HeaderMap::with_capacity(12);
    match wish {
        Wish::Document(language) => page::headers(&mut headers, language),
        Wish::Problem => drop(headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))),
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    headers.insert(X_SPILLWAY_REASON, HeaderValue::from_static(refusal.reason().as_str()));
    set(&mut headers, X_REQUEST_ID, text.slice(id_start..));
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(limit_length) = limit {
        let limit_end = body_length + limit_length;
        set(&mut headers, RATELIMIT, text.slice(body_length..limit_end));
        set(&mut headers, RATELIMIT_POLICY, text.slice(limit_end..id_start));
    }
    if audience.is_head() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body_length));
    }
    let body = if audience.is_head() { Bytes::new() } else { text.slice(..body_length) };
    let mut response = Response::new(body);
    *response.status_mut() = refusal.status();
    *response.headers_mut() = headers;
    response
}

/// Every text here is plain ASCII; anything else is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, text: Bytes) {
    if let Ok(value) = HeaderValue::from_maybe_shared(text) {
        headers.insert(name, value);
    }
}

/// Appends `RateLimit` and then `RateLimit-Policy`; gives the length of the former.
fn limit_headers(text: &mut Vec<u8>, refusal: Refusal, occasion: &Occasion<'_>) -> Option<usize> {
    let Refusal::Limit { limit, retry_after } = refusal else { return None };
    let policy = occasion.policy.limit_policy(limit)?.as_bytes();
    let name = policy.split(|&byte| byte == b';').next()?;
    let start = text.len();
    text.extend_from_slice(name);
    text.extend_from_slice(b";r=0;t=");
    text.extend_from_slice(itoa::Buffer::new().format(retry::whole_seconds(retry_after)).as_bytes());
    let length = text.len() - start;
    text.extend_from_slice(policy);
    Some(length)
}
