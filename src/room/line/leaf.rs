//! The places of one page.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use super::Stamp;
use crate::room::store::{PAGE_PLACES, Page};

/// Words of bits of a leaf.
const WORDS: usize = PAGE_PLACES as usize / 64;
/// Words that are counted for each rank: as many as one cache line has, so that a count costs one miss.
const GROUP_WORDS: usize = 8;
/// Groups of a leaf.
const GROUPS: usize = WORDS / GROUP_WORDS;

/// The bits and stamps of [`PAGE_PLACES`] neighbouring places, and the index of its waiting bits. Places are taken modulo
/// [`PAGE_PLACES`].
#[repr(align(64))]
pub(super) struct Leaf {
    waiting: [AtomicU64; WORDS],
    finished: [AtomicU64; WORDS],
    stamps: [AtomicU16; PAGE_PLACES as usize],
    /// Index: waiting in this leaf.
    indexed: AtomicU16,
    /// Index: waiting in the leaves of the chunk before this one.
    before: AtomicU16,
    /// Index: waiting in this leaf before each group.
    groups: [AtomicU16; GROUPS],
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            waiting: [const { AtomicU64::new(0) }; WORDS],
            finished: [const { AtomicU64::new(0) }; WORDS],
            stamps: [const { AtomicU16::new(0) }; PAGE_PLACES as usize],
            indexed: AtomicU16::new(0),
            before: AtomicU16::new(0),
            groups: [const { AtomicU16::new(0) }; GROUPS],
        }
    }
}

impl Leaf {
    pub(super) fn stamp(&self, place: u32, now: Stamp) {
        if let Some(stamp) = self.stamps.get(offset(place)) {
            stamp.store(now, Ordering::Relaxed);
        }
    }

    pub(super) fn seen(&self, place: u32) -> Stamp {
        self.stamps.get(offset(place)).map_or(0, |stamp| stamp.load(Ordering::Relaxed))
    }

    /// Whether it was clear. Releases the stamp written before.
    pub(super) fn set_waiting(&self, place: u32) -> bool {
        let word = self.waiting.get(word(place));
        word.is_some_and(|word| word.fetch_or(bit(place), Ordering::AcqRel) & bit(place) == 0)
    }

    /// Whether it was set. Acquires the stamp written before it was.
    pub(super) fn clear_waiting(&self, place: u32) -> bool {
        let word = self.waiting.get(word(place));
        word.is_some_and(|word| word.fetch_and(!bit(place), Ordering::AcqRel) & bit(place) != 0)
    }

    pub(super) fn is_waiting(&self, place: u32) -> bool {
        has(&self.waiting, place)
    }

    pub(super) fn finish(&self, place: u32) {
        if let Some(word) = self.finished.get(word(place)) {
            word.fetch_or(bit(place), Ordering::AcqRel);
        }
    }

    pub(super) fn is_finished(&self, place: u32) -> bool {
        has(&self.finished, place)
    }

    /// How many wait.
    pub(super) fn count(&self) -> u32 {
        ones(&self.waiting)
    }

    /// How many wait before a place.
    pub(super) fn count_before(&self, place: u32) -> u32 {
        let (whole, rest) = self.waiting.split_at_checked(word(place)).unwrap_or((&self.waiting, &[]));
        ones(whole) + rest.first().map_or(0, |word| (load(word) & below(place)).count_ones())
    }

    /// By the index: how many wait in the chunk before a place.
    pub(super) fn rank(&self, place: u32) -> u32 {
        let group = word(place) / GROUP_WORDS;
        let indexed = self.groups.get(group).map_or(0, |before| before.load(Ordering::Relaxed));
        let words = self.waiting.get(group * GROUP_WORDS..word(place)).unwrap_or_default();
        let last = self.waiting.get(word(place)).map_or(0, |word| load(word) & below(place));
        u32::from(self.before.load(Ordering::Relaxed)) + u32::from(indexed) + ones(words) + last.count_ones()
    }

