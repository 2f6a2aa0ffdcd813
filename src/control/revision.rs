//! Revisions: every policy that was in force, kept so that it can be looked at and restored.
//!
//! A revision is two files under `state_dir/revisions`: its text as it was given (`000012.toml`) and who gave it when
//! (`000012.json`). The newest is the one in force.

use std::fmt::{self, Write};
use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state_dir::StateDir;

/// Revisions kept; a policy changed every hour can be followed back for two days.
const KEPT: usize = 50;

/// What is known of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number, from 1, never used twice.
    pub number: u64,
    /// When it came into force.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// How it came.
    pub source: Source,
    /// Who brought it: an address, or the name of a signal or a file.
    pub actor: String,
    /// Fingerprint of its text.
    pub hash: String,
    /// Fingerprint of the configuration file when this revision came into force: while the file is unchanged, a
    /// policy that came by the API stays in force, over a restart too.
    pub file_hash: String,
}

/// How a revision came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The configuration file, at the start or when it changed.
    File,
    /// The configuration file, read again on HUP.
    Hup,
    /// `PUT /v1/policy`.
    Api,
    /// An older revision, restored.
    Restore,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::File => "file",
            Self::Hup => "hup",
            Self::Api => "api",
            Self::Restore => "restore",
        })
    }
}

/// The revisions on disk.
#[derive(Debug)]
pub struct Revisions {
    dir: StateDir,
    list: Vec<Revision>,
    /// The highest number ever seen, damaged ones included.
    highest: u64,
    damaged: Vec<String>,
}

impl Revisions {
    /// Reads the list. A revision that is damaged is left out.
    ///
    /// # Errors
    /// The directory cannot be made or listed.
    pub fn open(state: &StateDir) -> io::Result<Self> {
        let dir = state.inside("revisions")?;
        let mut revisions = Self { dir, list: Vec::new(), highest: 0, damaged: Vec::new() };
        revisions.reread()?;
        Ok(revisions)
    }

    /// Reads the list again, after another process may have added to it.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn reread(&mut self) -> io::Result<()> {
        let names = self.dir.names()?;
        self.list.clear();
        self.damaged.clear();
        for name in names.iter().filter(|name| name.ends_with(".json")) {
            match self.metadata(name) {
                Ok(revision) => self.list.push(revision),
                Err(_) => self.damaged.push(name.clone()),
            }
        }
        self.highest = names.iter().filter_map(|name| number_in(name)).fold(self.highest, u64::max);
        self.list.sort_by_key(|revision| revision.number);
        Ok(())
    }

    /// What is kept, oldest first.
    #[must_use]
    pub fn list(&self) -> &[Revision] {
        &self.list
    }

    /// The files whose revisions are left out.
    #[must_use]
    pub fn damaged(&self) -> &[String] {
        &self.damaged
    }

    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Option<&Revision> {
        self.list.last()
    }

    /// One by its number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Revision> {
        self.list.iter().find(|revision| revision.number == number)
    }

    /// The number the next one gets.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.highest.saturating_add(1)
    }

    /// The text of one.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub fn text(&self, revision: &Revision) -> io::Result<String> {
        let text = self.dir.read(&text_name(revision.number))?.unwrap_or_default();
        if fingerprint(&text) == revision.hash {
            Ok(text)
        } else {
            let message = format!("the text of revision {} is missing or damaged", revision.number);
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
    }

    /// Keeps a revision, and lets the oldest go when there are too many.
    ///
    /// # Errors
    /// It cannot be written; nothing has changed.
    pub fn record(&mut self, revision: Revision, text: &str) -> io::Result<()> {
        self.dir.write(&text_name(revision.number), text.as_bytes())?;
        self.write_metadata(&revision)?;
        self.highest = self.highest.max(revision.number);
        self.list.push(revision);
        self.prune();
        Ok(())
    }

    /// Notes that the newest revision is in force over this state of the configuration file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn confirm(&mut self, file_hash: &str) -> io::Result<()> {
        let Some(newest) = self.list.last_mut().filter(|newest| newest.file_hash != file_hash) else { return Ok(()) };
        file_hash.clone_into(&mut newest.file_hash);
        let newest = newest.clone();
        self.write_metadata(&newest)
    }

    fn metadata(&self, name: &str) -> io::Result<Revision> {
        Ok(serde_json::from_str(&self.dir.read(name)?.unwrap_or_default())?)
    }

    fn write_metadata(&self, revision: &Revision) -> io::Result<()> {
        self.dir.write(&metadata_name(revision.number), &serde_json::to_vec_pretty(revision)?)
    }

    fn prune(&mut self) {
        let excess = self.list.len().saturating_sub(KEPT);
        for old in self.list.drain(..excess) {
            for name in [metadata_name(old.number), text_name(old.number)] {
                if let Err(error) = self.dir.remove(&name) {
                    tracing::warn!(file = name, %error, "an old revision cannot be removed");
                }
            }
        }
    }
}

