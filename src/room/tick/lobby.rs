//! The time before a room opens: whoever comes is shuffled with all the others when it does.

use std::sync::Arc;

use super::{Desk, Tick};
use crate::config::settings::{RoomMode, RoomSettings};
use crate::room::draw::{Draw, commitment};
use crate::room::era::Era;

/// A lobby that is not open yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lobby {
    /// The first number that belongs to it.
    pub(super) start: u32,
    /// What the order will be drawn with; its hash is shown before.
    pub(super) seed: [u8; 32],
}

impl Desk {
    /// Begins a lobby, or opens it.
    pub(super) fn take_up(&mut self, era: &Era, terms: &RoomSettings, tick: &Tick) {
        let opens = terms.opens.map(|opens| u64::try_from(opens.as_second()).unwrap_or(0));
        let is_before = terms.mode != RoomMode::Off && opens.is_some_and(|opens| tick.now.unix < opens);
        match self.lobby {
            None if is_before => self.lobby = Some(Lobby { start: era.numbers.next(), seed: tick.random }),
            Some(lobby) if !is_before => {
                shuffle(era, lobby);
                self.lobby = None;
            }
            _ => {}
        }
    }

    /// SHA-256 of the seed the order is, or was last, drawn with.
    pub(super) fn commitment(&self, era: &Era) -> Option<[u8; 32]> {
        let coming = self.lobby.map(|lobby| lobby.seed);
        let past = || era.draws.load().last().map(|draw| draw.seed);
        coming.or_else(past).map(|seed| commitment(&seed))
    }
}

/// Moves everybody of the lobby to the place that is drawn.
fn shuffle(era: &Era, lobby: Lobby) {
    let end = era.numbers.next();
    if end <= lobby.start {
        return;
    }
    let draw = Draw { start: lobby.start, size: end - lobby.start, seed: lobby.seed };
    let in_lobby = |place: &u32| *place < end;
    let after = |place: &u32| era.line.next_waiting(place + 1);
    let first = era.line.next_waiting(lobby.start);
    let there: Vec<_> = std::iter::successors(first, after).take_while(in_lobby).collect();
    let moved: Vec<_> = there.iter().map(|&number| (draw.place(number), era.line.seen(number))).collect();
    for place in there {
        era.line.vacate(place);
    }
    let mut draws = Vec::clone(&era.draws.load());
    draws.push(draw);
    // From here on an answer takes a number to its drawn place.
    era.draws.store(Arc::new(draws));
    for (place, deadline) in moved {
        era.line.occupy(place, deadline);
    }
}
