//! Why a value that a client presents is not believed.

/// One of the reasons; the `reason` label of `spillway_room_ticket_rejects_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum Reject {
    /// Not something this server writes.
    Malformed,
    /// Too long to be looked at.
    Oversized,
    /// Of a version this server does not write.
    Version,
    /// Signed with a key that is not, or no longer, live.
    Key,
    /// The signature is not of what is signed.
    Signature,
    /// Its time is over.
    Expired,
    /// Of another room.
    Room,
    /// Given to a client in another network.
    Network,
    /// Of an epoch that is over.
    Epoch,
    /// Beside a better one, or beyond the number of cookies that are looked at.
    Duplicate,
    /// Its number or its slot was used up.
    Stale,
    /// Something this server writes, for another use.
    Kind,
}

impl Reject {
    /// Every reason, in the order of [`Reject::index`].
    pub const ALL: [Self; 12] = [
        Self::Malformed,
        Self::Oversized,
        Self::Version,
        Self::Key,
        Self::Signature,
        Self::Expired,
        Self::Room,
        Self::Network,
        Self::Epoch,
        Self::Duplicate,
        Self::Stale,
        Self::Kind,
    ];

    /// The word used in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Oversized => "oversized",
            Self::Version => "version",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Room => "room",
            Self::Network => "network",
            Self::Epoch => "epoch",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Kind => "kind",
        }
    }

    /// Position in [`Reject::ALL`], for tables of counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}
