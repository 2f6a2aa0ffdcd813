//! What one thread does for a room ten times a second: frees, lapses, sweeps, opens the lobby, and calls the next.

mod calls;
mod lobby;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::enter::overdue;
use super::era::Era;
use super::inside::State;
use super::line::Line;
use super::measure::{Measure, Step};
use super::outflow::{Headroom, Outflow, Passed};
use super::store::{Head, Record, Saved, SlotRecord};
use super::view::{Forecast, View};
use super::{Moment, Room};
use crate::config::settings::{ProofOfWork, RoomMode, RoomOrder, RoomSettings};
use crate::policy::journey::LIFETIME;
use lobby::Lobby;

/// Numbers set aside ahead of use. Those not given are lost at a restart, which costs nothing but numbers.
const LEASE: u32 = 65_536;
/// The line is swept in so many parts, one a tick.
const SWEEPS: u32 = 50;
/// The slots are looked through in so many parts, one a tick.
const SCANS: u32 = 10;
/// Somebody silent is left in the line for so long after being passed over, in seconds.
const SWEPT_AFTER: i16 = 15;
/// While others wait, a pass that never came back is believed in for so long, in seconds.
const UNCONFIRMED: u32 = 60;
/// A journey lasts so long after the last request that belonged to it.
const JOURNEY: Duration = Duration::from_secs(LIFETIME);
/// After a restart that came unasked nobody is called for so long: whoever was in line and not yet in the store is known to
/// nobody but the own page, and near the front each page asks well before this is over.
const HOLD: Duration = Duration::from_secs(5);

/// What a tick is told.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// Now.
    pub now: Moment,
    /// How much room the origins have.
    pub headroom: Headroom,
    /// Fresh random bytes, for lots and for the seed of a lobby.
    pub random: [u8; 32],
}

/// What a tick decided. Nothing of it is visible before [`Room::publish`].
#[derive(Debug, Default)]
pub struct Batch {
    /// What the store has to know before; `None` when nothing has changed.
    pub record: Option<Record>,
    /// Slots given to places that are called.
    calls: Vec<(u32, u32)>,
    /// Slots opened to newcomers.
    opened: Vec<u32>,
    /// No number from here on was given when they were.
    floor: u32,
    at: u32,
}

/// What only the thread of the ticks works with.
#[derive(Debug)]
pub(super) struct Desk {
    outflow: Outflow,
    measure: Measure,
    lobby: Option<Lobby>,
    /// What was last written, and what still has to be.
    written: Head,
    unwritten: Record,
    durable: bool,
    began: Moment,
    last: Moment,
    round: u32,
    /// Whether those of before a restart that came unasked still have to be heard.
    hold: bool,
    /// Where free slots are looked for next.
    cursor: u32,
    terms: Option<Arc<RoomSettings>>,
    seen: Seen,
    arrivals: f64,
    numbers: u32,
}

/// Counts of the room as they were at the last tick.
#[derive(Debug, Default)]
struct Seen {
    directly: u64,
    ended: u64,
    abandoned: u64,
}

impl Desk {
    pub(super) fn new(saved: Option<&Saved>, now: Moment) -> Self {
        let head = saved.map(|saved| saved.head.clone()).unwrap_or_default();
        let hold = head.leased > head.issued;
        Self {
            outflow: Outflow::new(),
            measure: Measure::new(),
            lobby: head.lobby.map(|(start, seed)| Lobby { start, seed }),
            numbers: head.leased,
            // The first record is always written whole.
            written: Head::default(),
            unwritten: Record::default(),
            durable: false,
            began: now,
            last: now,
            round: 0,
            hold,
            cursor: 0,
            terms: None,
            seen: Seen::default(),
            arrivals: 0.0,
        }
    }

    pub(super) fn forecast(&self, settings: &RoomSettings, waiting: u32) -> Forecast {
        let by_lot = settings.order == RoomOrder::Lottery;
        let rate = self.outflow.rate(settings.admit_rate);
        Forecast::new(self.measure.forecast(rate, settings.active_shoppers, by_lot), settings, waiting)
    }

    fn is_held(&mut self, now: Moment) -> bool {
        self.hold &= now.mono.saturating_sub(self.began.mono) < HOLD.as_nanos() as u64;
        self.hold
    }
}

