//! What a level sheds, and how it moves.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::clock::Nanos;
use crate::config::settings::ClassSettings;
use crate::overload::saturation::{CALM, Judge, Lateness, Level, Scale, connections_within, reserved_descriptors};

const TENTH: Nanos = 100_000_000;
const SCALES: [Scale; 4] = [Scale::CONNECTIONS, Scale::DESCRIPTORS, Scale::MEMORY, Scale::POLL_DELAY];

/// Guaranteed share and wait in milliseconds of each class.
fn classes(of: &[(f64, u64)]) -> Vec<ClassSettings> {
    let class = |(index, &(guaranteed, wait)): (usize, &(f64, u64))| ClassSettings {
        name: format!("class-{index}"),
        guaranteed,
        max_wait: Duration::from_millis(wait),
        max_waiting: 10,
        latency_goal: None,
    };
    of.iter().enumerate().map(class).collect()
}

/// For each level from normal to critical, which classes are let through.
fn spared(of: &[(f64, u64)]) -> Vec<Vec<usize>> {
    let classes = classes(of);
    let spared = |level: Level| (0..classes.len()).filter(|class| !level.sheds(*class, &classes)).collect();
    Level::all().map(spared).collect()
}

#[test]
fn background_goes_first_and_the_most_important_class_never() {
    let shop = [(0.3, 2_000), (0.2, 1_000), (0.0, 250), (0.0, 0)];
    let expected = [vec![0, 1, 2, 3], vec![0, 1, 2], vec![0, 1], vec![0, 1], vec![0, 1], vec![0]];
    assert_eq!(spared(&shop), expected);
}

#[test]
fn classes_without_a_guarantee_go_from_the_least_important_up() {
    let three = [(0.3, 250), (0.0, 250), (0.0, 250), (0.0, 250)];
    assert_eq!(spared(&three), [vec![0, 1, 2, 3], vec![0, 1, 2, 3], vec![0, 1, 2], vec![0, 1], vec![0], vec![0]]);
    let background_between = [(0.0, 0), (0.0, 250), (0.0, 0), (0.0, 250)];
    assert_eq!(spared(&background_between), [vec![0, 1, 2, 3], vec![0, 1, 3], vec![0, 1], vec![0], vec![0], vec![0]]);
}

#[test]
fn a_guarantee_without_a_wait_is_no_background() {
    assert_eq!(spared(&[(0.3, 0), (0.2, 0)]), [vec![0, 1], vec![0, 1], vec![0, 1], vec![0, 1], vec![0, 1], vec![0]]);
}

#[test]
fn a_class_that_is_not_there_is_shed_only_with_all_others() {
    let classes = classes(&[(0.3, 0)]);
    let shed: Vec<_> = Level::all().map(|level| level.sheds(7, &classes)).collect();
    assert_eq!(shed, [false, false, false, false, false, true]);
}

#[test]
fn words_and_numbers() {
    let words: Vec<_> = Level::all().map(Level::as_str).collect();
    assert_eq!(words, ["normal", "elevated", "high", "high", "high", "critical"]);
    assert!(Level::all().all(|level| Level::of(level.number()) == level));
    assert_eq!(Level::of(200), Level::CRITICAL);
}

#[test]
fn a_level_rises_at_once_and_falls_step_by_step() {
    let mut judge = Judge::new(Scale::MEMORY);
    let mut at = |tenths: Nanos, value: f64| judge.judge(value, tenths * TENTH).number();
    let course = [
        (1, 0.5, 0),
        (2, 0.79, 0),
        (3, 0.80, 1),
        (4, 0.78, 1),
        (5, 0.96, 5),
        (6, 0.93, 5),
        (7, 0.30, 5),
        (15, 0.30, 5),
        (16, 0.30, 4),
        (17, 0.30, 4),
        (26, 0.30, 3),
        (27, f64::NAN, 3),
        (36, 0.30, 3),
        (37, 0.30, 2),
        (47, 0.30, 1),
        (57, 0.30, 0),
        (58, 0.30, 0),
    ];
    for (tenths, value, expected) in course {
        assert_eq!(at(tenths, value), expected, "after {tenths} tenths, at {value}");
    }
}

#[test]
fn one_late_timer_is_chance() {
    let (mut lateness, mut judge) = (Lateness::default(), Judge::new(Scale::POLL_DELAY));
    let mut late =
        |tenths: Nanos, millis| judge.judge(lateness.measured(Duration::from_millis(millis)), tenths * TENTH).number();
    assert_eq!(late(1, 400), 0);
    assert_eq!((2..50).map(|tenths| late(tenths, 1)).max(), Some(0));
    let noticed = (50..100).find(|tenths| late(*tenths, 80) > 0).unwrap();
    assert!((52..65).contains(&noticed), "a worker that is 80 ms late is noticed after {} tenths", noticed - 50);
    assert_eq!((100..200).map(|tenths| late(tenths, 80)).max(), Some(1));
    assert_eq!(late(300, 0), 1);
    assert_eq!((301..350).map(|tenths| late(tenths, 0)).last(), Some(0));
}

