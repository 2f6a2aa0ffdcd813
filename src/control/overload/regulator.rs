//! The thread that has the limits of origins follow what they can do.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::baselines::{self, Baselines, Scribe};
use super::charge::{self, Charge};
use super::{NewGovernor, seats};
use crate::clock::{self, Nanos};
use crate::config::settings::CapacitySettings;
use crate::control::priority;
use crate::edge::snapshot::{OriginHandle, Snapshot, release};
use crate::edge::worker::Shared;
use crate::overload::{Bounds, RouteTag};

/// How often limits move. Short against what an overloaded origin needs to fill, long against one answer.
const TICK: Nanos = 100_000_000;
/// How often what was learnt is written down.
const WRITTEN_EVERY: Nanos = 60_000_000_000;

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Job {
    /// Write down what was learnt, and nothing after that.
    Leave(oneshot::Sender<()>),
    /// Write again.
    Resume,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Regulator {
    shared: Arc<Shared>,
    new_governor: NewGovernor,
    scribe: Scribe,
    /// What an earlier process has learnt of origins that have no governor yet.
    known: Baselines,
    charges: HashMap<String, Charge>,
    /// All routes that ever were, by what they go by in samples.
    names: HashMap<RouteTag, String>,
    /// The snapshot that was adopted last.
    adopted: Option<Arc<Snapshot>>,
    /// When what was learnt is written next.
    due: Nanos,
    /// Whether the file is another process's.
    left: bool,
}

impl Regulator {
    pub(super) fn new(shared: Arc<Shared>, new_governor: NewGovernor, known: Baselines, scribe: Scribe) -> Self {
        Self {
            shared,
            new_governor,
            scribe,
            known,
            charges: HashMap::new(),
            names: HashMap::new(),
            adopted: None,
            due: 0,
            left: false,
        }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, inbox: &Receiver<Job>) {
        priority::raise();
        let mut next = clock::now();
        loop {
            loop {
                match inbox.try_recv() {
                    Ok(job) => self.answer(job),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            let now = clock::now();
            if now >= next {
                self.round(now);
                // After a pause there is one round, not all that were missed.
                next = (next + TICK).max(now + TICK / 2);
            }
            thread::park_timeout(Duration::from_nanos(next.saturating_sub(clock::now())));
        }
    }

    pub(super) fn answer(&mut self, job: Job) {
        match job {
            Job::Leave(reply) => {
                if !self.left {
                    self.scribe.write(self.learnt(), Some(reply));
                }
                self.left = true;
            }
            Job::Resume => self.left = false,
        }
    }

    /// Has every governor learn and decide, and the seats follow.
    pub(super) fn round(&mut self, now: Nanos) {
        let snapshot = self.shared.live.load_full();
        if !self.adopted.as_ref().is_some_and(|adopted| Arc::ptr_eq(adopted, &snapshot)) {
            self.adopt(&snapshot, now);
            self.adopted = Some(Arc::clone(&snapshot));
        }
        for (capacity, handle) in origins(&snapshot) {
            let CapacitySettings::Adaptive { enforce, .. } = capacity else { continue };
            let (Some(charge), Some(adaptive)) = (self.charges.get_mut(handle.origin.name()), &handle.adaptive) else {
                continue;
            };
            if let Some(directive) = charge.tick(handle, adaptive, now) {
                seats::follow(handle, adaptive, &directive, enforce, now);
            }
        }
        if now >= self.due && !self.left {
            if self.due > 0 {
                self.scribe.write(self.learnt(), None);
            }
            self.due = now + WRITTEN_EVERY;
        }
    }

    /// Begins with what is new in a snapshot, and ends what is no longer there. A governor outlasts a time in which its
    /// origin has another capacity.
    fn adopt(&mut self, snapshot: &Snapshot, now: Nanos) {
        let settings = &snapshot.policy.settings;
        self.charges.retain(|name, _| settings.origins.iter().any(|origin| origin.name == *name));
        let tags = (0..).zip(&settings.routes).filter_map(|(index, route)| Some((snapshot.route_tag(index)?, route)));
        self.names.extend(tags.map(|(tag, route)| (tag, route.name.clone())));
        for (index, (capacity, handle)) in origins(snapshot).enumerate() {
            let CapacitySettings::Adaptive { min, max, .. } = capacity else {
                // A round with the snapshot before this one may have ended after this one was put in force.
                release(&handle.seats, capacity);
                handle.origin.set_shedding(false);
                continue;
            };
            let bounds = Bounds { min, max };
            let routes = charge::routes_to(index, &settings.routes, |route| snapshot.route_tag(route));
            let name = handle.origin.name();
            let charge = self.charges.entry(name.to_owned()).or_insert_with(|| {
                let mut charge = Charge::new(self.new_governor, bounds, now);
                charge.restore(&known_of(&routes, &self.known.remove(name).unwrap_or_default()));
                charge
            });
            charge.reconfigure(bounds, charge::goals(&settings.classes, &handle.slots), routes);
        }
    }

    /// What is known of routes, for the process after this one.
    fn learnt(&self) -> Baselines {
        let mut learnt = self.known.clone();
        for (origin, charge) in &self.charges {
            let named = charge.baselines().filter_map(|(tag, latency)| Some((self.names.get(&tag)?, latency)));
            let routes = named.map(|(route, latency)| (route.clone(), latency.as_secs_f64()));
            learnt.insert(origin.clone(), routes.collect());
        }
        if let Some(snapshot) = &self.adopted {
            learnt.retain(|name, _| snapshot.origins.iter().any(|handle| handle.origin.name() == name));
        }
        learnt
    }
}

fn origins(snapshot: &Snapshot) -> impl Iterator<Item = (CapacitySettings, &OriginHandle)> {
    snapshot.policy.settings.origins.iter().map(|origin| origin.capacity).zip(&snapshot.origins)
}

fn known_of(routes: &[(RouteTag, String)], known: &BTreeMap<String, f64>) -> Vec<(RouteTag, Duration)> {
    let latency = |name: &String| known.get(name).copied().and_then(baselines::duration);
    routes.iter().filter_map(|(tag, name)| Some((*tag, latency(name)?))).collect()
}
