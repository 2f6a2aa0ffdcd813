//! The rooms in one file of the state directory.
//!
//! The file is a redb database: each write is one transaction that is on the disk when it returns, and a process that is
//! killed in the middle of one leaves the file as it was before. A file that does not read back whole is never used.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction,
};

use super::encoding;
use crate::room::store::{Record, Saved, Store, StoreError};

/// The layout of the tables below, in the table `FORMAT` under its own name.
const LAYOUT: u32 = 1;
const FORMAT: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
/// By room.
const HEADS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("heads");
/// By room and slot.
const SLOTS: TableDefinition<'_, (&str, u32), u32> = TableDefinition::new("slots");
/// By room and page.
const PAGES: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("pages");

/// Everything that is read and written often fits; the default is a gigabyte.
const CACHE: usize = 8 << 20;

/// The rooms in a file, which nobody else has open.
pub struct FileStore {
    database: Database,
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
}

/// Why there is no file to keep rooms in.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process", .0.display())]
    Held(PathBuf),
    /// It is there and is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it shows.
        reason: String,
    },
    /// It cannot be read or written.
    #[error("cannot use {}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl FileStore {
    /// Opens the file at `path`, making it if there is none (mode 0600), and reads all of it once.
    ///
    /// # Errors
    /// It is in use, damaged or cannot be used.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let unusable = |error: io::Error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() };
        let file = private(path).map_err(unusable)?;
        let found = file.metadata().map_err(unusable)?;
        // A damaged file makes the library panic in some places, which is damage too.
        let opened = catch_unwind(AssertUnwindSafe(|| open(file, found.len() == 0)));
        let identity = (found.dev(), found.ino());
        match opened {
            Ok(Ok(database)) => Ok(Self { database, path: path.to_owned(), identity }),
            Ok(Err(Trouble::Held)) => Err(OpenError::Held(path.to_owned())),
            Ok(Err(Trouble::Damaged(reason))) => Err(OpenError::Damaged { path: path.to_owned(), reason }),
            Ok(Err(Trouble::Io(error))) => Err(unusable(error)),
            Err(_) => {
                Err(OpenError::Damaged { path: path.to_owned(), reason: "its structure does not hold".to_owned() })
            }
        }
    }

    /// Moves a damaged file out of the way, to a name that says what it is and when; gives that name.
    ///
    /// # Errors
    /// It cannot be moved.
    pub fn set_aside(path: &Path, unix_seconds: u64) -> io::Result<PathBuf> {
        let aside = path.with_added_extension(format!("damaged-{unix_seconds}"));
        fs::rename(path, &aside)?;
        sync_directory_of(path)?;
        Ok(aside)
    }

    /// Everything there is, by room.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn load_all(&mut self) -> Result<HashMap<String, Saved>, StoreError> {
        let rooms = self.rooms().map_err(|error| self.failed(&error))?;
        let mut load = |room: String| Ok(self.load(&room)?.map(|saved| (room, saved)));
        rooms.into_iter().filter_map(|room| load(room).transpose()).collect()
    }

    fn rooms(&self) -> Result<Vec<String>, redb::Error> {
        let heads = self.database.begin_read()?.open_table(HEADS)?;
        heads.iter()?.map(|entry| Ok(entry?.0.value().to_owned())).collect()
    }

    /// A file that was removed, or replaced by another, takes what is written and shows it to nobody.
    fn is_in_place(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == self.identity => Ok(()),
            Ok(_) => Err(StoreError(format!("{} was replaced by another file", self.path.display()))),
            Err(error) => Err(StoreError(format!("{} cannot be found: {error}", self.path.display()))),
        }
    }

    fn read(&self, room: &str) -> Result<Option<Saved>, redb::Error> {
        let damaged = |what: &str| redb::Error::Corrupted(format!("{what} of room {room}"));
        let reading = self.database.begin_read()?;
        let heads = reading.open_table(HEADS)?;
        let Some(head) = heads.get(room)? else { return Ok(None) };
        let head = encoding::read_head(head.value()).ok_or_else(|| damaged("the head"))?;
        let mut saved = Saved { head, ..Saved::default() };
        for entry in reading.open_table(SLOTS)?.range((room, 0)..=(room, u32::MAX))? {
            let (key, value) = entry?;
            saved.slots.push((key.value().1, encoding::read_slot(value.value())));
        }
        for entry in reading.open_table(PAGES)?.range((room, 0)..=(room, u32::MAX))? {
            let (key, value) = entry?;
            let page = encoding::read_page(value.value()).ok_or_else(|| damaged("a page"))?;
            saved.pages.push((key.value().1, page));
        }
        Ok(Some(saved))
    }
}

