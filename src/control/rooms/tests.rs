use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::memory_store::MemoryStore;
use super::*;
use crate::clock;
use crate::config;
use crate::edge::snapshot::SnapshotBuilder;
use crate::origin::{Origins, Resolver};
use crate::policy::journey::JourneyKeys;
use crate::room::standing::{Entry, Standing};
use crate::room::store::{Record, Store, StoreError};
use crate::room::{Moment, Room};

/// A process with one room for two shoppers at a time, all of whom go through the line.
struct Process {
    rooms: Rooms,
    room: Arc<Room>,
    metrics: Metrics,
}

fn settings() -> config::settings::Settings {
    let text = crate::control::fixture::policy("10/s")
        + "room = \"sale\"\n[room.sale]\nmode = \"always\"\nactive_shoppers = 2\nadmit_rate = \"1000/s\"\n";
    config::load(&text, Path::new("/")).unwrap()
}

impl Process {
    /// Starts where it was left off in `state`.
    fn start(state: &TempDir) -> Self {
        let (kept, saved) = Kept::open(&StateDir::open(state.path()).unwrap(), true).unwrap();
        Self::with(kept, saved)
    }

    fn with(kept: Kept, saved: HashMap<String, Saved>) -> Self {
        let metrics = Metrics::new(1);
        let origins = Origins::new(tokio::runtime::Handle::current(), Resolver::system().unwrap());
        let builder = SnapshotBuilder::new(metrics.clone(), Arc::new(origins), JourneyKeys::new(&[7; 32]), 1).unwrap();
        let snapshot = builder.with_rooms(saved).build(settings(), 1, clock::now()).unwrap();
        let room = Arc::clone(&snapshot.rooms[0].room);
        let shared = Shared::new(Arc::new(ArcSwap::from_pointee(snapshot)), kept.keyring());
        let rooms = Rooms::start(shared, kept, &metrics).unwrap();
        Self { rooms, room, metrics }
    }

    fn now(&self) -> Moment {
        let mono = clock::now();
        Moment { mono, unix: self.rooms.shared.unix_seconds(mono) }
    }

    /// A number for a newcomer who shows it at once.
    fn joins(&self) -> Option<u32> {
        match self.room.enter(self.now()) {
            Entry::Waiting { epoch, number } => {
                self.stands(epoch, number);
                Some(number)
            }
            _ => None,
        }
    }

    fn stands(&self, epoch: u32, number: u32) -> Standing {
        self.room.standing(epoch, number, false, self.now())
    }

    fn epoch(&self) -> u32 {
        self.room.view().epoch
    }

    async fn is_called(&self, number: u32) {
        while self.stands(self.epoch(), number) != Standing::Called {
            self.rooms.settle().await;
        }
    }

    fn shows(&self, series: &str) -> bool {
        self.metrics.gather().lines().any(|line| line == series)
    }
}

/// A store that works as long as the switch is on.
#[derive(Debug)]
struct Switched(Arc<AtomicBool>, MemoryStore);

impl Store for Switched {
    fn load(&mut self, room: &str) -> Result<Option<Saved>, StoreError> {
        self.1.load(room)
    }

    fn write(&mut self, records: &[(String, Record)]) -> Result<(), StoreError> {
        if self.0.load(Ordering::SeqCst) { self.1.write(records) } else { Err(StoreError("no space left".into())) }
    }
}

/// A process whose store works only while the switch is on.
fn switched(state: &TempDir) -> (Process, Arc<AtomicBool>) {
    let works = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&works);
    let archive = Archive::new(move || Ok(Box::new(Switched(Arc::clone(&switch), MemoryStore::default()))));
    let keys = Keys::load(&StateDir::open(state.path()).unwrap()).unwrap();
    (Process::with(Kept { archive, keys }, HashMap::new()), works)
}

#[tokio::test]
async fn nobody_gets_a_number_before_the_store_has_set_one_aside() {
    let state = tempfile::tempdir().unwrap();
    let process = Process::start(&state);
    assert_eq!(process.room.enter(process.now()), Entry::NoNumber);
    process.rooms.begin();
    assert_eq!(process.joins(), Some(0));
    process.is_called(0).await;
    assert!(process.shows("spillway_room_store_healthy 1"));
    assert!(process.shows("spillway_room_called{room=\"sale\"} 1"));
}