/// Tells one text from another: the first half of its SHA-256 in hexadecimal.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).fold(String::new(), |mut hash, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

/// Times as RFC 3339 text.
pub(crate) mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

fn text_name(number: u64) -> String {
    format!("{number:06}.toml")
}

fn number_in(name: &str) -> Option<u64> {
    name.split('.').next()?.parse().ok()
}

fn metadata_name(number: u64) -> String {
    format!("{number:06}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: u64, text: &str) -> Revision {
        Revision {
            number,
            at: Timestamp::from_second(1_700_000_000).unwrap(),
            source: Source::File,
            actor: "shop.toml".into(),
            hash: fingerprint(text),
            file_hash: fingerprint(text),
        }
    }

    fn filled(dir: &tempfile::TempDir, count: u64) -> (StateDir, Revisions) {
        let state = StateDir::open(dir.path()).unwrap();
        let mut revisions = Revisions::open(&state).unwrap();
        for number in 1..=count {
            let text = format!("# {number}");
            revisions.record(revision(number, &text), &text).unwrap();
        }
        (state, revisions)
    }

    #[test]
    fn a_revision_is_found_again_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let (state, mut revisions) = filled(&dir, 3);
        revisions.confirm("another state of the file").unwrap();
        let reopened = Revisions::open(&state).unwrap();
        assert_eq!(reopened.list(), revisions.list());
        assert_eq!(reopened.newest().unwrap().file_hash, "another state of the file");
        assert_eq!(reopened.text(reopened.get(2).unwrap()).unwrap(), "# 2");
        assert_eq!(reopened.next_number(), 4);
    }

    #[test]
    fn the_oldest_go_and_numbers_are_never_used_twice() {
        let dir = tempfile::tempdir().unwrap();
        let (state, revisions) = filled(&dir, 53);
        assert_eq!(revisions.list().len(), KEPT);
        assert_eq!(revisions.list()[0].number, 4);
        assert_eq!(revisions.next_number(), 54);
        assert_eq!(state.inside("revisions").unwrap().names().unwrap().len(), KEPT * 2);
    }

    #[test]
    fn damage_costs_one_revision_and_never_a_wrong_policy() {
        let dir = tempfile::tempdir().unwrap();
        let (state, _) = filled(&dir, 4);
        let files = state.inside("revisions").unwrap();
        files.write("000001.toml", b"# tampered").unwrap();
        files.write("000002.json", b"{ half").unwrap();
        files.write("000004.json", b"").unwrap();
        let reopened = Revisions::open(&state).unwrap();
        assert_eq!(reopened.list().iter().map(|revision| revision.number).collect::<Vec<_>>(), [1, 3]);
        assert_eq!((reopened.next_number(), reopened.damaged().len()), (5, 2));
        let error = reopened.text(reopened.get(1).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "the text of revision 1 is missing or damaged");
    }
}
