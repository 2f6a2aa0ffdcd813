//! The waiting room before a route, put into words.

use jiff::Timestamp;
use serde::Serialize;

use super::rate;
use crate::config::settings::{AdmitRate, RoomMode, RoomOrder, RoomSettings};

/// A waiting room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Its name.
    pub name: String,
    /// `off`, `auto`, `always`, `paused` or `closed`.
    pub mode: &'static str,
    /// Most shoppers inside at once.
    pub active_shoppers: u32,
    /// How fast shoppers are let in, as in the file.
    pub admit_rate: String,
    /// `arrival` or `lottery`.
    pub order: &'static str,
    /// When it opens, if that is still to come.
    pub opens: Option<String>,
    /// What it does with a shopper who is not inside.
    pub newcomers: &'static str,
    /// Whether nobody comes in without having waited, however few are inside.
    #[serde(skip)]
    pub(super) holds_everybody: bool,
}

impl Room {
    /// Of a room as it is at a time.
    pub(super) fn of(settings: &RoomSettings, at: Timestamp) -> Self {
        let opens = settings.opens.filter(|opens| *opens > at);
        Self {
            name: settings.name.clone(),
            mode: match settings.mode {
                RoomMode::Off => "off",
                RoomMode::Auto => "auto",
                RoomMode::Always => "always",
                RoomMode::Paused => "paused",
                RoomMode::Closed => "closed",
            },
            active_shoppers: settings.active_shoppers,
            admit_rate: match settings.admit_rate {
                AdmitRate::Auto => "auto".to_owned(),
                AdmitRate::Fixed(fixed) => rate(fixed),
            },
            order: match settings.order {
                RoomOrder::Arrival => "arrival",
                RoomOrder::Lottery => "lottery",
            },
            newcomers: newcomers(settings.mode, opens.is_some()),
            holds_everybody: match settings.mode {
                RoomMode::Off => false,
                RoomMode::Auto => opens.is_some(),
                RoomMode::Always | RoomMode::Paused | RoomMode::Closed => true,
            },
            opens: opens.map(|opens| opens.to_string()),
        }
    }
}

const fn newcomers(mode: RoomMode, is_lobby: bool) -> &'static str {
    match mode {
        RoomMode::Off => "are let through; those who would have waited are counted",
        RoomMode::Closed => "are turned away without a place",
        RoomMode::Auto | RoomMode::Always | RoomMode::Paused if is_lobby => "wait in the lobby until it opens",
        RoomMode::Auto => "come in while there is room and nobody waits, and wait in line otherwise",
        RoomMode::Always => "wait in line until they are called",
        RoomMode::Paused => "wait in line, and nobody is called",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::explain::{Explanation, Question};
    use crate::policy::fixture::{policy, route};
    use crate::policy::verdict::{Outcome, Reason};

    const OPENS: &str = "2026-11-11T00:00:00Z";

    /// Of a request that comes some seconds after [`OPENS`].
    fn explained(room: &str, wants_page: bool, after: i64) -> Explanation {
        let room = format!("[room.sale]\nactive_shoppers = 5\nadmit_rate = \"600/min\"\n{room}\n");
        let policy = policy(&(route("all", "/{*rest}", "room = \"sale\"") + &room));
        let at = Timestamp::from_second(OPENS.parse::<Timestamp>().unwrap().as_second() + after).unwrap();
        let question = Question {
            method: &http::Method::GET,
            host: "shop",
            path: "/",
            headers: &http::HeaderMap::new(),
            peer: [127, 0, 0, 1].into(),
            https: false,
            journey: None,
            wants_page,
            at,
        };
        Explanation::of(&policy, &question)
    }

    #[test]
    fn a_room_holds_those_it_says_it_holds() {
        let opens = format!("opens = \"{OPENS}\"");
        for (room, after, expected) in [
            ("mode = \"off\"", 0, None),
            ("mode = \"auto\"", 0, None),
            ("mode = \"always\"", 0, Some(200)),
            ("mode = \"paused\"", 0, Some(200)),
            ("mode = \"closed\"", 0, Some(200)),
            (&opens, -1, Some(200)),
            (&opens, 0, None),
        ] {
            let page = explained(room, true, after);
            assert_eq!(page.verdict.status, expected, "{room}");
            let call = explained(room, false, after);
            assert_eq!(call.verdict.status, expected.map(|_| 503), "{room}");
            let waits = expected.is_some();
            assert_eq!(call.verdict.outcome, if waits { Outcome::Waiting } else { Outcome::Forwarded }, "{room}");
            assert_eq!(call.verdict.reason, if waits { Reason::WaitingRoom } else { Reason::None }, "{room}");
        }
    }

    #[test]
    fn a_lobby_is_one_until_it_opens() {
        let opens = format!("opens = \"{OPENS}\"\norder = \"lottery\"");
        let before = explained(&opens, true, -1).room.unwrap();
        assert_eq!((before.opens.as_deref(), before.order), (Some(OPENS), "lottery"));
        assert_eq!(before.newcomers, "wait in the lobby until it opens");
        let after = explained(&opens, true, 0).room.unwrap();
        assert_eq!((after.opens, after.admit_rate.as_str()), (None, "600/min"));
    }

    #[test]
    fn the_verdict_names_the_room() {
        let text = explained("mode = \"paused\"", true, 0).verdict.text;
        assert!(text.starts_with("waits in room sale; of those inside, forwarded to shop if a seat"), "{text}");
        let text = explained("", true, 0).verdict.text;
        assert!(text.starts_with("forwarded to shop if room sale has a place and a seat"), "{text}");
    }
}
