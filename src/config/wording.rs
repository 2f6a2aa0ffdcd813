//! `title = { en = "11.11 Sale", ja = "11.11 セール" }`: a text for shoppers, in one language or in several.

use serde_json::{Value as Json, json};
use toml::de::{DeTable, DeValue};

use super::decode::{Decode, Value, mismatch, place_of};
use super::problem::{Place, Problems};
use super::settings::{Language, Texts};
use super::text::did_you_mean;

/// A text of at most `MAX` characters, by the tags of its languages; the tag of one for everybody is empty.
#[derive(Debug)]
pub(super) struct Wording<const MAX: usize>(pub(super) Texts);

const FORM: &str = "a text, or one for each language, such as { en = \"Sale\", ja = \"セール\" }";
const LANGUAGES: &str = "is not a language of the page, which are en, ja, zh-Hant, zh-Hans and ko; \
    a text without a language is for everybody";

impl<const MAX: usize> Decode for Wording<MAX> {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(_) => {
                let text = Self::text(value, problems)?;
                // An empty text is none.
                let texts = if text.is_empty() { Vec::new() } else { vec![(String::new(), text)] };
                Some(Self(Texts(texts)))
            }
            DeValue::Table(table) => Some(Self(Self::texts(table, place_of(value), problems))),
            _ => {
                mismatch(value, FORM, None, problems);
                None
            }
        }
    }

    fn schema() -> Json {
        let text = json!({ "type": "string", "maxLength": MAX });
        let tags = Language::ALL.map(Language::tag).join("|");
        let by_language = json!({
            "type": "object",
            "patternProperties": { (format!("^({tags})$")): text },
            "additionalProperties": false,
            "minProperties": 1,
        });
        json!({ "oneOf": [text, by_language] })
    }
}

impl<const MAX: usize> Wording<MAX> {
    /// In the order of the file.
    fn texts(table: &DeTable<'_>, place: Place, problems: &mut Problems<'_>) -> Texts {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        if entries.is_empty() {
            problems.add(place, "at least one language is needed", None);
        }
        let texts = entries.into_iter().filter_map(|(key, value)| {
            let tag = key.get_ref().as_ref();
            if let Some(suggestion) = wrong_tag(tag) {
                problems.add(Place::Key(key.span().start), format!("{tag:?} {LANGUAGES}"), suggestion);
            }
            Some((tag.to_owned(), Self::text(value, problems)?))
        });
        Texts(texts.collect())
    }

    fn text(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<String> {
        let Some(text) = value.get_ref().as_str() else {
            mismatch(value, "a text", None, problems);
            return None;
        };
        if text.chars().count() > MAX {
            problems.add(place_of(value), format!("must be at most {MAX} characters"), None);
            return None;
        }
        if text.contains(|c: char| c.is_control() && c != '\n') {
            problems.add(place_of(value), "control characters cannot be shown", None);
            return None;
        }
        Some(text.to_owned())
    }
}

/// For what is not the tag of a language of the page: what to write instead, where that is clear.
fn wrong_tag(tag: &str) -> Option<Option<String>> {
    let known = |tag: &str| Language::ALL.into_iter().find(|language| language.tag() == tag);
    if known(tag).is_some() {
        return None;
    }
    let meant = match tag.to_ascii_lowercase().as_str() {
        "jp" => Some(Language::Japanese),
        "kr" => Some(Language::Korean),
        "tw" | "hk" => Some(Language::TraditionalChinese),
        "cn" | "zh" => Some(Language::SimplifiedChinese),
        other => Language::of_tag(other.replace('_', "-").as_bytes()),
    };
    Some(meant.map(|language| did_you_mean(language.tag())))
}
