//! Random histories against a model that keeps lists and recomputes everything.

mod plain;

use proptest::prelude::*;

use self::plain::{CLASSES, Model, UNIT_MS};
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Acquire { class: usize, lane: Lane, worker: usize },
    Release { which: usize },
    Shrink { which: usize },
    Wait { class: usize, lane: Lane, worker: usize, later: u64 },
    Leave { which: usize },
    Tick { later: u64 },
    Limit(Option<u32>),
    Shares(Vec<(f64, usize)>),
    Pace(Option<u32>, bool),
    Caps(Vec<(usize, u32)>),
    Shadow(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let class = 0..CLASSES;
    let lane = prop_oneof![Just(R), Just(N)];
    let later = prop_oneof![3 => Just(0_u64), 1 => 1..4_u64];
    let wait = (class.clone(), lane.clone(), 0..3_usize, later);
    let wait = wait.prop_map(|(class, lane, worker, later)| Step::Wait { class, lane, worker, later });
    let tick = prop_oneof![9 => 1..4_u64, 1 => 4..40_u64];
    prop_oneof![
        10 => (class, lane, 0..3_usize).prop_map(|(class, lane, worker)| Step::Acquire { class, lane, worker }),
        6 => (0..100_usize).prop_map(|which| Step::Release { which }),
        2 => (0..100_usize).prop_map(|which| Step::Shrink { which }),
        20 => wait,
        3 => (0..100_usize).prop_map(|which| Step::Leave { which }),
        4 => tick.prop_map(|later| Step::Tick { later }),
        2 => setting(),
    ]
}

/// Rare, so that lines grow old between two of them.
fn setting() -> impl Strategy<Value = Step> {
    let limit = prop_oneof![6 => (0..20_u32).prop_map(Some), 1 => Just(None)];
    let pace = (prop_oneof![4 => (0..6_u32).prop_map(Some), 1 => Just(None)], any::<bool>());
    let caps = proptest::collection::btree_map(0..CLASSES, 0..8_u32, 0..3);
    prop_oneof![
        limit.prop_map(Step::Limit),
        shares().prop_map(Step::Shares),
        pace.prop_map(|(newcomers, enforce)| Step::Pace(newcomers, enforce)),
        caps.prop_map(|caps| Step::Caps(caps.into_iter().collect())),
        proptest::bool::weighted(0.2).prop_map(Step::Shadow),
    ]
}

/// Guarantees in tenths, so that the model's arithmetic is exact.
fn shares() -> impl Strategy<Value = Vec<(f64, usize)>> {
    let share = (prop_oneof![Just(0_u32), 1..4_u32], prop_oneof![1 => Just(0_usize), 3 => 1..6_usize]);
    let share = share.prop_map(|(tenths, max_waiting)| (f64::from(tenths) / 10.0, max_waiting));
    proptest::collection::vec(share, CLASSES)
}

/// The real thing and the model side by side.
struct Both {
    seats: Seats,
    slots: Vec<Slot>,
    model: Model,
    held: Vec<Held>,
    waiting: Vec<Place>,
    names: usize,
}

struct Held {
    class: usize,
    /// In the model's unit.
    cost: u64,
    seat: Seat,
}

struct Place {
    class: usize,
    lane: Lane,
    name: usize,
    waiting: Waiting,
}

impl Both {
    fn new(limit: u32, shares: Vec<(f64, usize)>) -> Self {
        let seats = Seats::new(3);
        let slots = configure(&seats, Some(limit), &shares);
        Self { seats, slots, model: Model::new(limit, shares), held: Vec::new(), waiting: Vec::new(), names: 0 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Acquire { class, lane, worker } => {
                let seat = self.seats.try_acquire(self.slots[class], worker, lane);
                assert_eq!(seat.as_ref().map(Seat::over_limit), self.model.acquire(class, lane));
                self.held.extend(seat.map(|seat| Held { class, cost: 1_000, seat }));
            }
            Step::Release { which } if !self.held.is_empty() => {
                let Held { class, cost, seat } = self.held.swap_remove(which % self.held.len());
                drop(seat);
                self.model.in_use[class] -= cost;
            }
            Step::Shrink { which } if !self.held.is_empty() => {
                let which = which % self.held.len();
                let Held { class, cost, seat } = &mut self.held[which];
                seat.shrink();
                self.model.in_use[*class] -= *cost;
                *cost = 0;
            }
            Step::Wait { class, lane, worker, later } => {
                self.names += 1;
                self.model.now += later;
                let waiting = self.seats.wait(self.slots[class], worker, lane, self.now());
                assert_eq!(waiting.is_ok(), self.model.wait(class, lane, self.names));
                self.waiting.extend(waiting.map(|waiting| Place { class, lane, name: self.names, waiting }));
            }
            Step::Leave { which } if !self.waiting.is_empty() => {
                let Place { class, lane, name, waiting } = self.waiting.swap_remove(which % self.waiting.len());
                drop(waiting);
                self.model.leave(class, lane, name);
            }
            Step::Tick { later } => {
                self.model.now += later;
                self.compare_counts();
            }
            Step::Release { .. } | Step::Shrink { .. } | Step::Leave { .. } => {}
            setting => self.set(setting),
        }
        self.model.serve();
        self.compare();
    }

