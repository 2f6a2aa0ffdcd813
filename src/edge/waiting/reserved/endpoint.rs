//! What there is under `/.spillway/`.

use http::Method;

use crate::config::settings::{RoomIndex, RoomSettings};

const PREFIX: &str = "/.spillway";
const ROOM: &str = "/room/";

/// What can be asked of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The status, and giving the place up.
    Status,
    /// Giving the place up, for a form.
    Leave,
    /// A place, for those who have no page or have proved some work.
    Join,
    /// The page for those without scripts.
    Wait,
    /// An image that presents the ticket, for those without scripts.
    Seen,
}

/// Whether a canonical path is the proxy's own.
pub(super) fn is_reserved(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Endpoint {
    /// The endpoint and the room that a reserved path names.
    pub(super) fn find(path: &str, rooms: &[RoomSettings]) -> Option<(Self, RoomIndex)> {
        let rest = path.strip_prefix(PREFIX)?.strip_prefix(ROOM)?;
        let (name, endpoint) = match rest.split_once('/') {
            None => (rest, Self::Status),
            Some((name, "leave")) => (name, Self::Leave),
            Some((name, "join")) => (name, Self::Join),
            Some((name, "wait")) => (name, Self::Wait),
            Some((name, "seen")) => (name, Self::Seen),
            Some(_) => return None,
        };
        Some((endpoint, rooms.iter().position(|room| room.name == name)?))
    }

    /// Whether it takes this method.
    pub(super) fn takes(self, method: &Method) -> bool {
        self.methods().split(", ").any(|allowed| allowed == method.as_str())
    }

    /// Whether a form can change with it what somebody has, even a form of another site.
    pub(super) const fn acts(self) -> bool {
        matches!(self, Self::Leave | Self::Join)
    }

    /// The methods it takes, as in `Allow`.
    pub(super) const fn methods(self) -> &'static str {
        match self {
            Self::Status => "GET, HEAD, DELETE",
            Self::Leave | Self::Join => "POST",
            Self::Wait | Self::Seen => "GET, HEAD",
        }
    }
}
