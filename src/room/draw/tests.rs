use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

const SEED: [u8; 32] = {
    let mut seed = [0; 32];
    let mut at = 0;
    while at < 32 {
        seed[at] = at as u8;
        at += 1;
    }
    seed
};

fn seed(number: u64) -> [u8; 32] {
    commitment(&std::array::from_fn(|at| number.to_be_bytes()[at % 8]))
}

#[test]
fn it_is_the_algorithm_that_is_documented() {
    let draw = Draw { start: 1_000, size: 10, seed: SEED };
    let places: Vec<_> = (1_000..1_010).map(|number| draw.place(number)).collect();
    assert_eq!(places, [1_003, 1_000, 1_006, 1_008, 1_002, 1_005, 1_001, 1_007, 1_004, 1_009]);
    let hex: String = commitment(&SEED).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");

    let large = Draw { start: 5, size: 1_000_003, seed: SEED };
    assert_eq!([5, 6, 1_000_007].map(|number| large.place(number)), [625_870, 960_745, 836_774]);
}

#[test]
fn every_place_is_drawn_once_whatever_the_size() {
    // Every small size, where the corners are, and larger ones on either side of squares and powers of two.
    for size in (1..=260).chain([1_023, 1_024, 1_025, 1_089, 1_090, 4_097]) {
        let draw = Draw { start: 7, size, seed: seed(size.into()) };
        let mut drawn = vec![false; size as usize];
        for number in 7..7 + size {
            let place = draw.place(number);
            assert!(!std::mem::replace(&mut drawn[(place - 7) as usize], true), "{place} of {size} was drawn twice");
            assert_eq!(draw.number(place), number);
        }
    }
}

#[test]
fn numbers_outside_of_the_lobby_are_their_own_places() {
    let draw = Draw { start: 100, size: 50, seed: SEED };
    for number in [0, 99, 150, u32::MAX] {
        assert_eq!((draw.place(number), draw.number(number)), (number, number));
    }
    assert_eq!(Draw { size: 0, ..draw }.place(100), 100);
}

#[test]
fn another_seed_draws_another_order() {
    let order = |seed| {
        let draw = Draw { start: 0, size: 1_000, seed };
        (0..1_000).map(|number| draw.place(number)).collect::<Vec<_>>()
    };
    let (one, other) = (order(seed(1)), order(seed(2)));
    let same = one.iter().zip(&other).filter(|(one, other)| one == other).count();
    assert!(same < 10, "{same} of 1000 have the same place");
}

/// Chi-square over where a number lands, in ten bins of equal size; 9 degrees of freedom exceed 27.9 once in 1,000.
#[test]
fn every_number_is_as_likely_to_land_anywhere() {
    for (size, number) in [(10, 0), (10, 9), (1_000, 0), (1_000, 500), (1_000, 999), (123_450, 1), (123_450, 123_449)] {
        let mut bins = [0u32; 10];
        for draw in 0..5_000 {
            let place = Draw { start: 0, size, seed: seed(draw) }.place(number);
            bins[(u64::from(place) * 10 / u64::from(size)) as usize] += 1;
        }
        let chi_square: f64 = bins.iter().map(|bin| (f64::from(*bin) - 500.0).powi(2) / 500.0).sum();
        assert!(chi_square < 27.9, "{number} of {size}: {bins:?}");
    }
}

/// Of two neighbours either may be ahead, and they seldom stay neighbours.
#[test]
fn neighbours_are_torn_apart() {
    let (size, mut ahead, mut near) = (10_000, 0, 0);
    for draw in 0..2_000 {
        let draw = Draw { start: 0, size, seed: seed(draw) };
        let (one, other) = (draw.place(4_000), draw.place(4_001));
        ahead += u32::from(one < other);
        near += u32::from(one.abs_diff(other) < 100);
    }
    assert!((900..=1_100).contains(&ahead), "the earlier is ahead in {ahead} of 2000");
    assert!((10..=80).contains(&near), "{near} of 2000 stay within 100 places; 40 would be chance");
}

proptest! {
    #[test]
    fn large_draws_have_an_inverse(seed in any::<[u8; 32]>(), start in 0u32..1 << 29, size in 1u32..1 << 29, at in any::<u32>()) {
        let draw = Draw { start, size, seed };
        let number = start + at % size;
        let place = draw.place(number);
        prop_assert!((start..start + size).contains(&place));
        prop_assert_eq!(draw.number(place), number);
    }
}
