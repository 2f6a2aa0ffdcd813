//! Finds how many requests at once an origin does best with, while traffic flows, and how many shoppers may begin.
//!
//! Nothing is set by hand, and nothing is probed for by letting the origin run empty. What is looked at, from the surest
//! to the slowest signal: failures and time-outs, the origin's own word, requests that stay unanswered, latencies against
//! those at rest, latencies against the goals of the classes, and whether more requests at once bring more done.
//!
//! Pure: a function of what it was told and the time it was told.

mod baseline;
mod books;
mod inflow;
mod reading;
mod search;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::baseline::Baseline as Rest;
use self::books::{Books, Span, seconds};
use self::inflow::{Flow, Inflow};
use self::reading::Reading;
use self::search::{Search, Sight};
use super::signal::{Baseline, Bounds, Cause, Directive, Governor, RouteTag, State, Window};
use crate::clock::Nanos;

/// A time or a length of time, in seconds.
type Seconds = f64;

/// The controller of one origin.
#[derive(Debug)]
pub struct AdaptiveGovernor {
    books: Books,
    search: Search,
    inflow: Inflow,
    /// The end of the last tick.
    now: Seconds,
    /// Since when the page at hand is read; `None` while a change settles.
    page: Option<Seconds>,
    /// Since when the latest moments are read.
    latest: Seconds,
    /// Age of requests at the origin at ordinary times, in times of what they take at rest.
    usual_age: f64,
    /// Mean latency that the answers of late would have had at rest.
    at_rest: Seconds,
    last_cut: Seconds,
    /// Seats beyond the limit for requests that are held up elsewhere.
    allowance: f64,
    /// When the surplus of a cut was seen to shrink last, and to what.
    drained: (Seconds, u32),
    goal: GoalBrake,
    report_at: Seconds,
    pressed_until: Seconds,
    shedding_until: Seconds,
    full: f64,
    /// Work done a second, of late.
    done: f64,
    /// Whether requests were too old a tick ago.
    was_old: bool,
}

/// The brake that looks at latencies as they are.
#[derive(Debug, Default)]
struct GoalBrake {
    at: Seconds,
    /// Mean latency when it was pulled last.
    latency: Option<Seconds>,
    /// It did not help; not before.
    idle_until: Seconds,
}

/// Requests this many times older than usual mean that the origin hardly answers any more.
const OLD: f64 = 3.0;
/// Less than this share of the work that so many should get done means so, too.
const IDLE_HANDS: f64 = 0.6;
/// What a tick counts for in the work done of late.
const DONE_MEMORY: f64 = 0.3;
/// Fewest requests at the origin that can tell so.
const FEW: u32 = 4;
/// How much older they may be by chance, in standard errors of a single one.
const CHANCE: f64 = 5.0;
/// Time between two cuts for want of answers.
const BETWEEN_CUTS: Seconds = 0.4;
/// A surplus is on its way out while it shrinks to this share in this time.
const DRAINING: f64 = 0.95;
const DRAINING_FOR: Seconds = 1.5;
/// Failures beyond the usual that are too many.
const FAILING: f64 = 0.05;
/// Share of a class's requests past its goal that is too much.
const LATE: f64 = 0.2;
/// Utilisation as the origin tells it: up to here the limit may grow; from here on it shrinks.
const BUSY: f64 = 0.85;
const TOO_BUSY: f64 = 0.95;
/// An origin is well up to this ratio.
const WELL: f64 = 1.3;
/// Seats beyond the limit for requests that something else than the origin holds up, in times of the limit.
const ALLOWANCE: f64 = 6.0;
/// How long pressure and shedding outlast their last sign.
const LINGER: Seconds = 1.0;
/// How long the latest moments are.
const LATEST: Seconds = 0.15;
/// The longest page: what was longer ago says little of now.
const LONGEST_PAGE: Seconds = 6.0;

impl AdaptiveGovernor {
    /// Begins at `now` with nothing known.
    #[must_use]
    pub fn new(bounds: Bounds, now: Nanos) -> Self {
        let now = seconds(now);
        Self {
            books: Books::default(),
            search: Search::new(bounds, now),
            inflow: Inflow::new(),
            now,
            page: Some(now),
            latest: now,
            usual_age: 1.0,
            at_rest: 0.0,
            last_cut: now,
            allowance: 0.0,
            drained: (now, 0),
            goal: GoalBrake::default(),
            report_at: now,
            pressed_until: 0.0,
            shedding_until: 0.0,
            full: 0.0,
            done: 0.0,
            was_old: false,
        }
    }

    /// Whether what the last change brought can be seen by now; a new page begins when it can.
    fn settle(&mut self, window: &Window<'_>) {
        let (now, changed) = (self.now, self.search.changed());
        if self.page.is_some_and(|since| since >= changed) {
            return;
        }
        let drained = f64::from(window.in_use) <= f64::from(self.search.limit()) + self.allowance + 1.0;
        let settled = now - changed >= (1.2 * self.at_rest * self.search.floor()).clamp(0.02, 3.0);
        if drained && settled {
            self.begin_page();
        } else {
            self.page = None;
        }
    }

