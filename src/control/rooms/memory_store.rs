//! A store that forgets everything with the process: for demonstrations and tests.

use std::collections::{BTreeMap, HashMap};

use crate::room::store::{Head, Page, Record, Saved, SlotRecord, Store, StoreError};

/// What was written, by room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStore {
    rooms: HashMap<String, Kept>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Kept {
    head: Head,
    slots: BTreeMap<u32, SlotRecord>,
    pages: BTreeMap<u32, Page>,
}

impl MemoryStore {
    /// All of it, as records for a store that may hold anything.
    #[must_use]
    pub fn whole(&self) -> Vec<(String, Record)> {
        let record = |saved: Saved| Record { head: saved.head, clear: true, slots: saved.slots, pages: saved.pages };
        self.rooms.iter().map(|(room, kept)| (room.clone(), record(kept.saved()))).collect()
    }

    /// Takes what another store has of a room.
    pub fn copy(&mut self, room: &str, saved: &Saved) {
        let Saved { head, slots, pages } = saved.clone();
        self.rooms.entry(room.to_owned()).or_default().take(&Record { head, clear: true, slots, pages });
    }
}

impl Store for MemoryStore {
    fn load(&mut self, room: &str) -> Result<Option<Saved>, StoreError> {
        Ok(self.rooms.get(room).map(Kept::saved))
    }

    fn write(&mut self, records: &[(String, Record)]) -> Result<(), StoreError> {
        for (room, record) in records {
            self.rooms.entry(room.clone()).or_default().take(record);
        }
        Ok(())
    }
}

impl Kept {
    fn saved(&self) -> Saved {
        Saved {
            head: self.head.clone(),
            slots: self.slots.iter().map(|(slot, record)| (*slot, *record)).collect(),
            pages: self.pages.iter().map(|(number, page)| (*number, page.clone())).collect(),
        }
    }

    fn take(&mut self, record: &Record) {
        self.head = record.head.clone();
        if record.clear {
            self.slots.clear();
            self.pages.clear();
        }
        for (slot, state) in &record.slots {
            match state {
                SlotRecord::Free => self.slots.remove(slot),
                state => self.slots.insert(*slot, *state),
            };
        }
        for (number, page) in &record.pages {
            if *page == Page::default() {
                self.pages.remove(number);
            } else {
                self.pages.insert(*number, page.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_or_empty_is_not_kept_and_an_epoch_ends_whole() {
        let mut store = MemoryStore::default();
        assert_eq!(store.load("sale").unwrap(), None);
        let page = Page { waiting: [7; 64], finished: [0; 64] };
        let full = Record {
            slots: vec![(0, SlotRecord::Taken(5)), (1, SlotRecord::Open(6))],
            pages: vec![(0, page.clone()), (3, page.clone())],
            ..Record::default()
        };
        store.write(&[("sale".into(), full), ("other".into(), Record::default())]).unwrap();
        let less =
            Record { slots: vec![(1, SlotRecord::Free)], pages: vec![(3, Page::default())], ..Record::default() };
        store.write(&[("sale".into(), less)]).unwrap();
        let saved = store.load("sale").unwrap().unwrap();
        assert_eq!((saved.slots, saved.pages), (vec![(0, SlotRecord::Taken(5))], vec![(0, page)]));
        let over = Record { head: Head { epoch: 2, ..Head::default() }, clear: true, ..Record::default() };
        store.write(&[("sale".into(), over.clone())]).unwrap();
        assert_eq!(store.load("sale").unwrap(), Some(Saved { head: over.head, ..Saved::default() }));
    }
}
