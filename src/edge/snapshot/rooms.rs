//! Waiting rooms: kept by name for as long as the process lives, even while no policy mentions them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Nanos;
use crate::config::settings::{LimitKey, LimitMode, LimitSettings, Rate, RoomSettings};
use crate::limit::Limiter;
use crate::room::store::Saved;
use crate::room::{Moment, Room};
use crate::telemetry::metrics::{Metrics, RoomMetrics};

/// A waiting room and who may join its line.
#[derive(Debug, Clone)]
pub struct RoomHandle {
    /// The line, and who is inside.
    pub room: Arc<Room>,
    /// How many places one client address may be given; `None` is no limit.
    pub joins: Option<Arc<Limiter>>,
    /// What happens in it.
    pub metrics: Arc<RoomMetrics>,
}

/// Client addresses whose joins are counted at once.
const CLIENTS: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: HashMap<String, Arc<Room>>,
    joins: HashMap<String, Arc<Limiter>>,
    /// What the store knows of rooms that are not built yet.
    restored: HashMap<String, Saved>,
}

impl Rooms {
    pub(super) fn restored(restored: HashMap<String, Saved>) -> Self {
        Self { restored, ..Self::default() }
    }

    /// The handle of each room; what is there already takes its new settings.
    pub(super) fn handles(&mut self, settings: &[RoomSettings], metrics: &Metrics, now: Nanos) -> Vec<RoomHandle> {
        let handle = |settings: &RoomSettings| RoomHandle {
            room: self.room(settings, now),
            joins: self.joins(settings, now),
            metrics: metrics.room(&settings.name),
        };
        settings.iter().map(handle).collect()
    }

    fn room(&mut self, settings: &RoomSettings, now: Nanos) -> Arc<Room> {
        let room = self.rooms.entry(settings.name.clone()).or_insert_with(|| {
            let saved = self.restored.remove(&settings.name);
            // A number nobody can have been given a ticket of before.
            let epoch = fastrand::u32(1..1 << 31);
            Arc::new(Room::new(settings, saved.as_ref(), epoch, Moment { mono: now, unix: 0 }))
        });
        room.reconfigure(settings);
        Arc::clone(room)
    }

    fn joins(&mut self, settings: &RoomSettings, now: Nanos) -> Option<Arc<Limiter>> {
        let limit = joins_limit(&settings.name, settings.joins_per_client?, settings.joins_burst);
        let limiter = self.joins.entry(settings.name.clone()).or_insert_with(|| Arc::new(Limiter::new(&limit, now)));
        limiter.reconfigure(&limit, now);
        Some(Arc::clone(limiter))
    }
}

fn joins_limit(room: &str, rate: Rate, burst: u32) -> LimitSettings {
    LimitSettings {
        name: room.to_owned(),
        key: LimitKey::ClientIp,
        rate,
        burst,
        mode: LimitMode::Enforce,
        max_keys: CLIENTS,
    }
}
