//! The laboratory in simulated time: a governor and the real seats against models of origins and shoppers, without sockets
//! and clocks.
//!
//! ```text
//! scenarios ──► play ──► world: shoppers → desk (the real seats) → station (the demo's models)
//! choice ─────────────►    │      governor ◄── every 100 ms ──► desk
//!                          ▼
//!                        record ──► figures, against goals
//! ```

mod agenda;
mod choice;
mod desk;
mod figures;
mod mutants;
mod play;
mod print;
mod random;
mod record;
mod scenarios;
mod shopper;
mod store;
mod world;

#[cfg(test)]
mod tests;

use choice::Choice;
use figures::Figures;
use play::Play;
use record::Record;
use scenarios::{SCENARIOS, Scenario};
use world::World;

/// What is simulated.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// One scenario; all, if none is named; or plays by chance
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(names()))]
    scenario: Option<String>,
    /// Who decides
    #[arg(long, value_enum, default_value_t = Choice::Adaptive)]
    governor: Choice,
    /// Runs of each scenario, of which the medians are shown
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Number of the first run
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Shows every tick of the first run
    #[arg(long)]
    trace: bool,
}

/// The scenario that is another one in each run.
const RANDOM: &str = "random";

fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name).chain([RANDOM])
}

/// Plays and prints.
pub(crate) fn run(options: &Options) {
    if options.scenario.as_deref() == Some(RANDOM) {
        return run_random(options);
    }
    print::heading();
    let wanted = |scenario: &&Scenario| options.scenario.as_ref().is_none_or(|name| scenario.name == name);
    for scenario in SCENARIOS.iter().filter(wanted) {
        let play = scenario.play();
        let figures = |seed| Figures::of(&options.play(&play, seed), &scenario.phases);
        let runs: Vec<_> = options.runs().map(figures).collect();
        print::line(scenario, &Figures::median(&runs));
    }
}

fn run_random(options: &Options) {
    let mut broken = 0;
    for seed in options.runs() {
        let play = random::play(seed);
        let wrong = random::broken(&play, &options.play(&play, seed));
        broken += u64::from(!wrong.is_empty());
        wrong.iter().for_each(|wrong| println!("{seed}: {wrong}"));
    }
    println!("{broken} of {} runs are not as they must be", options.seeds);
}

impl Options {
    fn runs(&self) -> impl Iterator<Item = u64> {
        self.first..self.first + self.seeds
    }

    fn play(&self, play: &Play, seed: u64) -> Record {
        let record = play_once(play, self.governor, seed);
        if self.trace && seed == self.first {
            print::trace(&record);
        }
        record
    }
}

fn play_once(play: &Play, governor: Choice, seed: u64) -> Record {
    World::new(play, governor.build(play.bounds), seed).run()
}