impl Room {
    /// Lets time pass and decides who is called. One thread does this, and publishes each batch before the next tick.
    #[must_use]
    pub fn tick(&self, tick: Tick) -> Batch {
        let mut desk = self.desk();
        let desk = &mut *desk;
        let terms = self.terms.load_full();
        if self.begin_anew.swap(false, Relaxed) {
            self.begin_anew(desk);
        }
        let era = self.era.load_full();
        let now = tick.now;
        let time = Duration::from_nanos(now.mono.saturating_sub(desk.last.mono));
        desk.last = now;
        desk.round = desk.round.wrapping_add(1);

        let lapsed = self.scan(&era, desk.round, &terms, now);
        self.sweep(&era, desk.round, now);
        desk.take_up(&era, &terms, &tick);
        era.line.reindex();
        let passed = self.passed(desk, &era, time, lapsed);
        desk.outflow.step(terms.admit_rate, tick.headroom, passed);
        if desk.terms.as_ref().is_some_and(|before| before.admit_rate != terms.admit_rate) {
            desk.measure.rate_changed();
        }
        let mut batch = self.call(desk, &era, &terms, &tick);
        desk.terms = Some(Arc::clone(&terms));
        batch.at = now.seconds();
        batch.floor = era.numbers.next();
        desk.arrivals(&era, time);
        self.measure(desk, &era, &batch, time);
        if desk.round.is_multiple_of(SCANS) {
            self.shadow.recount(now.seconds(), whole_seconds(terms.session));
        }
        batch.record = self.record(desk, &era, &batch);
        batch
    }

    /// Makes a batch visible. `durable` says whether the store has its record; without it the line goes on in memory, and
    /// no number is given that the store has not set aside.
    pub fn publish(&self, batch: Batch, durable: bool) {
        let mut desk = self.desk();
        let era = self.era.load_full();
        for &(slot, place) in &batch.calls {
            let number = era.number(place);
            // First the slot, then out of the line: an answer in between says that they wait.
            if era.inside.change(slot, State::Free, State::Called(number), batch.at) {
                era.line.vacate(place);
            }
        }
        era.inside.open(&batch.opened, batch.floor, batch.at);
        if let Some(record) = batch.record {
            desk.durable = durable;
            if durable {
                era.numbers.lease(record.head.leased);
                desk.written = record.head;
            } else {
                desk.unwritten = record;
            }
        }
        self.show(&desk, &era);
    }

    /// The last record before another process takes over, or this one ends. No number is given from then on but
    /// `reserve` more.
    #[must_use]
    pub fn close(&self, reserve: u32) -> Record {
        let mut desk = self.desk();
        let era = self.era.load_full();
        let until = era.numbers.leased().min(era.numbers.next().saturating_add(reserve));
        era.numbers.lease(until);
        let mut record = desk.changes(&era, self.sold_out.load(Relaxed));
        record.head.leased = until;
        desk.written = Head::default();
        record
    }

    fn begin_anew(&self, desk: &mut Desk) {
        let next = Era::new(self.era.load().epoch.wrapping_add(1));
        self.era.store(Arc::new(next));
        self.sold_out.store(false, Relaxed);
        self.grants.store(0, Relaxed);
        self.counts.given.store(0, Relaxed);
        desk.lobby = None;
        desk.hold = false;
        desk.numbers = 0;
        desk.measure = Measure::new();
        desk.unwritten = Record { clear: true, ..Record::default() };
    }

    /// Frees what is idle and lapses what was not claimed; the turns that lapsed.
    fn scan(&self, era: &Era, round: u32, terms: &RoomSettings, now: Moment) -> u32 {
        let seconds = now.seconds();
        let session = whole_seconds(terms.session);
        let claim = whole_seconds(terms.claim);
        let is_line = era.line.waiting() > 0;
        let mut over = Vec::new();
        era.inside.scan(round % SCANS, SCANS, |slot, state, seen| {
            let longest = match state {
                State::Free | State::Open(_) => return,
                State::Called(_) => claim,
                State::Held(holder) if holder.on_journey => session.max(whole_seconds(JOURNEY)),
                // Perhaps a client that keeps no cookies, and is somebody new each time.
                State::Held(holder) if is_line && !holder.confirmed => session.min(claim).min(UNCONFIRMED),
                State::Held(_) | State::Doubtful(_) => session,
            };
            if seconds.saturating_sub(seen) > longest {
                over.push((slot, state, seen));
            }
        });
        let mut lapsed = 0;
        // Whoever was heard of since stays.
        over.retain(|(slot, _, seen)| era.inside.seen(*slot) == *seen);
        for (slot, state, _) in over {
            match state {
                State::Held(_) => {
                    let ended = era.end(slot, state, seconds);
                    self.counts.ended.fetch_add(u64::from(ended), Relaxed);
                }
                State::Called(_) => lapsed += u32::from(era.inside.free(slot, state, seconds).is_some()),
                _ => drop(era.inside.free(slot, state, seconds)),
            }
        }
        lapsed
    }

    fn sweep(&self, era: &Era, round: u32, now: Moment) {
        let gone = era.line.sweep(round % SWEEPS, SWEEPS, |_, deadline, _| overdue(deadline, now) > SWEPT_AFTER);
        self.counts.abandoned.fetch_add(gone.into(), Relaxed);
    }