    /// Counts the groups anew.
    pub(super) fn index(&self) {
        let mut before = 0u16;
        for (group, words) in self.groups.iter().zip(self.waiting.chunks_exact(GROUP_WORDS)) {
            group.store(before, Ordering::Relaxed);
            before += ones(words) as u16;
        }
        self.indexed.store(before, Ordering::Relaxed);
    }

    /// Tells the index how many wait before this leaf; returns how many wait in it.
    pub(super) fn set_before(&self, before: u32) -> u32 {
        // The leaves before are fifteen at most.
        self.before.store(before as u16, Ordering::Relaxed);
        self.indexed()
    }

    /// By the index: how many wait.
    pub(super) fn indexed(&self) -> u32 {
        u32::from(self.indexed.load(Ordering::Relaxed))
    }

    /// The end of the last group in which the index has anybody, as an offset.
    pub(super) fn indexed_end(&self) -> u32 {
        let waiting = self.indexed.load(Ordering::Relaxed);
        let last = (1u32..).zip(&self.groups).filter(|(_, before)| before.load(Ordering::Relaxed) < waiting).last();
        last.map_or(0, |(end, _)| end * GROUP_WORDS as u32 * 64)
    }

    /// The first waiting place from `from` on, as an offset.
    pub(super) fn next_waiting(&self, from: u32) -> Option<u32> {
        let mut mask = !below(from);
        for (number, word) in (0u32..).zip(&self.waiting).skip(word(from)) {
            let bits = load(word) & mask;
            if bits != 0 {
                return Some(number * 64 + bits.trailing_zeros());
            }
            mask = u64::MAX;
        }
        None
    }

    /// The offset of the waiting place before which `rank` others of the leaf wait, or how many wait in it when they are
    /// not more.
    pub(super) fn select(&self, rank: u32) -> Result<u32, u32> {
        let mut seen = 0;
        for (number, word) in (0u32..).zip(&self.waiting) {
            let bits = load(word);
            let ones = bits.count_ones();
            if rank - seen < ones {
                let found = (seen..rank).fold(bits, |bits, _| bits & bits.wrapping_sub(1));
                return Ok(number * 64 + found.trailing_zeros());
            }
            seen += ones;
        }
        Err(seen)
    }

    /// The offsets of all waiting places; each word is read once.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.waiting).flat_map(|(number, word)| {
            let first = load(word);
            std::iter::successors(Some(first), |bits| Some(bits & bits.wrapping_sub(1)))
                .take_while(|bits| *bits != 0)
                .map(move |bits| number * 64 + bits.trailing_zeros())
        })
    }

    pub(super) fn page(&self) -> Page {
        let mut page = Page::default();
        for (bits, words) in [(&mut page.waiting, &self.waiting), (&mut page.finished, &self.finished)] {
            for (bits, word) in bits.iter_mut().zip(words) {
                *bits = word.load(Ordering::Acquire);
            }
        }
        page
    }

    /// Takes over a page; how many waited before and how many do after.
    pub(super) fn restore(&self, page: &Page, now: Stamp) -> (u32, u32) {
        for (word, bits) in self.finished.iter().zip(page.finished) {
            word.store(bits, Ordering::Release);
        }
        for stamp in &self.stamps {
            stamp.store(now, Ordering::Relaxed);
        }
        let mut counts = (0, 0);
        for (word, bits) in self.waiting.iter().zip(page.waiting) {
            counts.0 += word.swap(bits, Ordering::AcqRel).count_ones();
            counts.1 += bits.count_ones();
        }
        counts
    }
}

fn offset(place: u32) -> usize {
    (place % PAGE_PLACES) as usize
}

fn word(place: u32) -> usize {
    offset(place) / 64
}

fn bit(place: u32) -> u64 {
    1 << (place % 64)
}

/// The bits of a word that are before the one of a place.
fn below(place: u32) -> u64 {
    bit(place) - 1
}

fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

fn has(words: &[AtomicU64; WORDS], place: u32) -> bool {
    words.get(word(place)).is_some_and(|word| word.load(Ordering::Acquire) & bit(place) != 0)
}

fn ones(words: &[AtomicU64]) -> u32 {
    words.iter().map(|word| load(word).count_ones()).sum()
}
