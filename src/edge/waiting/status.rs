//! Where a shopper stands, as JSON: what the page asks for, and what a problem answer carries as `queue`.

use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::settings::RoomMode;
use crate::edge::refuse::push_escaped;
use crate::room::standing::Standing;
use crate::room::view::{Estimate, View};

/// The words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum State {
    Lobby,
    Waiting,
    Called,
    Inside,
    Paused,
    Closed,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lobby => "lobby",
            Self::Waiting => "waiting",
            Self::Called => "called",
            Self::Inside => "inside",
            Self::Paused => "paused",
            Self::Closed => "closed",
        }
    }

    /// Of a shopper without a place.
    fn of_room(view: &View) -> Self {
        match view.mode {
            _ if view.is_closed() => Self::Closed,
            _ if view.is_lobby() => Self::Lobby,
            RoomMode::Paused => Self::Paused,
            RoomMode::Off | RoomMode::Auto | RoomMode::Always | RoomMode::Closed => Self::Waiting,
        }
    }
}

/// Where somebody stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Status<'a> {
    pub(super) state: State,
    /// How many are ahead.
    pub(super) rank: Option<u32>,
    pub(super) waiting: u32,
    pub(super) estimate: Estimate,
    pub(super) poll_after: Duration,
    pub(super) opens: Option<Timestamp>,
    pub(super) message: Option<&'a str>,
    pub(super) sold_out: bool,
    epoch: u32,
    version: u64,
}

impl<'a> Status<'a> {
    /// Of the holder of a place, or with `None` of somebody without one; `message` is what the operator says to them.
    pub(super) fn of(view: &View, standing: Option<&Standing>, message: Option<&'a str>, random: u64) -> Self {
        let state = match standing {
            Some(Standing::Lobby) => State::Lobby,
            Some(Standing::Waiting { .. }) => State::Waiting,
            Some(Standing::Paused { .. }) => State::Paused,
            Some(Standing::Called) => State::Called,
            Some(Standing::Inside(_)) => State::Inside,
            Some(Standing::Closed) => State::Closed,
            Some(Standing::Used | Standing::Foreign) | None => State::of_room(view),
        };
        let rank = match standing {
            Some(Standing::Waiting { rank } | Standing::Paused { rank }) => *rank,
            _ => None,
        };
        Self { rank, ..Self::general(view, state, rank, message, random) }
    }

    /// Of somebody who has just been given a number with so many ahead.
    pub(super) fn of_newcomer(view: &View, rank: Option<u32>, message: Option<&'a str>, random: u64) -> Self {
        Self { rank, ..Self::general(view, State::of_room(view), rank, message, random) }
    }

    fn general(view: &View, state: State, rank: Option<u32>, message: Option<&'a str>, random: u64) -> Self {
        let in_line = state == State::Waiting;
        Self {
            state,
            rank,
            // The summary is a tick old, and nobody is ahead of a line.
            waiting: rank.map_or(view.waiting, |ahead| view.waiting.max(ahead.saturating_add(1))),
            estimate: if in_line { view.estimate(rank) } else { Estimate::default() },
            poll_after: view.poll_after(rank, random),
            opens: view.opens,
            message,
            sold_out: view.sold_out,
            epoch: view.epoch,
            version: view.version,
        }
    }

    /// Appends the object of the contract, and whether all is sold, which a closed room does not say.
    pub(super) fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(b"{\"state\":\"");
        text.extend_from_slice(self.state.as_str().as_bytes());
        text.extend_from_slice(b"\",\"position\":");
        push_number(text, self.rank.map(|ahead| u64::from(ahead) + 1));
        text.extend_from_slice(b",\"waiting\":");
        push_number(text, Some(self.waiting.into()));
        text.extend_from_slice(b",\"eta_seconds\":{\"likely\":");
        push_number(text, self.estimate.likely.map(Into::into));
        text.extend_from_slice(b",\"late\":");
        push_number(text, self.estimate.late.map(Into::into));
        text.extend_from_slice(b"},\"poll_after_ms\":");
        push_number(text, u64::try_from(self.poll_after.as_millis()).ok());
        text.extend_from_slice(b",\"opens_at\":");
        match self.opens {
            // Writing to a vector does not fail.
            Some(opens) => drop(write!(text, "\"{opens}\"")),
            None => text.extend_from_slice(b"null"),
        }
        text.extend_from_slice(b",\"message\":");
        match self.message {
            Some(message) => {
                text.push(b'"');
                push_escaped(text, message);
                text.push(b'"');
            }
            None => text.extend_from_slice(b"null"),
        }
        text.extend_from_slice(if self.sold_out { b",\"sold_out\":true}" } else { b",\"sold_out\":false}" });
    }

    /// The inside of an entity tag: the same where it says the same.
    ///
    /// A rank counts by its first three digits, and the estimate by its first two: what
    /// changes less is not worth an answer.
    pub(super) fn tag(&self) -> [u8; 16] {
        let rank = self.rank.map(|rank| rounded(rank, 1_000));
        let likely = self.estimate.likely.map(|likely| rounded(likely, 100));
        hexadecimal(KEYS.hash_one((
            self.epoch,
            self.version,
            self.state,
            rank,
            likely,
            self.opens,
            self.sold_out,
            self.message,
        )))
    }
}

