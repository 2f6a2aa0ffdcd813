//! From byte offsets back to key paths such as `limit.per-client.rate`.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use toml::de::{DeTable, DeValue};

use super::problem::Place;

/// The place in the document whose path the path of `place` is made from.
pub(super) fn holder(place: Place) -> Place {
    match place {
        Place::Absent(table, _) => Place::Value(table),
        Place::AbsentAtTop(_) => Place::Document,
        other => other,
    }
}

/// The key path of `place`, given those of the holders.
pub(super) fn render(place: Place, keys: &HashMap<Place, String>) -> String {
    let mut path = keys.get(&holder(place)).cloned().unwrap_or_default();
    if let Place::Absent(_, key) | Place::AbsentAtTop(key) = place {
        push_key(&mut path, key);
    }
    path
}

/// The paths of the `wanted` places, in one walk over the document.
///
/// A table and the first table inside it may share a header; the innermost is meant.
pub(super) fn key_paths(document: &DeTable<'_>, wanted: &HashSet<Place>) -> HashMap<Place, String> {
    let mut walk = Walk { wanted, path: String::new(), found: HashMap::with_capacity(wanted.len()) };
    walk.table(document);
    walk.found
}

struct Walk<'w> {
    wanted: &'w HashSet<Place>,
    path: String,
    found: HashMap<Place, String>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let parent = self.path.len();
            push_key(&mut self.path, key.get_ref());
            self.note(Place::Key(key.span().start));
            self.value(value.span().start, value.get_ref());
            self.path.truncate(parent);
        }
    }

    fn value(&mut self, start: usize, value: &DeValue<'_>) {
        self.note(Place::Value(start));
        match value {
            DeValue::Table(table) => self.table(table),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let parent = self.path.len();
                    // Writing to a string cannot fail.
                    let _ = write!(self.path, "[{index}]");
                    self.value(item.span().start, item.get_ref());
                    self.path.truncate(parent);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, place: Place) {
        if self.wanted.contains(&place) {
            self.found.insert(place, self.path.clone());
        }
    }
}

/// Appends a key, quoted where TOML wants it so.
fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        path.push_str(key);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(path, "{key:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(text: &str, place: Place) -> String {
        let document = DeTable::parse(text).unwrap();
        let keys = key_paths(document.get_ref(), &HashSet::from([holder(place)]));
        render(place, &keys)
    }

    #[test]
    fn a_value_is_named_by_its_whole_path() {
        let text = "[[route]]\na = 1\n[[route]]\nlist = [1, { \"odd key\" = 22 }]\n";
        let at = |needle: &str| text.find(needle).unwrap();
        assert_eq!(path_of(text, Place::Value(at("22"))), "route[1].list[1].\"odd key\"");
        assert_eq!(path_of(text, Place::Key(at("list"))), "route[1].list");
    }

    #[test]
    fn a_header_means_the_innermost_table() {
        assert_eq!(path_of("[[route]]\n", Place::Value(0)), "route[0]");
        assert_eq!(path_of("[origin.a]\n", Place::Absent(0, "servers")), "origin.a.servers");
    }

    #[test]
    fn what_is_missing_at_the_top_needs_no_table() {
        assert_eq!(path_of("", Place::AbsentAtTop("listener")), "listener");
    }
}
