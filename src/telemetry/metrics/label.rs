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

label_values! {
    /// What a waiting room does with who comes.
    RoomState {
        /// Lets everybody in.
        Off => "off",
        /// Collects them until it opens.
        Lobby => "lobby",
        /// Lets them in as there is room.
        Open => "open",
        /// Keeps them in line.
        Paused => "paused",
        /// Turns them away: the operator says so.
        Closed => "closed",
        /// Turns them away: the origin says that everything is sold.
        SoldOut => "sold-out",
    }
}
