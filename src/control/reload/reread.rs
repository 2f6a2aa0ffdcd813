//! Reading again what is in files.

use std::path::Path;

use jiff::Timestamp;

use super::Reloader;
use super::keep::{by_file, keep_if_possible};
use crate::control::in_force::{Attempt, Change, Refusal};
use crate::control::revision::{Source, fingerprint};

impl Reloader {
    /// Reads the configuration file again. `Source::File` is a hint that it may have changed, and does nothing unless it
    /// has; `Source::Hup` is an order: the file is in force afterwards, and what it names is read again.
    ///
    /// # Errors
    /// Why what was in force stays.
    pub fn reread(&mut self, source: Source, now: Timestamp) -> Result<Change, Refusal> {
        self.not_frozen()?;
        let read = std::fs::read_to_string(&self.path);
        let hash = read.as_deref().ok().map(fingerprint);
        if source == Source::File && hash == self.seen {
            return Ok(Change::None);
        }
        self.seen = hash;
        let outcome = match read {
            Ok(text) => self.take_file(&text, source, now),
            Err(error) => Err(Refusal::Unreadable { path: self.path.clone(), reason: error.to_string() }),
        };
        let actor = if source == Source::Hup { "SIGHUP".to_owned() } else { self.path.display().to_string() };
        self.note(Attempt { at: now, source, actor, outcome })
    }

    /// Reads again what the policy in force names in `file`, such as the template of a waiting room.
    ///
    /// # Errors
    /// Why what was in force stays.
    pub fn reread_named(&mut self, file: &Path, now: Timestamp) -> Result<Change, Refusal> {
        self.not_frozen()?;
        let staged = self.stage(self.current.clone(), self.overrides.clone()).map_err(Refusal::Wrong);
        let outcome = staged.map(|staged| {
            self.commit(staged);
            Change::Reread
        });
        self.note(Attempt { at: now, source: Source::File, actor: file.display().to_string(), outcome })
    }

    fn take_file(&mut self, text: &str, source: Source, now: Timestamp) -> Result<Change, Refusal> {
        let hash = fingerprint(text);
        let in_force = &self.current.revision;
        let is_new = hash != in_force.hash;
        if source == Source::File && (!is_new || hash == in_force.file_hash) {
            keep_if_possible(&mut self.revisions, None, &hash);
            return Ok(Change::None);
        }
        let revision = match is_new {
            true => self.numbered(by_file(&self.path, &self.revisions, source, &hash, now)),
            false => in_force.clone(),
        };
        let staged = self.judge(text, revision)?;
        keep_if_possible(&mut self.revisions, is_new.then_some(&staged.current), &hash);
        let change = if is_new { Change::Revision(staged.current.revision.number) } else { Change::Reread };
        self.commit(staged);
        Ok(change)
    }
}
