//! Which trailers may follow a body.

use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;

use super::names::Kind;

/// Drops trailers that frame the message, route or change it, authenticate, describe its content, or speak for a proxy
/// (RFC 9110, section 6.5.1): a recipient that merges trailers into the headers would believe them. What gRPC and
/// applications send otherwise (`grpc-status`, `grpc-message`, digests, timings) passes.
pub fn filter_trailers(trailers: &mut HeaderMap) {
    let forbidden: SmallVec<[HeaderName; 4]> = trailers.keys().filter(|name| is_forbidden(name)).cloned().collect();
    for name in forbidden {
        trailers.remove(name);
    }
}

fn is_forbidden(name: &HeaderName) -> bool {
    if Kind::of(name) != Kind::Plain {
        return true;
    }
    let name = name.as_str();
    let forbidden_prefix = ["content-", "if-", "accept", "access-control-", "sec-", "proxy-"];
    // A digest is known only at the end of a body.
    name != "content-digest" && forbidden_prefix.iter().any(|prefix| name.starts_with(prefix))
        || matches!(
            name,
            "age"
                | "authorization"
                | "cache-control"
                | "date"
                | "expires"
                | "location"
                | "max-forwards"
                | "origin"
                | "pragma"
                | "range"
                | "referer"
                | "retry-after"
                | "set-cookie"
                | "strict-transport-security"
                | "trailer"
                | "user-agent"
                | "vary"
                | "warning"
                | "www-authenticate"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_forge_a_message_is_dropped_and_the_rest_passes() {
        let kept =
            ["grpc-status", "grpc-message", "grpc-status-details-bin", "server-timing", "content-digest", "x-checksum"];
        let dropped = [
            "content-length",
            "transfer-encoding",
            "te",
            "host",
            "connection",
            "x-forwarded-for",
            "x-forwarded-port",
            "forwarded",
            "x-spillway-class",
            "x-request-id",
            "traceparent",
            "authorization",
            "cookie",
            "set-cookie",
            "content-encoding",
            "cache-control",
            "trailer",
            "endpoint-load-metrics",
            "x_forwarded_for",
        ];
        let mut trailers: HeaderMap =
            kept.iter().chain(&dropped).map(|name| (HeaderName::from_static(name), "1".parse().unwrap())).collect();
        filter_trailers(&mut trailers);
        let mut left: Vec<_> = trailers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        let mut expected = kept;
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
