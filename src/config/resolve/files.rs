//! Files that the configuration names.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::decode::At;
use crate::config::problem::Problems;
use crate::config::text::FilePath;

/// The directory that relative paths are relative to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'b> {
    base: &'b Path,
}

impl<'b> Files<'b> {
    pub(super) fn under(base: &'b Path) -> Self {
        Self { base }
    }

    /// Where `path` is.
    pub(super) fn locate(self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// As [`Files::locate`], noting it where it cannot be read.
    pub(super) fn readable(self, path: &At<FilePath>, problems: &mut Problems<'_>) -> PathBuf {
        let located = self.locate(&path.value.0);
        if let Err(why) = try_open(&located) {
            let message = format!("{} cannot be read: {why}", located.display());
            problems.add(path.place, message, None);
        }
        located
    }
}

fn try_open(path: &Path) -> io::Result<()> {
    // Opening a pipe would wait for its other end.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    File::open(path).map(drop)
}
