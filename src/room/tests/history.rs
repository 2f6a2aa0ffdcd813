//! Long random histories, with kills at any moment, against what every shopper was told.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::room::store::SlotRecord;

const CAP: u32 = 6;
const CLAIM: u64 = 30;

#[derive(Debug, Clone)]
enum Act {
    Enter,
    Ask(usize),
    Claim(usize),
    Leave(usize),
    Visit(usize),
    Finish(usize),
    Pause,
    Open,
    Tick,
    /// The store keeps it, and the process is killed before anybody hears of it.
    KilledAfterWrite,
    /// The process is killed before anything is written.
    Killed,
    Silence(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let one = 0..64_usize;
    prop_oneof![
        6 => Just(Act::Enter),
        8 => one.clone().prop_map(Act::Ask),
        4 => one.clone().prop_map(Act::Claim),
        1 => one.clone().prop_map(Act::Leave),
        4 => one.clone().prop_map(Act::Visit),
        2 => one.prop_map(Act::Finish),
        1 => Just(Act::Pause),
        2 => Just(Act::Open),
        10 => Just(Act::Tick),
        1 => Just(Act::KilledAfterWrite),
        1 => Just(Act::Killed),
        1 => (0..200_u64).prop_map(Act::Silence),
    ]
}

/// What a shopper remembers.
#[derive(Debug, Default, Clone)]
struct Memory {
    /// Came in at once, with a pass and without a ticket.
    walked_in: bool,
    /// The pass.
    slot: Option<Slot>,
    /// Was told that it is their turn, which holds until this second.
    called: Option<u32>,
    /// Gave up, finished, or was told that the number was used.
    done: bool,
}

struct History {
    scene: Scene,
    shoppers: Vec<(u32, Memory)>,
    last_number: Option<u32>,
}

impl History {
    fn pick(&self, choice: usize) -> Option<usize> {
        (!self.shoppers.is_empty()).then(|| choice % self.shoppers.len())
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Enter => self.enter(),
            Act::Ask(one) => drop(self.pick(one).map(|one| self.ask(one))),
            Act::Claim(one) => drop(self.pick(one).map(|one| self.claim(one))),
            Act::Leave(one) => drop(self.pick(one).map(|one| self.leave(one))),
            Act::Visit(one) => drop(self.pick(one).map(|one| self.visit(one))),
            Act::Finish(one) => drop(self.pick(one).map(|one| self.finish(one))),
            Act::Pause => self.scene.settings.mode = RoomMode::Paused,
            Act::Open => self.scene.settings.mode = RoomMode::Auto,
            Act::Tick => self.tick(),
            Act::KilledAfterWrite => {
                let batch = self.scene.decide();
                if let Some(record) = &batch.record {
                    self.scene.saved.apply(record);
                }
                self.restart();
            }
            Act::Killed => self.restart(),
            Act::Silence(time) => {
                self.scene.pass(seconds(time));
                // Places lapse meanwhile; what was promised held until then.
                self.scene.tick();
            }
        }
        if matches!(act, Act::Pause | Act::Open) {
            self.scene.room.reconfigure(&self.scene.settings);
        }
    }

    fn enter(&mut self) {
        let number = match self.scene.enter() {
            Entry::Inside(slot) => {
                self.shoppers.push((slot.number, Memory { slot: Some(slot), walked_in: true, ..Memory::default() }));
                slot.number
            }
            Entry::Waiting { number, .. } => {
                self.shoppers.push((number, Memory::default()));
                number
            }
            Entry::NoNumber | Entry::Closed => return,
        };
        assert!(self.last_number.is_none_or(|last| number > last), "{number} after {:?}", self.last_number);
        self.last_number = Some(number);
    }

    fn ask(&mut self, one: usize) {
        let (number, memory) = self.shoppers[one].clone();
        if memory.walked_in {
            return;
        }
        let standing = self.scene.ask(number);
        assert_ne!(standing, Standing::Foreign, "{number} was given and is not known");
        let is_called = matches!(standing, Standing::Called | Standing::Inside(_));
        if self.holds(&memory) {
            assert!(is_called, "{number} was called and is {standing:?} now");
        }
        let called = is_called.then(|| self.since(number) + CLAIM as u32);
        self.shoppers[one].1 = Memory { called, done: memory.done || standing == Standing::Used, ..memory };
    }

    fn holds(&self, memory: &Memory) -> bool {
        !memory.done && memory.called.is_some_and(|until| self.scene.now.seconds() <= until)
    }

