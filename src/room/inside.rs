//! Who is inside: a slab with exactly as many slots as shoppers may be inside at once.
//!
//! A slot is given to a number when the number is called, so claiming a turn takes nothing that could be taken twice. A
//! request of somebody inside touches one slot and nothing else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::store::SlotRecord;

/// Slots allocated together.
const CHUNK: u32 = 4096;
/// Most slots there can be.
pub(super) const MOST: u32 = 16_000_000;

/// What a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Free,
    /// For a newcomer who comes while nobody waits.
    ///
    /// Numbers below this one were given before it was open.
    Open(u32),
    /// As `Open` before a restart: perhaps taken since.
    Doubtful(u32),
    /// Called, not yet inside.
    Called(u32),
    /// Inside.
    Held(Holder),
}

/// Who is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) number: u32,
    /// Came back with the pass, so that the pass is known to have arrived.
    pub(super) confirmed: bool,
    /// Was last seen on a journey.
    pub(super) on_journey: bool,
}

impl State {
    fn pack(self) -> u64 {
        let (tag, number) = match self {
            Self::Free => (0, 0),
            Self::Open(floor) => (1, floor),
            Self::Doubtful(floor) => (2, floor),
            Self::Called(number) => (3, number),
            Self::Held(holder) => {
                (4 | u64::from(holder.confirmed) << 4 | u64::from(holder.on_journey) << 5, holder.number)
            }
        };
        tag << 32 | u64::from(number)
    }

    fn unpack(packed: u64) -> Self {
        let (tag, number) = (packed >> 32, packed as u32);
        match tag & 15 {
            0 => Self::Free,
            1 => Self::Open(number),
            2 => Self::Doubtful(number),
            3 => Self::Called(number),
            _ => Self::Held(Holder { number, confirmed: tag & 16 != 0, on_journey: tag & 32 != 0 }),
        }
    }
}

#[derive(Debug, Default)]
struct Cell {
    state: AtomicU64,
    /// Monotonic seconds: when it was called, or last heard of.
    seen: AtomicU32,
}

/// The slab.
#[derive(Debug)]
pub(super) struct Inside {
    chunks: Box<[OnceLock<Box<[Cell]>>]>,
    /// The slots of called and admitted numbers.
    holders: RwLock<HashMap<u32, u32>>,
    /// Slots open to newcomers.
    stock: Mutex<Vec<u32>>,
    /// Slots whose record in the store is out of date.
    changed: Mutex<Vec<u32>>,
    used: AtomicU32,
    open: AtomicU32,
    called: AtomicU32,
    held: AtomicU32,
}

