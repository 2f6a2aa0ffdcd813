//! A room with its store and its clock, and shoppers who do one thing after another.

mod crowd;
mod history;
mod line;
mod lobby;
mod modes;
mod restart;

use std::time::Duration;

use super::standing::{Entry, Promise, Slot, Standing};
use super::store::Saved;
use super::{Batch, Headroom, Moment, Room, Tick};
use crate::config::settings::{AdmitRate, ProofOfWork, Rate, RoomMode, RoomOrder, RoomSettings, Texts};

const UNIX: u64 = 1_800_000_000;
const NOBODY: Promise = Promise { joined: UNIX, likely: None, late: None };

fn settings(cap: u32) -> RoomSettings {
    RoomSettings {
        name: "sale".to_owned(),
        mode: RoomMode::Auto,
        active_shoppers: cap,
        admit_rate: AdmitRate::Auto,
        session: Duration::from_secs(600),
        claim: Duration::from_secs(120),
        order: RoomOrder::Arrival,
        opens: None,
        title: Texts::default(),
        message: Texts::default(),
        template: None,
        joins_per_client: None,
        joins_burst: 1,
        proof_of_work: ProofOfWork::Off,
        bind_network: false,
    }
}

fn per_second(count: u64) -> AdmitRate {
    AdmitRate::Fixed(Rate { count, per: Duration::from_secs(1) })
}

/// A room, what its store knows, and the time.
struct Scene {
    room: Room,
    settings: RoomSettings,
    saved: Saved,
    now: Moment,
    ticks: u64,
}

impl Scene {
    fn of(settings: RoomSettings) -> Self {
        let now = Moment { mono: 1_000_000_000, unix: UNIX };
        let room = Room::new(&settings, None, 7, now);
        let mut scene = Self { room, settings, saved: Saved::default(), now, ticks: 0 };
        scene.tick();
        scene.tick();
        scene
    }

    fn change(&mut self, change: impl FnOnce(&mut RoomSettings)) {
        change(&mut self.settings);
        self.room.reconfigure(&self.settings);
        self.tick();
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono += time.as_nanos() as u64;
        self.now.unix = UNIX + self.now.mono / 1_000_000_000 - 1;
    }

    fn decide(&mut self) -> Batch {
        self.ticks += 1;
        self.pass(Duration::from_millis(100));
        let mut random = [0; 32];
        random[..8].copy_from_slice(&self.ticks.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        self.room.tick(Tick { now: self.now, headroom: Headroom::default(), random })
    }

    /// A tick whose record is kept.
    fn tick(&mut self) {
        let batch = self.decide();
        if let Some(record) = &batch.record {
            self.saved.apply(record);
        }
        self.room.publish(batch, true);
    }

    /// A tick whose record is lost.
    fn tick_in_memory(&mut self) {
        let batch = self.decide();
        self.room.publish(batch, false);
    }

    /// Ticks for a time in which these tickets go on asking.
    fn wait(&mut self, time: Duration, numbers: &[u32]) {
        for _ in 0..time.as_millis() / 100 {
            for number in numbers {
                let _ = self.ask(*number);
            }
            self.tick();
        }
    }

    /// The process is killed and another one begins with what the store knows.
    fn kill(&mut self) {
        self.room = Room::new(&self.settings, Some(&self.saved), 9, self.now);
    }

    fn enter(&self) -> Entry {
        self.room.enter(self.now)
    }

    /// A newcomer who has to wait, and whose page asks at once.
    fn join(&self) -> u32 {
        let Entry::Waiting { epoch, number } = self.enter() else { panic!("nobody has to wait") };
        let _ = self.room.standing(epoch, number, false, self.now);
        number
    }

    /// A newcomer who comes in at once.
    fn walk_in(&self) -> Slot {
        let Entry::Inside(slot) = self.enter() else { panic!("there is a line") };
        slot
    }

    fn ask(&self, number: u32) -> Standing {
        self.room.standing(self.epoch(), number, false, self.now)
    }

    /// A page asks, and nobody looks at the answer.
    fn keep(&self, number: u32) {
        let _ = self.ask(number);
    }

    fn epoch(&self) -> u32 {
        self.room.era.load().epoch
    }

    fn claim(&self, number: u32) -> Option<Slot> {
        self.room.claim(self.epoch(), number, NOBODY, self.now).map(|claimed| claimed.slot)
    }

    fn stay(&self, slot: Slot) -> bool {
        self.room.stay(slot, false, self.now)
    }

    fn used(&self) -> u32 {
        self.room.era.load().inside.used()
    }
}

fn waiting(rank: u32) -> Standing {
    Standing::Waiting { rank: Some(rank) }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
