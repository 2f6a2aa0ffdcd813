//! The discrete events of one run: shoppers, seats, the station and the governor's ticks.

mod requests;

use std::time::Duration;

use spillway::clock::Nanos;
use spillway::demo::station::{JobId, Station};
use spillway::overload::{Attendance, Directive, Event as Signal, Finish, Governor, QueueCounts, Sessions, Window};

use super::agenda::Agenda;
use super::desk::Desk;
use super::play::{Play, SECOND};
use super::record::{Record, TICK};
use super::shopper::{Shopper, exponential};
use super::store::{Key, Store};
use requests::Request;

/// Seats before the governor has said anything.
const FIRST_LIMIT: u32 = 10;
/// Nobody arrives: look again then.
const LULL: Nanos = SECOND / 2;

#[derive(Debug, Clone, Copy)]
enum What {
    Arrival,
    /// A shopper asks for the next page, or for the same again.
    Ask(Key),
    /// A request has waited for a seat as long as it may.
    WaitOver(Key),
    /// A shopper has waited for an answer as long as there is patience.
    Patience(Key),
    /// The proxy gives an answer up.
    TooLate(Key),
    /// The station has refused a job.
    Failed(Key),
    Tick,
    Trouble(usize),
}

/// See the module.
pub(crate) struct World<'a> {
    play: &'a Play,
    station: Box<dyn Station>,
    governor: Box<dyn Governor>,
    desk: Desk,
    sessions: Sessions,
    /// For who comes, apart from the rest, so that it is the same whatever the governor does.
    arrivals: fastrand::Rng,
    dice: fastrand::Rng,
    now: Nanos,
    agenda: Agenda<What>,
    /// When the station is looked at next.
    look: Option<Nanos>,
    shoppers: Store<Shopper>,
    requests: Store<Request>,
    signals: Vec<Signal>,
    record: Record,
    /// Emptied after use.
    ended: Vec<JobId>,
    rung: Vec<usize>,
}

impl<'a> World<'a> {
    pub(crate) fn new(play: &'a Play, governor: Box<dyn Governor>, seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        Self {
            play,
            station: play.model.build(play.parameters),
            governor,
            desk: Desk::open(FIRST_LIMIT),
            sessions: Sessions::new(1),
            arrivals: dice.fork(),
            dice,
            now: 0,
            agenda: Agenda::default(),
            look: None,
            shoppers: Store::default(),
            requests: Store::default(),
            signals: Vec::new(),
            record: Record::new(play.lasting),
            ended: Vec::new(),
            rung: Vec::new(),
        }
    }

    /// Plays to the end.
    pub(crate) fn run(mut self) -> Record {
        self.agenda.at(0, What::Arrival);
        self.agenda.at(TICK, What::Tick);
        for (number, (at, _)) in self.play.troubles.iter().enumerate() {
            self.agenda.at(*at, What::Trouble(number));
        }
        while let Some((at, is_station)) = self.next().filter(|(at, _)| *at <= self.play.lasting) {
            self.now = self.now.max(at);
            if is_station {
                self.look_at_station();
            } else if let Some(what) = self.agenda.take() {
                self.happen(what);
            }
            self.pass_seats_on();
        }
        self.record.end()
    }

    /// When something happens next, and whether at the station.
    fn next(&self) -> Option<(Nanos, bool)> {
        match (self.agenda.next(), self.look) {
            (Some(planned), Some(look)) if planned < look => Some((planned, false)),
            (_, Some(look)) => Some((look, true)),
            (planned, None) => planned.map(|at| (at, false)),
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrival => self.arrive(),
            What::Ask(shopper) => self.ask(shopper),
            What::WaitOver(request) => self.wait_over(request),
            What::Patience(request) => self.lose_patience(request),
            What::TooLate(request) => self.not_done(request, Finish::TimedOut),
            What::Failed(request) => self.not_done(request, Finish::Failed),
            What::Tick => self.tick(),
            What::Trouble(number) => {
                if let Some((_, trouble)) = self.play.troubles.get(number) {
                    self.station.trouble(*trouble, time(self.now));
                    self.plan_look();
                }
            }
        }
    }

    fn look_at_station(&mut self) {
        let mut ended = std::mem::take(&mut self.ended);
        ended.extend(self.station.finished(time(self.now)));
        // Ended jobs give their seats to others, which begin theirs only now.
        ended.drain(..).for_each(|job| self.done(Key::of(job)));
        self.ended = ended;
        self.plan_look();
    }

    /// Owed whenever the station may have changed its mind.
    fn plan_look(&mut self) {
        self.look = self.station.next().map(|at| (at.as_nanos() as Nanos).max(self.now + 1));
    }

    /// Whoever was given a seat takes it.
    fn pass_seats_on(&mut self) {
        let mut rung = std::mem::take(&mut self.rung);
        loop {
            self.desk.rung(&mut rung);
            if rung.is_empty() {
                break;
            }
            for place in rung.drain(..) {
                if let Some(request) = self.requests.at(place) {
                    self.poll(request);
                }
            }
        }
        self.rung = rung;
    }

    fn arrive(&mut self) {
        let gap = exponential(&mut self.arrivals) / self.play.arrivals(self.now).max(1e-3);
        let gap = (gap * SECOND as f64) as Nanos;
        self.agenda.at(self.now + gap.min(LULL), What::Arrival);
        if gap > LULL {
            return;
        }
        let habits = self.play.habits(self.now);
        let shopper = Shopper::arrive(&habits, &mut self.arrivals);
        self.record.arrives(&shopper, &habits, self.now);
        let shopper = self.shoppers.insert(shopper);
        self.ask(shopper);
    }

    fn tick(&mut self) {
        let Attendance { active, begun } = self.sessions.attendance(self.now);
        // As the control thread counts them.
        let queue = QueueCounts { begun, ..self.desk.counts(self.now) };
        let window = Window {
            now: self.now,
            events: &self.signals,
            lost: 0,
            in_use: self.desk.in_use(),
            active,
            queue,
            utilisation: None,
            classes: self.desk.goals(),
        };
        let directive = self.governor.tick(&window);
        let in_use = window.in_use;
        self.signals.clear();
        self.desk.follow(&directive);
        self.note(in_use, active, directive);
        if let Some(tick) = self.record.now() {
            tick.queue = queue;
        }
        self.record.turn();
        self.agenda.after(TICK, self.now, What::Tick);
    }

    fn note(&mut self, in_use: u32, active: u32, directive: Directive) {
        let optimum = self.station.optimum(self.record.wanted_of_late());
        let Some(tick) = self.record.now() else { return };
        tick.at = self.now as f64 / SECOND as f64;
        (tick.in_use, tick.active, tick.jobs) = (in_use, active, self.station.jobs());
        (tick.optimum, tick.possible) = (optimum.concurrency, optimum.goodput);
        tick.directive = Some(directive);
    }
}

/// As stations count it.
fn time(now: Nanos) -> Duration {
    Duration::from_nanos(now)
}