    fn passed(&self, desk: &mut Desk, era: &Era, time: Duration, lapsed: u32) -> Passed {
        let directly = self.counts.directly.load(Relaxed);
        let spent = (directly - desk.seen.directly) as u32;
        desk.seen.directly = directly;
        Passed { time, spent, lapsed, wanted: era.line.waiting() > 0 || spent > 0 }
    }

    fn measure(&self, desk: &mut Desk, era: &Era, batch: &Batch, time: Duration) {
        let (ended, abandoned) = (self.counts.ended.load(Relaxed), self.counts.abandoned.load(Relaxed));
        let waiting = era.line.waiting();
        desk.measure.step(Step {
            seconds: time.as_secs_f64(),
            wanted: waiting as usize > batch.calls.len(),
            called: batch.calls.len() as u32,
            left: (abandoned - desk.seen.abandoned) as u32,
            waiting,
            ended: (ended - desk.seen.ended) as u32,
            inside: era.inside.held(),
        });
        (desk.seen.ended, desk.seen.abandoned) = (ended, abandoned);
        let mut promises = self.counts.promises.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (likely, waited) in promises.drain(..) {
            desk.measure.kept(likely, waited);
        }
    }

    fn record(&self, desk: &mut Desk, era: &Era, batch: &Batch) -> Option<Record> {
        let mut record = desk.changes(era, self.sold_out.load(Relaxed));
        let (next, leased) = (era.numbers.next(), era.numbers.leased());
        let short = leased - next < LEASE / 2;
        record.head.leased = if short { next.saturating_add(LEASE).min(Line::PLACES) } else { leased };
        let calls = batch.calls.iter().map(|&(slot, place)| (slot, SlotRecord::Taken(era.number(place))));
        record.slots.extend(calls);
        record.slots.extend(batch.opened.iter().map(|&slot| (slot, SlotRecord::Open(batch.floor))));
        let is_news =
            record.head != desk.written || !record.slots.is_empty() || !record.pages.is_empty() || record.clear;
        is_news.then_some(record)
    }

    fn show(&self, desk: &Desk, era: &Era) {
        let terms = self.terms.load();
        let before = self.view.load();
        let rate = desk.outflow.rate(terms.admit_rate);
        let mut view = View {
            mode: terms.mode,
            order: terms.order,
            epoch: era.epoch,
            version: before.version,
            waiting: era.line.waiting(),
            inside: era.inside.held(),
            called: era.inside.called(),
            cap: terms.active_shoppers,
            rate,
            message: terms.message.clone(),
            opens: desk.lobby.as_ref().and(terms.opens),
            commitment: desk.commitment(era),
            draw: era.draws.load().last().map(Into::into),
            sold_out: self.sold_out.load(Relaxed),
            durable: desk.durable,
            work: desk.work(&terms, rate),
            claim: terms.claim,
            outlook: desk.measure.outlook(rate, terms.active_shoppers, terms.order == RoomOrder::Lottery),
        };
        if view.says_other_than(&before) {
            view.version += 1;
        }
        if view != **before {
            self.view.store(Arc::new(view));
        }
    }
}

/// Leading zero bits asked for: about a second of work on a cheap phone.
const WORK: u32 = 15;
/// Places are asked for so many times as fast as people are let in, and not just by a few, when work is asked for.
const PRESSURE: f64 = 5.0;
const CROWD: f64 = 20.0;
/// Arrivals are averaged over about this many seconds.
const ARRIVAL_MEMORY: f64 = 5.0;

impl Desk {
    /// What the store does not know, and the head as it is.
    fn changes(&mut self, era: &Era, sold_out: bool) -> Record {
        let mut record = std::mem::take(&mut self.unwritten);
        record.head = Head {
            epoch: era.epoch,
            leased: era.numbers.leased(),
            issued: era.numbers.next(),
            sold_out,
            lobby: self.lobby.as_ref().map(|lobby| (lobby.start, lobby.seed)),
            draws: era.draws.load().iter().map(Into::into).collect(),
        };
        era.line.take_dirty(|number, page| record.pages.push((number, page.clone())));
        record.slots.extend(era.inside.take_changed());
        record.compact();
        record
    }

    fn arrivals(&mut self, era: &Era, time: Duration) {
        let next = era.numbers.next();
        let kept = (-time.as_secs_f64() / ARRIVAL_MEMORY).exp();
        self.arrivals = self.arrivals * kept + f64::from(next.saturating_sub(self.numbers)) / ARRIVAL_MEMORY;
        self.numbers = next;
    }

    fn work(&self, terms: &RoomSettings, rate: f64) -> Option<u32> {
        let wanted = match terms.proof_of_work {
            ProofOfWork::Off => false,
            ProofOfWork::Always => true,
            ProofOfWork::Auto => self.arrivals > CROWD.max(PRESSURE * rate),
        };
        (wanted && terms.mode != RoomMode::Off).then_some(WORK)
    }
}

fn whole_seconds(time: Duration) -> u32 {
    time.as_secs().try_into().unwrap_or(u32::MAX)
}
