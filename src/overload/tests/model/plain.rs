//! What [`Seats`](crate::overload::Seats) should do, said in the plainest way: lists, and everything computed anew.

use std::collections::{BTreeMap, VecDeque};

use crate::overload::{Lane, QueueCounts};

pub(super) const CLASSES: usize = 4;

/// Time is counted in sixteenths of a second here: a few of them make a line stand, and one more sheds from it.
pub(super) const UNIT_MS: f64 = 62.5;

const SEAT: u64 = 1_000;

/// Somebody in line.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    name: usize,
    joined: u64,
}

#[derive(Debug, Default)]
struct Line {
    waiters: VecDeque<Waiter>,
    /// How long the longest had waited whenever somebody was served since the last judgement.
    ages: Vec<u64>,
    stands: bool,
    judged: u64,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) limit: Option<u32>,
    pub(super) shares: Vec<(f64, usize)>,
    pub(super) caps: BTreeMap<usize, u32>,
    pub(super) shadow: bool,
    pub(super) now: u64,
    /// How many newcomers may still begin, if that is counted; less than none if they need not heed it.
    tokens: Option<i64>,
    enforce: bool,
    pub(super) in_use: [u64; CLASSES],
    lines: [[Line; 2]; CLASSES],
    /// Names that were served or shed since they were last asked for, and whether they were served.
    pub(super) sealed: BTreeMap<usize, bool>,
    pub(super) counts: QueueCounts,
}

impl Model {
    pub(super) fn new(limit: u32, shares: Vec<(f64, usize)>) -> Self {
        Self {
            limit: Some(limit),
            shares,
            caps: BTreeMap::new(),
            shadow: false,
            now: 0,
            tokens: None,
            enforce: false,
            in_use: [0; CLASSES],
            lines: Default::default(),
            sealed: BTreeMap::new(),
            counts: QueueCounts::default(),
        }
    }

    /// Whether there is a seat, and whether it is one that there was not.
    pub(super) fn acquire(&mut self, class: usize, lane: Lane) -> Option<bool> {
        let own = self.in_use[class] + SEAT <= self.reserve(class);
        let may = self.may_begin(lane) && self.fits(class) && self.is_uncapped(class) && (own || self.next().is_none());
        if !may && !self.shadow {
            return None;
        }
        self.in_use[class] += SEAT;
        if may {
            self.begin(lane);
        }
        self.count(lane, true, 0);
        Some(!may)
    }

    pub(super) fn wait(&mut self, class: usize, lane: Lane, name: usize) -> bool {
        if self.waiting(class) >= self.shares[class].1 && !self.shadow {
            let now = self.now;
            let newcomers = &mut self.lines[class][1];
            if lane == Lane::Newcomer || newcomers.waiters.is_empty() {
                if self.shares[class].1 > 0 {
                    self.count(lane, false, 0);
                }
                return false;
            }
            let last = if newcomers.stands(now) { newcomers.waiters.pop_front() } else { newcomers.waiters.pop_back() };
            self.shed(Lane::Newcomer, last.unwrap());
        }
        self.lines[class][lane as usize].waiters.push_back(Waiter { name, joined: self.now });
        self.serve();
        self.shed_overdue(class);
        true
    }

    pub(super) fn leave(&mut self, class: usize, lane: Lane, name: usize) {
        self.lines[class][lane as usize].waiters.retain(|waiter| waiter.name != name);
        self.count(lane, false, 0);
    }

    pub(super) fn set_pace(&mut self, may_begin: Option<u32>, enforce: bool) {
        (self.tokens, self.enforce) = (may_begin.map(i64::from), enforce);
    }

    /// What happened since the last time.
    pub(super) fn tick(&mut self) -> QueueCounts {
        for class in 0..CLASSES {
            let target = self.target(class);
            self.lines[class].iter_mut().for_each(|line| line.judge(self.now, target));
        }
        self.serve();
        (0..CLASSES).for_each(|class| self.shed_overdue(class));
        let waiting = |lane: usize| self.lines.iter().map(|lines| lines[lane].waiters.len() as u32).sum();
        let (returning, newcomers) = (waiting(0), waiting(1));
        QueueCounts { waiting: returning, newcomers_waiting: newcomers, ..std::mem::take(&mut self.counts) }
    }

    pub(super) fn serve(&mut self) {
        while let Some((class, lane)) = self.next() {
            if !self.fits(class) && !self.shadow {
                return;
            }
            let now = self.now;
            let line = &mut self.lines[class][lane as usize];
            line.ages.push(now - line.waiters[0].joined);
            let next = if line.stands(now) { line.waiters.pop_back() } else { line.waiters.pop_front() };
            let Waiter { name, joined } = next.unwrap();
            self.in_use[class] += SEAT;
            self.begin(lane);
            self.count(lane, true, now - joined);
            self.sealed.insert(name, true);
        }
    }

