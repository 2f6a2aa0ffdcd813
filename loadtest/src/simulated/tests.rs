//! The product's governor reaches the goals of every scenario, and those beside it do not.

mod goals;
mod mutants;
mod pieces;
mod promises;

use super::choice::Choice;
use super::figures::Figures;
use super::play_once;
use super::scenarios::{SCENARIOS, Scenario};

fn scenario(name: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario of that name")
}

/// The goals that a governor misses.
fn misses(scenario: &Scenario, governor: Choice, seed: u64) -> Vec<String> {
    let record = play_once(&scenario.play(), governor, seed);
    scenario.misses(&Figures::of(&record, &scenario.phases))
}
