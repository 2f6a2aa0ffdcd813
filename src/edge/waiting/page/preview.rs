//! A page as it would look, from made-up numbers.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::config::settings::{Language, RoomOrder, RoomSettings, Texts};
use crate::edge::waiting::scene::{Challenge, Page, Painter, Scene, Situation};
use crate::room::store::DrawRecord;
use crate::room::view::Estimate;

/// What to show; what is left out is made up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// One of [`Preview::STATES`].
    #[serde(default = "waiting")]
    pub state: String,
    /// `en`, `ja`, `zh-Hant`, `zh-Hans` or `ko`.
    #[serde(default = "english")]
    pub language: String,
    /// The place in line, from 1.
    #[serde(default = "a_place")]
    pub position: u32,
    /// How many wait in all.
    #[serde(default = "a_crowd")]
    pub waiting: u32,
    /// The likely wait in seconds; `null` where it cannot be told.
    #[serde(default = "a_while")]
    pub likely: Option<u32>,
    /// The late wait in seconds; as `likely`.
    #[serde(default = "a_longer_while")]
    pub late: Option<u32>,
    /// Instead of the room's title.
    pub title: Option<String>,
    /// Instead of the room's message.
    pub message: Option<String>,
}

impl Default for Preview {
    fn default() -> Self {
        Self {
            state: waiting(),
            language: english(),
            position: a_place(),
            waiting: a_crowd(),
            likely: a_while(),
            late: a_longer_while(),
            title: None,
            message: None,
        }
    }
}

impl Preview {
    /// The states a page has.
    pub const STATES: [&'static str; 13] = [
        "lobby",
        "waiting",
        "paused",
        "called",
        "inside",
        "closed",
        "sold-out",
        "not-numbered",
        "no-number",
        "challenged",
        "cookies-missing",
        "left",
        "too-many",
    ];

    /// Made-up numbers in one of [`Preview::STATES`].
    #[must_use]
    pub fn of(state: &str, language: Language) -> Self {
        Self { state: state.to_owned(), language: language.tag().to_owned(), ..Self::default() }
    }

    /// The page of a room that shows this at `now`. It does nothing by itself.
    ///
    /// # Errors
    /// A sentence, where there is no such state or language.
    pub fn paint(&self, room: &RoomSettings, painter: &dyn Painter, now: Timestamp) -> Result<Page, String> {
        let language = self.language()?;
        let situation = self.situation()?;
        let text = |own: &Option<String>, texts: &Texts| {
            own.clone().or_else(|| texts.get(language.tag()).map(str::to_owned)).filter(|text| !text.is_empty())
        };
        let (title, message) = (text(&self.title, &room.title), text(&self.message, &room.message));
        let by_lot = room.order == RoomOrder::Lottery;
        let lobby = situation == Situation::Lobby;
        let opens = room.opens.filter(|opens| *opens > now);
        let draw = DrawRecord { start: 0, size: 10_000, seed: SEED };
        let scene = Scene {
            room: &room.name,
            title: title.as_deref(),
            message: message.as_deref(),
            opens: lobby.then(|| opens.unwrap_or_else(|| in_ten_minutes(now))),
            by_lot,
            ..self.scene(language, situation, room.opens.is_some().then_some(&draw))
        };
        Ok(painter.paint(&Scene { rank: scene.rank.filter(|_| !by_lot), ..scene }))
    }

    /// Every state in every language, as a shopper could meet it: with little to show and with much.
    pub(super) fn rehearse<E>(mut show: impl FnMut(&Scene<'_>) -> Result<(), E>) -> Result<(), E> {
        let draw = DrawRecord { start: 0, size: 10_000, seed: SEED };
        for (state, language) in
            Self::STATES.into_iter().flat_map(|state| Language::ALL.map(|language| (state, language)))
        {
            let preview = Self::of(state, language);
            let Ok(situation) = preview.situation() else { continue };
            let much = Scene {
                title: Some("<Sale>"),
                message: Some("Thank\nyou & welcome"),
                poll_after: Duration::from_secs(9),
                opens: (situation == Situation::Lobby).then_some(Timestamp::UNIX_EPOCH),
                ..preview.scene(language, situation, Some(&draw))
            };
            show(&much)?;
            let little =
                Scene { rank: None, estimate: Estimate::default(), by_lot: true, number: None, is_safe: false, ..much };
            show(&Scene { title: None, message: None, commitment: None, draw: None, ..little })?;
        }
        Ok(())
    }

    fn language(&self) -> Result<Language, String> {
        let known = Language::ALL.into_iter().find(|language| language.tag() == self.language);
        known.ok_or_else(|| unknown("language", &self.language, &Language::ALL.map(Language::tag)))
    }

    /// The scene for no room in particular.
    fn scene<'a>(&self, language: Language, situation: Situation<'a>, draw: Option<&'a DrawRecord>) -> Scene<'a> {
        let in_line = matches!(situation, Situation::Waiting | Situation::Paused);
        let draw = draw.filter(|_| in_line);
        Scene {
            room: "preview",
            language,
            title: None,
            message: None,
            situation,
            rank: in_line.then(|| self.position.saturating_sub(1)),
            waiting: self.waiting,
            estimate: Estimate { likely: self.likely, late: self.late },
            poll_after: Duration::ZERO,
            opens: None,
            by_lot: false,
            commitment: (situation == Situation::Lobby || draw.is_some()).then(commitment),
            number: Some(1_234),
            draw,
            to: "/",
            is_safe: true,
            request_id: "preview",
        }
    }

    fn situation(&self) -> Result<Situation<'static>, String> {
        Ok(match self.state.as_str() {
            "lobby" => Situation::Lobby,
            "waiting" => Situation::Waiting,
            "paused" => Situation::Paused,
            "called" => Situation::Called,
            "inside" => Situation::Inside,
            "closed" => Situation::Closed { sold_out: false, has_place: true },
            "sold-out" => Situation::Closed { sold_out: true, has_place: true },
            "not-numbered" => Situation::NotNumbered,
            "no-number" => Situation::NoNumber,
            "challenged" => Situation::Challenged(Challenge {
                text: "preview",
                difficulty: 16,
                without_proof_after: Duration::from_secs(15),
            }),
            "cookies-missing" => Situation::CookiesMissing,
            "left" => Situation::Left,
            "too-many" => Situation::TooMany,
            other => return Err(unknown("state", other, &Self::STATES)),
        })
    }
}

/// Of a draw that never was.
const SEED: [u8; 32] = [7; 32];

fn in_ten_minutes(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_mins(10)).unwrap_or(now)
}

fn commitment() -> [u8; 32] {
    let mut hash = [0; 32];
    // Both have 32 bytes.
    hash.iter_mut().zip(digest(&SHA256, &SEED).as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    format!("there is no {kind} {word:?}, only {}", known.join(", "))
}

fn waiting() -> String {
    "waiting".to_owned()
}

fn english() -> String {
    Language::English.tag().to_owned()
}

fn a_place() -> u32 {
    813
}

fn a_crowd() -> u32 {
    40_123
}

fn a_while() -> Option<u32> {
    Some(95)
}

fn a_longer_while() -> Option<u32> {
    Some(220)
}
