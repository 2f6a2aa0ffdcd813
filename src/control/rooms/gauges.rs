//! What of the rooms is read when somebody scrapes the metrics.

use std::sync::Arc;

use super::pen::Health;
use crate::config::settings::RoomMode;
use crate::edge::worker::Shared;
use crate::room::Room;
use crate::room::view::View;
use crate::telemetry::metrics::{GaugeSource, GaugeWriter, RoomGauges, RoomState};

/// The gauges of the rooms in force and of their store.
#[derive(Debug)]
pub(super) struct RoomGaugesSource {
    shared: Arc<Shared>,
    health: Arc<Health>,
}

impl RoomGaugesSource {
    /// Those of the rooms in `shared`.
    pub(super) fn new(shared: Arc<Shared>, health: Arc<Health>) -> Self {
        Self { shared, health }
    }
}

impl GaugeSource for RoomGaugesSource {
    fn collect(&self, out: &mut GaugeWriter) {
        out.room_store(self.health.is_healthy(), self.health.errors());
        for handle in &self.shared.live.load().rooms {
            out.room(handle.room.name(), gauges(&handle.room));
        }
    }
}

fn gauges(room: &Room) -> RoomGauges {
    let (view, tally) = (room.view(), room.tally());
    RoomGauges {
        waiting: view.waiting,
        inside: view.inside,
        called: view.called,
        cap: view.cap,
        rate: view.rate,
        state: state(&view),
        admitted: tally.admitted,
        abandoned: tally.abandoned,
        completed: tally.completed,
    }
}

/// What a room does with who comes.
#[must_use]
pub fn state(view: &View) -> RoomState {
    match view.mode {
        RoomMode::Off => RoomState::Off,
        RoomMode::Closed => RoomState::Closed,
        _ if view.sold_out => RoomState::SoldOut,
        RoomMode::Paused => RoomState::Paused,
        _ if view.is_lobby() => RoomState::Lobby,
        RoomMode::Auto | RoomMode::Always => RoomState::Open,
    }
}
