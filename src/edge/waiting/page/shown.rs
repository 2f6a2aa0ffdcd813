//! What a page is made of, worked out from a scene: the built-in page and an operator's own show the same.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::assets::Script;
use super::figures;
use super::words::{self, Notice, Phrases, phrases};
use crate::config::settings::Language;
use crate::edge::waiting::destination::is_local;
use crate::edge::waiting::scene::{Scene, Situation};

/// Without scripts a page asks no more often than this, in seconds: each time it is loaded as a whole.
const LEAST_REFRESH: u64 = 20;

/// Where links carry the address along it is repeated several times; a longer one goes without its query.
const LONGEST_TO: usize = 200;

/// What a query value may have as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A page's contents.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) language: Language,
    pub(super) phrases: &'static Phrases,
    /// The situation in a word, such as `waiting` or `sold-out`.
    pub(super) state: &'static str,
    pub(super) notice: &'static Notice,
    /// A sentence more.
    pub(super) aside: Option<&'static str>,
    /// Where the shopper was going; on this host whatever a browser makes of it.
    pub(super) to: &'a str,
    /// Where the page begins again, without scripts and in this language.
    pub(super) wait_url: String,
    /// `/.spillway/room/NAME`.
    pub(super) status_url: String,
    /// `to` for a query.
    encoded_to: String,
}

impl<'a> Shown<'a> {
    pub(super) fn of(scene: &'a Scene<'a>) -> Self {
        let language = scene.language;
        let phrases = phrases(language);
        let (state, notice) = situation(scene.situation, phrases);
        let aside = match scene.situation {
            _ if !scene.is_safe => Some(phrases.not_sent),
            Situation::Closed { has_place: true, .. } => Some(phrases.kept),
            _ => None,
        };
        let to = if is_local(scene.to.as_bytes()) { scene.to } else { "/" };
        let encoded_to = utf8_percent_encode(short(to), UNRESERVED).to_string();
        let status_url = format!("/.spillway/room/{}", scene.room);
        let wait_url = format!("{status_url}/wait?to={encoded_to}&lang={}", language.tag());
        Self { scene, language, phrases, state, notice, aside, to, wait_url, status_url, encoded_to }
    }

