//! Waiting rooms: kept by name for as long as the process lives, even while no policy mentions them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Nanos;
use crate::config::Problem;
use crate::config::settings::{LimitKey, LimitMode, LimitSettings, Rate, RoomSettings};
use crate::edge::waiting::page::{self, TemplateError};
use crate::edge::waiting::scene::Painter;
use crate::limit::Limiter;
use crate::room::challenge::Spent;
use crate::room::cookie::RoomCookie;
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
    /// What its shoppers carry.
    pub cookie: Arc<RoomCookie>,
    /// Proofs of work that were handed in.
    pub spent: Arc<Spent>,
    /// Its pages.
    pub painter: Arc<dyn Painter>,
    /// Its counters.
    pub metrics: Arc<RoomMetrics>,
}

/// Client addresses whose joins are counted at once.
const CLIENTS: usize = 1_000_000;

#[derive(Debug)]
pub(super) struct Rooms {
    metrics: Metrics,
    kept: HashMap<String, Kept>,
    /// What the store knows of rooms that are not built yet.
    restored: HashMap<String, Saved>,
}

/// What of a room outlives a revision.
#[derive(Debug, Clone)]
struct Kept {
    room: Arc<Room>,
    joins: Option<Arc<Limiter>>,
    cookie: Arc<RoomCookie>,
    spent: Arc<Spent>,
}

impl Rooms {
    /// No rooms yet.
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { metrics, kept: HashMap::new(), restored: HashMap::new() }
    }

    pub(super) fn restore(&mut self, restored: HashMap<String, Saved>) {
        self.restored = restored;
    }

    /// The handle of each room; what is there already takes its new settings.
    pub(super) fn handles(
        &mut self,
        settings: &[RoomSettings],
        painters: Vec<Arc<dyn Painter>>,
        now: Nanos,
    ) -> Vec<RoomHandle> {
        settings.iter().zip(painters).map(|(settings, painter)| self.handle(settings, painter, now)).collect()
    }

    fn handle(&mut self, settings: &RoomSettings, painter: Arc<dyn Painter>, now: Nanos) -> RoomHandle {
        let name = &settings.name;
        let kept = self.kept.entry(name.clone()).or_insert_with(|| Kept {
            room: Arc::new(room(settings, self.restored.remove(name).as_ref(), now)),
            joins: None,
            cookie: Arc::new(RoomCookie::of(name)),
            spent: Arc::new(Spent::new()),
        });
        kept.room.reconfigure(settings);
        kept.joins = joins(settings, kept.joins.take(), now);
        let Kept { room, joins, cookie, spent } = kept.clone();
        RoomHandle { room, joins, cookie, spent, painter, metrics: self.metrics.room(name) }
    }
}

/// What paints the pages of each room.
pub(super) fn painters(settings: &[RoomSettings]) -> Result<Vec<Arc<dyn Painter>>, Vec<Problem>> {
    let mut problems = Vec::new();
    let painters = settings.iter().filter_map(|room| {
        let loaded = page::painter(room.template.as_deref());
        loaded.map_err(|error| problems.push(template_problem(&room.name, &error))).ok()
    });
    let painters: Vec<_> = painters.collect();
    if problems.is_empty() { Ok(painters) } else { Err(problems) }
}

fn template_problem(room: &str, error: &TemplateError) -> Problem {
    Problem { line: 0, column: 0, key: format!("room.{room}.template"), message: error.to_string(), suggestion: None }
}

fn room(settings: &RoomSettings, saved: Option<&Saved>, now: Nanos) -> Room {
    // A number nobody can have been given a ticket of before.
    let epoch = fastrand::u32(1..1 << 31);
    Room::new(settings, saved, epoch, Moment { mono: now, unix: 0 })
}

/// The buckets of those who join; a reload does not fill them.
fn joins(settings: &RoomSettings, before: Option<Arc<Limiter>>, now: Nanos) -> Option<Arc<Limiter>> {
    let limit = joins_limit(&settings.name, settings.joins_per_client?, settings.joins_burst);
    let limiter = before.unwrap_or_else(|| Arc::new(Limiter::new(&limit, now)));
    limiter.reconfigure(&limit, now);
    Some(limiter)
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
