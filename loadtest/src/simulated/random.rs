//! Plays that nobody thought of, and what must hold in each of them.

use std::time::Duration;

use spillway::demo::database::Parameters;
use spillway::demo::page::Class;
use spillway::demo::station::{Model, Trouble};
use spillway::overload::{Bounds, Directive};

use super::play::{Play, at};
use super::record::Record;
use super::shopper::Habits;

/// Troubles begin and end within this time, in seconds.
const BEGIN: (f64, f64) = (8.0, 14.0);
const OVER: f64 = 20.0;
/// By then everything must be well again.
const WELL: f64 = OVER + 15.0;
const END: f64 = WELL + 5.0;
/// That is, this much of the possible gets done.
const ENOUGH: f64 = 0.8;
/// Visits that keep one job running all the time, a second.
const VISITS_OF_ONE: f64 = 1.0 / 0.8;

/// Any play: calm, then a surge and up to two troubles, then calm.
pub(crate) fn play(seed: u64) -> Play {
    let mut dice = fastrand::Rng::with_seed(seed);
    let size = dice.u32(10..=100);
    let between = |dice: &mut fastrand::Rng, (low, high): (f64, f64)| low + (high - low) * dice.f64();
    let calm = between(&mut dice, (0.3, 0.9)) * f64::from(size) * VISITS_OF_ONE;
    let surge = (between(&mut dice, BEGIN), between(&mut dice, (15.0, OVER)));
    let times = between(&mut dice, (1.0, 10.0));
    let troubles = (0..dice.usize(0..=2)).flat_map(|_| {
        let (begin, end) = (between(&mut dice, BEGIN), between(&mut dice, (15.0, OVER)));
        let (trouble, relief) = any_trouble(size, &mut dice);
        [(at(begin), trouble), (at(end), relief)]
    });
    let troubles = troubles.collect();
    Play {
        lasting: at(END),
        model: dice.choice(Model::ALL).unwrap_or(Model::Retrograde),
        parameters: Parameters { best_concurrency: size, retrograde: between(&mut dice, (0.3, 1.5)), speed: 1.0 },
        bounds: Bounds { min: dice.u32(1..=5), max: dice.u32(2 * size..=1000) },
        arrivals: vec![(0, calm), (at(surge.0), times * calm), (at(surge.1), calm)],
        habits: vec![(0, Habits::USUAL.with_lookers(dice.f64()))],
        troubles,
        scattered: false,
    }
}

/// A trouble, and what ends it.
fn any_trouble(size: u32, dice: &mut fastrand::Rng) -> (Trouble, Trouble) {
    match dice.u8(0..4) {
        0 => (Trouble::Speed(0.7 * dice.f64()), Trouble::Speed(1.0)),
        1 => (Trouble::BestConcurrency(dice.u32(size.div_ceil(4)..=2 * size)), Trouble::BestConcurrency(size)),
        2 => {
            let class = dice.choice(Class::ALL).unwrap_or(Class::Browse);
            let delay = Duration::from_millis(dice.u64(100..2000));
            (Trouble::Delay(class, delay), Trouble::Delay(class, Duration::ZERO))
        }
        _ => (Trouble::Cold, Trouble::Speed(1.0)),
    }
}

/// What was seen that must not be, in words.
pub(crate) fn broken(play: &Play, record: &Record) -> Vec<String> {
    let mut broken = Vec::new();
    let wrong = record.ticks.iter().find_map(|tick| {
        let directive = tick.directive.as_ref()?;
        is_wrong(directive, play.bounds).then(|| format!("at {:.1} s: {directive:?}", tick.at))
    });
    broken.extend(wrong);
    let share = record.share(WELL, END);
    if share < ENOUGH {
        broken.push(format!("{:.0} % of the possible when all is over", 100.0 * share));
    }
    broken
}

fn is_wrong(directive: &Directive, bounds: Bounds) -> bool {
    let within = (bounds.min..=bounds.max).contains(&directive.limit);
    // No number is not at least anything.
    let numbers = directive.may_begin >= 0.0 && directive.begin_rate >= 0.0;
    !within || !numbers
}
