//! What the page says, in every language it is written in.
//!
//! In a phrase `{a}` and `{b}` stand for numbers. No phrase has a character that HTML or JSON would want escaped.

mod english;
mod japanese;
mod korean;
mod simplified_chinese;
mod traditional_chinese;

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::settings::Language;

/// What the page says in a language.
pub(super) const fn phrases(language: Language) -> &'static Phrases {
    match language {
        Language::English => &english::PHRASES,
        Language::Japanese => &japanese::PHRASES,
        Language::TraditionalChinese => &traditional_chinese::PHRASES,
        Language::SimplifiedChinese => &simplified_chinese::PHRASES,
        Language::Korean => &korean::PHRASES,
    }
}

/// What the script says by itself in a language, as JSON.
pub(super) fn for_script(language: Language) -> &'static str {
    static TEXTS: LazyLock<[(Language, String); 5]> =
        LazyLock::new(|| Language::ALL.map(|language| (language, phrases(language).for_script().to_string())));
    let of = |(known, _): &&(Language, String)| *known == language;
    TEXTS.iter().find(of).map_or("{}", |(_, text)| text.as_str())
}

/// A language by its own name.
pub(super) const fn own_name(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Japanese => "日本語",
        Language::TraditionalChinese => "繁體中文",
        Language::SimplifiedChinese => "简体中文",
        Language::Korean => "한국어",
    }
}

/// A heading and the sentence under it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Notice {
    pub(super) head: &'static str,
    pub(super) lead: &'static str,
}

/// All the page may say in one language.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Phrases {
    // Where the shopper stands.
    pub(super) lobby: Notice,
    pub(super) waiting: Notice,
    pub(super) paused: Notice,
    pub(super) called: Notice,
    pub(super) closed: Notice,
    pub(super) sold_out: Notice,
    pub(super) not_numbered: Notice,
    pub(super) no_number: Notice,
    pub(super) challenged: Notice,
    pub(super) cookies_missing: Notice,
    pub(super) left: Notice,
    /// The ticket is there no more, or is no longer valid.
    pub(super) gone: Notice,
    pub(super) too_many: Notice,
    /// Beside `closed`, for who holds a place.
    pub(super) kept: &'static str,
    /// Something was sent that the shop has not received.
    pub(super) not_sent: &'static str,

    // Figures.
    pub(super) ahead_before: &'static str,
    pub(super) ahead_after: &'static str,
    pub(super) next: &'static str,
    pub(super) by_lot: &'static str,
    pub(super) wait_label: &'static str,
    pub(super) wait_unknown: &'static str,
    pub(super) wait_soon: &'static str,
    pub(super) wait_minutes: &'static str,
    pub(super) wait_minutes_range: &'static str,
    pub(super) wait_hours: &'static str,
    pub(super) wait_hours_range: &'static str,
    pub(super) people_label: &'static str,
    pub(super) lobby_label: &'static str,
    pub(super) people: &'static str,
    pub(super) opens_label: &'static str,
    pub(super) days: &'static str,
    pub(super) progress: &'static str,

    // How the page keeps up.
    pub(super) live: &'static str,
    pub(super) lost: &'static str,
    pub(super) without_scripts: &'static str,
    pub(super) check_now: &'static str,
    pub(super) sound: &'static str,

    // The rule.
    pub(super) rule: &'static str,
    pub(super) rule_arrival: &'static str,
    pub(super) rule_lot: &'static str,
    pub(super) rule_lobby: &'static str,
    pub(super) rule_drawn: &'static str,
    pub(super) rule_return: &'static str,
    pub(super) number: &'static str,
    pub(super) commitment: &'static str,
    pub(super) secret: &'static str,
    pub(super) how_to_check: &'static str,
    pub(super) checked: &'static str,
    pub(super) see_draw: &'static str,

    // What the shopper can do.
    pub(super) enter: &'static str,
    pub(super) get_in_line: &'static str,
    pub(super) try_again: &'static str,
    pub(super) go_on: &'static str,
    pub(super) puzzle_without_scripts: &'static str,
    pub(super) give_up: &'static str,
    pub(super) give_up_warning: &'static str,
    pub(super) give_up_confirm: &'static str,
    pub(super) language: &'static str,
    pub(super) reference: &'static str,
}

impl Phrases {
    /// What the script says by itself.
    fn for_script(&self) -> Value {
        let notice = |notice: &Notice| json!([notice.head, notice.lead]);
        json!({
            "waiting": notice(&self.waiting),
            "paused": notice(&self.paused),
            "called": notice(&self.called),
            "closed": notice(&self.closed),
            "sold-out": notice(&self.sold_out),
            "gone": notice(&self.gone),
            "ahead": [self.ahead_before, self.ahead_after],
            "next": self.next,
            "lot": self.by_lot,
            "people": self.people,
            "wait": self.wait_label,
            "unknown": self.wait_unknown,
            "soon": self.wait_soon,
            "min": [self.wait_minutes, self.wait_minutes_range],
            "h": [self.wait_hours, self.wait_hours_range],
            "live": self.live,
            "lost": self.lost,
        })
    }
}
