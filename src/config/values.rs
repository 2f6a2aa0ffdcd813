//! The kinds of values: text with a form, numbers, lists, tables by name.

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::decode::{At, Decode, Typed, Value, mismatch, place_of};
use super::problem::{Place, Problems};
use super::text::{Fault, Name, Text, did_you_mean};

/// A list that is not empty.
#[derive(Debug)]
pub(super) struct Several<T>(pub(super) Vec<T>);

/// Tables by name, in the order of the file.
#[derive(Debug)]
pub(super) struct ByName<T>(pub(super) Vec<Named<T>>);

/// One `NAME = …` of a table whose keys are names.
#[derive(Debug)]
pub(super) struct Named<T> {
    pub(super) name: At<String>,
    /// `None` where it could not be read.
    pub(super) value: Option<T>,
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<const MIN: u32, const MAX: u32>(pub(super) u32);

impl<T: Text> Decode for T {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let unquoted = match value.get_ref() {
            DeValue::String(text) => {
                return match T::parse(text) {
                    Ok(parsed) => Some(parsed),
                    Err(fault) => {
                        let message = match fault {
                            Fault::Form => format!("{text:?} is not {}", T::FORM),
                            Fault::Reason(reason) => reason,
                        };
                        let suggestion = T::meant(text).map(did_you_mean);
                        problems.add(place_of(value), message, suggestion);
                        None
                    }
                };
            }
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(word) => word.to_string(),
            _ => String::new(),
        };
        let meant = if T::parse(&unquoted).is_ok() { Some(unquoted) } else { T::meant(&unquoted) };
        mismatch(value, T::FORM, meant.map(did_you_mean), problems);
        None
    }

    fn schema() -> Json {
        <T as Text>::schema()
    }
}

impl<T: Text> Typed for T {
    fn typed(&self) -> Json {
        self.to_string().into()
    }
}

impl Decode for bool {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if let DeValue::Boolean(word) = value.get_ref() {
            return Some(*word);
        }
        let meant = match value.get_ref() {
            DeValue::String(text) if matches!(text.as_ref(), "true" | "yes" | "on") => Some("true"),
            DeValue::String(text) if matches!(text.as_ref(), "false" | "no" | "off") => Some("false"),
            _ => None,
        };
        let suggestion = meant.map(|word| format!("write {word} without quotes"));
        mismatch(value, "true or false", suggestion, problems);
        None
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

impl Typed for bool {
    fn typed(&self) -> Json {
        (*self).into()
    }
}

impl<const MIN: u32, const MAX: u32> Decode for Whole<MIN, MAX> {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix()).ok(),
            other => {
                let bare = other.as_str().filter(|text| text.parse::<u32>().is_ok());
                let suggestion = bare.map(|text| format!("write {text} without quotes"));
                mismatch(value, "a whole number", suggestion, problems);
                return None;
            }
        };
        let fits = number.and_then(|n| u32::try_from(n).ok());
        let fits = fits.filter(|n| (MIN..=MAX).contains(n));
        if fits.is_none() {
            let message = format!("must be from {MIN} to {MAX}");
            problems.add(place_of(value), message, None);
        }
        fits.map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

impl<const MIN: u32, const MAX: u32> Typed for Whole<MIN, MAX> {
    fn typed(&self) -> Json {
        self.0.into()
    }
}

impl<T: Decode> Decode for At<T> {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        T::decode(value, problems).map(|decoded| Self { value: decoded, place: place_of(value) })
    }

    fn schema() -> Json {
        T::schema()
    }
}

impl<T: Typed> Typed for At<T> {
    fn typed(&self) -> Json {
        self.value.typed()
    }
}

/// Leaves out the items that cannot be read.
impl<T: Decode> Decode for Vec<T> {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if let DeValue::Array(items) = value.get_ref() {
            let mut list = Self::with_capacity(items.len());
            list.extend(items.iter().filter_map(|item| T::decode(item, problems)));
            return Some(list);
        }
        let suggestion = match value.get_ref() {
            DeValue::Table(_) => "write its header in double brackets, or put it in brackets".to_owned(),
            DeValue::String(text) => format!("write [{text:?}]"),
            _ => "put it in brackets".to_owned(),
        };
        mismatch(value, "a list", Some(suggestion), problems);
        None
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl<T: Typed> Typed for Vec<T> {
    fn typed(&self) -> Json {
        self.iter().map(Typed::typed).collect()
    }
}

impl<T: Decode> Decode for Several<T> {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let list = Vec::decode(value, problems)?;
        // Not the decoded list: that is empty as well when every item was wrong.
        if value.get_ref().as_array().is_some_and(|items| items.is_empty()) {
            problems.add(place_of(value), "at least one is needed", None);
        }
        Some(Self(list))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema(), "minItems": 1 })
    }
}

impl<T: Decode> Decode for ByName<T> {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            mismatch(value, "tables with a name each", None, problems);
            return None;
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let read = entries.into_iter().map(|(key, value)| {
            let place = Place::Key(key.span().start);
            let name = key.get_ref().as_ref();
            if Name::parse(name).is_err() {
                problems.add(place, format!("{name:?} is not {}", Name::FORM), None);
            }
            Named { name: At { value: name.to_owned(), place }, value: T::decode(value, problems) }
        });
        Some(Self(read.collect()))
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "patternProperties": { (Name::PATTERN): T::schema() },
            "additionalProperties": false,
        })
    }
}

impl<T> Typed for ByName<T> {
    fn typed(&self) -> Json {
        // Only the empty one is ever a default.
        json!({})
    }
}
