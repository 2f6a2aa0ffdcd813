//! What a room shows of itself: a summary, made anew at each tick and read by everybody.

use std::time::Duration;

use jiff::Timestamp;

use super::estimate::Outlook;
use crate::config::settings::{RoomMode, RoomOrder, Texts};

/// A summary of a room.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// As configured, or as an operator overrides it.
    pub mode: RoomMode,
    /// Who is called first.
    pub order: RoomOrder,
    /// Tickets and passes of other epochs are void.
    pub epoch: u32,
    /// Changes with whatever changes what a waiting page says to everybody (mode, message, opening, epoch).
    pub version: u64,
    /// Places in line whose holders are there.
    pub waiting: u32,
    /// Shoppers inside.
    pub inside: u32,
    /// Shoppers called and not yet inside.
    pub called: u32,
    /// Most inside and called together.
    pub cap: u32,
    /// How many are let in a second, at most; infinite where only the cap bounds it.
    pub rate: f64,
    /// The operator's words.
    pub message: Texts,
    /// When the room opens, while it is a lobby.
    pub opens: Option<Timestamp>,
    /// SHA-256 of the seed the lobby's order is, or was last, drawn with.
    pub commitment: Option<[u8; 32]>,
    /// An origin has said that everything is sold.
    pub sold_out: bool,
    /// Whether the store keeps what happens; else the line goes on in memory.
    pub durable: bool,
    /// Whether newcomers are asked for a proof of work, and of how many leading zero bits.
    pub work: Option<u32>,
    /// How waits are estimated.
    pub(super) outlook: Outlook,
}

impl View {
    /// Whether it is a lobby now.
    #[must_use]
    pub fn is_lobby(&self) -> bool {
        self.opens.is_some()
    }

    /// Whether nobody comes in: closed by the operator, or sold out.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.mode == RoomMode::Closed || self.sold_out
    }

    /// How long somebody with so many ahead will wait.
    #[must_use]
    pub fn estimate(&self, rank: Option<u32>) -> Estimate {
        self.outlook.estimate(rank, self.waiting)
    }

    /// When somebody with so many ahead should ask again. `random` spreads those who asked at the same moment.
    #[must_use]
    pub fn poll_after(&self, rank: Option<u32>, random: u64) -> Duration {
        super::poll::jittered(self.poll_interval(rank), random)
    }
}

/// How long a wait will be, in seconds from now; `None` where it cannot be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// As likely shorter as longer.
    pub likely: Option<u32>,
    /// Nine of ten are shorter.
    pub late: Option<u32>,
}