    fn set(&mut self, setting: Step) {
        match setting {
            Step::Limit(limit) => {
                self.seats.set_limit(limit);
                self.model.limit = limit;
            }
            Step::Shares(shares) => {
                assert_eq!(configure(&self.seats, self.model.limit, &shares), self.slots);
                self.model.shares = shares;
            }
            Step::Pace(newcomers, enforce) => {
                let may_begin = newcomers.map_or(f64::INFINITY, f64::from);
                self.seats.set_pace(Pace { may_begin, enforce });
                self.model.set_pace(newcomers, enforce);
            }
            Step::Caps(caps) => {
                let by_slot: Vec<_> = caps.iter().map(|&(class, cap)| (self.slots[class], cap)).collect();
                self.seats.set_caps(&by_slot);
                self.model.caps = caps.into_iter().collect();
            }
            Step::Shadow(shadow) => {
                self.seats.set_shadow(shadow);
                self.model.shadow = shadow;
            }
            step => unreachable!("{step:?} sets nothing"),
        }
    }

    fn now(&self) -> Nanos {
        (self.model.now as f64 * UNIT_MS * 1e6) as Nanos
    }

    /// What is counted up to a tick. Those whose fate it seals are counted when they have heard of it.
    fn compare_counts(&mut self) {
        let real = self.seats.tick(self.now());
        let counted = self.model.counts;
        let model = self.model.tick();
        let both = [(real.waited, counted.waited), (real.begun as f64, counted.begun as f64)];
        assert!(both.iter().all(|(real, model)| (real - model).abs() < 1e-6), "{real:?} {counted:?}");
        assert_eq!(
            (real.returned, real.failed, real.turned_away, real.waiting, real.newcomers_waiting),
            (counted.returned, counted.failed, counted.turned_away, model.waiting, model.newcomers_waiting)
        );
        // What the tick itself did is part of the next count.
        self.model.counts = QueueCounts {
            begun: model.begun - counted.begun,
            turned_away: model.turned_away - counted.turned_away,
            returned: model.returned - counted.returned,
            waited: model.waited - counted.waited,
            failed: model.failed - counted.failed,
            ..QueueCounts::default()
        };
    }

    /// The same requests have been served or shed, and the same are in use and waiting.
    fn compare(&mut self) {
        let mut sealed = std::mem::take(&mut self.model.sealed);
        let mut still = Vec::new();
        for mut place in self.waiting.drain(..) {
            let outcome = outcome(&mut place.waiting);
            assert_eq!(outcome.as_ref().map(Result::is_ok), sealed.remove(&place.name), "{}", place.name);
            match outcome {
                Some(Ok(seat)) => self.held.push(Held { class: place.class, cost: 1_000, seat }),
                Some(Err(Shed)) => {}
                None => still.push(place),
            }
        }
        self.waiting = still;
        assert!(sealed.is_empty(), "{sealed:?} are not in line");
        for (class, &slot) in self.slots.iter().enumerate() {
            assert_eq!(u64::from(self.seats.in_use_by(slot)), self.model.in_use[class].div_ceil(1_000), "{class}");
            assert_eq!(self.seats.waiting(slot), self.model.waiting(class), "class {class}");
        }
    }
}

fn configure(seats: &Seats, limit: Option<u32>, shares: &[(f64, usize)]) -> Vec<Slot> {
    let named: Vec<_> =
        ["a", "b", "c", "d"].iter().zip(shares).map(|(name, share)| (*name, share.0, share.1)).collect();
    seats.reconfigure(limit, &classes(&named))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_judged_as_by_the_model(
        limit in 0..20_u32,
        shares in shares(),
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut both = Both::new(limit, shares);
        for step in steps {
            both.step(step);
        }
    }
}
