//! What is taken out of an origin's answer before the client sees it.

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::names::{Kind, Seen};
use super::prepare::{drop_connection_options, remove_where};

const LOAD: HeaderName = HeaderName::from_static("endpoint-load-metrics");
const SESSION: HeaderName = HeaderName::from_static("x-spillway-session");
const ROOM: HeaderName = HeaderName::from_static("x-spillway-room");

/// What an origin told the proxy rather than the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginNotes {
    /// Its load, as ORCA text (`endpoint-load-metrics`).
    pub load: Option<HeaderValue>,
    /// `X-Spillway-Session: end`: this shopper is done.
    pub session_ended: bool,
    /// `X-Spillway-Room: sold-out`.
    pub sold_out: bool,
}

/// Removes hop-by-hop headers and notes to the proxy, and gives the notes back. `switching` is for a 101, which keeps
/// its `Upgrade`.
///
/// `Transfer-Encoding` goes as well: how the body is framed towards the client follows from the body.
pub fn strip_response(headers: &mut HeaderMap, switching: bool) -> OriginNotes {
    let mut seen = Seen::default();
    for name in headers.keys() {
        seen.add(Kind::of(name));
    }
    if seen.has(Kind::Connection) {
        drop_connection_options(headers);
    }
    if switching {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        remove_seen(headers, seen, Kind::Connection, &CONNECTION);
        remove_seen(headers, seen, Kind::Upgrade, &UPGRADE);
    }
    if seen.has(Kind::TransferEncoding) {
        headers.remove(TRANSFER_ENCODING);
        // The coding framed the body, so the length is a lie (RFC 9112, section 6.3).
        headers.remove(CONTENT_LENGTH);
    }
    let has_notes = seen.has(Kind::Spillway) || seen.has(Kind::Load);
    let notes = if has_notes { read_notes(headers) } else { OriginNotes::default() };
    if has_notes || seen.has(Kind::HopByHop) {
        remove_where(headers, |kind| matches!(kind, Kind::Spillway | Kind::Load | Kind::HopByHop));
    }
    notes
}

fn remove_seen(headers: &mut HeaderMap, seen: Seen, kind: Kind, name: &HeaderName) {
    if seen.has(kind) {
        headers.remove(name);
    }
}

fn read_notes(headers: &HeaderMap) -> OriginNotes {
    let says = |name: &HeaderName, word: &[u8]| {
        headers.get(name).is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(word))
    };
    OriginNotes {
        load: headers.get(&LOAD).cloned(),
        session_ended: says(&SESSION, b"end"),
        sold_out: says(&ROOM, b"sold-out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn hop_by_hop_headers_go() {
        let mut answer = headers(&[
            ("connection", "close, x-hop, set-cookie, content-length"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("proxy-authenticate", "Basic"),
            ("x-hop", "1"),
            ("set-cookie", "a=1"),
            ("content-length", "3"),
            ("trailer", "grpc-status"),
        ]);
        assert_eq!(strip_response(&mut answer, false), OriginNotes::default());
        assert_eq!(answer, headers(&[("set-cookie", "a=1"), ("content-length", "3"), ("trailer", "grpc-status")]));
    }

    #[test]
    fn a_length_beside_a_transfer_coding_goes_with_it() {
        let mut answer = headers(&[("transfer-encoding", "chunked"), ("content-length", "3"), ("etag", "a")]);
        strip_response(&mut answer, false);
        assert_eq!(answer, headers(&[("etag", "a")]));
    }

    #[test]
    fn a_switch_keeps_its_protocol() {
        let mut answer = headers(&[("connection", "Upgrade"), ("upgrade", "websocket")]);
        strip_response(&mut answer, true);
        assert_eq!(answer, headers(&[("connection", "upgrade"), ("upgrade", "websocket")]));
    }

    #[test]
    fn notes_are_taken_out_and_read() {
        let mut answer = headers(&[
            ("endpoint-load-metrics", "TEXT cpu_utilization=0.8"),
            ("x-spillway-session", "end"),
            ("x-spillway-room", "Sold-Out"),
            ("x-spillway-anything", "1"),
            ("x-shop", "1"),
        ]);
        let notes = strip_response(&mut answer, false);
        assert_eq!(notes.load, Some(HeaderValue::from_static("TEXT cpu_utilization=0.8")));
        assert!(notes.session_ended && notes.sold_out);
        assert_eq!(answer, headers(&[("x-shop", "1")]));
    }
}
