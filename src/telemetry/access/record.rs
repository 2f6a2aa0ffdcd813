//! One finished request as a line.

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Nanos;
use crate::policy::verdict::{Outcome, Reason};
use crate::telemetry::metrics::TlsVersion;

use super::date::Date;
use super::json::{number, optional_string, string, three_digits};

/// A finished request. Each field is written under the key named in brackets; times are in milliseconds with three decimals.
/// An empty name is written as `null`.
#[derive(Debug, Clone, Copy)]
pub struct AccessRecord<'a> {
    /// \[`time`\] When the request head had been read; RFC 3339 in UTC with milliseconds.
    pub received: Nanos,
    /// \[`request_id`\] As in `X-Request-Id`.
    pub request_id: &'a str,
    /// \[`client`\] Address of the client, behind trusted proxies.
    pub client: IpAddr,
    /// \[`method`\]
    pub method: &'a str,
    /// \[`host`\] Host asked for, without port.
    pub host: &'a str,
    /// \[`path`\] Written up to a `?`: queries are never logged.
    pub path: &'a str,
    /// \[`protocol`\] `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: http::Version,
    /// \[`tls`\] Version of TLS, such as `1.3`; `None` on cleartext.
    pub tls: Option<TlsVersion>,
    /// \[`status`\] Status code of the answer; 499 when the client left before there was one.
    pub status: u16,
    /// \[`complete`\] Whether the answer was delivered to its end.
    pub complete: bool,
    /// \[`route`\] Name of the route; empty when none matched.
    pub route: &'a str,
    /// \[`class`\] Name of the class.
    pub class: &'a str,
    /// \[`outcome`\] As in `spillway_requests_total`.
    pub outcome: Outcome,
    /// \[`reason`\] As in `spillway_decisions_total` and `X-Spillway-Reason`.
    pub reason: Reason,
    /// \[`limit`\] Name of the limit that refused.
    pub limit: Option<&'a str>,
    /// \[`server`\] The origin's server that the request was sent to; `None` when it never left the proxy.
    pub server: Option<&'a str>,
    /// \[`bytes_in`\] Bytes of the request body received.
    pub bytes_in: u64,
    /// \[`bytes_out`\] Bytes of the response body sent.
    pub bytes_out: u64,
    /// \[`seat_wait_ms`\] Time waited for a seat; `None` when none was asked for.
    pub seat_wait: Option<Duration>,
    /// \[`connect_ms`\] Time to open a connection to the origin; `None` when a kept one served or none was needed.
    pub connect: Option<Duration>,
    /// \[`first_byte_ms`\] Time from the request sent to the origin's response head.
    pub first_byte: Option<Duration>,
    /// \[`total_ms`\] Time from the request head to the end of the response.
    pub total: Duration,
    /// \[`user_agent`\] As sent, not necessarily UTF-8.
    pub user_agent: Option<&'a [u8]>,
}

/// Longest name or address written.
const NAME: usize = 256;
/// Longest method written: longer ones are noise.
const METHOD: usize = 32;
/// Longest path written; what comes after hardly tells pages apart.
const PATH: usize = 2048;
/// Longest user agent written; browsers' are under 200 bytes.
const USER_AGENT: usize = 512;

impl AccessRecord<'_> {
    /// Appends the line with its end.
    pub(super) fn append(&self, out: &mut Vec<u8>, date: &mut Date) {
        out.extend_from_slice(b"{\"time\":\"");
        date.append(out, self.received);
        out.extend_from_slice(b"\",\"request_id\":");
        string(out, self.request_id.as_bytes(), NAME);
        self.append_request(out);
        self.append_answer(out);
        self.append_times(out);
        out.extend_from_slice(b",\"user_agent\":");
        optional_string(out, self.user_agent, USER_AGENT);
        out.extend_from_slice(b"}\n");
    }

    fn append_request(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"client\":\"");
        address(out, self.client);
        out.extend_from_slice(b"\",\"method\":");
        string(out, self.method.as_bytes(), METHOD);
        out.extend_from_slice(b",\"host\":");
        string(out, self.host.as_bytes(), NAME);
        out.extend_from_slice(b",\"path\":");
        let path = self.path.as_bytes();
        let query = memchr::memchr(b'?', path).unwrap_or(path.len());
        string(out, path.get(..query).unwrap_or(path), PATH);
        out.extend_from_slice(b",\"protocol\":\"");
        out.extend_from_slice(protocol(self.protocol).as_bytes());
        out.extend_from_slice(b"\",\"tls\":");
        optional_string(out, self.tls.map(|tls| tls.as_str().as_bytes()), NAME);
    }

    fn append_answer(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"status\":");
        number(out, self.status);
        out.extend_from_slice(if self.complete { b",\"complete\":true" } else { b",\"complete\":false" });
        out.extend_from_slice(b",\"route\":");
        optional_string(out, Some(self.route.as_bytes()).filter(|name| !name.is_empty()), NAME);
        out.extend_from_slice(b",\"class\":");
        optional_string(out, Some(self.class.as_bytes()).filter(|name| !name.is_empty()), NAME);
        out.extend_from_slice(b",\"outcome\":\"");
        out.extend_from_slice(self.outcome.as_str().as_bytes());
        out.extend_from_slice(b"\",\"reason\":\"");
        out.extend_from_slice(self.reason.as_str().as_bytes());
        out.extend_from_slice(b"\",\"limit\":");
        optional_string(out, self.limit.map(str::as_bytes), NAME);
        out.extend_from_slice(b",\"server\":");
        optional_string(out, self.server.map(str::as_bytes), NAME);
        out.extend_from_slice(b",\"bytes_in\":");
        number(out, self.bytes_in);
        out.extend_from_slice(b",\"bytes_out\":");
        number(out, self.bytes_out);
    }

    fn append_times(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"seat_wait_ms\":");
        optional_milliseconds(out, self.seat_wait);
        out.extend_from_slice(b",\"connect_ms\":");
        optional_milliseconds(out, self.connect);
        out.extend_from_slice(b",\"first_byte_ms\":");
        optional_milliseconds(out, self.first_byte);
        out.extend_from_slice(b",\"total_ms\":");
        milliseconds(out, self.total);
    }
}

fn optional_milliseconds(out: &mut Vec<u8>, time: Option<Duration>) {
    match time {
        Some(time) => milliseconds(out, time),
        None => out.extend_from_slice(b"null"),
    }
}

fn milliseconds(out: &mut Vec<u8>, time: Duration) {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    number(out, micros / 1000);
    out.push(b'.');
    three_digits(out, (micros % 1000) as u32);
}

fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            number(out, first);
            for octet in rest {
                out.push(b'.');
                number(out, octet);
            }
        }
        // Writing to memory cannot fail.
        IpAddr::V6(address) => _ = write!(out, "{address}"),
    }
}

fn protocol(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_09 => "HTTP/0.9",
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_2 => "HTTP/2.0",
        http::Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}
