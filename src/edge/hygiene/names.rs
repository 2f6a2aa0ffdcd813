//! What a header's name means to a proxy.

use http::HeaderName;

/// The kinds of names that are treated apart from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Te,
    Expect,
    Cookie,
    RequestId,
    TraceParent,
    TraceState,
    Forwarded,
    ForwardedFor,
    ForwardedProto,
    ForwardedHost,
    /// Anything else by which a proxy speaks of the client: believed of trusted peers only.
    ForwardedOther,
    /// Meant for the next hop only, and of no use to it.
    HopByHop,
    /// Spillway's own; a client may not send it.
    Spillway,
    /// ORCA load figures in an answer.
    Load,
    /// Has an underscore: some servers read it as the name with a hyphen, past everything that looked for that.
    Underscored,
    /// Passed on as it is.
    Plain,
}

impl Kind {
    /// By length first, so that a name is compared with two or three others at most.
    pub(super) fn of(name: &HeaderName) -> Self {
        let name = name.as_str();
        match name.len() {
            2 if name == "te" => Self::Te,
            4 if name == "host" => Self::Host,
            6 => match name {
                "expect" => Self::Expect,
                "cookie" => Self::Cookie,
                _ => Self::other(name),
            },
            7 if name == "upgrade" => Self::Upgrade,
            9 if name == "forwarded" => Self::Forwarded,
            9 if name == "x-real-ip" => Self::ForwardedOther,
            10 => match name {
                "connection" => Self::Connection,
                "keep-alive" => Self::HopByHop,
                "tracestate" => Self::TraceState,
                "user-agent" => Self::Plain,
                _ => Self::other(name),
            },
            11 if name == "traceparent" => Self::TraceParent,
            12 if name == "x-request-id" => Self::RequestId,
            14 if name == "content-length" => Self::ContentLength,
            14 if name == "http2-settings" => Self::HopByHop,
            15 if name == "x-forwarded-for" => Self::ForwardedFor,
            16 if name == "x-forwarded-host" => Self::ForwardedHost,
            16 if name == "proxy-connection" => Self::HopByHop,
            17 if name == "x-forwarded-proto" => Self::ForwardedProto,
            17 if name == "transfer-encoding" => Self::TransferEncoding,
            18 if name == "proxy-authenticate" => Self::HopByHop,
            19 if name == "proxy-authorization" => Self::HopByHop,
            21 if name == "endpoint-load-metrics" => Self::Load,
            25 if name == "endpoint-load-metrics-bin" => Self::Load,
            _ => Self::other(name),
        }
    }

    fn other(name: &str) -> Self {
        if name.starts_with("x-") {
            if name.starts_with("x-spillway-") {
                return Self::Spillway;
            }
            if name.starts_with("x-forwarded-") {
                return Self::ForwardedOther;
            }
        }
        if name.bytes().any(|byte| byte == b'_') { Self::Underscored } else { Self::Plain }
    }

    /// Its bit in a [`Seen`].
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Which kinds occur.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen(u32);

impl Seen {
    pub(super) fn add(&mut self, kind: Kind) {
        self.0 |= kind.bit();
    }

    pub(super) const fn has(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }
}

/// Whether `Connection` may name this header away. What says who is asking, for what, how long it is and whence it came
/// may not be removed by whoever sits between; the rest is the peer's own affair.
pub(super) fn may_be_named_away(name: &HeaderName) -> bool {
    match Kind::of(name) {
        Kind::Plain => {
            let name = name.as_str();
            let protected = matches!(
                name,
                "authorization" | "origin" | "referer" | "set-cookie" | "location" | "cache-control" | "vary" | "range"
            );
            let protected_prefix = ["content-", "accept", "if-", "sec-", "access-control-"];
            !protected && !protected_prefix.iter().any(|prefix| name.starts_with(prefix))
        }
        Kind::HopByHop | Kind::Underscored | Kind::Upgrade | Kind::Te => true,
        Kind::Host
        | Kind::ContentLength
        | Kind::TransferEncoding
        | Kind::Connection
        | Kind::Expect
        | Kind::Cookie
        | Kind::RequestId
        | Kind::TraceParent
        | Kind::TraceState
        | Kind::Forwarded
        | Kind::ForwardedFor
        | Kind::ForwardedProto
        | Kind::ForwardedHost
        | Kind::ForwardedOther
        | Kind::Spillway
        | Kind::Load => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &'static str) -> Kind {
        Kind::of(&HeaderName::from_static(name))
    }

    #[test]
    fn names_are_sorted_by_what_they_do() {
        for (name, expected) in [
            ("host", Kind::Host),
            ("te", Kind::Te),
            ("connection", Kind::Connection),
            ("keep-alive", Kind::HopByHop),
            ("x-forwarded-for", Kind::ForwardedFor),
            ("x-forwarded-port", Kind::ForwardedOther),
            ("x-forwarded-prefix-with-a-long-name", Kind::ForwardedOther),
            ("x-real-ip", Kind::ForwardedOther),
            ("x-spillway-route", Kind::Spillway),
            ("x_forwarded_for", Kind::Underscored),
            ("content_length", Kind::Underscored),
            ("user-agent", Kind::Plain),
            ("accept", Kind::Plain),
            ("x-spill", Kind::Plain),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn every_kind_has_its_own_bit() {
        assert!((Kind::Plain as u32) < 32);
        let mut seen = Seen::default();
        seen.add(Kind::Plain);
        assert!(seen.has(Kind::Plain) && !seen.has(Kind::Host));
    }

    #[test]
    fn ours_cannot_be_named_away() {
        for name in
            ["host", "cookie", "authorization", "x-forwarded-for", "x-spillway-class", "content-type", "traceparent"]
        {
            assert!(!may_be_named_away(&HeaderName::from_static(name)), "{name}");
        }
        for name in ["keep-alive", "x-custom", "foo"] {
            assert!(may_be_named_away(&HeaderName::from_static(name)), "{name}");
        }
    }
}
