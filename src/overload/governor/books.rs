//! What is known of each route: how long it takes at rest, and how long it takes now.
//!
//! Latencies are compared with the route's own at rest, so that neither a mix of cheap and dear routes nor a change of
//! that mix looks like a change of the origin.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::Seconds;
use super::baseline::Baseline;
use super::reading::{Reading, Sums};
use crate::overload::classes::Slot;
use crate::overload::signal::{Event, Finish, RouteTag};

/// All routes of an origin.
#[derive(Debug, Default)]
pub(super) struct Books {
    routes: BTreeMap<RouteTag, Route>,
    /// Requests that began before this are not known to be there: their beginning was lost.
    blind_until: Seconds,
}

/// One route.
#[derive(Debug, Default)]
pub(super) struct Route {
    pub(super) baseline: Option<Baseline>,
    /// Requests at the origin.
    pub(super) in_flight: u32,
    /// When it was asked for last.
    seen: Seconds,
    /// Sum of the times at which they began.
    starts: Seconds,
    /// Sum of the times that ended requests had been there, since ever.
    spent: Seconds,
    /// What has ended since the last turn of each page.
    pages: [Page; Span::COUNT],
    /// Batches that its baseline learns from: of times of rest, and of any time.
    rest: Sums,
    any: Sums,
    /// Its usual work a second, in seconds of latency at rest.
    pub(super) usual: f64,
}

/// A page of the books.
#[derive(Debug, Clone, Copy)]
pub(super) enum Span {
    /// Since the limit changed, or for as long as is of interest.
    Whole,
    /// The last moments.
    Latest,
}

impl Span {
    const COUNT: usize = 2;
}

/// What a route has on one page.
#[derive(Debug, Default, Clone, Copy)]
struct Page {
    sums: Sums,
    /// [`Route::presence`] when it began.
    before: Seconds,
}

/// A route's answers are all failures at times, for reasons of its own; failures are counted beyond that.
const ROUTINE_MEMORY: f64 = 200.0;
/// A route that nobody asked for in so long is forgotten.
const FORGOTTEN: Seconds = 7.0 * 86_400.0;
/// What is usual is averaged over about this.
const USUAL_MEMORY: Seconds = 10.0;

impl Route {
    /// What has ended since the page began.
    pub(super) fn sums(&self, span: Span) -> &Sums {
        let [whole, latest] = &self.pages;
        match span {
            Span::Whole => &whole.sums,
            Span::Latest => &latest.sums,
        }
    }

    /// Time that requests have spent at the origin since the page began.
    fn spent_in(&self, span: Span, now: Seconds) -> Seconds {
        let [whole, latest] = &self.pages;
        self.presence(now)
            - match span {
                Span::Whole => whole.before,
                Span::Latest => latest.before,
            }
    }

    /// `recent` says whether it began under the present limit; the pages tell of nothing else. Baselines learn from all,
    /// or they would learn from those that end soonest.
    fn note(&mut self, recent: bool, note: impl Fn(&mut Sums)) {
        if recent {
            self.pages.iter_mut().for_each(|page| note(&mut page.sums));
        }
        note(&mut self.any);
    }

    /// Time that requests have spent at the origin since ever, those that are there still included.
    fn presence(&self, now: Seconds) -> Seconds {
        self.spent + self.age(now)
    }

    /// Sum of the ages of the requests at the origin.
    pub(super) fn age(&self, now: Seconds) -> Seconds {
        (f64::from(self.in_flight) * now - self.starts).max(0.0)
    }
}

impl Books {
    /// Takes in what happened. `lost` events are missing. Latencies of requests that began before `since` are not
    /// counted: they met another limit. Gives the work done, by route, in seconds that it takes at rest.
    pub(super) fn absorb(
        &mut self,
        events: &[Event],
        lost: u64,
        now: Seconds,
        since: Seconds,
        goals: impl Iterator<Item = (Slot, Seconds)>,
    ) -> Vec<(RouteTag, f64)> {
        let goals: SmallVec<[(Slot, Seconds); 8]> = goals.collect();
        let mut done = BTreeMap::new();
        if lost > 0 {
            self.blind_until = now;
            for route in self.routes.values_mut() {
                (route.in_flight, route.starts) = (0, 0.0);
            }
        }
        for event in events {
            match *event {
                Event::Began { route, at } => self.began(route, seconds(at)),
                Event::Ended { route, class, finish, began, latency } => {
                    let goal = goals.iter().find(|(slot, _)| *slot == class).map(|(_, goal)| *goal);
                    let latency = latency.as_secs_f64();
                    let work = self.ended(route, finish, seconds(began), latency, since, goal);
                    *done.entry(route).or_default() += work;
                }
            }
        }
        done.into_iter().collect()
    }