#[test]
fn descriptors_are_kept_for_operators_and_origins() {
    for (limit, other, origins, expected) in [
        (128, 32, 1_000, 40),
        (1_024, 40, 1_000, 428),
        (1_024, 40, 100, 756),
        (1_048_576, 100, 1_000, 916_404),
        (64, 64, 10, 1),
        (0, 0, 0, 1),
    ] {
        assert_eq!(connections_within(limit, other, origins), expected, "{limit} {other} {origins}");
    }
}

/// Values around every threshold of every scale, as shares of the last.
fn course() -> impl Strategy<Value = Vec<f64>> {
    vec(0.0..1.2_f64, 1..200)
}

proptest! {
    /// Who is fuller all the time never has the lower level.
    #[test]
    fn levels_are_monotone(
        scale in 0..SCALES.len(),
        courses in course().prop_flat_map(|low| { let len = low.len(); (Just(low), vec(0.0..0.5_f64, len)) }),
    ) {
        let scale = SCALES[scale];
        let (mut lower, mut upper) = (Judge::new(scale), Judge::new(scale));
        for (index, (low, more)) in courses.0.iter().zip(&courses.1).enumerate() {
            let now = index as Nanos * 3 * TENTH;
            let (low, high) = (lower.judge(*low, now), upper.judge(low + more, now));
            prop_assert!(low <= high, "{low:?} and {high:?} at step {index}");
        }
    }

    /// Between the end of a level and the beginning of the next, nothing moves, for however long.
    #[test]
    fn inside_its_band_a_level_stays(scale in 0..SCALES.len(), entered in 1..=5_u8, wobble in vec(0.0..1.0_f64, 1..300)) {
        let scale = SCALES[scale];
        // The least value that enters the level, and the least that enters the next.
        let enters = |wanted: u8| {
            let tried = (0..=20_000).map(|step| f64::from(step) / 10_000.0);
            let mut tried = tried.filter(|value| Judge::new(scale).judge(*value, 0).number() >= wanted);
            tried.next().unwrap()
        };
        let (low, high) = (enters(entered), if entered == 5 { 2.0 } else { enters(entered + 1) - 1e-4 });
        let mut judge = Judge::new(scale);
        prop_assert_eq!(judge.judge(low, 0).number(), entered);
        let held = scale.floor() / enters(1) * low;
        for (index, share) in wobble.into_iter().enumerate() {
            let value = (held + share * (high - held)).clamp(held + 1e-3 * low, high);
            prop_assert_eq!(judge.judge(value, index as Nanos * 7 * TENTH).number(), entered, "at {}", value);
        }
    }

    /// Whatever happened, a few calm seconds later nothing is refused.
    #[test]
    fn it_recovers(scale in 0..SCALES.len(), before in course()) {
        let scale = SCALES[scale];
        let mut judge = Judge::new(scale);
        let mut now = 0;
        for value in before {
            now += TENTH;
            judge.judge(value, now);
        }
        let mut changes = 0;
        for _ in 0..=(5 * CALM.as_nanos() as Nanos / TENTH + 10) {
            now += TENTH;
            let was = judge.level();
            let is = judge.judge(scale.floor() * 0.99, now);
            prop_assert!(is <= was, "it rose while calm");
            changes += u32::from(is < was);
        }
        prop_assert_eq!(judge.level(), Level::NORMAL);
        prop_assert!(changes <= 5);
    }

    /// A higher level sheds all that a lower one does.
    #[test]
    fn a_higher_level_sheds_more(of in vec((prop_oneof![Just(0.0), 0.0..0.3_f64], prop_oneof![Just(0), 1..500_u64]), 1..10)) {
        let classes = classes(&of);
        for class in 0..classes.len() {
            let shed: Vec<_> = Level::all().map(|level| level.sheds(class, &classes)).collect();
            prop_assert!(shed.is_sorted(), "class {class}: {shed:?}");
            prop_assert_eq!(*shed.last().unwrap(), class > 0);
        }
    }

    /// Clients and origins together leave the reserve alone.
    #[test]
    fn connections_leave_the_reserve(limit in 0..2_000_000_u64, other in 0..2_000_u64, origins in 0..10_000_u64) {
        let clients = connections_within(limit, other, origins);
        let used = clients + other + origins.min(clients);
        prop_assert!(used <= limit.saturating_sub(reserved_descriptors(limit)) || clients == 1);
    }
}
