//! What the origin is told of the client, written into one buffer for the whole request.

use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::identity::{self, RequestId, TRACEPARENT, TRACESTATE, X_REQUEST_ID};
use super::names::Kind;
use super::{Connection, Target};
use crate::policy::Client;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_SPILLWAY_ROUTE: HeaderName = HeaderName::from_static("x-spillway-route");
const X_SPILLWAY_CLASS: HeaderName = HeaderName::from_static("x-spillway-class");
const X_SPILLWAY_TIMEOUT: HeaderName = HeaderName::from_static("x-spillway-timeout-ms");

/// Enough for all that is written about an ordinary client.
const ORDINARY_LENGTH: usize = 320;

/// What has been found out about an admitted request.
#[derive(Debug, Clone, Copy)]
pub struct Forwarding<'a> {
    /// Who asks, as the policy resolved it.
    pub client: Client,
    /// What it goes by.
    pub request_id: &'a RequestId,
    /// Name of its route.
    pub route: &'a str,
    /// Name of its class, journey included.
    pub class: &'a str,
    /// How long its answer is waited for.
    pub timeout: Duration,
    /// Fresh random bits for a trace, the same that [`RequestId::new`] was given: trace and request then share a name.
    pub random: u128,
}

/// Writes the headers that go before the origin, in place of any there were.
pub(super) fn write(headers: &mut HeaderMap, target: &Target, connection: &Connection, about: &Forwarding<'_>) {
    let https = about.client.https.unwrap_or(connection.https);
    let mut page = Page(Vec::with_capacity(ORDINARY_LENGTH));
    let hops = page.write(|text| write_hops(text, headers, target, connection, about));
    let forwarded = page.write(|text| write_forwarded(text, headers, target, connection, about, https));
    let authority = page.write(|text| text.extend_from_slice(target.authority.as_bytes()));
    let route = page.write(|text| text.extend_from_slice(about.route.as_bytes()));
    let class = page.write(|text| text.extend_from_slice(about.class.as_bytes()));
    let timeout = page.write(|text| write_millis(text, about.timeout));
    let request_id = page.write(|text| text.extend_from_slice(about.request_id.as_bytes()));
    let trace =
        (!has_trace(headers, target)).then(|| page.write(|text| identity::write_traceparent(about.random, text)));

    let text = Bytes::from(page.0);
    headers.reserve(11);
    set(headers, X_FORWARDED_FOR, &text, hops);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(if https { "https" } else { "http" }));
    if !(about.client.trusted_peer && target.seen.has(Kind::ForwardedHost)) {
        set(headers, X_FORWARDED_HOST, &text, authority.clone());
    }
    set(headers, FORWARDED, &text, forwarded);
    if !target.host_is_canonical {
        set(headers, http::header::HOST, &text, authority);
    }
    if !about.request_id.is_kept() {
        set(headers, X_REQUEST_ID, &text, request_id);
    }
    if let Some(trace) = trace {
        set(headers, TRACEPARENT, &text, trace);
        if target.seen.has(Kind::TraceState) {
            headers.remove(TRACESTATE);
        }
    }
    set(headers, X_SPILLWAY_ROUTE, &text, route);
    set(headers, X_SPILLWAY_CLASS, &text, class);
    set(headers, X_SPILLWAY_TIMEOUT, &text, timeout);
}

/// The text of all values: one allocation, which each value then shares.
struct Page(Vec<u8>);

impl Page {
    fn write(&mut self, writer: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.0.len();
        writer(&mut self.0);
        start..self.0.len()
    }
}

/// Every text here is made of what already was a header or is plain ASCII; anything else is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, text: &Bytes, range: Range<usize>) {
    if let Ok(value) = HeaderValue::from_maybe_shared(text.slice(range)) {
        headers.insert(name, value);
    }
}

/// `X-Forwarded-For`: the peer, after what a trusted one said.
fn write_hops(
    text: &mut Vec<u8>,
    headers: &HeaderMap,
    target: &Target,
    connection: &Connection,
    about: &Forwarding<'_>,
) {
    if about.client.trusted_peer {
        if target.seen.has(Kind::ForwardedFor) {
            append_list(text, headers, &X_FORWARDED_FOR);
        } else if about.client.ip != connection.peer {
            // It came in `Forwarded`.
            push_ip(text, about.client.ip);
            text.extend_from_slice(b", ");
        }
    }
    text.extend_from_slice(connection.peer_text.as_bytes());
}

/// `Forwarded` (RFC 7239): the same, and what was asked for.
fn write_forwarded(
    text: &mut Vec<u8>,
    headers: &HeaderMap,
    target: &Target,
    connection: &Connection,
    about: &Forwarding<'_>,
    https: bool,
) {
    if about.client.trusted_peer {
        if target.seen.has(Kind::Forwarded) {
            append_list(text, headers, &FORWARDED);
        } else if about.client.ip != connection.peer {
            // It came in `X-Forwarded-For`.
            push_node(text, about.client.ip);
            text.extend_from_slice(b", ");
        }
    }
    match connection.peer {
        IpAddr::V4(_) => {
            text.extend_from_slice(b"for=");
            text.extend_from_slice(connection.peer_text.as_bytes());
        }
        IpAddr::V6(_) => push_node(text, connection.peer),
    }
    text.extend_from_slice(b";host=\"");
    text.extend_from_slice(target.authority.as_bytes());
    text.extend_from_slice(if https { b"\";proto=https" } else { b"\";proto=http" });
}

/// All lines of a list, and the comma before what follows.
fn append_list(text: &mut Vec<u8>, headers: &HeaderMap, name: &HeaderName) {
    for line in headers.get_all(name) {
        let line = line.as_bytes().trim_ascii();
        if !line.is_empty() {
            text.extend_from_slice(line);
            text.extend_from_slice(b", ");
        }
    }
}

/// Whole milliseconds, never none.
fn write_millis(text: &mut Vec<u8>, length: Duration) {
    let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
    text.extend_from_slice(itoa::Buffer::new().format(millis).as_bytes());
}

fn push_node(text: &mut Vec<u8>, ip: IpAddr) {
    let (open, close): (&[u8], &[u8]) = if ip.is_ipv6() { (b"for=\"[", b"]\"") } else { (b"for=", b"") };
    text.extend_from_slice(open);
    push_ip(text, ip);
    text.extend_from_slice(close);
}

fn push_ip(text: &mut Vec<u8>, ip: IpAddr) {
    use std::io::Write;
    // Writing to a vector does not fail.
    let _ = write!(text, "{ip}");
}

fn has_trace(headers: &HeaderMap, target: &Target) -> bool {
    if !target.seen.has(Kind::TraceParent) {
        return false;
    }
    let mut traces = headers.get_all(TRACEPARENT).into_iter();
    traces.next().is_some_and(|trace| identity::is_traceparent(trace.as_bytes())) && traces.next().is_none()
}