/// Any fixed keys: a tag says nothing that is secret, and must be the same in every worker.
const KEYS: ahash::RandomState = ahash::RandomState::with_seeds(1, 2, 3, 4);

/// The leading digits of `number`: as many as leave less than `below`; and how many were left out.
fn rounded(mut number: u32, below: u32) -> (u32, u8) {
    let mut left_out = 0;
    while number >= below {
        number /= 10;
        left_out += 1;
    }
    (number, left_out)
}

fn push_number(text: &mut Vec<u8>, number: Option<u64>) {
    match number {
        Some(number) => text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        None => text.extend_from_slice(b"null"),
    }
}

fn hexadecimal(number: u64) -> [u8; 16] {
    std::array::from_fn(|at| match (number >> (60 - 4 * at)) as u8 & 15 {
        digit @ 0..10 => b'0' + digit,
        digit => b'a' + digit - 10,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: Status<'static> = Status {
        state: State::Waiting,
        rank: Some(811),
        waiting: 40_123,
        estimate: Estimate { likely: Some(95), late: Some(140) },
        poll_after: Duration::from_secs(9),
        opens: None,
        message: None,
        sold_out: false,
        epoch: 1,
        version: 1,
    };

    fn text(status: &Status<'_>) -> String {
        let mut text = Vec::new();
        status.write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn it_is_what_the_contract_says() {
        assert_eq!(
            text(&STATUS),
            "{\"state\":\"waiting\",\"position\":812,\"waiting\":40123,\"eta_seconds\":{\"likely\":95,\"late\":140},\
             \"poll_after_ms\":9000,\"opens_at\":null,\"message\":null,\"sold_out\":false}"
        );
        let lobby = Status {
            state: State::Lobby,
            rank: None,
            estimate: Estimate::default(),
            opens: Some("2026-11-11T00:00:00+08:00".parse().unwrap()),
            message: Some("Say \"hello\"\n"),
            ..STATUS
        };
        let said: serde_json::Value = serde_json::from_str(&text(&lobby)).unwrap();
        assert_eq!((&said["position"], &said["opens_at"]), (&().into(), &"2026-11-10T16:00:00Z".into()));
        assert_eq!(said["message"], "Say \"hello\"\n");
    }

    #[test]
    fn the_tag_changes_with_what_is_worth_telling() {
        let with = |rank| Status { rank: Some(rank), ..STATUS }.tag();
        assert_ne!(with(98), with(99));
        assert_ne!(with(998), with(999));
        assert_eq!(with(1_230), with(1_239));
        assert_ne!(with(1_239), with(1_240));
        assert_eq!(with(9_876_000), with(9_879_999));
        assert_ne!(with(123), with(1_230), "of the same digits");
        for other in [
            Status { state: State::Paused, ..STATUS },
            Status { message: Some("soon"), ..STATUS },
            Status { version: 2, ..STATUS },
            Status { epoch: 2, ..STATUS },
            Status { estimate: Estimate { likely: Some(300), late: None }, ..STATUS },
        ] {
            assert_ne!(other.tag(), STATUS.tag(), "{other:?}");
        }
        let same = Status { waiting: 40_000, poll_after: Duration::from_secs(8), ..STATUS };
        assert_eq!(same.tag(), STATUS.tag());
    }

    #[test]
    fn digits_are_those_of_everybody() {
        assert_eq!(&hexadecimal(0x0123_4567_89ab_cdef), b"0123456789abcdef");
    }
}
