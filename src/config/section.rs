//! Tables of the file, each described once: its keys, their types and their defaults.

use serde_json::{Map, Value as Json, json};

use super::decode::Decode;

/// Declares a table of the file from the list of its keys, in the order of the file's documentation:
///
/// - `required key: T` must be there and is read as `Option<At<T>>`, `None` being noted as a mistake;
/// - `optional key: T` may be there: `Option<At<T>>`;
/// - `default key: T = value` may be left out: `At<T>`;
/// - `section key: T` is a table that may be left out, which is the same as an empty one: `T`;
/// - `refused { key: "sentence" }` is refused with that sentence.
///
/// The reader and the JSON Schema both come from this list and cannot disagree about a key.
macro_rules! section {
    (
        $(#[doc = $doc:literal])+
        struct $name:ident {
            $($(#[doc = $key_doc:literal])+ $kind:ident $key:ident: $type:ty $(= $value:expr)?,)+
        }
        $(refused { $($refused:ident: $sentence:expr,)+ })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(super) struct $name {
            $($(#[doc = $key_doc])+ pub(super) $key: $crate::config::section::field_type!($kind $type),)+
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                value: &$crate::config::decode::Value<'_>,
                problems: &mut $crate::config::problem::Problems<'_>,
            ) -> Option<Self> {
                let place = $crate::config::decode::place_of(value);
                let Some(table) = value.get_ref().as_table() else {
                    $crate::config::decode::mismatch(value, "a table", None, problems);
                    return None;
                };
                Some($crate::config::decode::Section::of(table, place, problems))
            }

            fn schema() -> serde_json::Value {
                $crate::config::section::object(&[$($doc),+], vec![
                    $($crate::config::section::Key {
                        name: stringify!($key),
                        doc: &[$($key_doc),+],
                        required: stringify!($kind) == "required",
                        default: $crate::config::section::default_of!($type $(, $value)?),
                        schema: <$type as $crate::config::decode::Decode>::schema(),
                    },)+
                ])
            }
        }

        impl $name {
            const KEYS: &[&str] = &[$(stringify!($key)),+];
            const REFUSED: &[(&str, &str)] = &[$($((stringify!($refused), $sentence)),+)?];
        }

        impl $crate::config::decode::Section for $name {
            fn of(
                table: &toml::de::DeTable<'_>,
                place: $crate::config::problem::Place,
                problems: &mut $crate::config::problem::Problems<'_>,
            ) -> Self {
                let mut fields = $crate::config::decode::Fields::of(
                    table, place, Self::KEYS, Self::REFUSED, problems,
                );
                Self {
                    $($key: fields.$kind(stringify!($key) $(, $value)?),)+
                }
            }
        }
    };
}
pub(super) use section;

/// What a key of some kind is read as.
macro_rules! field_type {
    (required $type:ty) => { Option<$crate::config::decode::At<$type>> };
    (optional $type:ty) => { Option<$crate::config::decode::At<$type>> };
    (default $type:ty) => { $crate::config::decode::At<$type> };
    (section $type:ty) => { $type };
}
pub(super) use field_type;

/// A default as it would be typed.
macro_rules! default_of {
    ($type:ty) => {
        None
    };
    ($type:ty, $value:expr) => {
        Some(<$type as $crate::config::decode::Typed>::typed(&$value))
    };
}
pub(super) use default_of;

/// What the schema says about one key.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) doc: &'static [&'static str],
    pub(super) required: bool,
    pub(super) default: Option<Json>,
    pub(super) schema: Json,
}

/// The schema of a table.
pub(super) fn object(doc: &[&str], keys: Vec<Key>) -> Json {
    let required: Vec<&str> = keys.iter().filter(|k| k.required).map(|k| k.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": sentence(doc),
        "additionalProperties": false,
    });
    if !required.is_empty() {
        put(&mut schema, "required", required.into());
    }
    let properties: Map<String, Json> = keys.into_iter().map(property).collect();
    put(&mut schema, "properties", properties.into());
    schema
}

fn property(key: Key) -> (String, Json) {
    let mut schema = key.schema;
    put(&mut schema, "description", sentence(key.doc).into());
    if let Some(default) = key.default {
        put(&mut schema, "default", default);
    }
    (key.name.to_owned(), schema)
}

fn put(schema: &mut Json, key: &str, value: Json) {
    if let Json::Object(map) = schema {
        map.insert(key.to_owned(), value);
    }
}

/// The lines of a documentation comment as one.
fn sentence(doc: &[&str]) -> String {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// The schema of the whole file.
pub(super) fn root<T: Decode>() -> Json {
    let mut schema = T::schema();
    put(&mut schema, "$schema", "https://json-schema.org/draft/2020-12/schema".into());
    put(&mut schema, "title", "Spillway configuration".into());
    schema
}