    /// What the page is headed with.
    pub(super) fn title(&self) -> Option<&'a str> {
        self.scene.title.filter(|title| !title.is_empty())
    }

    /// The operator's words.
    pub(super) fn message(&self) -> Option<&'a str> {
        self.scene.message.filter(|message| !message.is_empty())
    }

    /// Whether the shopper stands in line.
    pub(super) fn is_in_line(&self) -> bool {
        matches!(self.scene.situation, Situation::Waiting | Situation::Paused)
    }

    pub(super) fn is_called(&self) -> bool {
        matches!(self.scene.situation, Situation::Called | Situation::Inside)
    }

    pub(super) fn is_lobby(&self) -> bool {
        self.scene.situation == Situation::Lobby
    }

    /// Whether there is a place whose status can be asked for.
    pub(super) fn has_place(&self) -> bool {
        match self.scene.situation {
            Situation::Lobby | Situation::Waiting | Situation::Paused | Situation::Called | Situation::Inside => true,
            Situation::Closed { has_place, .. } => has_place,
            Situation::NotNumbered
            | Situation::NoNumber
            | Situation::Challenged(_)
            | Situation::CookiesMissing
            | Situation::Left
            | Situation::TooMany => false,
        }
    }

    /// Whether there is a place to give up.
    pub(super) fn can_leave(&self) -> bool {
        self.has_place() && !self.is_called()
    }

    /// Whether the page is only looked at: it has nothing to ask, ever.
    fn is_preview(&self) -> bool {
        self.scene.poll_after.is_zero()
    }

    /// Without a place, whether the same request may get one later.
    fn asks_again(&self) -> bool {
        let waits = match self.scene.situation {
            Situation::NoNumber | Situation::TooMany => true,
            Situation::Closed { has_place, .. } => !has_place,
            _ => false,
        };
        waits && self.scene.is_safe
    }

    /// Without a place, the way on that is offered as a button.
    pub(super) fn way_on(&self) -> Option<&'static str> {
        match self.scene.situation {
            Situation::NotNumbered | Situation::Left => Some(self.phrases.get_in_line),
            Situation::CookiesMissing => Some(self.phrases.try_again),
            Situation::NoNumber | Situation::TooMany if !self.scene.is_safe => Some(self.phrases.try_again),
            _ => None,
        }
    }

    /// Without scripts: after how many seconds which page is loaded.
    pub(super) fn refresh(&self) -> Option<(u64, &str)> {
        if self.is_preview() {
            return None;
        }
        let seconds = self.scene.poll_after.as_secs_f64().ceil().max(0.0) as u64;
        let seconds = seconds.max(LEAST_REFRESH);
        match self.scene.situation {
            _ if self.is_called() => self.scene.is_safe.then_some((1, self.to)),
            _ if self.has_place() => Some((seconds, &self.wait_url)),
            _ if self.asks_again() => Some((seconds, self.to)),
            _ => None,
        }
    }

    pub(super) fn rank(&self) -> Option<String> {
        self.scene.rank.map(figures::grouped)
    }

    /// How far it is through the line of this moment, in thousandths.
    pub(super) fn progress(&self) -> u32 {
        let Some(rank) = self.scene.rank else { return 0 };
        let (ahead, line) = (f64::from(rank) + 1.0, f64::from(self.scene.waiting.max(rank.saturating_add(1))) + 1.0);
        (1_000.0 * (1.0 - ahead / line)).round() as u32
    }

    /// The place in words.
    pub(super) fn place(&self) -> String {
        let (before, after) = (self.phrases.ahead_before, self.phrases.ahead_after);
        match self.scene.rank {
            None => self.phrases.by_lot.to_owned(),
            Some(0) => self.phrases.next.to_owned(),
            Some(rank) => format!("{before} {} {after}", figures::grouped(rank)).trim().to_owned(),
        }
    }

    pub(super) fn wait(&self) -> String {
        figures::wait(self.phrases, self.scene.estimate)
    }

    pub(super) fn people(&self) -> String {
        figures::filled(self.phrases.people, &[("{a}", &figures::grouped(self.scene.waiting))])
    }

    /// When it opens, for those whose browser does not turn it into their own time.
    pub(super) fn opens(&self) -> Option<String> {
        self.scene.opens.map(|opens| opens.strftime("%Y-%m-%d %H:%M UTC").to_string())
    }

    /// What the draw was promised by, for those who are, or were, in it.
    pub(super) fn commitment(&self) -> Option<String> {
        let concerns = self.is_lobby() || self.scene.draw.is_some();
        self.scene.commitment.filter(|_| concerns).map(|hash| figures::hexadecimal(&hash))
    }

    pub(super) fn secret(&self) -> Option<String> {
        self.scene.draw.map(|draw| figures::hexadecimal(&draw.seed))
    }

    /// Where the shopper was going, for links that take it along.
    pub(super) fn short_to(&self) -> &str {
        short(self.to)
    }

    /// The link to this page in another language.
    pub(super) fn in_language(&self, language: Language) -> String {
        format!("{}/wait?to={}&lang={}", self.status_url, self.encoded_to, language.tag())
    }

    /// Where the form goes that gives the place up.
    pub(super) fn leave_url(&self) -> String {
        format!("{}/leave?to={}&lang={}", self.status_url, self.encoded_to, self.language.tag())
    }

    /// Where the form goes that hands in a challenge without a proof.
    pub(super) fn join_url(&self, challenge: &str) -> String {
        format!("{}/join?challenge={challenge}&to={}", self.status_url, self.encoded_to)
    }

    pub(super) fn script(&self) -> Script {
        match self.scene.situation {
            Situation::Challenged(_) => Script::Challenge,
            Situation::Lobby => Script::Lobby,
            _ if self.asks_again() => Script::Again,
            _ if !self.has_place() => Script::Still,
            _ if self.scene.draw.is_some() => Script::Draw,
            _ => Script::Live,
        }
    }

    /// What the script begins with, as JSON that may stand inside of an element.
    pub(super) fn data(&self) -> String {
        let scene = self.scene;
        let data = Data {
            state: if self.state == "sold-out" { "closed" } else { self.state },
            room: scene.room,
            language: self.language.tag(),
            to: self.to,
            status: &self.status_url,
            waiting: scene.waiting,
            poll: u64::try_from(scene.poll_after.as_millis()).unwrap_or(u64::MAX),
            safe: scene.is_safe,
            sold: self.state == "sold-out",
            some: self.particulars(),
        };
        // Nothing in it fails to be written; `<` could end the element.
        let mut text = serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c");
        if self.has_place() && text.pop().is_some() {
            text.push_str(",\"words\":");
            text.push_str(words::for_script(self.language));
            text.push('}');
        }
        text
    }

    /// What only some pages have.
    fn particulars(&self) -> Map<String, Value> {
        let scene = self.scene;
        let estimate = scene.estimate;
        let told = estimate.likely.is_some().then(|| json!({ "likely": estimate.likely, "late": estimate.late }));
        let challenge = match scene.situation {
            Situation::Challenged(challenge) => Some(json!({ "text": challenge.text, "bits": challenge.difficulty })),
            _ => None,
        };
        let is_lobby = self.is_lobby();
        let draw =
            scene.draw.map(|draw| json!({ "start": draw.start, "size": draw.size, "checked": self.phrases.checked }));
        let all = [
            ("rank", scene.rank.map(Value::from)),
            ("eta", told),
            ("opens", scene.opens.map(|opens| opens.to_string().into())),
            ("days", is_lobby.then(|| self.phrases.days.into())),
            ("number", scene.number.map(Value::from)),
            ("challenge", challenge),
            ("draw", draw),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// As the scripts read it; what is left out is nothing to them.
#[derive(Serialize)]
struct Data<'a> {
    state: &'a str,
    room: &'a str,
    language: &'a str,
    to: &'a str,
    status: &'a str,
    waiting: u32,
    poll: u64,
    safe: bool,
    sold: bool,
    #[serde(flatten)]
    some: Map<String, Value>,
}

fn situation(situation: Situation<'_>, phrases: &'static Phrases) -> (&'static str, &'static Notice) {
    match situation {
        Situation::Lobby => ("lobby", &phrases.lobby),
        Situation::Waiting => ("waiting", &phrases.waiting),
        Situation::Paused => ("paused", &phrases.paused),
        Situation::Called => ("called", &phrases.called),
        Situation::Inside => ("inside", &phrases.called),
        Situation::Closed { sold_out: false, .. } => ("closed", &phrases.closed),
        Situation::Closed { sold_out: true, .. } => ("sold-out", &phrases.sold_out),
        Situation::NotNumbered => ("not-numbered", &phrases.not_numbered),
        Situation::NoNumber => ("no-number", &phrases.no_number),
        Situation::Challenged(_) => ("challenged", &phrases.challenged),
        Situation::CookiesMissing => ("cookies-missing", &phrases.cookies_missing),
        Situation::Left => ("left", &phrases.left),
        Situation::TooMany => ("too-many", &phrases.too_many),
    }
}

fn short(to: &str) -> &str {
    let path = to.split('?').next().unwrap_or(to);
    [to, path].into_iter().find(|to| to.len() <= LONGEST_TO).unwrap_or("/")
}
