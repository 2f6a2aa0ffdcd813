//! One origin of adaptive capacity and its governor.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::NewGovernor;
use crate::clock::Nanos;
use crate::config::settings::{ClassSettings, RouteSettings};
use crate::edge::snapshot::{Adaptive, Finding, OriginHandle, RouteFinding};
use crate::overload::{
    Attendance, Bounds, ClassGoal, Directive, Event, Governor, QueueCounts, RouteTag, Slot, State, Window,
};

/// How often it is shown what routes take.
const SHOWN_EVERY: Nanos = 1_000_000_000;

/// See the module. Kept by the origin's name over reloads.
#[derive(Debug)]
pub(super) struct Charge {
    governor: Box<dyn Governor>,
    new_governor: NewGovernor,
    bounds: Bounds,
    classes: Vec<ClassGoal>,
    /// The routes in force, in the file's order.
    routes: Vec<(RouteTag, String)>,
    /// Emptied before each use.
    events: Vec<Event>,
    last: Option<Directive>,
    since: Nanos,
    shown: Option<(Nanos, Arc<[RouteFinding]>)>,
}

impl Charge {
    /// One of which nothing is known at `now`.
    pub(super) fn new(new_governor: NewGovernor, bounds: Bounds, now: Nanos) -> Self {
        Self {
            governor: new_governor(bounds, now),
            new_governor,
            bounds,
            classes: Vec::new(),
            routes: Vec::new(),
            events: Vec::new(),
            last: None,
            since: now,
            shown: None,
        }
    }

    /// Takes over what may have changed of the configuration.
    pub(super) fn reconfigure(&mut self, bounds: Bounds, classes: Vec<ClassGoal>, routes: Vec<(RouteTag, String)>) {
        if bounds != self.bounds {
            self.bounds = bounds;
            self.governor.set_bounds(bounds);
        }
        (self.classes, self.routes, self.shown) = (classes, routes, None);
    }

    /// Begins with what an earlier process has learnt of the routes of these names.
    pub(super) fn restore(&mut self, known: &[(RouteTag, Duration)]) {
        self.governor.restore(known);
    }

    /// What was learnt of routes.
    pub(super) fn baselines(&self) -> impl Iterator<Item = (RouteTag, Duration)> {
        self.governor.baselines().into_iter().map(|baseline| (baseline.route, baseline.latency))
    }

    /// Learns what happened since the last time, and answers what is to be done. Shows it, too.
    pub(super) fn tick(&mut self, handle: &OriginHandle, adaptive: &Adaptive, now: Nanos) -> Option<Directive> {
        self.events.clear();
        let lost = adaptive.feed.drain(&mut self.events);
        let Attendance { active, begun } = adaptive.sessions.attendance(now);
        // Those let in by a waiting room have begun, too, though not in the newcomers' lane.
        let queue = QueueCounts { begun, ..handle.seats.tick(now) };
        let window = Window {
            now,
            events: &self.events,
            lost,
            in_use: handle.seats.in_use(),
            active,
            queue,
            utilisation: handle.origin.utilisation(now),
            classes: &self.classes,
        };
        let judge = || self.governor.tick(&window);
        let Ok(directive) = catch_unwind(AssertUnwindSafe(judge)) else {
            self.begin_anew(handle.origin.name(), now);
            return None;
        };
        self.note(handle.origin.name(), adaptive, &directive, now);
        let routes = self.routes_shown(now);
        adaptive.publish(Finding { directive: directive.clone(), since: self.since, routes });
        Some(directive)
    }

    /// Counts and logs what has changed.
    fn note(&mut self, origin: &str, adaptive: &Adaptive, directive: &Directive, now: Nanos) {
        let last = self.last.replace(directive.clone());
        if last.as_ref().is_none_or(|last| last.limit != directive.limit) {
            adaptive.decided(directive.cause);
        }
        let before = last.map(|last| last.state);
        if before == Some(directive.state) {
            return;
        }
        self.since = now;
        let (state, cause, limit) = (directive.state.as_str(), directive.cause.as_str(), directive.limit);
        let before = before.map(State::as_str);
        match directive.state {
            State::Recovering => tracing::warn!(origin, state, before, cause, limit, "the origin is stuck"),
            _ => tracing::info!(origin, state, before, cause, limit, "the origin's capacity is seen otherwise"),
        }
    }

    fn routes_shown(&mut self, now: Nanos) -> Arc<[RouteFinding]> {
        match &self.shown {
            Some((at, routes)) if now.saturating_sub(*at) < SHOWN_EVERY => Arc::clone(routes),
            _ => {
                let routes = self.routes_now();
                self.shown = Some((now, Arc::clone(&routes)));
                routes
            }
        }
    }

    fn routes_now(&self) -> Arc<[RouteFinding]> {
        let baselines: HashMap<_, _> =
            self.governor.baselines().into_iter().map(|baseline| (baseline.route, baseline)).collect();
        let finding = |(tag, route): &(RouteTag, String)| {
            let baseline = baselines.get(tag)?;
            Some(RouteFinding { route: route.clone(), latency: baseline.latency, ratio: baseline.ratio })
        };
        self.routes.iter().filter_map(finding).collect()
    }

    /// A governor that has panicked may believe anything; what it knew of routes is most likely true.
    fn begin_anew(&mut self, origin: &str, now: Nanos) {
        tracing::error!(origin, "the judgement of this origin's capacity failed, and begins anew");
        let known = catch_unwind(AssertUnwindSafe(|| self.baselines().collect::<Vec<_>>())).unwrap_or_default();
        self.governor = (self.new_governor)(self.bounds, now);
        self.governor.restore(&known);
    }
}

/// The goals of classes, most important first, where `slots` count them.
pub(super) fn goals(classes: &[ClassSettings], slots: &[Slot]) -> Vec<ClassGoal> {
    let goal = |(class, slot): (&ClassSettings, &Slot)| ClassGoal { slot: *slot, latency_goal: class.latency_goal };
    classes.iter().zip(slots).map(goal).collect()
}

/// The routes that go to `origin`, by what they go by in samples.
pub(super) fn routes_to(
    origin: usize,
    routes: &[RouteSettings],
    tag: impl Fn(usize) -> Option<RouteTag>,
) -> Vec<(RouteTag, String)> {
    let to_it = routes.iter().enumerate().filter(|(_, route)| route.origin == origin);
    to_it.filter_map(|(index, route)| Some((tag(index)?, route.name.clone()))).collect()
}
