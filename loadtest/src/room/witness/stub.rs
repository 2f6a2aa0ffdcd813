//! What a ticket or a pass says to whoever cannot check it: the layout is documented at `spillway::room`'s seals.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What is read of a room's cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stub {
    /// A place in line, and the late estimate its holder was given, in seconds.
    Ticket { number: u32, late: Option<u32> },
    /// A stay.
    Pass { number: u32, slot: u32 },
    /// The end of one.
    Farewell,
}

/// Where that begins which a kind adds.
const ADDED: usize = 38;

impl Stub {
    /// Reads the value of a cookie.
    pub(crate) fn read(value: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let field = |at: usize| Some(u32::from_be_bytes(bytes.get(ADDED + at..)?.first_chunk().copied()?));
        match bytes.get(1)? {
            // After the number there are eight bytes of when it was given, and the likely estimate.
            1 => Some(Self::Ticket { number: field(0)?, late: field(16).filter(|late| *late != u32::MAX) }),
            2 => Some(Self::Pass { number: field(0)?, slot: field(4)? }),
            3 => Some(Self::Farewell),
            _ => None,
        }
    }
}
