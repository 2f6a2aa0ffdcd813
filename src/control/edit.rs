//! Putting values into the text of a configuration, leaving the rest of it as it was typed.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml_edit::{DocumentMut, InlineTable, Item, Value};

/// The text with `values` put into the table `table.name`; `None` when the text has no such table.
#[must_use]
pub(super) fn set(text: &str, table: &str, name: &str, values: &BTreeMap<String, Json>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let named = document.get_mut(table)?.as_table_like_mut()?.get_mut(name)?.as_table_like_mut()?;
    for (key, value) in values {
        named.insert(key, Item::Value(toml(value)?));
    }
    Some(document.to_string())
}

/// The same value in TOML; `None` for null, which TOML does not have.
fn toml(value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(value) => Value::from(*value),
        Json::Number(value) => value.as_i64().map(Value::from).or_else(|| value.as_f64().map(Value::from))?,
        Json::String(value) => Value::from(value.as_str()),
        Json::Array(values) => Value::Array(values.iter().map(toml).collect::<Option<_>>()?),
        Json::Object(values) => {
            let pairs = values.iter().map(|(key, value)| Some((key.as_str(), toml(value)?)));
            Value::InlineTable(pairs.collect::<Option<InlineTable>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edited(text: &str, table: &str, name: &str, values: Json) -> Option<String> {
        set(text, table, name, &serde_json::from_value(values).unwrap())
    }

    #[test]
    fn tables_are_edited_however_they_are_written_and_the_rest_stays() {
        let cases = [
            ("# mine\n[limit.a]\nrate = \"1/s\" # slow\n", "# mine\n[limit.a]\nrate = \"9/s\"\nburst = 4\n"),
            ("limit.a.rate = \"1/s\"\n", "limit.a.rate = \"9/s\"\nlimit.a.burst = 4\n"),
            ("limit = { a = { rate = \"1/s\" } }\n", "limit = { a = { rate = \"9/s\" , burst = 4 } }\n"),
        ];
        for (text, expected) in cases {
            let result = edited(text, "limit", "a", json!({"burst": 4, "rate": "9/s"})).unwrap();
            let (result, expected): (toml::Table, toml::Table) =
                (toml::from_str(&result).unwrap(), toml::from_str(expected).unwrap());
            assert_eq!(result, expected, "{text}");
        }
        let kept = edited("# mine\n[limit.a]\n\n[z]\n", "limit", "a", json!({"burst": 4})).unwrap();
        assert!(kept.starts_with("# mine\n[limit.a]\nburst = 4\n") && kept.ends_with("[z]\n"), "{kept}");
    }

    #[test]
    fn what_is_not_there_cannot_be_edited() {
        for text in ["", "[limit]\n", "limit = 3\n", "limit.a = 3\n", "[[limit]]\n", "not toml"] {
            assert_eq!(edited(text, "limit", "a", json!({"burst": 4})), None, "{text}");
        }
    }

    #[test]
    fn values_keep_their_kind() {
        let values = json!({"a": {"mode": "fixed", "limit": 50}, "b": [1, 0.5, true]});
        let text = edited("[origin.x]\n", "origin", "x", values.clone()).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&table["origin"]["x"]).unwrap(), values);
        assert_eq!(edited("[origin.x]\n", "origin", "x", json!({"a": null})), None);
    }
}