    pub(super) fn waiting(&self, class: usize) -> usize {
        self.lines[class].iter().map(|line| line.waiters.len()).sum()
    }

    /// Whose turn it is, whether or not there is a seat.
    fn next(&self) -> Option<(usize, Lane)> {
        let lanes = |class: usize| [Lane::Returning, Lane::Newcomer].map(|lane| (class, lane));
        let may = |&(class, lane): &(usize, Lane)| {
            let wants = !self.lines[class][lane as usize].waiters.is_empty();
            wants && (self.shadow || (self.may_begin(lane) && self.is_uncapped(class)))
        };
        let turns: Vec<_> = (0..CLASSES).filter_map(|class| lanes(class).into_iter().find(may)).collect();
        let limit = u64::from(self.limit.unwrap_or(u32::MAX));
        let owed = |&&(class, _): &&(usize, Lane)| {
            self.in_use[class] * 10 < (self.shares[class].0 * 10.0).round() as u64 * limit * SEAT
        };
        turns.iter().find(owed).or(turns.first()).copied()
    }

    fn reserve(&self, class: usize) -> u64 {
        let (Some(limit), (guaranteed, 0)) = (self.limit, self.shares[class]) else { return 0 };
        let seats = (guaranteed * 10.0).round() as u32 * limit / 10;
        u64::from(self.caps.get(&class).map_or(seats, |cap| seats.min(*cap))) * SEAT
    }

    fn fits(&self, class: usize) -> bool {
        let Some(limit) = self.limit else { return true };
        let others = (0..CLASSES).filter(|&other| other != class);
        let kept: u64 = others.map(|other| self.reserve(other).saturating_sub(self.in_use[other])).sum();
        self.in_use.iter().sum::<u64>() + SEAT + kept <= u64::from(limit) * SEAT
    }

    fn is_uncapped(&self, class: usize) -> bool {
        self.caps.get(&class).is_none_or(|&cap| self.in_use[class] + SEAT <= u64::from(cap) * SEAT)
    }

    fn may_begin(&self, lane: Lane) -> bool {
        lane == Lane::Returning || !self.enforce || self.tokens.is_none_or(|tokens| tokens > 0)
    }

    fn begin(&mut self, lane: Lane) {
        if lane == Lane::Newcomer {
            self.tokens = self.tokens.map(|tokens| tokens - 1);
        }
    }

    /// In milliseconds.
    fn target(&self, class: usize) -> Option<f64> {
        (self.shares[class].0 == 0.0).then_some(50.0)
    }

    fn shed_overdue(&mut self, class: usize) {
        let Some(target) = self.target(class) else { return };
        for lane in [Lane::Returning, Lane::Newcomer] {
            let now = self.now;
            let line = &mut self.lines[class][lane as usize];
            let overdue = |waiter: &Waiter| (now - waiter.joined) as f64 * UNIT_MS > 2.0 * target;
            let shed = if line.stands(now) { line.waiters.iter().filter(|waiter| overdue(waiter)).count() } else { 0 };
            let shed: Vec<Waiter> = line.waiters.drain(..shed).collect();
            shed.into_iter().for_each(|waiter| self.shed(lane, waiter));
        }
    }

    fn shed(&mut self, lane: Lane, waiter: Waiter) {
        self.count(lane, false, 0);
        self.sealed.insert(waiter.name, false);
    }

    fn count(&mut self, lane: Lane, served: bool, waited: u64) {
        let counts = &mut self.counts;
        let count = match (lane, served) {
            (Lane::Returning, true) => &mut counts.returned,
            (Lane::Returning, false) => &mut counts.failed,
            (Lane::Newcomer, true) => &mut counts.begun,
            (Lane::Newcomer, false) => &mut counts.turned_away,
        };
        *count += 1;
        if lane == Lane::Returning {
            counts.waited += waited as f64 * UNIT_MS / 1_000.0;
        }
    }
}

impl Line {
    /// A judgement is believed for a second.
    fn stands(&self, now: u64) -> bool {
        self.stands && now - self.judged < 16
    }

    fn judge(&mut self, now: u64, target: Option<f64>) {
        if ((now - self.judged) as f64) * UNIT_MS < 100.0 {
            return;
        }
        let oldest = self.waiters.front().map(|waiter| now - waiter.joined);
        let least = oldest.map(|oldest| self.ages.iter().copied().fold(oldest, u64::min));
        self.stands = target.zip(least).is_some_and(|(target, least)| least as f64 * UNIT_MS > target);
        self.ages.clear();
        self.judged = now;
    }
}