    fn began(&mut self, route: RouteTag, at: Seconds) {
        if at >= self.blind_until {
            let route = self.routes.entry(route).or_default();
            route.in_flight += 1;
            route.starts += at;
            route.seen = at;
        }
    }

    fn ended(
        &mut self,
        route: RouteTag,
        finish: Finish,
        began: Seconds,
        latency: Seconds,
        since: Seconds,
        goal: Option<Seconds>,
    ) -> f64 {
        let route = self.routes.entry(route).or_default();
        if began >= self.blind_until && route.in_flight > 0 {
            route.in_flight -= 1;
            route.starts = if route.in_flight == 0 { 0.0 } else { route.starts - began };
        }
        route.spent += latency;
        let at_rest = route.baseline.map_or(0.0, |baseline| baseline.latency);
        match finish {
            Finish::Good => {
                let goal = goal.filter(|goal| at_rest < 0.7 * goal);
                route.note(began >= since, |sums| sums.good(latency, goal));
            }
            Finish::Failed | Finish::TimedOut => route.note(true, |sums| sums.failed(latency)),
            Finish::Gone => {}
        }
        if finish == Finish::Good { at_rest } else { 0.0 }
    }

    /// What has happened since a page began, `lasting` seconds ago.
    pub(super) fn read(&self, span: Span, now: Seconds, lasting: Seconds) -> Reading {
        let routes = self.routes.values();
        Reading::of(routes.map(|route| (route, route.sums(span), route.spent_in(span, now))), now, lasting)
    }

    /// Begins a new page.
    pub(super) fn turn(&mut self, span: Span, now: Seconds) {
        for route in self.routes.values_mut() {
            let new = Page { sums: Sums::default(), before: route.presence(now) };
            let [whole, latest] = &mut route.pages;
            *match span {
                Span::Whole => whole,
                Span::Latest => latest,
            } = new;
        }
    }

    /// Lets routes learn how much of the work is usually theirs, from what was done in `lasting` seconds.
    pub(super) fn weigh(&mut self, work: &[(RouteTag, f64)], lasting: Seconds, now: Seconds) {
        let weight = (lasting / USUAL_MEMORY).min(1.0);
        self.routes.values_mut().for_each(|route| route.usual *= 1.0 - weight);
        // Names that are no longer used are forgotten in the end.
        self.routes.retain(|_, route| now - route.seen < FORGOTTEN || route.in_flight > 0);
        for (route, work) in work {
            if let Some(route) = self.routes.get_mut(route) {
                route.usual += weight * work / lasting.max(1e-3);
            }
        }
    }

    /// Lets routes learn what they take at rest from what has come since the last time. `at_rest` says whether the origin
    /// was at rest; `ratio` is how much slower than at rest it was.
    pub(super) fn learn(&mut self, at_rest: bool, ratio: f64, now: Seconds) {
        for route in self.routes.values_mut() {
            let Route { baseline, any, rest, .. } = route;
            let Some(baseline) = baseline else {
                if any.count >= Baseline::LEAST {
                    *baseline = Baseline::guess(any, ratio, now);
                    *any = Sums::default();
                }
                continue;
            };
            if any.all() < Baseline::BATCH && !(at_rest && any.all() > 0.0) {
                continue;
            }
            let batch = std::mem::take(any);
            if !at_rest {
                baseline.any(&batch);
                continue;
            }
            rest.add(&batch);
            if rest.all() >= Baseline::BATCH {
                let batch = std::mem::take(rest);
                baseline.rest(&batch, now);
                baseline.routine_failures(batch.failure_share(), batch.all() / ROUTINE_MEMORY);
            }
        }
    }

    /// All routes in the order of their tags.
    pub(super) fn routes(&self) -> Vec<(RouteTag, &Route)> {
        let mut routes: Vec<_> = self.routes.iter().map(|(tag, route)| (*tag, route)).collect();
        routes.sort_unstable_by_key(|(tag, _)| *tag);
        routes
    }

    /// Believes what was known of a route before.
    pub(super) fn restore(&mut self, route: RouteTag, baseline: Baseline, now: Seconds) {
        let known = self.routes.entry(route).or_default();
        known.baseline.get_or_insert(baseline);
        known.seen = known.seen.max(now);
    }
}

pub(super) fn seconds(at: crate::clock::Nanos) -> Seconds {
    at as f64 / 1e9
}
