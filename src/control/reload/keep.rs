//! What is written to the state directory, and whether it matters when it cannot be.

use std::path::Path;
use std::{fmt, io};

use jiff::Timestamp;

use super::stage::Current;
use crate::control::boot::OVERRIDES;
use crate::control::in_force::Refusal;
use crate::control::overrides::Overrides;
use crate::control::revision::{Revision, Revisions, Source};
use crate::control::state_dir::StateDir;

/// The revision that the configuration file is.
pub(super) fn by_file(path: &Path, revisions: &Revisions, source: Source, hash: &str, at: Timestamp) -> Revision {
    Revision {
        number: revisions.next_number(),
        at,
        source,
        actor: path.display().to_string(),
        hash: hash.to_owned(),
        file_hash: hash.to_owned(),
    }
}

/// Keeps a revision that is in the configuration file anyway: failing at it is no reason to refuse it.
pub(super) fn keep_if_possible(revisions: &mut Revisions, new: Option<&Current>, file_hash: &str) {
    let kept = match new {
        Some(current) => revisions.record(current.revision.clone(), &current.text),
        None => revisions.confirm(file_hash),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "the revision in force cannot be kept for later");
    }
}

/// Writes the overrides down.
pub(super) fn save(state: &StateDir, overrides: &Overrides) -> io::Result<()> {
    state.write(OVERRIDES, &serde_json::to_vec_pretty(overrides)?)
}

/// Why a change was not begun.
pub(super) fn not_kept(error: impl fmt::Display) -> Refusal {
    Refusal::NotKept(error.to_string())
}
