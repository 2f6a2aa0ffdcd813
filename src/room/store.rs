//! What of a room outlives the process, and the trait of what keeps it.

use std::fmt;

use super::draw::Draw;

/// Places a page tells of.
pub const PAGE_PLACES: u32 = 4096;

/// The bits of [`PAGE_PLACES`] neighbouring places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Whether each is waiting.
    pub waiting: [u64; 64],
    /// Whether each number was used up.
    pub finished: [u64; 64],
}

impl Default for Page {
    fn default() -> Self {
        Self { waiting: [0; 64], finished: [0; 64] }
    }
}

/// What holds a slot inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotRecord {
    /// Nobody.
    Free,
    /// A newcomer who comes while nobody waits; perhaps already taken, by a number the store was not told of yet and
    /// which is not below this one.
    Open(u32),
    /// The holder of this number, called or inside.
    Taken(u32),
}

/// A lobby that was shuffled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawRecord {
    /// The first number of the lobby.
    pub start: u32,
    /// How many numbers it has.
    pub size: u32,
    /// What the order was drawn with.
    pub seed: [u8; 32],
}

impl From<&Draw> for DrawRecord {
    fn from(draw: &Draw) -> Self {
        Self { start: draw.start, size: draw.size, seed: draw.seed }
    }
}

/// What is small and written whole each time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Tickets and passes of other epochs are void.
    pub epoch: u32,
    /// No number from here on was ever given in this epoch.
    pub leased: u32,
    /// The next number when this was written.
    pub issued: u32,
    /// An origin has said that everything is sold.
    pub sold_out: bool,
    /// The first number of the lobby, and the seed its order will be drawn with, while there is one.
    pub lobby: Option<(u32, [u8; 32])>,
    /// The lobbies that were shuffled.
    pub draws: Vec<DrawRecord>,
}

/// What has changed of a room since it was last written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Always whole.
    pub head: Head,
    /// Everything kept of slots and pages is of an epoch that is over, and goes first.
    pub clear: bool,
    /// Slots that changed, each once.
    pub slots: Vec<(u32, SlotRecord)>,
    /// Pages that changed, by number, each once.
    pub pages: Vec<(u32, Page)>,
}

impl Record {
    /// Keeps the last of what was told twice.
    pub(super) fn compact(&mut self) {
        last_of_each(&mut self.slots);
        last_of_each(&mut self.pages);
    }
}

fn last_of_each<T>(list: &mut Vec<(u32, T)>) {
    list.reverse();
    // Stable: of equal numbers the one told last comes first.
    list.sort_by_key(|(number, _)| *number);
    list.dedup_by_key(|(number, _)| *number);
}

/// All that was kept of a room. No slot in it is free, and no page empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// As last written.
    pub head: Head,
    /// Slots that are not free.
    pub slots: Vec<(u32, SlotRecord)>,
    /// Pages that were ever written.
    pub pages: Vec<(u32, Page)>,
}

impl Saved {
    /// Takes in what has changed.
    pub fn apply(&mut self, record: &Record) {
        self.head.clone_from(&record.head);
        if record.clear {
            self.slots.clear();
            self.pages.clear();
        }
        self.slots.extend_from_slice(&record.slots);
        self.pages.extend_from_slice(&record.pages);
        last_of_each(&mut self.slots);
        last_of_each(&mut self.pages);
        self.slots.retain(|(_, slot)| *slot != SlotRecord::Free);
        self.pages.retain(|(_, page)| *page != Page::default());
    }
}

/// Keeps what outlives the process.
///
/// Nothing outside of an implementation may assume that only this process writes: a fleet shares one. Writes are small
/// and rare (ten a second at most, for all rooms together), and may block: they are made on a thread of their own.
pub trait Store: fmt::Debug + Send {
    /// What is kept of a room, or `None` when it was never written.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    fn load(&mut self, room: &str) -> Result<Option<Saved>, StoreError>;

    /// Writes all records or none; durable when it returns.
    ///
    /// # Errors
    /// Nothing was written.
    fn write(&mut self, records: &[(String, Record)]) -> Result<(), StoreError>;
}

/// Why a store does not do what it should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);
