//! The discrete events of one run: shoppers, seats, the station and the governor's ticks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use spillway::demo::page::{Class, Page};
use spillway::demo::station::{Job, JobId, Offered, Started, Station, Trouble};
use spillway::overload::{Directive, Event as Signal, Finish, Governor, Lane, RouteTag, Seat, Window};

use super::desk::{Asked, Desk};
use super::record::{Record, Tick};
use super::shopper::{Habits, Shopper};

/// Time between two ticks of the governor.
const TICK: Duration = Duration::from_millis(100);
/// The proxy waits this long for an answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a request costs beside its work: the network and the proxy.
const OVERHEAD: Duration = Duration::from_micros(800);

/// What is played.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) lasting: Duration,
    /// Shoppers a second from each time on.
    pub(crate) arrivals: Vec<(Duration, f64)>,
    pub(crate) troubles: Vec<(Duration, Trouble)>,
    pub(crate) habits: Vec<(Duration, Habits)>,
    pub(crate) hot: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Arrival,
    Ask(u64),
    Alone(u64, u8),
    /// A request has waited for a seat as long as it may.
    WaitOver(u64),
    /// A shopper has waited for an answer as long as there is patience.
    Patience(u64),
    /// The proxy gives an answer up.
    TooLate(u64),
    Rejected(u64),
    Tick,
    Station,
    Trouble(usize),
}

struct Request {
    /// `None` for what a browser loads beside a page.
    shopper: Option<u64>,
    page: Page,
    newcomer: bool,
    asked: Duration,
    sent: Option<Duration>,
    seat: Option<Seat>,
    left: bool,
}

pub(crate) struct World<'a> {
    play: &'a Play,
    station: Box<dyn Station>,
    governor: Box<dyn Governor>,
    desk: Desk,
    dice: fastrand::Rng,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, What)>>,
    sequence: u64,
    shoppers: HashMap<u64, Shopper>,
    requests: HashMap<u64, Request>,
    numbers: u64,
    signals: Vec<Signal>,
    directive: Directive,
    /// When the station is looked at next.
    looked_at: Option<Duration>,
    record: Record,
    tick: Tick,
}

impl<'a> World<'a> {
    pub(crate) fn new(play: &'a Play, station: Box<dyn Station>, governor: Box<dyn Governor>, seed: u64) -> Self {
        let directive = Directive {
            limit: 10,
            caps: Vec::new(),
            may_begin: f64::INFINITY,
            begin_rate: f64::INFINITY,
            pressed: false,
            shedding: false,
            state: spillway::overload::State::Learning,
            cause: spillway::overload::Cause::Start,
        };
        Self {
            play,
            station,
            governor,
            desk: Desk::open(10),
            dice: fastrand::Rng::with_seed(seed),
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            sequence: 0,
            shoppers: HashMap::new(),
            requests: HashMap::new(),
            numbers: 0,
            signals: Vec::new(),
            directive,
            looked_at: None,
            record: Record::default(),
            tick: Tick::default(),
        }
    }

    /// Plays to the end.
    pub(crate) fn run(mut self) -> Record {
        self.at(Duration::ZERO, What::Arrival);
        self.at(TICK, What::Tick);
        for (number, (at, _)) in self.play.troubles.iter().enumerate() {
            self.at(*at, What::Trouble(number));
        }
        while let Some(Reverse((at, _, what))) = self.events.pop() {
            if at > self.play.lasting {
                break;
            }
            self.now = at;
            self.happen(what);
            self.settle();
        }
        self.record
    }

