//! The schema and the reference say what the reader does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use spillway::config;

#[test]
fn the_schema_accepts_what_loads() {
    let schema = Schema::compile();
    for file in [
        "config/spillway.toml",
        "tests/it/config/files/valid/shop.toml",
        "tests/it/config/files/valid/smallest.toml",
        "tests/it/config/files/valid/every_key.toml",
    ] {
        let (text, _) = config::read(Path::new(file)).unwrap();
        assert_eq!(schema.complaint(&text), None, "{file}");
    }
}

#[test]
fn the_schema_refuses_what_is_wrong_with_single_keys() {
    let schema = Schema::compile();
    for name in [
        "empty",
        "empty_lists",
        "empty_lists_inside",
        "unknown_keys",
        "wrong_types",
        "units",
        "missing",
        "addresses",
        "later_versions",
        "rooms",
    ] {
        let text = fs::read_to_string(format!("tests/it/config/files/invalid/{name}.toml")).unwrap();
        assert!(schema.complaint(&text).is_some(), "{name}");
    }
}

/// Every key of the schema is one that the reader takes: the file that has them all loads.
#[test]
fn the_schema_has_no_key_that_does_not_load() {
    let text = fs::read_to_string("tests/it/config/files/valid/every_key.toml").unwrap();
    let mut seen = BTreeSet::new();
    note_keys(&config::schema(), &json(&text), "", &mut seen);
    let mut all = BTreeSet::new();
    keys_of(&config::schema(), "", &mut all);
    assert!(all.len() > 70, "{all:?}");
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The reference shows every key, and its default unless it says what that is.
#[test]
fn the_reference_has_every_key_with_its_default() {
    let reference = Reference::read();
    let schema = config::schema();
    let mut all = BTreeSet::new();
    keys_of(&schema, "", &mut all);
    let mut shown = BTreeSet::new();
    note_keys(&schema, &json(&reference.whole), "", &mut shown);
    assert_eq!(all.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new());

    let mut checked = 0;
    each_default(&schema, &json(&reference.whole), &mut |key, default, shown| {
        checked += 1;
        assert!(
            shown.contains(&default) || reference.names_default(key, default),
            "the default of {key} is {default}, and the reference shows {shown:?}"
        );
    });
    assert!(checked > 35, "{checked}");
}

/// The reference with the keys that are commented out, too.
struct Reference {
    whole: String,
}

impl Reference {
    fn read() -> Self {
        let text = fs::read_to_string("config/spillway.toml").unwrap();
        let lines = text.lines().map(|line| match line.strip_prefix("# ") {
            Some(rest) if is_toml(rest) => rest,
            _ => line,
        });
        Self { whole: lines.collect::<Vec<_>>().join("\n") }
    }

    /// Whether a comment of `key` names `default` as what holds "unless given".
    fn names_default(&self, key: &str, default: &Value) -> bool {
        let lines: Vec<&str> = self.whole.lines().collect();
        let begins = |line: &&str| line.starts_with(&format!("{key} = "));
        lines.iter().enumerate().filter(|(_, line)| begins(line)).any(|(at, _)| {
            let goes_on = lines[at + 1..].iter().take_while(|line| line.starts_with("  "));
            let comment: String = lines[at..=at].iter().chain(goes_on).copied().collect();
            let comment = comment.to_lowercase();
            comment.contains("unless given") && comment.contains(&toml_of(default))
        })
    }
}

fn is_toml(line: &str) -> bool {
    let key = line.split(" = ").next().unwrap_or_default();
    let named = line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    named || line.starts_with('[')
}

fn toml_of(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// Calls `check` with every key that has a default, and the values it is shown with.
fn each_default(schema: &Value, shown: &Value, check: &mut impl FnMut(&str, &Value, Vec<&Value>)) {
    let mut tables = vec![(schema, vec![shown])];
    while let Some((schema, shown)) = tables.pop() {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let values: Vec<&Value> = shown.iter().filter_map(|table| table.get(key)).collect();
            if let Some(default) = property.get("default").filter(|default| **default != serde_json::json!({})) {
                check(key, default, values.clone());
            }
            tables.push((property, values));
        }
        if let Some(items) = schema.get("items") {
            tables.push((items, shown.iter().flat_map(|list| list.as_array()).flatten().collect()));
        }
        for named in schema["patternProperties"].as_object().into_iter().flat_map(|map| map.values()) {
            let values = shown.iter().flat_map(|table| table.as_object()).flat_map(|map| map.values());
            tables.push((named, values.collect()));
        }
    }
}

/// Adds the paths of all keys.
fn keys_of(schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        keys_of(property, &path, keys);
        keys.insert(path);
    }
    for inner in inner_schemas(schema) {
        keys_of(inner, path, keys);
    }
}

/// Adds the paths of the keys that `value` has.
fn note_keys(schema: &Value, value: &Value, path: &str, seen: &mut BTreeSet<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(key) {
            let path = format!("{path}.{key}");
            note_keys(property, value, &path, seen);
            seen.insert(path);
        }
    }
    for named in schema["patternProperties"].as_object().into_iter().flat_map(|map| map.values()) {
        let tables = value.as_object().into_iter().flat_map(|map| map.values());
        tables.for_each(|table| note_keys(named, table, path, seen));
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        note_keys(choice, value, path, seen);
    }
    if let Some(items) = schema.get("items") {
        let list = value.as_array().into_iter().flatten();
        list.for_each(|item| note_keys(items, item, path, seen));
    }
}

fn inner_schemas(schema: &Value) -> impl Iterator<Item = &Value> {
    let named = schema["patternProperties"].as_object().into_iter().flat_map(|map| map.values());
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    named.chain(choices).chain(schema.get("items"))
}

/// A compiled schema.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn compile() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.add_resource("spillway.json", config::schema()).unwrap();
        let index = compiler.compile("spillway.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn complaint(&self, text: &str) -> Option<String> {
        let value = json(text);
        let result = self.schemas.validate(&value, self.index);
        result.err().map(|error| error.to_string())
    }
}

fn json(text: &str) -> Value {
    let table: toml::Table = text.parse().unwrap();
    serde_json::to_value(table).unwrap()
}
