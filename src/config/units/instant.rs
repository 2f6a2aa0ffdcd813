//! `"2026-11-11T00:00:00+08:00"`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::{Value as Json, json};
use toml::de::DeValue;

use crate::config::decode::{Decode, Value, mismatch, place_of};
use crate::config::problem::Problems;

/// A moment of the wall clock, with its offset from UTC; as text, or as TOML writes it.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Instant(pub(in crate::config) Timestamp);

const FORM: &str = "a time with its offset, such as \"2026-11-11T00:00:00+08:00\"";
const WHERE: &str = "the same clock shows different times in different places";

impl Decode for Instant {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            _ => {
                mismatch(value, FORM, None, problems);
                return None;
            }
        };
        let parsed = text.parse().ok().map(Self);
        if parsed.is_none() {
            let place = place_of(value);
            match without_offset(&text) {
                Some(time) => {
                    let instead = format!("add it, as in \"{time}+00:00\" for UTC or \"{time}+09:00\" for Tokyo");
                    problems.add(place, format!("{text:?} has no offset: {WHERE}"), instead);
                }
                None => problems.add(place, format!("{text:?} is not {FORM}"), None),
            }
        }
        parsed
    }

    fn schema() -> Json {
        json!({ "type": "string", "format": "date-time" })
    }
}

/// The date and time of a text that has no more than these, the time perhaps missing.
fn without_offset(text: &str) -> Option<String> {
    let date = || text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0));
    let time: Option<DateTime> = text.parse().ok().or_else(date);
    time.map(|time| time.to_string())
}
