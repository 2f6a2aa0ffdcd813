//! What is in force and how the last change went, for everybody to read without waiting.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::overrides::{Overrides, Target};
use super::revision::{Revision, Source};
use crate::config::Problem;
use crate::config::settings::Settings;

/// The policy in force at one moment.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Which revision, and who brought it.
    pub revision: Revision,
    /// Its text as it was given.
    pub text: Arc<str>,
    /// What is in force: the text with the overrides over it, less what needs a restart.
    pub settings: Arc<Settings>,
    /// What operators have set over it.
    pub overrides: Overrides,
    /// Overrides whose target this revision does not have; they take effect when it comes back.
    pub dormant: Vec<Target>,
    /// What of the revision waits for a restart.
    pub needs_restart: Vec<String>,
    /// The revisions kept, oldest first.
    pub revisions: Arc<[Revision]>,
    /// The last attempt to change the policy; `None` before the first.
    pub last_reload: Option<Attempt>,
}

/// An attempt to put another policy in force.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// How it came.
    pub source: Source,
    /// Who made it.
    pub actor: String,
    /// What came of it.
    pub outcome: Result<Change, Refusal>,
}

/// What a successful attempt did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A new revision is in force.
    Revision(u64),
    /// The same text is in force still; certificates and other files it names were read again.
    Reread,
    /// Nothing was different.
    None,
}

/// Why the policy in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is wrong, or names a file that is.
    #[error("{}", summary(.0))]
    Wrong(Vec<Problem>),
    /// The configuration file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Someone else has changed the policy meanwhile.
    #[error("the policy in force is another one by now")]
    Stale,
    /// There is no such revision any more.
    #[error("there is no revision {0}; the last ones are kept")]
    NoRevision(u64),
    /// It could not be kept over a restart, so it was not begun.
    #[error("cannot be kept in the state directory: {0}")]
    NotKept(String),
    /// A new process is taking over.
    #[error("a new process is taking over; ask it in a moment")]
    HandingOver,
}

fn summary(problems: &[Problem]) -> String {
    let first = match problems.first() {
        // What came in a request has no lines.
        Some(problem) if problem.line == 0 => problem.to_string().trim_start_matches("0:0: ").to_owned(),
        Some(problem) => problem.to_string(),
        None => String::new(),
    };
    match problems.len() {
        0 | 1 => first,
        count => format!("{first} (and {} more)", count - 1),
    }
}
