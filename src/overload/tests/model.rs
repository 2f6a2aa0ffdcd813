//! Random histories against a model that keeps lists and recomputes everything.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const CLASSES: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    Acquire { class: usize, worker: usize },
    Release { which: usize },
    Wait { class: usize, worker: usize },
    Leave { which: usize },
    Limit(Option<u32>),
    Shares(Vec<(f64, usize)>),
}

fn step() -> impl Strategy<Value = Step> {
    let class = 0..CLASSES;
    let limit = prop_oneof![4 => (0..40_u32).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        10 => (class.clone(), 0..3_usize).prop_map(|(class, worker)| Step::Acquire { class, worker }),
        8 => (0..100_usize).prop_map(|which| Step::Release { which }),
        8 => (class, 0..3_usize).prop_map(|(class, worker)| Step::Wait { class, worker }),
        3 => (0..100_usize).prop_map(|which| Step::Leave { which }),
        1 => limit.prop_map(Step::Limit),
        1 => shares().prop_map(Step::Shares),
    ]
}

/// Guarantees in tenths, so that the model's arithmetic is exact.
fn shares() -> impl Strategy<Value = Vec<(f64, usize)>> {
    let share = (0..4_u32, prop_oneof![Just(0_usize), 1..6_usize]);
    let share = share.prop_map(|(tenths, max_waiting)| (f64::from(tenths) / 10.0, max_waiting));
    proptest::collection::vec(share, CLASSES)
}

/// What [`Seats`] should do, one request at a time.
#[derive(Debug)]
struct Model {
    limit: Option<u32>,
    shares: Vec<(f64, usize)>,
    in_use: [u32; CLASSES],
    lines: [VecDeque<usize>; CLASSES],
    served: Vec<usize>,
}

impl Model {
    fn reserve(&self, class: usize) -> u32 {
        match (self.shares[class], self.limit) {
            ((guaranteed, 0), Some(limit)) => (guaranteed * 10.0).round() as u32 * limit / 10,
            _ => 0,
        }
    }

    fn fits(&self, class: usize) -> bool {
        let Some(limit) = self.limit else { return true };
        let others = (0..CLASSES).filter(|&other| other != class);
        let kept: u32 = others.map(|other| self.reserve(other).saturating_sub(self.in_use[other])).sum();
        self.in_use.iter().sum::<u32>() + 1 + kept <= limit
    }

    fn acquire(&mut self, class: usize) -> bool {
        let nobody_waits = self.lines.iter().all(VecDeque::is_empty);
        let may = self.fits(class) && (nobody_waits || self.in_use[class] < self.reserve(class));
        self.in_use[class] += u32::from(may);
        may
    }

    fn wait(&mut self, class: usize, name: usize) -> bool {
        let room = self.lines[class].len() < self.shares[class].1;
        if room {
            self.lines[class].push_back(name);
        }
        room
    }

    fn serve(&mut self) {
        let limit = self.limit.unwrap_or(u32::MAX);
        loop {
            let waiting: Vec<usize> = (0..CLASSES).filter(|&class| !self.lines[class].is_empty()).collect();
            let owed = |class: &&usize| {
                u64::from(self.in_use[**class]) * 10 < (self.shares[**class].0 * 10.0).round() as u64 * u64::from(limit)
            };
            let Some(&class) = waiting.iter().find(owed).or(waiting.first()) else { return };
            if !self.fits(class) {
                return;
            }
            self.in_use[class] += 1;
            self.served.extend(self.lines[class].pop_front());
        }
    }
}

/// The real thing and the model side by side.
struct Both {
    seats: Seats,
    slots: Vec<Slot>,
    model: Model,
    held: Vec<(usize, Seat)>,
    waiting: Vec<(usize, usize, Waiting)>,
    names: usize,
}

impl Both {
    fn new(limit: u32, shares: Vec<(f64, usize)>) -> Self {
        let seats = Seats::new(3);
        let slots = configure(&seats, Some(limit), &shares);
        let model =
            Model { limit: Some(limit), shares, in_use: [0; CLASSES], lines: Default::default(), served: Vec::new() };
        Self { seats, slots, model, held: Vec::new(), waiting: Vec::new(), names: 0 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Acquire { class, worker } => {
                let seat = self.seats.try_acquire(self.slots[class], worker, R);
                assert_eq!(seat.is_some(), self.model.acquire(class));
                self.held.extend(seat.map(|seat| (class, seat)));
            }
            Step::Release { which } if !self.held.is_empty() => {
                let (class, seat) = self.held.swap_remove(which % self.held.len());
                drop(seat);
                self.model.in_use[class] -= 1;
            }
            Step::Wait { class, worker } => {
                self.names += 1;
                let waiting = self.seats.wait(self.slots[class], worker, R, 0);
                assert_eq!(waiting.is_ok(), self.model.wait(class, self.names));
                self.waiting.extend(waiting.map(|waiting| (class, self.names, waiting)));
            }
            Step::Leave { which } if !self.waiting.is_empty() => {
                let (class, name, waiting) = self.waiting.swap_remove(which % self.waiting.len());
                drop(waiting);
                self.model.lines[class].retain(|&other| other != name);
            }
            Step::Limit(limit) => {
                self.seats.set_limit(limit);
                self.model.limit = limit;
            }
            Step::Shares(shares) => {
                assert_eq!(configure(&self.seats, self.model.limit, &shares), self.slots);
                self.model.shares = shares;
            }
            Step::Release { .. } | Step::Leave { .. } => {}
        }
        self.model.serve();
        self.compare();
    }

    /// The same requests have been served, and the same are in use and waiting.
    fn compare(&mut self) {
        let mut still = Vec::new();
        let mut served_now = Vec::new();
        for (class, name, mut waiting) in self.waiting.drain(..) {
            match served(&mut waiting) {
                Some(seat) => {
                    served_now.push(name);
                    self.held.push((class, seat));
                }
                None => still.push((class, name, waiting)),
            }
        }
        self.waiting = still;
        served_now.sort_unstable();
        self.model.served.sort_unstable();
        assert_eq!(served_now, std::mem::take(&mut self.model.served));
        for (class, &slot) in self.slots.iter().enumerate() {
            assert_eq!(self.seats.in_use_by(slot), self.model.in_use[class], "class {class}");
            assert_eq!(self.seats.waiting(slot), self.model.lines[class].len(), "class {class}");
        }
    }
}

fn configure(seats: &Seats, limit: Option<u32>, shares: &[(f64, usize)]) -> Vec<Slot> {
    let named: Vec<_> =
        ["a", "b", "c", "d"].iter().zip(shares).map(|(name, share)| (*name, share.0, share.1)).collect();
    seats.reconfigure(limit, &classes(&named))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_judged_as_by_the_model(
        limit in 0..30_u32,
        shares in shares(),
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut both = Both::new(limit, shares);
        for step in steps {
            both.step(step);
        }
    }
}