impl Store for FileStore {
    fn load(&mut self, room: &str) -> Result<Option<Saved>, StoreError> {
        self.read(room).map_err(|error| self.failed(&error))
    }

    fn write(&mut self, records: &[(String, Record)]) -> Result<(), StoreError> {
        self.is_in_place()?;
        let written = || -> Result<(), redb::Error> {
            let mut writing = self.database.begin_write()?;
            writing.set_durability(Durability::Immediate)?;
            for (room, record) in records {
                put(&writing, room, record)?;
            }
            Ok(writing.commit()?)
        };
        written().map_err(|error| self.failed(&error))
    }
}

impl FileStore {
    fn failed(&self, error: &redb::Error) -> StoreError {
        StoreError(format!("{}: {error}", self.path.display()))
    }
}

impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStore").field("path", &self.path).finish_non_exhaustive()
    }
}

fn put(writing: &WriteTransaction, room: &str, record: &Record) -> Result<(), redb::Error> {
    writing.open_table(HEADS)?.insert(room, encoding::head(&record.head).as_slice())?;
    let mut slots = writing.open_table(SLOTS)?;
    let mut pages = writing.open_table(PAGES)?;
    if record.clear {
        slots.retain_in((room, 0)..=(room, u32::MAX), |_, _| false)?;
        pages.retain_in((room, 0)..=(room, u32::MAX), |_, _| false)?;
    }
    for (slot, state) in &record.slots {
        match encoding::slot(*state) {
            Some(value) => slots.insert((room, *slot), value)?,
            None => slots.remove((room, *slot))?,
        };
    }
    for (number, page) in &record.pages {
        match encoding::page(page) {
            Some(bytes) => pages.insert((room, *number), bytes.as_slice())?,
            None => pages.remove((room, *number))?,
        };
    }
    Ok(())
}

/// What keeps a file from being opened.
enum Trouble {
    Held,
    Damaged(String),
    Io(io::Error),
}

impl Trouble {
    /// A file another version understands: the line in it is whole, and must not be set aside.
    fn foreign(reason: String) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::Unsupported, reason))
    }
}

/// A file that only its owner may read: who sees the lobby's seed knows the draw.
fn private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    sync_directory_of(path)?;
    Ok(file)
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn open(file: File, is_new: bool) -> Result<Database, Trouble> {
    let mut database = Database::builder().set_cache_size(CACHE).create_file(file)?;
    if !is_new {
        // What the process before this one left half done is undone, and every page is held against its checksum.
        database.check_integrity()?;
    }
    match layout(&database)? {
        Some(LAYOUT) => verify(&database)?,
        Some(other) => return Err(Trouble::foreign(format!("it has layout {other}, and this version knows {LAYOUT}"))),
        None => begin(&database)?,
    }
    Ok(database)
}

/// The layout of the file; `None` for one in which nothing was ever written.
fn layout(database: &Database) -> Result<Option<u32>, redb::Error> {
    let reading = database.begin_read()?;
    match reading.open_table(FORMAT) {
        Ok(format) => Ok(Some(format.get("layout")?.map_or(0, |layout| layout.value()))),
        Err(TableError::TableDoesNotExist(_)) if reading.list_tables()?.next().is_none() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn begin(database: &Database) -> Result<(), redb::Error> {
    let writing = database.begin_write()?;
    writing.open_table(FORMAT)?.insert("layout", LAYOUT)?;
    writing.open_table(HEADS)?;
    writing.open_table(SLOTS)?;
    writing.open_table(PAGES)?;
    Ok(writing.commit()?)
}

/// Reads everything once.
fn verify(database: &Database) -> Result<(), redb::Error> {
    let damaged = |what: &str| redb::Error::Corrupted(format!("{what} does not read back"));
    let reading = database.begin_read()?;
    for entry in reading.open_table(HEADS)?.iter()? {
        encoding::read_head(entry?.1.value()).ok_or_else(|| damaged("a head"))?;
    }
    for entry in reading.open_table(PAGES)?.iter()? {
        encoding::read_page(entry?.1.value()).ok_or_else(|| damaged("a page"))?;
    }
    for entry in reading.open_table(SLOTS)?.iter()? {
        entry?;
    }
    Ok(())
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::Held,
            DatabaseError::UpgradeRequired(_) => Self::foreign(error.to_string()),
            other => redb::Error::from(other).into(),
        }
    }
}

impl From<redb::Error> for Trouble {
    fn from(error: redb::Error) -> Self {
        use io::ErrorKind::{InvalidData, UnexpectedEof};
        match error {
            redb::Error::Io(error) if !matches!(error.kind(), InvalidData | UnexpectedEof) => Self::Io(error),
            other => Self::Damaged(other.to_string()),
        }
    }
}
