//! Where batches are written, by a thread that may wait for the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::config::settings;

use super::{Batch, Shared};

/// Pause after a failed write, unless something changes meanwhile.
const RETRY: Duration = Duration::from_secs(1);

/// An open target; without a file it swallows everything.
#[derive(Debug)]
pub(super) struct Output {
    /// By which to open it anew.
    path: Option<PathBuf>,
    file: Option<File>,
}

impl Output {
    /// Opens `target` for appending.
    pub(super) fn open(target: Option<&settings::AccessLog>) -> io::Result<Self> {
        let (path, file) = match target {
            None => (None, None),
            // Its descriptor, past the line buffer of the standard library.
            Some(settings::AccessLog::Stdout) => (None, Some(io::stdout().as_fd().try_clone_to_owned()?.into())),
            Some(settings::AccessLog::File(path)) => (Some(path.clone()), Some(append_to(path)?)),
        };
        Ok(Self { path, file })
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            self.file = Some(append_to(path)?);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| io::Error::new(error.kind(), format!("access log {}: {error}", path.display())))
}

/// Writes batches and survives what a disk does.
#[derive(Debug)]
pub(super) struct Sink {
    output: Output,
    shared: Arc<Shared>,
    /// Whether the last write failed; an outage is logged when it begins and when it ends.
    failing: bool,
    /// Whether the file should have been opened anew and could not be.
    stale: bool,
}

impl Sink {
    pub(super) fn new(output: Output, shared: Arc<Shared>) -> Self {
        Self { output, shared, failing: false, stale: false }
    }

    /// Does what was asked for since the last batch; whether the output is another one now.
    pub(super) fn refresh(&mut self) -> bool {
        if let Some(output) = self.shared.replacement().take() {
            self.output = output;
            self.stale = false;
            return true;
        }
        if !self.shared.reopen.swap(false, Ordering::AcqRel) {
            return false;
        }
        match self.output.reopen() {
            Ok(()) => self.stale = false,
            Err(error) => self.reopen_failed(&error),
        }
        !self.stale
    }

    /// Writes a batch, trying again until it is written or the log closes.
    pub(super) fn write(&mut self, batch: Batch) {
        let Batch { bytes, lines } = batch;
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.output.write(rest) {
                Ok(0) => self.failed(&io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    written += count;
                    self.recovered();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.failed(&error),
            }
            if self.shared.closing.load(Ordering::Acquire) {
                return self.shared.count_dropped(lines_after(&bytes, written, lines));
            }
            std::thread::park_timeout(RETRY);
            if self.refresh() {
                // The line that was cut through begins anew in the other file.
                written = line_start(&bytes, written);
            }
        }
    }

    fn failed(&mut self, error: &io::Error) {
        self.shared.count_error();
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "the access log cannot be written; lines are dropped once its queue is full");
        }
    }

    fn reopen_failed(&mut self, error: &io::Error) {
        self.shared.count_error();
        // Tried again before the next batch.
        self.shared.reopen.store(true, Ordering::Release);
        if !std::mem::replace(&mut self.stale, true) {
            tracing::warn!(%error, "the access log goes on in the old file");
        }
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!("the access log is written again");
        }
    }
}

/// The beginning of the line in which `written` lies.
fn line_start(bytes: &[u8], written: usize) -> usize {
    let before = bytes.get(..written).unwrap_or(bytes);
    memchr::memrchr(b'\n', before).map_or(0, |end| end + 1)
}

/// How many of the batch's lines are not wholly written.
fn lines_after(bytes: &[u8], written: usize, lines: u64) -> u64 {
    let before = bytes.get(..written).unwrap_or(bytes);
    lines.saturating_sub(memchr::memchr_iter(b'\n', before).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_through_is_begun_anew() {
        let bytes = b"one\ntwo\nthree\n";
        let starts = [0, 3, 4, 7, 8, 13].map(|written| line_start(bytes, written));
        assert_eq!(starts, [0, 0, 4, 4, 8, 8]);
    }

    #[test]
    fn a_line_cut_through_counts_as_dropped() {
        let bytes = b"one\ntwo\nthree\n";
        let lost = [0, 3, 4, 7, 8, 13].map(|written| lines_after(bytes, written, 3));
        assert_eq!(lost, [3, 3, 2, 2, 1, 1]);
    }
}
