//! The line itself: which places are waiting, when each was last seen, and how many are ahead of one.
//!
//! A place is a number below [`Line::PLACES`]. Of each there are two bits (is its holder waiting, is its number used up)
//! and a stamp of sixteen bits, in leaves of 4,096 places; leaves come sixteen to a chunk, and a chunk is allocated when the first of
//! its places is touched. All of it is atomics: workers mark and read without waiting for anybody. A count of those
//! ahead is a look into an index, which one thread renews ten times a second and for which only leaves that changed are
//! counted, and at most eight words of bits.

mod leaf;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use self::leaf::Leaf;
use super::store::{PAGE_PLACES, Page};

/// Seconds, modulo 65,536.
pub type Stamp = u16;

/// Places in line.
///
/// Any thread may call anything at any time, except that [`Line::reindex`] is for one thread. A change made by a thread
/// is in what it reads afterwards; what others are changing meanwhile may or may not be.
pub struct Line {
    slots: Box<[Slot]>,
    /// Slots from here on have no chunk.
    top: AtomicU32,
    waiting: AtomicU32,
    /// The index tells of places below this one.
    indexed: AtomicU32,
}

/// Where a chunk of [`CHUNK`] places is, and what is known of it as a whole.
#[derive(Default)]
struct Slot {
    chunk: OnceLock<Box<[Leaf; LEAVES as usize]>>,
    waiting: AtomicU32,
    /// Index: waiting in all chunks before.
    before: AtomicU32,
    /// Index: waiting in this chunk.
    indexed: AtomicU32,
    /// A bit per leaf that changed since it was taken for the store, and above them one per leaf that changed since it was
    /// indexed.
    changed: AtomicU32,
}

/// Leaves of a chunk.
const LEAVES: u32 = 16;
/// Places of a chunk: few enough that a short line is small, enough that the slots of all chunks fit in 512 KiB.
const CHUNK: u32 = LEAVES * PAGE_PLACES;
/// The bits of [`Slot::changed`] for the store.
const DIRTY: u32 = (1 << LEAVES) - 1;

impl Line {
    /// Places there can be.
    pub const PLACES: u32 = 1 << 30;

    /// An empty line. It has a base of 512 KiB and grows by about 2.3 bytes a place.
    #[must_use]
    pub fn new() -> Self {
        Self {
            slots: (0..Self::PLACES / CHUNK).map(|_| Slot::default()).collect(),
            top: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            indexed: AtomicU32::new(0),
        }
    }

    /// The holder is there: the place waits from now on, and was seen now. Whether it did not wait before.
    ///
    /// Places from [`Line::PLACES`] on never wait.
    pub fn occupy(&self, place: u32, now: Stamp) -> bool {
        let Some((slot, leaf)) = self.leaf_or_new(place) else { return false };
        leaf.stamp(place, now);
        self.set(slot, leaf, place)
    }

    /// The holder was seen now, waiting or not.
    pub fn touch(&self, place: u32, now: Stamp) {
        if let Some((_, leaf)) = self.leaf_or_new(place) {
            leaf.stamp(place, now);
        }
    }

    /// The place waits no more. Whether it did.
    pub fn vacate(&self, place: u32) -> bool {
        self.leaf(place).is_some_and(|(slot, leaf)| self.clear(slot, leaf, place))
    }

    /// Whether the place waits.
    #[must_use]
    pub fn is_waiting(&self, place: u32) -> bool {
        self.leaf(place).is_some_and(|(_, leaf)| leaf.is_waiting(place))
    }

    /// The number is used up. It says nothing of whether the place waits.
    pub fn finish(&self, place: u32) {
        if let Some((slot, leaf)) = self.leaf_or_new(place) {
            leaf.finish(place);
            slot.mark(DIRTY & leaf_bit(place));
        }
    }

    /// Whether the number is used up.
    #[must_use]
    pub fn is_finished(&self, place: u32) -> bool {
        self.leaf(place).is_some_and(|(_, leaf)| leaf.is_finished(place))
    }

    /// When the holder was last seen; 0 if never.
    #[must_use]
    pub fn seen(&self, place: u32) -> Stamp {
        self.leaf(place).map_or(0, |(_, leaf)| leaf.seen(place))
    }

