//! Things with names that other keys refer to.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::config::decode::At;
use crate::config::problem::{Place, Problems};
use crate::config::text::{Name, did_you_mean, nearest};

/// The classes, origins, limits or routes of a file.
#[derive(Debug)]
pub(super) struct Collection<T> {
    /// What could be resolved, in the file's order.
    pub(super) items: Vec<T>,
    /// What one is called in messages.
    kind: &'static str,
    /// Whether the names are known at all: otherwise no reference can be called wrong.
    readable: bool,
    names: HashMap<String, Definition>,
}

#[derive(Debug)]
struct Definition {
    line: usize,
    /// `None` where the definition is itself wrong.
    index: Option<usize>,
}

impl<T> Collection<T> {
    pub(super) fn new(kind: &'static str, readable: bool) -> Self {
        Self { items: Vec::new(), kind, readable, names: HashMap::new() }
    }

    /// Adds what `name` stands for; `None` where that is wrong and was noted.
    pub(super) fn define(&mut self, name: &str, place: Place, item: Option<T>, problems: &mut Problems<'_>) {
        match self.names.entry(name.to_owned()) {
            Entry::Occupied(first) => {
                let (kind, line) = (self.kind, first.get().line);
                let message = format!("there is already a {kind} {name:?}, on line {line}");
                problems.add(place, message, None);
            }
            Entry::Vacant(entry) => {
                entry.insert(Definition {
                    line: problems.line(place),
                    index: item.is_some().then_some(self.items.len()),
                });
                self.items.extend(item);
            }
        }
    }

    /// Whether there is such a name, with or without a mistake in what it stands for.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The index of what `reference` names; notes it where there is no such thing.
    pub(super) fn find(&self, reference: &At<Name>, problems: &mut Problems<'_>) -> Option<usize> {
        let name = reference.value.0.as_str();
        if let Some(definition) = self.names.get(name) {
            return definition.index;
        }
        if self.readable {
            let names = || self.names.keys().map(String::as_str);
            let meant = problems.are_few().then(|| nearest(name, names())).flatten();
            let message = format!("there is no {} {name:?}", self.kind);
            problems.add(reference.place, message, meant.map(did_you_mean));
        }
        None
    }
}