#[tokio::test]
async fn a_restart_keeps_places_and_passes() {
    let state = tempfile::tempdir().unwrap();
    let before = Process::start(&state);
    before.rooms.begin();
    let numbers: Vec<_> = (0..5).map(|_| before.joins().unwrap()).collect();
    before.is_called(numbers[1]).await;
    let epoch = before.epoch();
    before.rooms.finish(Duration::from_secs(60)).await;
    assert_eq!(before.joins(), None, "what is not kept is not given");
    drop(before);
    let after = Process::start(&state);
    after.rooms.begin();
    assert_eq!(after.epoch(), epoch);
    let ranks: Vec<_> = numbers[2..].iter().map(|number| after.stands(epoch, *number)).collect();
    let waiting = |rank| Standing::Waiting { rank: Some(rank) };
    assert_eq!(ranks, [waiting(0), waiting(1), waiting(2)]);
    for number in &numbers[..2] {
        assert!(matches!(after.stands(epoch, *number), Standing::Called | Standing::Inside(_)), "{number}");
    }
    assert!(after.joins().unwrap() > numbers[4]);
}

#[tokio::test]
async fn a_store_that_fails_is_told_of_and_the_line_goes_on_with_what_was_set_aside() {
    let state = tempfile::tempdir().unwrap();
    let (process, works) = switched(&state);
    process.rooms.begin();
    let first = process.joins().unwrap();
    works.store(false, Ordering::SeqCst);
    assert!(!process.rooms.settle().await);
    assert_eq!(process.rooms.health().trouble().as_deref(), Some("no space left"));
    assert!(process.shows("spillway_room_store_healthy 0"));
    process.is_called(first).await;
    assert!(!process.room.view().durable);
    let most = (0..1_000_000).take_while(|_| process.joins().is_some()).count();
    assert!((1_000..1_000_000).contains(&most), "{most} numbers were set aside");
    works.store(true, Ordering::SeqCst);
    while process.joins().is_none() {
        process.rooms.settle().await;
    }
    assert!(process.rooms.health().is_healthy() && process.room.view().durable);
    assert!(process.shows("spillway_room_store_healthy 1"));
}

#[tokio::test]
async fn while_another_process_takes_over_nobody_is_called_and_newcomers_get_places() {
    let state = tempfile::tempdir().unwrap();
    let old = Process::start(&state);
    old.rooms.begin();
    let waiting: Vec<_> = (0..4).map(|_| old.joins().unwrap()).collect();
    old.is_called(waiting[1]).await;
    old.rooms.leave().await.unwrap();
    assert!(matches!(old.rooms.keys().rotate(), Err(keys::NotRotated::HandingOver)));
    let late = old.joins().unwrap();
    assert!(old.rooms.leave().await.is_err(), "it was left already");

    let new = Process::start(&state);
    assert_eq!(new.room.enter(new.now()), Entry::NoNumber, "the old one may still give numbers");
    old.rooms.seal();
    assert_eq!(old.joins(), None);
    new.rooms.begin();
    assert!(new.joins().unwrap() > late);
    let epoch = new.epoch();
    for (rank, number) in (0..).zip(waiting[2..].iter().chain([&late])) {
        assert_eq!(new.stands(epoch, *number), Standing::Waiting { rank: Some(rank) });
    }
}

#[tokio::test]
async fn a_process_that_was_not_taken_over_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let process = Process::start(&state);
    process.rooms.begin();
    process.rooms.leave().await.unwrap();
    Process::start(&state).rooms.finish(Duration::from_secs(60)).await;
    process.rooms.resume();
    process.rooms.keys().rotate().unwrap();
    let number = process.joins().unwrap();
    process.is_called(number).await;
    process.rooms.finish(Duration::from_secs(60)).await;
    let (_, saved) = Kept::open(&StateDir::open(state.path()).unwrap(), true).unwrap();
    assert_eq!(saved["sale"].head.epoch, process.epoch());
    assert_eq!(saved["sale"].slots.len(), 1);
}

#[tokio::test]
async fn rooms_that_cannot_be_kept_are_not_left_to_another_process() {
    let state = tempfile::tempdir().unwrap();
    let (process, works) = switched(&state);
    process.rooms.begin();
    works.store(false, Ordering::SeqCst);
    let error = process.rooms.leave().await.unwrap_err().to_string();
    assert!(error.contains("no space left"), "{error}");
    works.store(true, Ordering::SeqCst);
    let number = process.joins().unwrap();
    process.is_called(number).await;
    process.rooms.keys().rotate().unwrap();
}
