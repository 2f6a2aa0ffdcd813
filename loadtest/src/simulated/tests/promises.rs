//! What must hold whatever happens.

use super::{Choice, play_once};
use crate::simulated::random;

fn broken(seed: u64, governor: Choice) -> Vec<String> {
    let play = random::play(seed);
    random::broken(&play, &play_once(&play, governor, seed))
}

#[test]
fn the_governor_keeps_them_in_plays_by_chance() {
    for seed in 0..20 {
        assert_eq!(broken(seed, Choice::Adaptive), [""; 0], "seed {seed}");
    }
}

#[test]
fn who_does_not_come_back_breaks_them() {
    let breaks = |governor| (0..16).filter(|seed| !broken(*seed, governor).is_empty()).count();
    assert!(breaks(Choice::AlwaysMin) >= 12);
    assert!(breaks(Choice::AlwaysMax) >= 4);
}

#[test]
fn a_seed_is_played_the_same_way_each_time() {
    let play = random::play(3);
    let ticks = || format!("{:?}", play_once(&play, Choice::Adaptive, 3).ticks);
    assert!(ticks() == ticks(), "two runs of one seed differ");
}
