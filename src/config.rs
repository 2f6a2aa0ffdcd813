//! The configuration file: what was typed (`file`) becomes what is meant (`resolve`, giving [`settings`]).
//!
//! The tables of the file are described once, in `file`; the reader, the list of known keys and the JSON
//! Schema all follow from there. Reading never stops at a mistake: each is noted with its place, and
//! what is wrong is left out of the rest.
//!
//! Knows nothing of runtimes, sockets, metrics or the running proxy.

mod admission;
mod capacity;
mod decode;
mod endpoints;
mod file;
mod locate;
mod problem;
mod resolve;
mod section;
pub mod settings;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod units;
mod values;
mod wording;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use decode::Section as _;
use file::File;
pub use problem::Problem;
use problem::{Place, Problems};
use settings::Settings;

/// Reads the text of a file.
///
/// Relative paths in it are relative to `base`, the file's directory. The files it names must be there and
/// readable; what is in them is not looked at.
///
/// # Errors
///
/// Every mistake, in the order of the file.
pub fn load(text: &str, base: &Path) -> Result<Settings, Vec<Problem>> {
    let Examined { settings, problems } = examine(text, base);
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems),
    }
}

/// What can be said about a file that may be wrong.
#[derive(Debug)]
pub struct Examined {
    /// What could be made out: the mistaken parts are left out, or have their defaults. `None` where the
    /// text is not TOML. Not for use unless there are no problems, but good to look for more of them.
    pub settings: Option<Settings>,
    /// Every mistake, in the order of the file.
    pub problems: Vec<Problem>,
}

/// As [`load`], going as far as possible.
#[must_use]
pub fn examine(text: &str, base: &Path) -> Examined {
    let (document, errors) = DeTable::parse_recoverable(text);
    let document = document.get_ref();
    let mut problems = Problems::new(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        problems.add(Place::Value(offset), syntax_message(text, error), None);
    }
    let settings = errors.is_empty().then(|| {
        let typed = File::of(document, Place::Document, &mut problems);
        resolve::settings(&typed, base, &mut problems)
    });
    Examined { settings, problems: problems.finish(document) }
}

/// What the parser says, and the key where it only says "duplicate key".
fn syntax_message(text: &str, error: &toml::de::Error) -> String {
    let culprit = error.span().and_then(|span| text.get(span));
    match (error.message(), culprit) {
        (message @ "duplicate key", Some(key)) => format!("{message} {key:?}"),
        (message, _) => message.to_owned(),
    }
}

/// Mistakes in what the values at some key paths stand for, which only show when that is looked into.
#[must_use]
pub fn problems_at(text: &str, mistakes: Vec<(&[&str], String)>) -> Vec<Problem> {
    let (document, _) = DeTable::parse_recoverable(text);
    let document = document.get_ref();
    let mut problems = Problems::new(text);
    for (path, message) in mistakes {
        let (mut place, mut table) = (Place::Document, Some(document));
        for key in path {
            let Some(value) = table.and_then(|table| table.get(*key)) else { break };
            (place, table) = (decode::place_of(value), value.get_ref().as_table());
        }
        problems.add(place, message, None);
    }
    problems.finish(document)
}

/// Reads a file; gives its text as well.
///
/// # Errors
///
/// When it cannot be read or is wrong.
pub fn read(path: &Path) -> Result<(String, Settings), ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let wrong = |problems| ConfigError::Wrong { path: path.to_owned(), problems };
    let settings = load(&text, base_of(path)).map_err(wrong)?;
    Ok((text, settings))
}

/// The directory that relative paths in the file at `path` are relative to.
#[must_use]
pub fn base_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is wrong.
    Wrong {
        /// The file.
        path: PathBuf,
        /// Every mistake, in the order of the file.
        problems: Vec<Problem>,
    },
}

/// One line, or one for each mistake: `FILE:LINE:COLUMN: KEY: message; suggestion`.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Wrong { path, problems } => {
                for (index, problem) in problems.iter().enumerate() {
                    let line_break = if index == 0 { "" } else { "\n" };
                    write!(f, "{line_break}{}:{problem}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Wrong { .. } => None,
        }
    }
}

/// JSON Schema of the file, for editors; it has every key, default and form, but not what depends on
/// several keys at once.
#[must_use]
pub fn schema() -> serde_json::Value {
    section::root::<File>()
}
