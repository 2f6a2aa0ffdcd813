//! Shoppers come, ask and leave on several threads while another renews the index, sweeps and saves.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

const PLACES: u32 = 140_000;
const SHOPPERS: u32 = 3;
/// Whoever was seen from then on is not swept.
const LATE: Stamp = 100;

#[test]
fn everybody_is_where_they_went() {
    let (line, saved, expected) = turmoil(|_, _| ());
    let waiting = (0..PLACES).filter(|place| line.is_waiting(*place)).collect::<BTreeSet<_>>();
    assert_eq!(waiting, expected);
    check(&line, &saved);
}

#[test]
fn counts_ranks_and_pages_are_exact_after_sweeps() {
    let (line, saved, expected) = turmoil(|line, part| {
        line.sweep(part % 5, 5, |_, seen, _| seen < LATE);
    });
    check(&line, &saved);
    let lost = expected.iter().find(|place| line.seen(**place) >= LATE && !line.is_waiting(**place));
    assert_eq!(lost, None, "was there late enough");
}

#[test]
fn a_place_that_is_asked_for_is_not_lost_to_a_sweep() {
    let (line, over) = (Line::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                line.sweep(0, 1, |_, seen, _| seen < LATE);
            }
        });
        for round in 0..200_000 {
            let place = round % 64;
            line.occupy(place, LATE - 1);
            line.occupy(place, LATE);
            // A sweep that took it out before it saw the stamp puts it back at once.
            while !line.is_waiting(place) {
                std::hint::spin_loop();
            }
        }
        over.store(true, Ordering::Release);
    });
    assert_eq!(line.waiting(), 64);
}

/// Several shoppers and a keeper at once. Returns the line, all pages as they were saved, and who should be there if it
/// were not for the keeper.
fn turmoil(keep: impl Fn(&Line, u32) + Send) -> (Line, Vec<Page>, BTreeSet<u32>) {
    let (line, over) = (Line::new(), AtomicBool::new(false));
    let mut saved = vec![Page::default(); (PLACES / PAGE_PLACES + 1) as usize];
    let expected = thread::scope(|scope| {
        let (line, over, saved) = (&line, &over, &mut saved);
        let shoppers: Vec<_> = (0..SHOPPERS).map(|number| scope.spawn(move || shop(line, number))).collect();
        scope.spawn(move || {
            let mut part = 0;
            while !over.load(Ordering::Acquire) {
                part += 1;
                keep(line, part);
                line.reindex();
                line.take_dirty(|number, page| saved[number as usize] = page.clone());
                assert!(line.waiting() <= PLACES);
            }
        });
        let expected = shoppers.into_iter().flat_map(|shopper| shopper.join().unwrap()).collect();
        over.store(true, Ordering::Release);
        expected
    });
    line.reindex();
    line.take_dirty(|number, page| saved[number as usize] = page.clone());
    (line, saved, expected)
}

/// The shoppers share all words; each has the places with a remainder of its own. Returns who of them is there.
fn shop(line: &Line, number: u32) -> BTreeSet<u32> {
    let mut random = fastrand::Rng::with_seed(number.into());
    let mut there = BTreeSet::new();
    for _ in 0..60_000 {
        let place = random.u32(..PLACES / SHOPPERS) * SHOPPERS + number;
        if random.u32(..3) == 0 {
            line.vacate(place);
            there.remove(&place);
        } else {
            line.occupy(place, if random.bool() { LATE } else { LATE - 1 });
            there.insert(place);
        }
    }
    there
}

fn check(line: &Line, saved: &[Page]) {
    let mut rank = 0;
    for place in 0..PLACES {
        assert_eq!(line.rank(place), rank, "rank of {place}");
        let page = &saved[(place / PAGE_PLACES) as usize];
        let kept = page.waiting[(place % PAGE_PLACES / 64) as usize] >> (place % 64) & 1 == 1;
        assert_eq!(line.is_waiting(place), kept, "what was saved of {place}");
        rank += u32::from(kept);
    }
    assert_eq!(line.waiting(), rank);
    assert!(rank > 1_000, "{rank}");
}