    fn at(&mut self, at: Duration, what: What) {
        self.sequence += 1;
        self.events.push(Reverse((at, self.sequence, what)));
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrival => self.arrive(),
            What::Ask(shopper) => self.ask(shopper),
            What::Alone(..) => {}
            What::WaitOver(request) => {
                if self.desk.leave(request) {
                    self.refuse(request);
                }
            }
            What::Patience(request) => self.lose_patience(request),
            What::TooLate(request) => self.too_late(request),
            What::Rejected(request) => self.ended(request, Finish::Failed),
            What::Tick => self.tick(),
            What::Station => self.looked_at = None,
            What::Trouble(number) => {
                if let Some((_, trouble)) = self.play.troubles.get(number) {
                    self.station.trouble(*trouble, self.now);
                }
            }
        }
    }

    /// What follows from what has happened: ended jobs, seats passed on, the next look at the station.
    fn settle(&mut self) {
        loop {
            let finished: Vec<JobId> = self.station.finished(self.now).collect();
            let none = finished.is_empty();
            finished.into_iter().for_each(|job| self.ended(job, Finish::Good));
            let served = self.desk.served();
            if none && served.is_empty() {
                break;
            }
            for (request, seat) in served {
                match seat {
                    Some(seat) => self.send(request, seat),
                    None => self.refuse(request),
                }
            }
        }
        if let Some(next) = self.station.next()
            && self.looked_at.is_none_or(|at| next < at)
        {
            self.looked_at = Some(next);
            self.at(next.max(self.now), What::Station);
        }
    }

    fn arrive(&mut self) {
        let rate = current(&self.play.arrivals, self.now).copied().unwrap_or(0.0);
        let gap = -(1.0 - self.dice.f64()).ln() / rate.max(1e-3);
        self.at(self.now + Duration::from_secs_f64(gap.min(0.5)), What::Arrival);
        if gap > 0.5 {
            return;
        }
        let habits = self.habits();
        self.numbers += 1;
        let number = self.numbers;
        self.shoppers.insert(number, Shopper::arrive(&habits, self.play.hot, &mut self.dice));
        self.tick.arrived += 1;
        self.ask(number);
    }

    fn habits(&self) -> Habits {
        current(&self.play.habits, self.now).copied().unwrap_or_default()
    }

    fn ask(&mut self, number: u64) {
        let Some(shopper) = self.shoppers.get(&number) else { return };
        let Some(page) = shopper.page() else { return };
        let newcomer = shopper.is_new();
        self.request(Some(number), page, newcomer);
    }

    fn request(&mut self, shopper: Option<u64>, page: Page, newcomer: bool) {
        self.numbers += 1;
        let number = self.numbers;
        let (asked, patience) = (self.now, self.habits().patience);
        self.tick.offered[page.class() as usize] += 1;
        self.requests.insert(number, Request { shopper, page, newcomer, asked, sent: None, seat: None, left: false });
        let lane = if newcomer { Lane::Newcomer } else { Lane::Returning };
        match self.desk.ask(number, page.class(), lane, self.now) {
            Asked::Seated(seat) => self.send(number, seat),
            Asked::Waits(longest) => self.at(self.now + longest, What::WaitOver(number)),
            Asked::Refused => return self.refuse(number),
        }
        self.at(self.now + patience, What::Patience(number));
    }

    fn send(&mut self, number: u64, seat: Seat) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        (request.seat, request.sent) = (Some(seat), Some(self.now));
        let page = request.page;
        if let Some(shopper) = request.shopper {
            self.desk.seen(shopper, self.now);
        }
        let hot = request.shopper.and_then(|shopper| self.shoppers.get(&shopper)).is_some_and(|shopper| shopper.hot);
        let hot = hot && page == Page::Product;
        self.signals.push(Signal::Began { route: route(page), at: nanos(self.now) });
        let job = Job { id: number, work: page.work() + OVERHEAD, class: page.class(), hot };
        match self.station.start(job, self.now) {
            Started::Running => self.at(self.now + RESPONSE_TIMEOUT, What::TooLate(number)),
            Started::Rejected => self.at(self.now + OVERHEAD, What::Rejected(number)),
        }
    }

    fn refuse(&mut self, number: u64) {
        let Some(request) = self.requests.remove(&number) else { return };
        if request.left {
            return;
        }
        self.tick.refused[request.page.class() as usize] += 1;
        self.tick.turned_away += u64::from(request.newcomer);
        let least = 1 << (request.page.class() as u32);
        let retry_after = Duration::from_secs(least + self.dice.u64(0..=least));
        self.failed(&request, Some(retry_after));
    }

    fn failed(&mut self, request: &Request, retry_after: Option<Duration>) {
        let habits = self.habits();
        let Some(number) = request.shopper else { return };
        let Some(shopper) = self.shoppers.get_mut(&number) else { return };
        match shopper.fails(&habits, retry_after, &mut self.dice) {
            Some(pause) => self.at(self.now + pause, What::Ask(number)),
            None => {
                let begun = !shopper.is_new();
                self.tick.gave_up += 1;
                self.tick.cut += u64::from(begun && shopper.buys());
                self.shoppers.remove(&number);
            }
        }
    }

    fn ended(&mut self, number: u64, finish: Finish) {
        let Some(mut request) = self.requests.remove(&number) else { return };
        if let Some(sent) = request.sent {
            let latency = self.now - sent;
            let class = self.desk.slot(request.page.class());
            let (route, at) = (route(request.page), nanos(self.now));
            self.signals.push(Signal::Ended { route, class, finish, at, latency });
        }
        drop(request.seat.take());
        if request.left {
            return;
        }
        if finish == Finish::Good { self.answered(&request) } else { self.failed(&request, None) }
    }

    fn answered(&mut self, request: &Request) {
        let class = request.page.class() as usize;
        self.tick.served[class] += 1;
        self.tick.work[class] += request.page.work().as_secs_f64();
        self.tick.latencies.push((self.now - request.asked).as_secs_f64());
        let habits = self.habits();
        let Some(number) = request.shopper else { return };
        let Some(shopper) = self.shoppers.get_mut(&number) else { return };
        if shopper.is_new() && shopper.buys() {
            self.tick.begun += 1;
        }
        let over = shopper.served();
        let pause = shopper.thinks(&habits, &mut self.dice);
        if over {
            self.tick.finished += u64::from(shopper.buys());
            self.shoppers.remove(&number);
        } else {
            self.at(self.now + pause, What::Ask(number));
        }
        if request.page == Page::Product {
            self.request(None, Page::Recommendations, false);
        }
    }

    fn lose_patience(&mut self, number: u64) {
        if self.desk.leave(number) {
            if let Some(request) = self.requests.remove(&number) {
                self.tick.left += 1;
                self.failed(&request, None);
            }
            return;
        }
        let Some(request) = self.requests.get_mut(&number).filter(|request| !request.left) else { return };
        // The job runs on, and holds its seat.
        request.left = true;
        self.tick.left += 1;
        let gone = Request { seat: None, ..*request_copy(request) };
        self.failed(&gone, None);
    }

    fn too_late(&mut self, number: u64) {
        if self.requests.get(&number).is_some_and(|request| request.seat.is_some()) {
            self.ended(number, Finish::TimedOut);
        }
    }

    fn tick(&mut self) {
        let queue = self.desk.counts(self.now);
        let (goals, events) = (self.desk.goals(), std::mem::take(&mut self.signals));
        let window = Window {
            now: nanos(self.now),
            events: &events,
            lost: 0,
            in_use: self.desk.in_use(),
            active: self.desk.active(self.now),
            queue,
            utilisation: None,
            classes: &goals,
        };
        self.directive = self.governor.tick(&window);
        self.desk.follow(&self.directive);
        let optimum = self.station.optimum(Offered::MORE_THAN_ENOUGH);
        let mut tick = std::mem::take(&mut self.tick);
        tick.at = self.now;
        tick.limit = self.directive.limit;
        tick.state = Some(self.directive.state);
        tick.cause = Some(self.directive.cause);
        (tick.begin_rate, tick.may_begin, tick.active) = (self.directive.begin_rate, self.directive.may_begin, window.active);
        (tick.optimum, tick.possible) = (optimum.concurrency, optimum.goodput);
        (tick.in_use, tick.jobs) = (window.in_use, self.station.jobs());
        tick.queue = queue;
        self.record.ticks.push(tick);
        self.at(self.now + TICK, What::Tick);
    }
}

fn request_copy(request: &Request) -> Box<Request> {
    Box::new(Request {
        shopper: request.shopper,
        page: request.page,
        newcomer: request.newcomer,
        asked: request.asked,
        sent: request.sent,
        seat: None,
        left: true,
    })
}

fn current<T>(steps: &[(Duration, T)], now: Duration) -> Option<&T> {
    steps.iter().rev().find(|(from, _)| *from <= now).map(|(_, value)| value)
}

fn nanos(at: Duration) -> u64 {
    at.as_nanos() as u64
}

fn route(page: Page) -> RouteTag {
    RouteTag(page as u32)
}

/// The class of a page by its number.
#[allow(dead_code)]
pub(crate) const CLASSES: [Class; 4] = Class::ALL;