    fn begin_page(&mut self) {
        self.books.turn(Span::Whole, self.now);
        self.books.turn(Span::Latest, self.now);
        (self.page, self.latest) = (Some(self.now), self.now);
    }

    /// The page at hand, or what is there of it while a change settles.
    fn read(&self) -> Reading {
        self.books.read(Span::Whole, self.now, self.now - self.page.unwrap_or(self.now))
    }

    fn brake(&mut self, window: &Window<'_>, reading: &Reading) -> bool {
        // A stuck origin is given little enough: that it fails, or is slow or full, says nothing of too many.
        if self.search.is_waiting() {
            return false;
        }
        self.brake_for_age(window, reading)
            || (self.page.is_some() && self.brake_for_failures(reading))
            || self.brake_for_report(window)
            || (self.page.is_some() && self.brake_for_goal(reading))
    }

    /// Requests that are not answered for long, long before their answers could tell.
    fn brake_for_age(&mut self, window: &Window<'_>, reading: &Reading) -> bool {
        let age = reading.age / self.usual_age / self.search.floor();
        // Old ones alone may be long ones; but then others get done meanwhile.
        let expected = (f64::from(window.in_use) - reading.stalled) / self.search.floor();
        let old = self.done < IDLE_HANDS * expected && age > OLD + CHANCE / expected.max(1.0).sqrt();
        let again = std::mem::replace(&mut self.was_old, old);
        if !old || !again || window.in_use < FEW || self.now - self.last_cut < BETWEEN_CUTS {
            return false;
        }
        if self.drains(window.in_use) {
            return false;
        }
        let surplus = window.in_use > self.search.limit().saturating_add(1);
        self.last_cut = self.now;
        self.drained = (self.now, window.in_use);
        self.allowance = 0.0;
        if surplus {
            // Not even what it had is answered.
            self.search.give_up(self.now);
            return true;
        }
        self.search.cut(self.now, f64::from(window.in_use) - reading.stalled, age, Cause::Stalled);
        true
    }

    /// Whether the surplus of an earlier cut is on its way out; what is left of it is old, too.
    fn drains(&mut self, in_use: u32) -> bool {
        if in_use <= self.search.limit().saturating_add(1) {
            return false;
        }
        let (since, before) = self.drained;
        if f64::from(in_use) < DRAINING * f64::from(before) {
            self.drained = (self.now, in_use);
            return true;
        }
        self.now - since < DRAINING_FOR
    }

    fn brake_for_failures(&mut self, reading: &Reading) -> bool {
        if reading.failures < FAILING || reading.failed < 3.0 || reading.lasting < 0.2 {
            return false;
        }
        let limit = f64::from(self.search.limit());
        // What worked for good answers, by Little's law.
        let good = (reading.at_once - reading.failing).max(0.0);
        self.search.retreat(self.now, (limit * 0.95).min(good.max(limit * 0.5)) - 0.5, Cause::Errors);
        true
    }

    fn brake_for_report(&mut self, window: &Window<'_>) -> bool {
        let Some(utilisation) = window.utilisation.filter(|utilisation| *utilisation > TOO_BUSY) else {
            return false;
        };
        if self.now - self.report_at < 1.0 || f64::from(window.in_use) < 0.5 * f64::from(self.search.limit()) {
            return false;
        }
        self.report_at = self.now;
        let limit = f64::from(self.search.limit()) * (BUSY / utilisation).max(0.8);
        self.search.retreat(self.now, limit, Cause::Report);
        true
    }

    fn brake_for_goal(&mut self, reading: &Reading) -> bool {
        if reading.judged < 20.0 || reading.late < LATE * reading.judged || reading.lasting < 0.25 {
            return false;
        }
        if self.now - self.goal.at < 1.0 || self.now < self.goal.idle_until {
            return false;
        }
        if self.goal.latency.is_some_and(|before| reading.latency > 0.98 * before) {
            // Fewer requests at once have not helped, so they are not the reason.
            self.goal = GoalBrake { idle_until: self.now + 30.0, ..GoalBrake::default() };
            return false;
        }
        self.goal = GoalBrake { at: self.now, latency: Some(reading.latency), idle_until: 0.0 };
        self.search.retreat(self.now, f64::from(self.search.limit()) * 0.93, Cause::Goal);
        true
    }

    /// Learns from the page at hand.
    fn learn(&mut self, window: &Window<'_>, reading: &Reading) {
        let waiting = window.queue.waiting + window.queue.newcomers_waiting;
        let half = f64::from(self.search.limit()) / 2.0;
        // As few as it begins with are taken for rest, for want of anything better.
        let few = self.search.cause == Cause::Start || (waiting == 0 && reading.at_once < half);
        let at_rest = few && reading.failures < FAILING;
        self.books.learn(at_rest, reading.ratio, self.now);
        self.search.note_ratio(reading);
        if reading.samples >= 8.0 {
            self.at_rest = reading.at_rest;
            if reading.ratio < 1.25 * self.search.floor() && reading.age > 0.0 {
                self.usual_age += 0.05 * (reading.age / reading.ratio.max(1.0) - self.usual_age);
                self.usual_age = self.usual_age.clamp(0.4, 3.0);
            }
        }
    }