    /// How many places wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        count(&self.waiting)
    }

    /// How many wait before this place, itself waiting or not.
    ///
    /// Those who came or left before the last [`Line::reindex`] are counted exactly. Of those since, those behind what was
    /// then the last place in line are too; others may not be.
    #[must_use]
    pub fn rank(&self, place: u32) -> u32 {
        if place >= self.indexed.load(Ordering::Relaxed) {
            return self.count_before(place);
        }
        let Some((slot, leaf)) = self.leaf(place) else { return self.count_before(place) };
        slot.before.load(Ordering::Relaxed) + leaf.rank(place)
    }

    /// Renews what [`Line::rank`] looks up.
    pub fn reindex(&self) {
        let mut before = 0;
        let mut last = None;
        for (number, slot) in (0u32..).zip(self.used()) {
            slot.before.store(before, Ordering::Relaxed);
            let stale = slot.take(!DIRTY) >> LEAVES;
            if stale != 0 {
                slot.indexed.store(index(slot.leaves(), stale), Ordering::Relaxed);
            }
            let waiting = slot.indexed.load(Ordering::Relaxed);
            if waiting != 0 {
                last = Some((number, slot));
            }
            before += waiting;
        }
        let end = last.map_or(0, |(number, slot)| number * CHUNK + indexed_end(slot.leaves()));
        self.indexed.store(end, Ordering::Relaxed);
    }

    /// The first place from `from` on that waits. Passing over places where nobody waits takes no time to speak of.
    #[must_use]
    pub fn next_waiting(&self, from: u32) -> Option<u32> {
        let mut start = from % CHUNK;
        for (number, slot) in (0u32..).zip(self.used()).skip((from / CHUNK) as usize) {
            if count(&slot.waiting) != 0 {
                let first = (start / PAGE_PLACES) as usize;
                for (leaf, chunk_leaf) in (0u32..).zip(slot.leaves()).skip(first) {
                    if let Some(found) = chunk_leaf.next_waiting(start % PAGE_PLACES) {
                        return Some(number * CHUNK + leaf * PAGE_PLACES + found);
                    }
                    start = 0;
                }
            }
            start = 0;
        }
        None
    }

    /// The place before which `rank` others wait.
    #[must_use]
    pub fn select(&self, rank: u32) -> Option<u32> {
        let mut left = rank;
        for (number, slot) in (0u32..).zip(self.used()) {
            let waiting = count(&slot.waiting);
            if left >= waiting {
                left -= waiting;
                continue;
            }
            for (leaf, chunk_leaf) in (0u32..).zip(slot.leaves()) {
                match chunk_leaf.select(left) {
                    Ok(found) => return Some(number * CHUNK + leaf * PAGE_PLACES + found),
                    Err(waiting) => left -= waiting,
                }
            }
        }
        None
    }

    /// Asks of every waiting place in one of `parts` shares of the line whether its holder is gone, and vacates those
    /// that are. Returns how many.
    ///
    /// `gone` is told the place, when it was last seen, and about how many are ahead of it. Whoever is seen while being
    /// swept stays.
    pub fn sweep(&self, part: u32, parts: u32, mut gone: impl FnMut(u32, Stamp, u32) -> bool) -> u32 {
        let parts = parts.max(1);
        let mut swept = 0;
        for (number, slot) in (0u32..).zip(self.used()) {
            if count(&slot.waiting) == 0 {
                continue;
            }
            let first = number * LEAVES;
            let before = slot.before.load(Ordering::Relaxed);
            for (leaf_number, leaf) in (first..).zip(slot.leaves()).filter(|(leaf, _)| leaf % parts == part) {
                for (rank, offset) in (before + leaf.rank(0)..).zip(leaf.places()) {
                    let (place, seen) = (leaf_number * PAGE_PLACES + offset, leaf.seen(offset));
                    swept += u32::from(gone(place, seen, rank) && self.sweep_out(slot, leaf, place, seen));
                }
            }
        }
        swept
    }

    /// Calls with every page that has changed since the last call.
    pub fn take_dirty(&self, mut each: impl FnMut(u32, &Page)) {
        for (number, slot) in (0u32..).zip(self.used()) {
            let dirty = slot.take(DIRTY);
            for (leaf_number, leaf) in (0u32..).zip(slot.leaves()).filter(|(leaf, _)| dirty & (1 << leaf) != 0) {
                each(number * LEAVES + leaf_number, &leaf.page());
            }
        }
    }

    /// Makes a page what it was; who waits there was seen now. The page does not count as changed.
    pub fn restore(&self, page: u32, bits: &Page, now: Stamp) {
        let first = page.saturating_mul(PAGE_PLACES);
        let Some((slot, leaf)) = self.leaf_or_new(first) else { return };
        let (before, after) = leaf.restore(bits, now);
        for counter in [&slot.waiting, &self.waiting] {
            counter.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        }
        slot.mark(!DIRTY & leaf_bit(first));
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let leaves: usize = self.slots.iter().map(|slot| slot.leaves().len()).sum();
        size_of::<Self>() + size_of_val(&*self.slots) + leaves * size_of::<Leaf>()
    }

    fn set(&self, slot: &Slot, leaf: &Leaf, place: u32) -> bool {
        let is_new = leaf.set_waiting(place);
        if is_new {
            slot.waiting.fetch_add(1, Ordering::Relaxed);
            self.waiting.fetch_add(1, Ordering::Relaxed);
            slot.mark(leaf_bit(place));
        }
        is_new
    }

    fn clear(&self, slot: &Slot, leaf: &Leaf, place: u32) -> bool {
        let was_waiting = leaf.clear_waiting(place);
        if was_waiting {
            slot.waiting.fetch_sub(1, Ordering::Relaxed);
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            slot.mark(leaf_bit(place));
        }
        was_waiting
    }

    /// Vacates a place unless it was seen since `seen`.
    ///
    /// A shopper's stamp is written before the bit is set, with the bit's release. So either the stamp is seen here, and
    /// the bit set again, or the bit was cleared before the shopper set it.
    fn sweep_out(&self, slot: &Slot, leaf: &Leaf, place: u32, seen: Stamp) -> bool {
        if !self.clear(slot, leaf, place) {
            return false;
        }
        let is_back = leaf.seen(place) != seen;
        if is_back {
            self.set(slot, leaf, place);
        }
        !is_back
    }

    /// Counts who waits before a place without the index.
    fn count_before(&self, place: u32) -> u32 {
        let chunk = (place / CHUNK) as usize;
        let (leaf, used) = ((place % CHUNK / PAGE_PLACES) as usize, self.used());
        let chunks: u32 = used.iter().take(chunk).map(|slot| count(&slot.waiting)).sum();
        let leaves = used.get(chunk).map_or(&[][..], Slot::leaves);
        let whole: u32 = leaves.iter().take(leaf).map(Leaf::count).sum();
        chunks + whole + leaves.get(leaf).map_or(0, |leaf| leaf.count_before(place))
    }

    fn used(&self) -> &[Slot] {
        self.slots.get(..self.top.load(Ordering::Relaxed) as usize).unwrap_or(&self.slots)
    }

    fn leaf(&self, place: u32) -> Option<(&Slot, &Leaf)> {
        let slot = self.slots.get((place / CHUNK) as usize)?;
        Some((slot, slot.leaves().get((place % CHUNK / PAGE_PLACES) as usize)?))
    }

    fn leaf_or_new(&self, place: u32) -> Option<(&Slot, &Leaf)> {
        let number = place / CHUNK;
        let slot = self.slots.get(number as usize)?;
        let chunk = slot.chunk.get_or_init(|| {
            self.top.fetch_max(number + 1, Ordering::Relaxed);
            Box::default()
        });
        Some((slot, chunk.get((place % CHUNK / PAGE_PLACES) as usize)?))
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("waiting", &self.waiting()).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl Slot {
    fn leaves(&self) -> &[Leaf] {
        self.chunk.get().map_or(&[], |chunk| &**chunk)
    }

    /// Released after a change of bits, so that whoever takes the mark sees the change.
    fn mark(&self, bits: u32) {
        self.changed.fetch_or(bits, Ordering::Release);
    }

    /// Takes those of the marks away and returns them.
    fn take(&self, bits: u32) -> u32 {
        if self.changed.load(Ordering::Relaxed) & bits == 0 {
            return 0;
        }
        self.changed.fetch_and(!bits, Ordering::Acquire) & bits
    }
}

/// A count may be taken down for a place before it was taken up, and so be less than nothing for an instant.
fn count(counter: &AtomicU32) -> u32 {
    u32::try_from(counter.load(Ordering::Relaxed).cast_signed()).unwrap_or(0)
}

/// Both marks of a place's leaf.
fn leaf_bit(place: u32) -> u32 {
    let dirty = 1 << (place % CHUNK / PAGE_PLACES);
    dirty | dirty << LEAVES
}

/// Counts anew the leaves of a chunk that have a bit in `stale`. Returns how many wait in the whole chunk.
fn index(chunk: &[Leaf], stale: u32) -> u32 {
    let mut before = 0;
    for (number, leaf) in (0u32..).zip(chunk) {
        if stale & (1 << number) != 0 {
            leaf.index();
        }
        before += leaf.set_before(before);
    }
    before
}

/// The end of what the index knows of a chunk, as an offset.
fn indexed_end(chunk: &[Leaf]) -> u32 {
    let last = (0u32..).zip(chunk).filter(|(_, leaf)| leaf.indexed() != 0).last();
    last.map_or(0, |(number, leaf)| number * PAGE_PLACES + leaf.indexed_end())
}