impl Inside {
    pub(super) fn new() -> Self {
        Self {
            chunks: (0..MOST.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
            holders: RwLock::default(),
            stock: Mutex::default(),
            changed: Mutex::default(),
            used: AtomicU32::new(0),
            open: AtomicU32::new(0),
            called: AtomicU32::new(0),
            held: AtomicU32::new(0),
        }
    }

    /// Slots that are not free.
    pub(super) fn used(&self) -> u32 {
        self.used.load(Relaxed)
    }

    /// Numbers called and not yet inside.
    pub(super) fn called(&self) -> u32 {
        self.called.load(Relaxed)
    }

    /// Numbers inside.
    pub(super) fn held(&self) -> u32 {
        self.held.load(Relaxed)
    }

    /// Slots open to newcomers.
    pub(super) fn stocked(&self) -> u32 {
        self.open.load(Relaxed)
    }

    /// The slot of a called or admitted number.
    pub(super) fn slot_of(&self, number: u32) -> Option<u32> {
        self.holders.read().unwrap_or_else(PoisonError::into_inner).get(&number).copied()
    }

    pub(super) fn state(&self, slot: u32) -> State {
        self.cell(slot).map_or(State::Free, |cell| State::unpack(cell.state.load(Acquire)))
    }

    /// When a slot was called or last heard of, in monotonic seconds.
    pub(super) fn seen(&self, slot: u32) -> u32 {
        self.cell(slot).map_or(0, |cell| cell.seen.load(Relaxed))
    }

    /// Moves a slot from one state to another; false if it was in a different one. Counts and the index of holders follow.
    pub(super) fn change(&self, slot: u32, from: State, to: State, now: u32) -> bool {
        let Some(cell) = self.allocated(slot) else { return false };
        // The holder can be looked up before the state says so, and as long as it says so.
        let newcomer = number_of(to).filter(|number| number_of(from) != Some(*number));
        if let Some(number) = newcomer {
            self.write_holders().insert(number, slot);
        }
        // Before the state, or the scan would take a fresh stay for one as old as the slot's last.
        cell.seen.store(now, Relaxed);
        if cell.state.compare_exchange(from.pack(), to.pack(), AcqRel, Acquire).is_err() {
            if let Some(number) = newcomer.filter(|number| number_of(self.state(slot)) != Some(*number)) {
                self.forget(number, slot);
            }
            return false;
        }
        self.count(from, to);
        if number_of(from) != number_of(to)
            || matches!((from, to), (State::Free | State::Open(_), _) | (_, State::Free))
        {
            lock(&self.changed).push(slot);
        }
        if let Some(number) = number_of(from).filter(|number| number_of(to) != Some(*number)) {
            self.forget(number, slot);
        }
        true
    }

    /// A number may have been given another slot meanwhile, which it keeps.
    fn forget(&self, number: u32, slot: u32) {
        let mut holders = self.write_holders();
        if holders.get(&number) == Some(&slot) {
            holders.remove(&number);
        }
    }

    /// Notes that the holder of a slot was heard of; false if the slot is not that number's.
    pub(super) fn stay(&self, slot: u32, number: u32, on_journey: bool, now: u32) -> bool {
        let Some(cell) = self.cell(slot) else { return false };
        let held = Holder { number, confirmed: true, on_journey };
        loop {
            let state = State::unpack(cell.state.load(Acquire));
            match state {
                State::Held(holder) if holder.number == number => {
                    // Most requests of a second find it as it should be, and write nothing.
                    if cell.seen.load(Relaxed) != now {
                        cell.seen.store(now, Relaxed);
                    }
                    let on_journey = holder.on_journey || on_journey;
                    let next = Holder { on_journey, ..held };
                    if holder == next
                        || cell.state.compare_exchange(state.pack(), State::Held(next).pack(), AcqRel, Acquire).is_ok()
                    {
                        return true;
                    }
                }
                State::Called(called) if called == number => {
                    if self.change(slot, state, State::Held(held), now) {
                        return true;
                    }
                }
                State::Doubtful(floor) if number >= floor => {
                    if self.change(slot, state, State::Held(held), now) {
                        return true;
                    }
                }
                _ => return false,
            }
        }
    }

    /// Gives a newcomer an open slot.
    pub(super) fn take_open(&self, number: impl FnOnce() -> Option<u32>, now: u32) -> Option<(u32, u32)> {
        let slot = lock(&self.stock).pop()?;
        let Some(number) = number() else {
            lock(&self.stock).push(slot);
            return None;
        };
        let holder = Holder { number, confirmed: false, on_journey: false };
        self.change(slot, self.state(slot), State::Held(holder), now).then_some((slot, number))
    }

    /// Adds open slots for newcomers.
    pub(super) fn open(&self, slots: &[u32], floor: u32, now: u32) {
        for &slot in slots {
            if self.change(slot, State::Free, State::Open(floor), now) {
                lock(&self.stock).push(slot);
            }
        }
    }

    /// Takes the open slots back.
    pub(super) fn withdraw(&self, now: u32) {
        let stock = std::mem::take(&mut *lock(&self.stock));
        for slot in stock {
            self.change(slot, self.state(slot), State::Free, now);
        }
    }

    /// Frees a slot as it is; the number it was given to.
    pub(super) fn free(&self, slot: u32, state: State, now: u32) -> Option<u32> {
        self.change(slot, state, State::Free, now).then(|| number_of(state)).flatten()
    }

    /// Up to `wanted` free slots below `cap`, looking from `from` on.
    pub(super) fn find_free(&self, wanted: u32, cap: u32, from: u32) -> Vec<u32> {
        let wanted = wanted.min(cap.saturating_sub(self.used()));
        if wanted == 0 {
            return Vec::new();
        }
        let from = from % cap.max(1);
        (from..cap).chain(0..from).filter(|slot| self.state(*slot) == State::Free).take(wanted as usize).collect()
    }

    /// Every slot that is not free in the `part`-th of `parts` shares, with its state and when it was heard of.
    pub(super) fn scan(&self, part: u32, parts: u32, mut each: impl FnMut(u32, State, u32)) {
        for (index, chunk) in self.chunks.iter().enumerate() {
            let Some(chunk) = chunk.get() else { continue };
            let base = index as u32 * CHUNK;
            for (slot, cell) in (base..).zip(chunk.iter()).filter(|(slot, _)| slot % parts == part) {
                let state = State::unpack(cell.state.load(Acquire));
                if state != State::Free {
                    each(slot, state, cell.seen.load(Relaxed));
                }
            }
        }
    }

    /// What the store should know of the slots that changed since the last call.
    pub(super) fn take_changed(&self) -> Vec<(u32, SlotRecord)> {
        let mut slots = std::mem::take(&mut *lock(&self.changed));
        slots.sort_unstable();
        slots.dedup();
        slots.into_iter().map(|slot| (slot, self.record(slot))).collect()
    }

    fn record(&self, slot: u32) -> SlotRecord {
        match self.state(slot) {
            State::Free => SlotRecord::Free,
            State::Open(floor) | State::Doubtful(floor) => SlotRecord::Open(floor),
            State::Called(number) | State::Held(Holder { number, .. }) => SlotRecord::Taken(number),
        }
    }

    /// Puts a slot back as the store knows it.
    pub(super) fn restore(&self, slot: u32, record: SlotRecord, now: u32) {
        let state = match record {
            SlotRecord::Free => return,
            SlotRecord::Open(floor) => State::Doubtful(floor),
            // Whether the turn was claimed is not known: it is held for as long as if it was.
            SlotRecord::Taken(number) => State::Held(Holder { number, confirmed: true, on_journey: false }),
        };
        if slot < MOST {
            self.change(slot, State::Free, state, now);
        }
    }

    fn count(&self, from: State, to: State) {
        let add = |counter: &AtomicU32, before: bool, after: bool| match (before, after) {
            (false, true) => drop(counter.fetch_add(1, Relaxed)),
            (true, false) => drop(counter.fetch_sub(1, Relaxed)),
            _ => {}
        };
        let is_open = |state| matches!(state, State::Open(_));
        let is_called = |state| matches!(state, State::Called(_));
        let is_held = |state| matches!(state, State::Held(_));
        add(&self.used, from != State::Free, to != State::Free);
        add(&self.open, is_open(from), is_open(to));
        add(&self.called, is_called(from), is_called(to));
        add(&self.held, is_held(from), is_held(to));
    }

    fn cell(&self, slot: u32) -> Option<&Cell> {
        self.chunks.get((slot / CHUNK) as usize)?.get()?.get((slot % CHUNK) as usize)
    }

    fn allocated(&self, slot: u32) -> Option<&Cell> {
        let chunk = self.chunks.get((slot / CHUNK) as usize)?;
        chunk.get_or_init(|| (0..CHUNK).map(|_| Cell::default()).collect()).get((slot % CHUNK) as usize)
    }

    fn write_holders(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<u32, u32>> {
        self.holders.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number_of(state: State) -> Option<u32> {
    match state {
        State::Called(number) | State::Held(Holder { number, .. }) => Some(number),
        State::Free | State::Open(_) | State::Doubtful(_) => None,
    }
}

/// What is kept under these locks is whole between any two steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
