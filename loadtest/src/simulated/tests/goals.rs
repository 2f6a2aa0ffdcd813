//! Each scenario, with a few seeds.

use super::{Choice, SCENARIOS, misses, scenario};

const SEEDS: u64 = 3;

fn reaches(name: &str) {
    for seed in 0..SEEDS {
        let misses = misses(scenario(name), Choice::Adaptive, seed);
        assert!(misses.is_empty(), "{name}, seed {seed}: {}", misses.join("; "));
    }
}

macro_rules! reached {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { reaches($name) })*
        const REACHED: &[&str] = &[$($name),*];
    };
}

reached! {
    nobody_is_refused_at_a_steady_load: "steady",
    a_step_to_twice_what_can_be_done: "step-2",
    a_step_to_five_times: "step-5",
    a_step_to_ten_times: "step-10",
    a_flash_of_five_seconds: "flash",
    a_database_that_is_slow_for_a_while: "slow-database",
    a_database_that_can_do_a_quarter: "quarter",
    a_database_that_is_halved: "halved",
    a_database_that_is_doubled: "doubled",
    browsing_that_waits_for_something_else: "slow-browsing",
    another_mix_of_shoppers: "mix-shift",
    a_product_that_everybody_wants: "hot-product",
    a_storm_of_retries: "retry-storm",
    a_pool_of_threads: "pool",
    a_cache_that_is_cold: "cold-cache",
    an_origin_that_rejects_fast: "rejecting",
    a_limit_ten_times_too_high: "ten-times-too-high",
    an_origin_that_does_not_answer: "no-answers",
    a_database_that_is_stuck: "stuck",
    a_limit_ten_times_too_low: "ten-times-too-low",
}

/// Where service times scatter by as much as they last, it gets 75 % instead of 95 % of what is possible.
const NOT_REACHED: &[&str] = &["scattered"];

#[test]
fn no_scenario_is_forgotten() {
    let tested: Vec<_> = REACHED.iter().chain(NOT_REACHED).collect();
    let forgotten: Vec<_> =
        SCENARIOS.iter().map(|scenario| scenario.name).filter(|name| !tested.contains(&name)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
