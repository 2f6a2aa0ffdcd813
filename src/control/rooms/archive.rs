//! Everything that is kept of the rooms, and the store it is kept in, which may fail and be opened again.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::file_store::{FileStore, OpenError};
use super::memory_store::MemoryStore;
use crate::room::store::{Record, Saved, Store, StoreError};

/// How long the start waits for a file that the process before this one is just giving up.
const GIVING_UP: Duration = Duration::from_secs(5);
/// The pause between two looks at it.
const LOOK: Duration = Duration::from_millis(20);

/// Opens a store; again after it has failed.
type Open = Box<dyn FnMut() -> Result<Box<dyn Store>, StoreError> + Send>;

/// A store, and a copy of what it holds. Whenever the store is opened again everything is written again: whatever has become
/// of it meanwhile, it then holds what it should.
pub struct Archive {
    open: Open,
    store: Option<Box<dyn Store>>,
    known: MemoryStore,
}

impl Archive {
    /// What is kept in the file at `path`. Without a file there is none until something is written, unless it is `wanted`. A
    /// damaged file is moved aside, and what it held is lost.
    ///
    /// # Errors
    /// The file is in use or cannot be used.
    pub fn open(path: &Path, wanted: bool) -> Result<(Self, HashMap<String, Saved>), OpenError> {
        let mut archive = Self { open: reopening(path.to_owned()), store: None, known: MemoryStore::default() };
        if !wanted && !path.exists() {
            return Ok((archive, HashMap::new()));
        }
        let mut store = when_given_up(|| open_or_begin(path))?;
        let saved = store
            .load_all()
            .map_err(|error| OpenError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
        saved.iter().for_each(|(room, saved)| archive.known.copy(room, saved));
        archive.store = Some(Box::new(store));
        Ok((archive, saved))
    }

    /// An empty one that opens its store in the way given.
    #[must_use]
    pub fn new(open: impl FnMut() -> Result<Box<dyn Store>, StoreError> + Send + 'static) -> Self {
        Self { open: Box::new(open), store: None, known: MemoryStore::default() }
    }

    /// Writes all records or none; they are durable when it returns.
    ///
    /// # Errors
    /// They may not be kept; the next attempt opens the store again.
    pub(super) fn write(&mut self, records: &[(String, Record)]) -> Result<(), StoreError> {
        let written = self.opened().and_then(|store| store.write(records));
        match &written {
            Ok(()) => self.known.write(records)?,
            Err(_) => self.close(),
        }
        written
    }

    /// Leaves the store to another process, until the next write.
    pub(super) fn close(&mut self) {
        self.store = None;
    }

    fn opened(&mut self) -> Result<&mut Box<dyn Store>, StoreError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => {
                let mut store = (self.open)()?;
                store.write(&self.known.whole())?;
                store
            }
        };
        Ok(self.store.insert(store))
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("store", &self.store).finish_non_exhaustive()
    }
}

fn reopening(path: PathBuf) -> Open {
    Box::new(move || match open_or_begin(&path) {
        Ok(store) => Ok(Box::new(store)),
        Err(error) => Err(StoreError(error.to_string())),
    })
}

/// Opens the file; a damaged one is moved aside, loudly, and another begun.
fn open_or_begin(path: &Path) -> Result<FileStore, OpenError> {
    match FileStore::open(path) {
        Err(OpenError::Damaged { reason, .. }) => {
            let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let aside = FileStore::set_aside(path, unix.as_secs());
            let aside =
                aside.map_err(|error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() })?;
            tracing::error!(
                path = %path.display(),
                aside = %aside.display(),
                reason,
                "the file of the waiting rooms is damaged and was moved aside; what only it knew is lost, and tickets of lines that begin anew are void"
            );
            FileStore::open(path)
        }
        opened => opened,
    }
}

fn when_given_up(mut open: impl FnMut() -> Result<FileStore, OpenError>) -> Result<FileStore, OpenError> {
    let end = Instant::now() + GIVING_UP;
    loop {
        match open() {
            Err(OpenError::Held(_)) if Instant::now() < end => thread::sleep(LOOK),
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::store::{Head, SlotRecord};
    use std::fs;
    use tempfile::TempDir;

    fn records(epoch: u32) -> Vec<(String, Record)> {
        let head = Head { epoch, leased: 100, ..Head::default() };
        let slots = vec![(epoch, SlotRecord::Taken(epoch))];
        vec![("sale".to_owned(), Record { head, slots, ..Record::default() })]
    }

    fn place() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rooms.redb");
        (dir, path)
    }

    #[test]
    fn without_rooms_there_is_no_file() {
        let (_dir, path) = place();
        let (mut archive, saved) = Archive::open(&path, false).unwrap();
        assert!(saved.is_empty() && !path.exists());
        archive.write(&records(1)).unwrap();
        archive.close();
        assert_eq!(Archive::open(&path, false).unwrap().1["sale"].head.epoch, 1);
    }

    #[test]
    fn a_file_that_was_lost_is_whole_again_after_the_next_write_but_one() {
        let (_dir, path) = place();
        let (mut archive, _) = Archive::open(&path, true).unwrap();
        archive.write(&records(1)).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(archive.write(&records(2)).is_err(), "nobody would ever see it");
        archive.write(&records(2)).unwrap();
        archive.close();
        let (_, saved) = Archive::open(&path, true).unwrap();
        assert_eq!(saved["sale"].slots, [(1, SlotRecord::Taken(1)), (2, SlotRecord::Taken(2))]);
    }

    #[test]
    fn a_file_that_another_process_is_giving_up_is_waited_for() {
        let (_dir, path) = place();
        let (mut archive, _) = Archive::open(&path, true).unwrap();
        archive.write(&records(1)).unwrap();
        thread::scope(|scope| {
            let next = scope.spawn(|| Archive::open(&path, true));
            archive.close();
            assert_eq!(next.join().unwrap().unwrap().1["sale"].head.epoch, 1);
        });
    }

    #[test]
    fn a_damaged_file_is_moved_aside_and_the_line_begins_anew() {
        let (dir, path) = place();
        fs::write(&path, "nonsense").unwrap();
        let (mut archive, saved) = Archive::open(&path, true).unwrap();
        assert!(saved.is_empty());
        archive.write(&records(3)).unwrap();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().any(|name| name.to_string_lossy().starts_with("rooms.redb.damaged-")), "{names:?}");
    }

    #[test]
    fn a_place_that_cannot_hold_the_file_is_said() {
        let (_dir, path) = place();
        fs::create_dir(&path).unwrap();
        assert!(matches!(Archive::open(&path, true).unwrap_err(), OpenError::Unusable { .. }));
    }
}
