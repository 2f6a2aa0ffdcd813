//! The directory in which Spillway keeps what must survive a restart.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A directory that was writable when it was opened.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

/// The directory cannot be used: one sentence.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep state in {}: {source}; server.state_dir must name a directory this user may write to", path.display())]
pub struct StateDirError {
    path: PathBuf,
    source: io::Error,
}

impl StateDir {
    /// Makes the directory if it is missing (mode 0700) and sees that a file can be written in it.
    ///
    /// # Errors
    /// It cannot be made or written to.
    pub fn open(path: &Path) -> Result<Self, StateDirError> {
        let writable = || {
            make(path)?;
            let dir = Self { path: path.to_owned() };
            dir.write(".writable", b"")?;
            fs::remove_file(dir.file(".writable"))?;
            Ok(dir)
        };
        writable().map_err(|source| StateDirError { path: path.to_owned(), source })
    }

    /// A directory inside it, made if it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn inside(&self, name: &str) -> io::Result<Self> {
        let path = self.file(name);
        make(&path)?;
        Ok(Self { path })
    }

    /// The path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a whole file (mode 0600): after a crash it is the old one or the new one, never a part.
    ///
    /// # Errors
    /// It cannot be written; the old one, if any, is still there.
    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = self.file(&format!("{name}.{}.tmp", std::process::id()));
        let written = write_synced(&unfinished, content).and_then(|()| fs::rename(&unfinished, self.file(name)));
        if written.is_err() {
            // What remains of it is of no use to anybody.
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        File::open(&self.path)?.sync_all()
    }

    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// It is there and cannot be read, or is not UTF-8.
    pub fn read(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.file(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of the files in it, in no order.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_are_private_and_leave_nothing_unfinished_behind() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(&parent.path().join("a/state")).unwrap();
        dir.write("x.json", b"one").unwrap();
        dir.write("x.json", b"two").unwrap();
        assert_eq!(dir.read("x.json").unwrap().as_deref(), Some("two"));
        assert_eq!(dir.names().unwrap(), ["x.json"]);
        assert_eq!(fs::metadata(dir.file("x.json")).unwrap().permissions().mode() & 0o777, 0o600);
        dir.remove("x.json").unwrap();
        dir.remove("x.json").unwrap();
        assert_eq!(dir.read("x.json").unwrap(), None);
    }

    #[test]
    fn a_place_that_cannot_hold_files_is_said_in_one_sentence() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("taken");
        fs::write(&path, "a file").unwrap();
        let error = StateDir::open(&path.join("state")).unwrap_err().to_string();
        assert!(error.starts_with("cannot keep state in ") && error.contains("server.state_dir"), "{error}");
        assert!(!error.contains('\n'));
    }
}
