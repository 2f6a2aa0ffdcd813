//! Reading values with their places, collecting every mistake instead of stopping at the first.
//!
//! Where a value cannot be read its mistake is noted and the reader goes on, with the default where
//! there is one: what is read is used only when nothing was noted.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problems};
use super::text::{did_you_mean, nearest};

/// A value of the document with its span.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// Something that can stand to the right of `=`.
pub(super) trait Decode: Sized {
    /// Reads it, or notes at least one mistake.
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self>;

    /// JSON Schema of what [`Decode::decode`] accepts.
    fn schema() -> Json;
}

/// A table of the file with known keys.
pub(super) trait Section: Decode {
    /// Reads the keys of `table`.
    fn of(table: &DeTable<'_>, place: Place, problems: &mut Problems<'_>) -> Self;
}

/// Something that can be a default: it can be shown as it would be typed.
pub(super) trait Typed {
    /// As it would be typed.
    fn typed(&self) -> Json;
}

/// A value and where it stands, or where it would stand.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The place of a value.
pub(super) fn place_of(value: &Value<'_>) -> Place {
    Place::Value(value.span().start)
}

/// Notes that `expected` should stand where `value` does.
pub(super) fn mismatch(value: &Value<'_>, expected: &str, suggestion: Option<String>, problems: &mut Problems<'_>) {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let message = format!("expected {expected}, found {found}");
    problems.add(place_of(value), message, suggestion);
}

/// The keys of one table, taken one by one.
pub(super) struct Fields<'a, 'i, 'p, 't> {
    table: &'a DeTable<'i>,
    place: Place,
    problems: &'p mut Problems<'t>,
    /// Values of unknown keys, by the key that was probably meant: they are looked at all the same.
    misspelt: Vec<(&'static str, &'a Value<'i>)>,
}

impl<'a, 'i, 'p, 't> Fields<'a, 'i, 'p, 't> {
    /// Notes the keys that are not `known`; the `refused` ones have a sentence each.
    pub(super) fn of(
        table: &'a DeTable<'i>,
        place: Place,
        known: &[&'static str],
        refused: &[(&str, &str)],
        problems: &'p mut Problems<'t>,
    ) -> Self {
        let mut misspelt = Vec::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let place = Place::Key(key.span().start);
            if let Some((_, sentence)) = refused.iter().find(|(refused, _)| *refused == name) {
                problems.add(place, *sentence, None);
                continue;
            }
            let free = known.iter().copied().filter(|key| table.get(*key).is_none());
            let guess = nearest(name, free);
            misspelt.extend(guess.map(|key| (key, value)));
            problems.add(place, "unknown key", guess.map(did_you_mean));
        }
        Self { table, place, problems, misspelt }
    }

    /// The value of `key` where there is one and it can be read.
    pub(super) fn optional<T: Decode>(&mut self, key: &'static str) -> Option<At<T>> {
        At::decode(self.get(key)?, self.problems)
    }

    /// As [`Fields::optional`], noting that it is missing.
    pub(super) fn required<T: Decode>(&mut self, key: &'static str) -> Option<At<T>> {
        if self.get(key).is_none() {
            self.problems.add(self.place.absent(key), "missing", None);
        }
        self.optional(key)
    }

    /// The value of `key`, or the default.
    pub(super) fn default<T: Decode>(&mut self, key: &'static str, value: T) -> At<T> {
        let place = self.place.absent(key);
        self.optional(key).unwrap_or(At { value, place })
    }

    /// The table at `key`; one that is not there, or no table, is read as an empty one.
    pub(super) fn section<T: Section>(&mut self, key: &'static str) -> T {
        let typed = self.get(key);
        let typed = typed.and_then(|value| T::decode(value, self.problems));
        typed.unwrap_or_else(|| {
            let place = self.place.absent(key);
            T::of(&DeTable::new(), place, self.problems)
        })
    }

    fn get(&self, key: &str) -> Option<&'a Value<'i>> {
        let misspelt = || self.misspelt.iter().find(|(meant, _)| *meant == key);
        self.table.get(key).or_else(|| misspelt().map(|(_, value)| *value))
    }
}
