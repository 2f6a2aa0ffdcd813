//! A mistake in the file, where it is, and what to write instead.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Serialize;
use toml::de::DeTable;

use super::locate;

/// One mistake in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line of the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Path of the key, such as `route[3].class`; empty where the text is not TOML.
    pub key: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead, where that can be guessed.
    pub suggestion: Option<String>,
}

/// `LINE:COLUMN: KEY: message; suggestion`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// What a mistake is about, by byte offsets into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The document as a whole.
    Document,
    /// The key that begins here.
    Key(usize),
    /// The value that begins here; for a table with a header, the header.
    Value(usize),
    /// A key that is not there, in the table that begins here.
    Absent(usize, &'static str),
    /// A key that is not there, at the top of the document.
    AbsentAtTop(&'static str),
}

impl Place {
    /// The place of `key`, which the table at this place does not have.
    pub(super) fn absent(self, key: &'static str) -> Self {
        match self {
            Self::Value(offset) | Self::Key(offset) | Self::Absent(offset, _) => Self::Absent(offset, key),
            Self::Document | Self::AbsentAtTop(_) => Self::AbsentAtTop(key),
        }
    }

    fn offset(self) -> usize {
        match self {
            Self::Document | Self::AbsentAtTop(_) => 0,
            Self::Key(offset) | Self::Value(offset) | Self::Absent(offset, _) => offset,
        }
    }
}

/// The mistakes found so far.
///
/// Only offsets are kept while reading; lines and key paths are worked out once, at the end, and only
/// when there is something to report.
#[derive(Debug)]
pub(super) struct Problems<'t> {
    lines: Lines<'t>,
    found: Vec<Mistake>,
}

#[derive(Debug)]
struct Mistake {
    place: Place,
    message: String,
    suggestion: Option<String>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { lines: Lines::new(text), found: Vec::new() }
    }

    /// Adds a mistake.
    pub(super) fn add(&mut self, place: Place, message: impl Into<String>, suggestion: impl Into<Option<String>>) {
        self.found.push(Mistake { place, message: message.into(), suggestion: suggestion.into() });
    }

    /// Whether there are still few enough for each to be compared with every name of a large file.
    pub(super) fn are_few(&self) -> bool {
        self.found.len() < 200
    }

    /// The line of `place`, from 1.
    pub(super) fn line(&self, place: Place) -> usize {
        self.lines.line(place.offset())
    }

    /// All mistakes in the order of the file, with their key paths taken from `document`.
    pub(super) fn finish(self, document: &DeTable<'_>) -> Vec<Problem> {
        let wanted: HashSet<Place> = self.found.iter().map(|m| locate::holder(m.place)).collect();
        let keys = if wanted.is_empty() { HashMap::new() } else { locate::key_paths(document, &wanted) };
        let mut problems: Vec<Problem> = self
            .found
            .into_iter()
            .map(|mistake| {
                let (line, column) = self.lines.line_and_column(mistake.place.offset());
                Problem {
                    line,
                    column,
                    key: locate::render(mistake.place, &keys),
                    message: mistake.message,
                    suggestion: mistake.suggestion,
                }
            })
            .collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }
}

/// Where the lines of a text begin, found once.
#[derive(Debug)]
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes());
        Self { text, starts: std::iter::once(0).chain(breaks.map(|at| at + 1)).collect() }
    }

    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.starts.get(line.saturating_sub(1)).copied();
        let before = self.text.get(start.unwrap_or_default()..offset);
        (line, before.map_or(1, |text| text.chars().count() + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a = 1\nセール = 2\n";
        let lines = Lines::new(text);
        let two = text.find('2').unwrap();
        assert_eq!(lines.line_and_column(0), (1, 1));
        assert_eq!(lines.line_and_column(two), (2, 7));
        assert_eq!(lines.line_and_column(text.len()), (3, 1));
    }

    #[test]
    fn a_problem_reads_as_one_line() {
        let problem = Problem {
            line: 3,
            column: 9,
            key: "route[0].class".into(),
            message: "there is no class \"chekout\"".into(),
            suggestion: Some("did you mean \"checkout\"?".into()),
        };
        assert_eq!(
            problem.to_string(),
            "3:9: route[0].class: there is no class \"chekout\"; did you mean \"checkout\"?"
        );
    }
}
