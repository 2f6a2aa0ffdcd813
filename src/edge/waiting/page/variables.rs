//! What a template can show.

use minijinja::Value;
use serde::Serialize;

use super::shown::Shown;
use super::words::{self, Phrases};
use super::{assets, frame};
use crate::config::settings::Language;
use crate::edge::waiting::scene::Situation;

/// The variables of a template, by name. The names are documented in `config/waiting.html`.
#[derive(Debug, Serialize)]
pub(super) struct Variables<'a> {
    /// The page cannot do without these two: one in the head, one at the end of the body.
    spillway_head: Value,
    spillway_script: Value,
    /// The style of the built-in page, with its `<style>` around it.
    spillway_style: Value,

    room: &'a str,
    lang: &'static str,
    state: &'static str,
    title: Option<&'a str>,
    message: Option<&'a str>,
    head: &'static str,
    lead: &'static str,
    aside: Option<&'static str>,

    position: Option<u32>,
    ahead: Option<u32>,
    place: String,
    progress: u32,
    waiting: u32,
    people: String,
    likely: Option<u32>,
    late: Option<u32>,
    wait: String,
    opens: Option<String>,

    by_lot: bool,
    number: Option<u32>,
    commitment: Option<String>,
    secret: Option<String>,
    drawn_from: Option<u32>,
    drawn: Option<u32>,

    to: &'a str,
    status_url: &'a str,
    wait_url: &'a str,
    leave_url: Option<String>,
    challenge_url: Option<String>,
    refresh_seconds: Option<u64>,
    languages: Vec<Choice>,
    request_id: &'a str,
    words: &'static Phrases,
}

/// The page in another language.
#[derive(Debug, Serialize)]
struct Choice {
    tag: &'static str,
    name: &'static str,
    url: String,
    current: bool,
}

impl<'a> Variables<'a> {
    pub(super) fn of(shown: &'a Shown<'a>) -> Self {
        let scene = shown.scene;
        let challenge_url = match scene.situation {
            Situation::Challenged(challenge) => Some(shown.join_url(challenge.text)),
            _ => None,
        };
        Self {
            spillway_head: Value::from_safe_string(frame::head(shown)),
            spillway_script: Value::from_safe_string(frame::foot(shown)),
            spillway_style: Value::from_safe_string(format!("<style>{}</style>", *assets::STYLE)),
            room: scene.room,
            lang: shown.language.tag(),
            state: shown.state,
            title: shown.title(),
            message: shown.message(),
            head: shown.notice.head,
            lead: shown.notice.lead,
            aside: shown.aside,
            position: scene.rank.map(|rank| rank.saturating_add(1)),
            ahead: scene.rank,
            place: shown.place(),
            progress: shown.progress(),
            waiting: scene.waiting,
            people: shown.people(),
            likely: scene.estimate.likely,
            late: scene.estimate.late,
            wait: shown.wait(),
            opens: scene.opens.map(|opens| opens.to_string()),
            by_lot: scene.by_lot,
            number: scene.number,
            commitment: shown.commitment(),
            secret: shown.secret(),
            drawn_from: scene.draw.map(|draw| draw.start),
            drawn: scene.draw.map(|draw| draw.size),
            to: shown.to,
            status_url: &shown.status_url,
            wait_url: &shown.wait_url,
            leave_url: shown.can_leave().then(|| shown.leave_url()),
            challenge_url,
            refresh_seconds: shown.refresh().map(|(seconds, _)| seconds),
            languages: Language::ALL.map(|language| choice(shown, language)).into(),
            request_id: scene.request_id,
            words: shown.phrases,
        }
    }
}

fn choice(shown: &Shown<'_>, language: Language) -> Choice {
    Choice {
        tag: language.tag(),
        name: words::own_name(language),
        url: shown.in_language(language),
        current: language == shown.language,
    }
}
