//! What a room shows of itself: a summary, made anew at each tick and read by everybody.

use std::time::Duration;

use jiff::Timestamp;

use super::estimate::Outlook;
use super::store::DrawRecord;
use crate::config::settings::{RoomMode, RoomOrder, RoomSettings, Texts};

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
    /// The last draw, for whoever wants to check it.
    pub draw: Option<DrawRecord>,
    /// An origin has said that everything is sold.
    pub sold_out: bool,
    /// Whether the store keeps what happens; else the line goes on in memory.
    pub durable: bool,
    /// Whether newcomers are asked for a proof of work, and of how many leading zero bits.
    pub work: Option<u32>,
    /// How long a called turn is held.
    pub(super) claim: Duration,
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

    /// Before the first tick; a lobby only if the store knows of one.
    pub(super) fn first(settings: &RoomSettings, epoch: u32, is_lobby: bool, sold_out: bool) -> Self {
        Self {
            mode: settings.mode,
            order: settings.order,
            epoch,
            version: 1,
            waiting: 0,
            inside: 0,
            called: 0,
            cap: settings.active_shoppers,
            rate: 0.0,
            message: settings.message.clone(),
            opens: settings.opens.filter(|_| is_lobby),
            commitment: None,
            draw: None,
            sold_out,
            durable: false,
            work: None,
            claim: settings.claim,
            outlook: Outlook { service: 0.0, leaving: 0.0, spread: 1.5, by_lot: settings.order == RoomOrder::Lottery },
        }
    }

    /// Whether a waiting page has something else to say to everybody.
    pub(super) fn says_other_than(&self, other: &Self) -> bool {
        let said = |view: &Self| (view.mode, view.order, view.epoch, view.opens, view.sold_out, view.draw);
        said(self) != said(other) || self.message != other.message
    }

    /// How long somebody with so many ahead will wait.
    #[must_use]
    pub fn estimate(&self, rank: Option<u32>) -> Estimate {
        let moves = !self.is_closed() && !self.is_lobby() && self.mode != RoomMode::Paused;
        if moves { self.outlook.estimate(rank, self.waiting) } else { Estimate::default() }
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

/// How waits would be under other settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Shoppers called a second; `None` where it is not known.
    pub service: Option<f64>,
    waiting: u32,
    outlook: Outlook,
    moves: bool,
}

impl Forecast {
    pub(super) fn new(outlook: Outlook, settings: &RoomSettings, waiting: u32) -> Self {
        let moves = !matches!(settings.mode, RoomMode::Paused | RoomMode::Closed);
        let service = (moves && outlook.service > 0.0).then_some(outlook.service);
        Self { service, waiting, outlook, moves }
    }

    /// How long somebody with so many ahead would wait; `None` is for a lottery.
    #[must_use]
    pub fn estimate(&self, rank: Option<u32>) -> Estimate {
        if self.moves { self.outlook.estimate(rank, self.waiting) } else { Estimate::default() }
    }
}