    /// When a slot was given to this number, or last heard of.
    fn since(&self, number: u32) -> u32 {
        let era = self.scene.room.era.load();
        era.slot_of(number).map_or(0, |(slot, _)| era.inside.seen(slot))
    }

    fn claim(&mut self, one: usize) {
        let (number, memory) = self.shoppers[one].clone();
        if memory.walked_in {
            return;
        }
        let claimed = self.scene.claim(number);
        assert!(!self.holds(&memory) || claimed.is_some(), "the turn of {number} is lost");
        self.shoppers[one].1.slot = claimed.or(memory.slot);
    }

    fn leave(&mut self, one: usize) {
        let (number, memory) = &mut self.shoppers[one];
        if memory.slot.is_none() {
            self.scene.room.leave(self.scene.epoch(), *number, self.scene.now);
            memory.done = true;
        }
    }

    fn visit(&mut self, one: usize) {
        let (_, memory) = &self.shoppers[one];
        if let Some(slot) = memory.slot {
            let _ = self.scene.stay(slot);
        }
    }

    fn finish(&mut self, one: usize) {
        let (_, memory) = &mut self.shoppers[one];
        if let Some(slot) = memory.slot {
            self.scene.room.finish(slot, self.scene.now);
            memory.done = true;
        }
    }

    /// A tick that calls in order.
    fn tick(&mut self) {
        let before: Vec<u32> = self.called();
        self.scene.tick();
        let called: Vec<u32> = self.called().into_iter().filter(|number| !before.contains(number)).collect();
        let Some(last) = called.iter().max() else { return };
        let era = self.scene.room.era.load();
        for (number, memory) in &self.shoppers {
            let is_there = era.line.is_waiting(*number)
                && super::super::enter::overdue(era.line.seen(*number), self.scene.now) <= 0;
            assert!(memory.done || !is_there || number > last, "{number} waits and {last} was called");
        }
    }

    fn called(&self) -> Vec<u32> {
        let era = self.scene.room.era.load();
        let mut called = Vec::new();
        era.inside.scan(0, 1, |_, state, _| {
            if let crate::room::inside::State::Called(number) = state {
                called.push(number);
            }
        });
        called
    }

    fn restart(&mut self) {
        self.scene.kill();
        self.scene.tick();
    }

    fn check(&self) {
        assert!(self.scene.used() <= CAP, "{} slots are taken", self.scene.used());
        let era = self.scene.room.era.load();
        let mut holders = HashMap::new();
        era.inside.scan(0, 1, |slot, state, _| {
            assert!(slot < CAP);
            if let crate::room::inside::State::Called(number) = state {
                assert_eq!(holders.insert(number, slot), None, "{number} has two slots");
                assert!(!era.line.is_waiting(number), "{number} is called and waits");
            }
        });
        let taken = self.scene.saved.slots.iter().filter(|(_, slot)| !matches!(slot, SlotRecord::Free)).count();
        assert!(taken <= CAP as usize);
    }
}

fn play(acts: &[Act]) {
    let scene = Scene::of(RoomSettings { claim: seconds(CLAIM), session: seconds(60), ..settings(CAP) });
    let mut history = History { scene, shoppers: Vec::new(), last_number: None };
    for act in acts {
        history.act(act);
        history.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_lost_doubled_or_overtaken(acts in proptest::collection::vec(act(), 1..250)) {
        play(&acts);
    }
}

#[test]
fn a_store_that_fails_stops_numbers_but_not_the_line() {
    let mut scene = Scene::of(settings(100));
    let before = scene.room.era.load().numbers.leased();
    let line: Vec<u32> = (0..20)
        .filter_map(|_| match scene.enter() {
            Entry::Waiting { number, .. } => Some(number),
            _ => None,
        })
        .collect();
    for _ in 0..100 {
        line.iter().for_each(|number| scene.keep(*number));
        scene.tick_in_memory();
    }
    assert!(!scene.room.view().durable);
    assert!(line.iter().any(|number| scene.ask(*number) == Standing::Called), "the line moves");
    let given = std::iter::from_fn(|| match scene.enter() {
        Entry::Inside(slot) => Some(slot.number),
        Entry::Waiting { number, .. } => Some(number),
        _ => None,
    })
    .take(200_000)
    .max()
    .unwrap();
    assert!(given < before, "{given} was given, and the store has set aside {before}");
    assert_eq!(scene.enter(), Entry::NoNumber);
    scene.tick();
    scene.tick();
    assert!(scene.room.view().durable);
    assert!(matches!(scene.enter(), Entry::Waiting { .. } | Entry::Inside(_)), "it goes on once the store does");
}