    fn is_full(&mut self, window: &Window<'_>) -> bool {
        let queue = &window.queue;
        let short = queue.waiting + queue.newcomers_waiting > 0 || queue.failed + queue.turned_away > 0;
        let full = short || window.in_use >= self.search.limit();
        self.full += 0.3 * (f64::from(u8::from(full)) - self.full);
        if short {
            self.pressed_until = self.now + LINGER;
        }
        if queue.failed + queue.turned_away > 0 {
            self.shedding_until = self.now + LINGER;
        }
        self.full > 0.6
    }

    /// Seats beyond the limit for requests that something else than the origin holds up. Only while the rest of its
    /// requests prove that the origin itself is well.
    fn allow(&mut self, reading: &Reading, limit: f64) {
        let tells = self.page.is_some() && reading.samples >= 8.0;
        let well = reading.ratio < WELL * self.search.floor() && reading.age < 2.0 * WELL * self.usual_age;
        if tells && well {
            self.allowance = reading.stalled.min(ALLOWANCE * limit).min(self.allowance + limit / 2.0);
        } else if tells {
            self.allowance = 0.0;
        }
    }

    fn state(&self) -> State {
        if self.search.is_waiting() {
            State::Recovering
        } else if self.search.cause == Cause::Start || (self.search.is_ramping() && self.search.capacity().is_none()) {
            State::Learning
        } else if self.now - self.search.changed() < LINGER
            && matches!(
                self.search.cause,
                Cause::Latency | Cause::Stalled | Cause::Errors | Cause::Goal | Cause::Report
            )
        {
            State::Overloaded
        } else if self.search.cause == Cause::Recovered {
            State::Recovering
        } else {
            State::Steady
        }
    }
}

impl Governor for AdaptiveGovernor {
    fn tick(&mut self, window: &Window<'_>) -> Directive {
        let before = std::mem::replace(&mut self.now, seconds(window.now));
        let passed = (self.now - before).clamp(1e-3, 1.0);
        let goals = window.classes.iter().filter_map(|class| Some((class.slot, class.latency_goal?.as_secs_f64())));
        let work = self.books.absorb(window.events, window.lost, self.now, self.search.changed(), goals);
        self.books.weigh(work.as_slice(), passed, self.now);
        if window.lost > 0 && self.page.is_some() {
            // What is missing would be missing on the page.
            self.begin_page();
        }
        if window.in_use <= self.search.limit().saturating_add(1) {
            self.drained = (self.now, window.in_use);
        }
        let full = self.is_full(window);
        let done: f64 = work.iter().map(|(_, work)| work).sum::<f64>() / passed;
        self.done += DONE_MEMORY * (done - self.done);
        let reading = self.read();
        let latest = self.books.read(Span::Latest, self.now, self.now - self.latest);
        if self.page.is_some() {
            self.learn(window, &reading);
        }
        if !self.brake(window, &reading) && self.page.is_some() {
            let may_grow =
                window.utilisation.is_none_or(|utilisation| utilisation < BUSY) && reading.failures < FAILING;
            let in_use = f64::from(window.in_use) - reading.stalled;
            self.search.step(Sight { now: self.now, reading: &reading, latest: &latest, full, may_grow, in_use });
        }
        if reading.lasting > LONGEST_PAGE {
            self.begin_page();
        } else if latest.lasting > LATEST && latest.samples >= 10.0 || latest.lasting > 10.0 * LATEST {
            self.books.turn(Span::Latest, self.now);
            self.latest = self.now;
        }
        self.settle(window);
        let limit = f64::from(self.search.limit());
        let idle = 1.0 - (f64::from(window.in_use) / limit).min(1.0);
        let (active, capacity) = (window.active, self.search.capacity());
        self.inflow.step(&Flow { passed, work: done, capacity, idle, active, queue: window.queue });
        let pressed = self.now < self.pressed_until;
        self.allow(&reading, limit);
        Directive {
            limit: ((limit + self.allowance).round() as u32).min(self.search.most()),
            caps: Vec::new(),
            begin_rate: self.inflow.rate(),
            may_begin: if pressed { self.inflow.missing(active).max(0.0) } else { f64::INFINITY },
            pressed,
            shedding: self.now < self.shedding_until,
            state: self.state(),
            cause: self.search.cause,
        }
    }

    fn set_bounds(&mut self, bounds: Bounds) {
        self.search.set_bounds(bounds, self.now);
    }

    fn baselines(&self) -> Vec<Baseline> {
        let routes = self.books.routes().into_iter();
        let known = routes.filter_map(|(route, known)| {
            let rest = known.baseline?.latency;
            let ratio = known.sums(Span::Whole).mean().map(|mean| mean / rest.max(1e-9));
            Some(Baseline { route, latency: Duration::try_from_secs_f64(rest).unwrap_or_default(), ratio })
        });
        known.collect()
    }

    fn restore(&mut self, baselines: &[(RouteTag, Duration)]) {
        for &(route, latency) in baselines {
            self.books.restore(route, Rest::known(latency.as_secs_f64(), self.now), self.now);
        }
    }
}
