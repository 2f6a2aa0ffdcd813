//! How many shoppers may begin, so that those who have begun can finish.
//!
//! A shopper who has seen the first page comes back for more. If every free seat went to newcomers, their later requests
//! would meet a full origin, and the work spent on them would be lost. So what an active shopper asks for is learned, and
//! as many may be active at once as the origin can carry. Counting those who are there, rather than those who come, has
//! no delay: whoever begins is counted at once, long before the later requests are felt.

use super::Seconds;
use crate::overload::signal::QueueCounts;

/// The number of active shoppers and what it rests on.
#[derive(Debug)]
pub(super) struct Inflow {
    /// Work a second, active shoppers, and beginnings a second, averaged over [`MEMORY`].
    work: f64,
    active: f64,
    begun: f64,
    /// How long they have been averaged.
    known: Seconds,
    /// Where the number is corrected to, 0.0 being the learned one.
    correction: f64,
    most: f64,
    rate: f64,
}

const MEMORY: Seconds = 10.0;
/// Before this much is known, anybody may begin.
const LEAST_KNOWN: Seconds = 3.0;
/// Mean wait of returning shoppers for a seat that keeps all seats busy and bothers nobody.
const WAIT: Seconds = 0.05;
/// Bounds of the correction.
const MOST_DOWN: f64 = -0.5;
const MOST_UP: f64 = 1.0;
/// Where it goes by itself, and how fast.
const NUDGE: f64 = 0.1;
const FORGETTING: f64 = 0.1;
/// Its change in a second where seats are idle, and for each [`WAIT`] too much.
const UP: f64 = 0.30;
const DOWN: f64 = 0.05;

/// How much more may begin a second, for each share of the active that is missing.
const EAGER: f64 = 3.0;

/// What a tick brings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow {
    /// Seconds since the last.
    pub(super) passed: Seconds,
    /// Work done a second.
    pub(super) work: f64,
    /// What the origin can do a second; `None` before it is known.
    pub(super) capacity: Option<f64>,
    /// Share of the seats that is idle, 0.0 – 1.0.
    pub(super) idle: f64,
    pub(super) active: u32,
    pub(super) queue: QueueCounts,
}

impl Inflow {
    pub(super) fn new() -> Self {
        Self {
            work: 0.0,
            active: 0.0,
            begun: 0.0,
            known: 0.0,
            correction: 0.0,
            most: f64::INFINITY,
            rate: f64::INFINITY,
        }
    }

    /// Shoppers a second that the origin carries to the end; infinite where it is not known.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// How many more the origin carries than the `active` ones.
    pub(super) fn missing(&self, active: u32) -> f64 {
        self.most - f64::from(active)
    }

    pub(super) fn step(&mut self, flow: &Flow) {
        let passed = flow.passed.max(1e-3);
        self.known += passed;
        let weight = passed / self.known.min(MEMORY);
        self.work += (flow.work - self.work) * weight;
        self.active += (f64::from(flow.active) - self.active) * weight;
        self.begun += (flow.queue.begun as f64 / passed - self.begun) * weight;
        let known = self.known > LEAST_KNOWN && self.begun > 0.0 && self.work > 0.0 && self.active > 1.0;
        let Some(capacity) = flow.capacity.filter(|_| known) else {
            (self.most, self.rate) = (f64::INFINITY, f64::INFINITY);
            return;
        };
        self.correct(flow, passed);
        let each = self.work / self.active;
        self.most = capacity / each * (1.0 + self.correction);
        // As many as leave, and more or fewer by what is missing: those let in elsewhere arrive only later.
        let missing = 1.0 - f64::from(flow.active) / self.most.max(1.0);
        self.rate = capacity / (self.work / self.begun) * (1.0 + EAGER * missing).clamp(0.0, 2.0);
    }

    fn correct(&mut self, flow: &Flow, passed: Seconds) {
        let queue = &flow.queue;
        let asked = queue.returned + queue.failed;
        let wait = if queue.returned > 0 { queue.waited / queue.returned as f64 } else { 0.0 };
        let failed = if asked > 0 { queue.failed as f64 / asked as f64 } else { 0.0 };
        let pressure = (wait - WAIT) / WAIT + 10.0 * failed;
        let change = if pressure > 0.0 {
            -DOWN * pressure.min(3.0)
        } else if flow.idle > 0.01 && queue.turned_away + u64::from(queue.newcomers_waiting) > 0 {
            UP
        } else {
            // A little more than fits shows whether more would: where a room holds newcomers back, nobody else does.
            (NUDGE - self.correction) * FORGETTING
        };
        self.correction = (self.correction + change * passed).clamp(MOST_DOWN, MOST_UP);
    }
}
