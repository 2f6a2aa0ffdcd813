//! Turns an admitted request into what the origin is sent.

use http::header::{CONNECTION, COOKIE, EXPECT, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use smallvec::SmallVec;

use super::inspect::list_tokens;
use super::names::{self, Kind};
use super::{Connection, Forwarding, Target, forward};

/// Options of `Connection` that are treated on their own.
const PLAIN_OPTIONS: [&[u8]; 4] = [b"keep-alive", b"close", b"upgrade", b"te"];

/// Rewrites `parts`, which [`super::inspect`] judged as `target`: the URI becomes a canonical path and query, `Host` the
/// canonical authority; what is not the origin's business goes, what it should know is added.
///
/// `Transfer-Encoding` is dropped too: how the body is framed towards the origin follows from the body.
pub fn prepare(parts: &mut Parts, target: &Target, connection: &Connection, about: &Forwarding<'_>) {
    rewrite_target(parts, target);
    let headers = &mut parts.headers;
    drop_named(headers, target);
    drop_by_kind(headers, target, about.client.trusted_peer);
    rewrite_hop_by_hop(headers, target);
    if target.crumbled {
        join_cookies(headers);
    }
    forward::write(headers, target, connection, about);
}

/// Origin form with the canonical path; the query is untouched.
fn rewrite_target(parts: &mut Parts, target: &Target) {
    let is_origin_form = parts.uri.authority().is_none();
    if is_origin_form && target.rewritten_path.is_none() {
        return;
    }
    let sent = parts.uri.path_and_query();
    let reusable = sent.filter(|sent| target.rewritten_path.is_none() && sent.as_str().starts_with(['/', '*']));
    let path_and_query = match reusable {
        Some(path_and_query) => Some(path_and_query.clone()),
        None => join_query(target.path(&parts.uri), parts.uri.query()),
    };
    if let Some(path_and_query) = path_and_query {
        parts.uri = Uri::from(path_and_query);
    }
}

/// The parts of a valid URI make a valid one.
fn join_query(path: &str, query: Option<&str>) -> Option<PathAndQuery> {
    let mut text = String::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
    text.push_str(path);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    PathAndQuery::try_from(text).ok()
}

/// Drops what `Connection` names, except what it may not.
fn drop_named(headers: &mut HeaderMap, target: &Target) {
    if target.seen.has(Kind::Connection) {
        drop_connection_options(headers);
    }
}

/// Drops what the `Connection` of a request or an answer names, except what it may not.
pub(super) fn drop_connection_options(headers: &mut HeaderMap) {
    // What nearly every message says names nothing.
    if headers.get(CONNECTION).is_some_and(|only| PLAIN_OPTIONS.contains(&only.as_bytes()))
        && headers.get_all(CONNECTION).iter().nth(1).is_none()
    {
        return;
    }
    let mut named: SmallVec<[HeaderName; 4]> = SmallVec::new();
    for option in headers.get_all(CONNECTION).into_iter().flat_map(list_tokens) {
        if PLAIN_OPTIONS.iter().any(|plain| option.eq_ignore_ascii_case(plain)) {
            continue;
        }
        named.extend(HeaderName::from_bytes(option).ok().filter(names::may_be_named_away));
    }
    for name in named {
        headers.remove(name);
    }
}

fn drop_by_kind(headers: &mut HeaderMap, target: &Target, trusted_peer: bool) {
    let always = [Kind::HopByHop, Kind::Underscored, Kind::Spillway, Kind::Load];
    let claimed = !trusted_peer && target.seen.has(Kind::ForwardedOther);
    if !claimed && !always.into_iter().any(|kind| target.seen.has(kind)) {
        return;
    }
    remove_where(headers, |kind| always.contains(&kind) || (claimed && kind == Kind::ForwardedOther));
}

/// Removes every header of a kind that `is_unwanted`.
pub(super) fn remove_where(headers: &mut HeaderMap, is_unwanted: impl Fn(Kind) -> bool) {
    let unwanted = headers.keys().filter(|name| is_unwanted(Kind::of(name)));
    let unwanted: SmallVec<[HeaderName; 4]> = unwanted.cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// Leaves of the hop-by-hop headers what this hop says itself.
fn rewrite_hop_by_hop(headers: &mut HeaderMap, target: &Target) {
    if target.websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        for (kind, name) in [(Kind::Connection, CONNECTION), (Kind::Upgrade, UPGRADE)] {
            if target.seen.has(kind) {
                headers.remove(name);
            }
        }
    }
    for (kind, name) in [(Kind::TransferEncoding, TRANSFER_ENCODING), (Kind::Expect, EXPECT)] {
        if target.seen.has(kind) {
            headers.remove(name);
        }
    }
    if target.seen.has(Kind::Te) {
        rewrite_te(headers);
    }
}

/// gRPC asks for `TE: trailers`; transfer codings are between neighbours.
fn rewrite_te(headers: &mut HeaderMap) {
    let takes_trailers = {
        let mut codings = headers.get_all(TE).into_iter().flat_map(list_tokens);
        codings.any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
    };
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    } else {
        headers.remove(TE);
    }
}

/// HTTP/2 lets a client split its cookies over several lines; HTTP/1 does not (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut joined = Vec::new();
    for crumb in headers.get_all(COOKIE) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(crumb.as_bytes());
    }
    if let Ok(cookie) = HeaderValue::try_from(joined) {
        headers.insert(COOKIE, cookie);
    }
}
