//! A whole evening in simulated time: tens of thousands come, many leave, some of them return.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

/// What a shopper does next, at a time in milliseconds.
type Event = Reverse<(u64, usize, Deed)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Come,
    Ask,
    /// Closes the page without a word.
    Vanish,
    Return,
    Done,
}

#[derive(Debug, Default, Clone)]
struct Shopper {
    number: Option<u32>,
    promise: Option<Promise>,
    away: bool,
    slot: Option<Slot>,
}

/// What came of an evening.
#[derive(Debug, Default)]
struct Outcome {
    came_in: u32,
    promised: u32,
    kept: u32,
    most_inside: u32,
}

struct Evening {
    scene: Scene,
    events: BinaryHeap<Event>,
    shoppers: Vec<Shopper>,
    dice: fastrand::Rng,
    outcome: Outcome,
    stay: f64,
    leaving: f64,
}

impl Evening {
    /// `arrivals` come a second for `seconds`; one of them stays inside for about `stay` seconds, and `leaving` of them
    /// vanish from the line, a third of whom return.
    fn play(settings: RoomSettings, arrivals: f64, seconds: u32, stay: f64, leaving: f64, seed: u64) -> Outcome {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut events = BinaryHeap::new();
        let (mut at, mut count) = (1_000.0, 0);
        while at < f64::from(seconds) * 1_000.0 {
            events.push(Reverse((at as u64, count, Deed::Come)));
            at += -(1.0 - dice.f64()).ln() * 1_000.0 / arrivals;
            count += 1;
        }
        let shoppers = vec![Shopper::default(); count];
        let scene = Scene::of(settings);
        let outcome = Outcome::default();
        let mut evening = Self { scene, events, shoppers, dice, outcome, stay, leaving };
        while !evening.events.is_empty() {
            evening.tick();
        }
        evening.outcome
    }

    fn tick(&mut self) {
        let now = self.scene.now.mono / 1_000_000;
        while self.events.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            let Some(Reverse((_, who, deed))) = self.events.pop() else { return };
            self.act(who, deed, now);
        }
        self.scene.tick();
        self.outcome.most_inside = self.outcome.most_inside.max(self.scene.used());
    }

    fn act(&mut self, who: usize, deed: Deed, now: u64) {
        match deed {
            Deed::Come => self.come(who, now),
            Deed::Ask if !self.shoppers[who].away => self.ask(who, now),
            Deed::Vanish => self.shoppers[who].away = true,
            Deed::Return if self.shoppers[who].slot.is_none() => {
                self.shoppers[who].away = false;
                self.ask(who, now);
            }
            Deed::Done => {
                let slot = self.shoppers[who].slot.unwrap();
                assert!(self.scene.room.finish(slot, self.scene.now));
            }
            Deed::Ask | Deed::Return => {}
        }
    }

    fn come(&mut self, who: usize, now: u64) {
        match self.scene.enter() {
            Entry::Inside(slot) => self.go_in(who, slot, now),
            Entry::Waiting { number, .. } => {
                let estimate = self.scene.room.view().estimate(self.scene.room.rank(number));
                let promise = Promise { joined: self.scene.now.unix, likely: estimate.likely, late: estimate.late };
                let shopper = &mut self.shoppers[who];
                (shopper.number, shopper.promise) = (Some(number), Some(promise));
                let wait = estimate.likely.map_or(60.0, f64::from);
                if self.dice.f64() < self.leaving {
                    let gone = now + (self.dice.f64() * wait * 1_000.0) as u64;
                    self.events.push(Reverse((gone, who, Deed::Vanish)));
                    if self.dice.f64() < 1.0 / 3.0 {
                        let back = gone + (self.dice.f64() * wait * 1_000.0) as u64;
                        self.events.push(Reverse((back, who, Deed::Return)));
                    }
                }
                self.ask(who, now);
            }
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, who: usize, now: u64) {
        let shopper = &self.shoppers[who];
        let (number, promise) = (shopper.number.unwrap(), shopper.promise.unwrap());
        match self.scene.ask(number) {
            Standing::Called => {
                let claimed = self.scene.room.claim(self.scene.epoch(), number, promise, self.scene.now).unwrap();
                let waited = claimed.waited.unwrap().as_secs();
                if let Some(late) = promise.late.filter(|_| promise.likely >= Some(5)) {
                    self.outcome.promised += 1;
                    self.outcome.kept += u32::from(waited <= u64::from(late));
                }
                self.go_in(who, claimed.slot, now);
            }
            Standing::Waiting { rank } => {
                let after = self.scene.room.view().poll_after(rank, self.dice.u64(..));
                self.events.push(Reverse((now + after.as_millis() as u64, who, Deed::Ask)));
            }
            Standing::Inside(_) => {}
            other => panic!("{number}: {other:?}"),
        }
    }

    fn go_in(&mut self, who: usize, slot: Slot, now: u64) {
        self.shoppers[who].slot = Some(slot);
        self.outcome.came_in += 1;
        assert!(self.scene.stay(slot));
        let stay = (self.stay * (0.5 + self.dice.f64()) * 1_000.0) as u64;
        self.events.push(Reverse((now + stay, who, Deed::Done)));
    }
}

#[test]
fn nine_of_ten_wait_no_longer_than_the_late_estimate_said() {
    for seed in 0..2 {
        let room = RoomSettings { claim: seconds(20), ..settings(300) };
        // Three hundred inside for half a minute each: ten a second, and twenty come.
        let outcome = Evening::play(room, 20.0, 300, 30.0, 0.4, seed);
        let kept = f64::from(outcome.kept) / f64::from(outcome.promised);
        assert!(outcome.most_inside <= 300);
        assert!((0.85..=0.96).contains(&kept), "seed {seed}: {kept} of {outcome:?}");
    }
}
