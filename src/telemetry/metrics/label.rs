//! Label values known when the program is compiled.

/// Defines an enum whose variants are the values of one label.
macro_rules! label_values {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$value_doc])* $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As it stands in metrics and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

label_values! {
    /// What became of a request.
    Outcome {
        /// The origin's answer was passed on, whatever its status.
        Forwarded => "forwarded",
        /// Refused by a limit.
        Limited => "limited",
        /// Refused because the origin is at capacity, at once or after waiting.
        Shed => "shed",
        /// Answered by the proxy for any other reason, or never answered.
        Failed => "failed",
    }
}

label_values! {
    /// What was decided about a request.
    Decision {
        /// It may go to the origin.
        Admit => "admit",
        /// It may not.
        Refuse => "refuse",
    }
}

label_values! {
    /// Why; the same words as in `X-Spillway-Reason` and the access log.
    Reason {
        /// Nothing stood in its way.
        None => "none",
        /// A token bucket was empty.
        Limit => "limit",
        /// The origin is at capacity and the request may not wait.
        Capacity => "capacity",
        /// Admitted after waiting for a seat; refused after waiting in vain.
        Wait => "wait",
        /// No server of the origin is healthy.
        OriginDown => "origin-down",
        /// The origin could not be reached or broke off.
        OriginError => "origin-error",
        /// The origin took too long.
        OriginTimeout => "origin-timeout",
        /// The request itself is at fault.
        Request => "request",
        /// The proxy is shutting down.
        Draining => "draining",
    }
}

label_values! {
    /// Whether a decision took effect.
    Mode {
        /// It did.
        Enforce => "enforce",
        /// It was only counted.
        Shadow => "shadow",
    }
}

label_values! {
    /// What a client connection is doing.
    Protocol {
        /// PROXY header or TLS handshake under way.
        Handshake => "handshake",
        /// HTTP/1.
        H1 => "h1",
        /// HTTP/2.
        H2 => "h2",
        /// An upgraded connection, such as a WebSocket.
        Tunnel => "tunnel",
    }
}

label_values! {
    /// How a TLS handshake ended.
    HandshakeResult {
        /// Agreed.
        Ok => "ok",
        /// The peers could not agree, or the client broke off.
        Failed => "failed",
        /// It took too long.
        Timeout => "timeout",
        /// Too many were in progress.
        Refused => "refused",
    }
}

label_values! {
    /// A TLS version.
    TlsVersion {
        /// Not agreed on.
        Unknown => "unknown",
        /// TLS 1.2.
        V12 => "1.2",
        /// TLS 1.3.
        V13 => "1.3",
    }
}
