//! A scenario that a mutant survives would not notice if the governor became that mutant.

use super::{Choice, SCENARIOS, misses, scenario};

const SEED: u64 = 0;

/// A limit that is too high does no harm, but for chance, where there is never too much.
const LIGHT: &[&str] = &["steady"];

fn survived(governor: Choice) -> Vec<&'static str> {
    let survived = SCENARIOS.iter().filter(|scenario| misses(scenario, governor, SEED).is_empty());
    survived.map(|scenario| scenario.name).collect()
}

fn fails(governor: Choice, names: &[&str]) {
    for name in names {
        assert!(!misses(scenario(name), governor, SEED).is_empty(), "{governor:?} survives {name}");
    }
}

#[test]
fn a_frozen_limit_survives_nothing() {
    assert_eq!(survived(Choice::Frozen), [""; 0]);
}

#[test]
fn the_lowest_limit_survives_nothing() {
    assert_eq!(survived(Choice::AlwaysMin), [""; 0]);
}

#[test]
fn the_highest_limit_survives_nothing_that_loads_the_origin() {
    let survived = survived(Choice::AlwaysMax);
    assert!(survived.iter().all(|name| LIGHT.contains(name)), "{survived:?}");
}

#[test]
fn gradient2_is_told_apart() {
    fails(Choice::Gradient2, &["step-2", "step-5", "step-10", "quarter", "halved", "ten-times-too-high", "no-answers"]);
}

#[test]
fn aimd_is_told_apart() {
    fails(
        Choice::Aimd,
        &["step-2", "step-5", "step-10", "mix-shift", "slow-browsing", "rejecting", "ten-times-too-high"],
    );
}
