//! Long random histories, against a model that could not be simpler.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

use super::*;

/// Places in a few leaves of three chunks, so that histories meet in the same words and cross every border.
fn place() -> impl Strategy<Value = u32> {
    prop_oneof![
        0u32..200,
        4_000u32..4_200,
        65_400u32..65_700,
        131_000u32..131_200,
        Just(Line::PLACES - 1),
        Just(Line::PLACES)
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Occupy(u32, Stamp),
    Many(u32, u32),
    Touch(u32, Stamp),
    Vacate(u32),
    Finish(u32),
    Sweep { part: u32, parts: u32, at_most: Stamp },
    Reindex,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (place(), any::<Stamp>()).prop_map(|(place, now)| Step::Occupy(place, now)),
        1 => (place(), 1u32..200).prop_map(|(first, count)| Step::Many(first, count)),
        2 => (place(), any::<Stamp>()).prop_map(|(place, now)| Step::Touch(place, now)),
        5 => place().prop_map(Step::Vacate),
        1 => place().prop_map(Step::Finish),
        1 => (0u32..3, 1u32..4, any::<Stamp>()).prop_map(|(part, parts, at_most)| Step::Sweep { part, parts, at_most }),
        1 => Just(Step::Reindex),
        1 => Just(Step::Restart),
    ]
}

#[derive(Debug, Default)]
struct Model {
    waiting: BTreeSet<u32>,
    finished: BTreeSet<u32>,
    seen: BTreeMap<u32, Stamp>,
}

impl Model {
    fn rank(&self, place: u32) -> u32 {
        self.waiting.range(..place).count() as u32
    }

    fn seen(&self, place: u32) -> Stamp {
        self.seen.get(&place).copied().unwrap_or(0)
    }

    fn touch(&mut self, place: u32, now: Stamp) {
        if place < Line::PLACES {
            self.seen.insert(place, now);
        }
    }

    fn occupy(&mut self, place: u32, now: Stamp) -> bool {
        self.touch(place, now);
        place < Line::PLACES && self.waiting.insert(place)
    }

    fn sweep(&mut self, part: u32, parts: u32, at_most: Stamp) -> u32 {
        let gone: Vec<_> = self.waiting.iter().copied().filter(|place| place / PAGE_PLACES % parts == part).collect();
        let gone = gone.into_iter().filter(|place| self.seen(*place) <= at_most).collect::<Vec<_>>();
        for place in &gone {
            self.waiting.remove(place);
        }
        gone.len() as u32
    }
}

/// A line made from what the store was given of another, all in it seen at 7.
fn restarted(line: &Line, kept: &mut BTreeMap<u32, Page>) -> Line {
    line.take_dirty(|number, page| {
        kept.insert(number, page.clone());
    });
    let restored = Line::new();
    for (number, page) in kept {
        restored.restore(*number, page, 7);
    }
    restored.take_dirty(|number, _| panic!("page {number} is as the store has it"));
    restored
}

fn check(line: &Line, model: &Model, probes: &[u32]) -> Result<(), TestCaseError> {
    prop_assert_eq!(line.waiting(), model.waiting.len() as u32);
    line.reindex();
    for &place in probes {
        prop_assert_eq!(line.is_waiting(place), model.waiting.contains(&place));
        prop_assert_eq!(line.is_finished(place), model.finished.contains(&place));
        prop_assert_eq!(line.next_waiting(place), model.waiting.range(place..).next().copied());
        prop_assert_eq!(line.rank(place), model.rank(place), "of {}", place);
        let rank = place % 1_000;
        prop_assert_eq!(line.select(rank), model.waiting.iter().nth(rank as usize).copied());
    }
    Ok(())
}

proptest! {
    // Steps count, not histories.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_line_does_what_a_set_of_numbers_would(
        steps in proptest::collection::vec(step(), 1..400),
        probes in proptest::collection::vec(place(), 20),
    ) {
        let (mut line, mut model, mut kept) = (Line::new(), Model::default(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Occupy(place, now) => {
                    prop_assert_eq!(line.occupy(place, now), model.occupy(place, now));
                    prop_assert_eq!(line.seen(place), model.seen(place));
                }
                Step::Many(first, count) => {
                    for place in first..first + count {
                        prop_assert_eq!(line.occupy(place, 3), model.occupy(place, 3));
                    }
                }
                Step::Touch(place, now) => {
                    line.touch(place, now);
                    model.touch(place, now);
                    prop_assert_eq!(line.seen(place), model.seen(place));
                }
                Step::Vacate(place) => prop_assert_eq!(line.vacate(place), model.waiting.remove(&place)),
                Step::Finish(place) => {
                    line.finish(place);
                    if place < Line::PLACES {
                        model.finished.insert(place);
                    }
                }
                Step::Sweep { part, parts, at_most } => {
                    let gone = |_, seen, _| seen <= at_most;
                    prop_assert_eq!(line.sweep(part, parts, gone), model.sweep(part, parts, at_most));
                }
                Step::Reindex => check(&line, &model, &probes)?,
                Step::Restart => {
                    line = restarted(&line, &mut kept);
                    for place in &model.waiting {
                        prop_assert_eq!(line.seen(*place), 7);
                        model.seen.insert(*place, 7);
                    }
                    model.seen.retain(|place, _| model.waiting.contains(place));
                    for place in &probes {
                        model.seen.insert(*place, line.seen(*place));
                    }
                }
            }
        }
        check(&line, &model, &probes)?;
    }
}
