//! Who is called, and how many slots are open to newcomers.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::{Batch, Desk, Tick};
use crate::config::settings::{RoomMode, RoomOrder, RoomSettings};
use crate::room::enter::overdue;
use crate::room::era::Era;
use crate::room::{Moment, Room};

/// Silent places looked at in one tick; the next tick goes on behind them.
const LOOKED_AT: usize = 200_000;
/// Lots drawn for each place that is wanted, before the tick gives up: the silent are drawn in vain.
const DRAWS: u32 = 16;
/// Open slots, as a share of the cap, and at least. So many may be in doubt after the process was killed.
const OPEN_SHARE: u32 = 16;
const LEAST_OPEN: u32 = 4;
/// A page asks within this after a number was given, and stands in line from then on.
const YOUNG: Duration = Duration::from_secs(3);
/// With so much of the cap free nobody is kept waiting for the sake of those who have not been heard of.
const AMPLE_SHARE: u32 = 8;
/// Silent places in front that are passed over each time; beyond them they are taken out of the line on the way.
const PASSED_OVER: usize = 1_000;

impl Room {
    pub(super) fn call(&self, desk: &mut Desk, era: &Era, terms: &RoomSettings, tick: &Tick) -> Batch {
        let mut batch = Batch::default();
        let is_closed = terms.mode == RoomMode::Closed || self.sold_out.load(Relaxed);
        let may_call = desk.lobby.is_none() && !is_closed && !desk.is_held(tick.now);
        let moves = matches!(terms.mode, RoomMode::Auto | RoomMode::Always) && may_call;
        let budget = if moves { desk.outflow.budget() } else { 0 };
        let grants = if may_call { self.grants.load(Relaxed) } else { 0 };
        let waiting = era.line.waiting();
        if waiting == 0 || is_closed {
            // Whoever comes later was not meant.
            self.grants.store(0, Relaxed);
        }
        let shrunk = desk.terms.as_ref().is_some_and(|before| terms.active_shoppers < before.active_shoppers);
        if waiting > 0 || !moves || terms.mode != RoomMode::Auto || shrunk {
            era.inside.withdraw(tick.now.seconds());
        } else if !self.is_line_young(tick.now) || desk.is_ample(era, terms, budget) {
            batch.opened = desk.openable(era, terms.active_shoppers, budget);
        }
        let wanted = budget.saturating_add(grants).min(waiting);
        let slots = desk.free(era, wanted, terms.active_shoppers);
        let places = match terms.order {
            RoomOrder::Arrival => in_order(era, slots.len(), tick.now),
            RoomOrder::Lottery => by_lot(era, slots.len(), tick),
        };
        batch.calls = slots.into_iter().zip(places).collect();
        let called = batch.calls.len() as u32;
        let granted = called.min(grants);
        self.grants.fetch_sub(granted, Relaxed);
        desk.outflow.spend(called - granted);
        batch
    }

    /// Whether somebody was given a number in line a moment ago, and may not have been heard of yet.
    fn is_line_young(&self, now: Moment) -> bool {
        let given = self.counts.given.load(Relaxed);
        given != 0 && now.mono.saturating_sub(given) < YOUNG.as_nanos() as u64
    }
}

impl Desk {
    /// Whether there is so much room that nobody overtaken would notice.
    fn is_ample(&self, era: &Era, terms: &RoomSettings, budget: u32) -> bool {
        let free = terms.active_shoppers.saturating_sub(era.inside.used());
        let rate = self.outflow.rate(terms.admit_rate);
        free >= (terms.active_shoppers / AMPLE_SHARE).max(2) && f64::from(budget) >= (rate / 2.0).min(f64::from(free))
    }

    fn free(&mut self, era: &Era, wanted: u32, cap: u32) -> Vec<u32> {
        let free = era.inside.find_free(wanted, cap, self.cursor);
        self.cursor = free.last().map_or(self.cursor, |last| last + 1);
        free
    }

    fn openable(&mut self, era: &Era, cap: u32, budget: u32) -> Vec<u32> {
        let target = (cap / OPEN_SHARE).max(LEAST_OPEN).min(budget);
        let missing = target.saturating_sub(era.inside.stocked());
        // Not for one slot each time: every opening is a write.
        if missing * 2 > target { self.free(era, missing, cap) } else { Vec::new() }
    }
}

/// The first places whose holders are there.
fn in_order(era: &Era, wanted: usize, now: Moment) -> Vec<u32> {
    let mut places = Vec::new();
    let (mut silent, mut next) = (0, 0);
    while places.len() < wanted && silent < LOOKED_AT {
        let Some(place) = era.line.next_waiting(next) else { break };
        next = place + 1;
        if may_be_called(era, place, now) {
            places.push(place);
            continue;
        }
        silent += 1;
        if silent > PASSED_OVER {
            // After a restart there may be a million of them. Whoever asks again is in line again.
            era.line.vacate(place);
        }
    }
    places
}

/// Places whose holders are there, each as likely as any other.
fn by_lot(era: &Era, wanted: usize, tick: &Tick) -> Vec<u32> {
    let mut state = tick.random.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
    let waiting = u64::from(era.line.waiting());
    let mut drawn = HashSet::new();
    let mut places = Vec::new();
    for _ in 0..wanted as u32 * DRAWS {
        let rank = ((u128::from(splitmix(&mut state)) * u128::from(waiting)) >> 64) as u32;
        let Some(place) = era.line.select(rank) else { continue };
        if drawn.insert(place) && may_be_called(era, place, tick.now) {
            places.push(place);
        }
        if places.len() == wanted {
            break;
        }
    }
    places
}

fn may_be_called(era: &Era, place: u32, now: Moment) -> bool {
    overdue(era.line.seen(place), now) <= 0
}

/// The generator of Steele, Lea and Flood ("Fast Splittable Pseudorandom Number Generators", 2014).
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
