//! The life of one request: asked for, in line, at the station, answered or not.

use std::mem;
use std::task::Poll;
use std::time::Duration;

use spillway::clock::Nanos;
use spillway::demo::page::{Class, Page};
use spillway::demo::station::{Job, Started};
use spillway::overload::{Event as Signal, Finish, Lane, RouteTag, Seat, Waiting};

use super::{What, World, time};
use crate::simulated::desk::Asked;
use crate::simulated::play::SECOND;
use crate::simulated::shopper::{MILLISECOND, exponential};
use crate::simulated::store::Key;

/// The proxy waits this long for an answer.
const RESPONSE_TIMEOUT: Nanos = 10 * SECOND;
/// What a request costs beside its work: the network and the proxy.
const OVERHEAD: Duration = Duration::from_micros(800);
/// A refusal by the station takes this long.
const REJECTED_AFTER: Nanos = MILLISECOND;

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct Request {
    /// `None` for what a browser loads beside a page.
    shopper: Option<Key>,
    page: Page,
    asked: Nanos,
    work: Duration,
    stage: Stage,
    /// Whether its shopper still wants the answer.
    wanted: bool,
}

#[derive(Debug)]
enum Stage {
    Asks,
    InLine(Waiting),
    Sent { at: Nanos, seat: Seat },
}

impl World<'_> {
    /// A shopper asks for the page that is next.
    pub(super) fn ask(&mut self, key: Key) {
        let Some(shopper) = self.shoppers.get(key) else { return };
        let Some(page) = shopper.page() else { return };
        let lane = if shopper.is_new() { Lane::Newcomer } else { Lane::Returning };
        self.request(Some(key), page, lane);
    }

    fn request(&mut self, shopper: Option<Key>, page: Page, lane: Lane) {
        let class = page.class();
        if let Some(offered) = self.record.now().and_then(|tick| tick.offered.get_mut(class as usize)) {
            *offered += 1;
        }
        let work = if self.play.scattered { page.work().mul_f64(exponential(&mut self.dice)) } else { page.work() };
        let request = Request { shopper, page, asked: self.now, work, stage: Stage::Asks, wanted: true };
        let key = self.requests.insert(request);
        match self.desk.ask(class, lane, self.now) {
            Asked::Seated(seat) => self.send(key, seat),
            Asked::Refused => return self.refuse(key),
            Asked::Waits(waiting, longest) => {
                if let Some(request) = self.requests.get_mut(key) {
                    request.stage = Stage::InLine(waiting);
                }
                self.agenda.after(longest, self.now, What::WaitOver(key));
                self.poll(key);
            }
        }
        let patience = self.play.habits(self.now).patience;
        self.agenda.after(patience, self.now, What::Patience(key));
    }

    /// Looks whether the wait of a request is over.
    pub(super) fn poll(&mut self, key: Key) {
        let Some(Request { stage: Stage::InLine(waiting), .. }) = self.requests.get_mut(key) else { return };
        match self.desk.poll(key.place(), waiting) {
            Poll::Pending => {}
            Poll::Ready(Some(seat)) => self.send(key, seat),
            Poll::Ready(None) => self.refuse(key),
        }
    }

    fn send(&mut self, key: Key, seat: Seat) {
        let now = self.now;
        let Some(request) = self.requests.get_mut(key) else { return };
        request.stage = Stage::Sent { at: now, seat };
        let (page, work) = (request.page, request.work + OVERHEAD);
        let shopper = request.shopper.and_then(|shopper| self.shoppers.get(shopper));
        if let Some(shopper) = shopper {
            self.sessions.touch(shopper.key, 0, now);
        }
        let hot = shopper.is_some_and(|shopper| shopper.is_hot(page));
        self.signals.push(Signal::Began { route: route(page), at: now });
        let job = Job { id: key.number(), work, class: page.class(), hot };
        match self.station.start(job, time(now)) {
            Started::Running => self.agenda.after(RESPONSE_TIMEOUT, now, What::TooLate(key)),
            Started::Rejected => self.agenda.after(REJECTED_AFTER, now, What::Failed(key)),
        }
        self.plan_look();
    }

    pub(super) fn wait_over(&mut self, key: Key) {
        if let Some(Request { stage: Stage::InLine(_), .. }) = self.requests.get(key) {
            self.refuse(key);
        }
    }

    fn refuse(&mut self, key: Key) {
        let Some(request) = self.requests.remove(key) else { return };
        let class = request.page.class() as usize;
        if let Some(refused) = self.record.now().and_then(|tick| tick.refused.get_mut(class)) {
            *refused += 1;
        }
        let least = 1 << class;
        let retry_after = (least + self.dice.u64(0..=least)) * SECOND;
        self.failed(request.shopper, Some(retry_after));
    }

    fn failed(&mut self, shopper: Option<Key>, retry_after: Option<Nanos>) {
        let habits = self.play.habits(self.now);
        let Some((key, shopper)) = shopper.and_then(|key| Some((key, self.shoppers.get_mut(key)?))) else { return };
        if let Some(pause) = shopper.fails(&habits, retry_after, &mut self.dice) {
            return self.agenda.at(self.now + pause, What::Ask(key));
        }
        let begun = shopper.begun;
        self.shoppers.remove(key);
        self.record.over(begun, false);
    }

    /// The station has done a job.
    pub(super) fn done(&mut self, key: Key) {
        let Some(request) = self.end(key, Finish::Good) else { return };
        self.note_answer(&request);
        if let Some(shopper) = request.shopper {
            self.go_on(shopper);
        }
        if request.page == Page::Product {
            self.request(None, Page::Recommendations, Lane::Returning);
        }
    }

    fn note_answer(&mut self, request: &Request) {
        let Some(tick) = self.record.now() else { return };
        let class = request.page.class();
        tick.work += request.work.as_secs_f64();
        tick.overhead += OVERHEAD.as_secs_f64();
        if let Some(served) = tick.served.get_mut(class as usize) {
            *served += 1;
        }
        if class == Class::Checkout {
            tick.checkouts.push((self.now - request.asked) as f64 / SECOND as f64);
        }
    }

    fn go_on(&mut self, key: Key) {
        let habits = self.play.habits(self.now);
        let Some(shopper) = self.shoppers.get_mut(key) else { return };
        if shopper.is_new()
            && let Some(tick) = self.record.now()
        {
            tick.begun += 1;
        }
        if shopper.served(self.now) {
            let begun = shopper.begun;
            self.shoppers.remove(key);
            return self.record.over(begun, true);
        }
        let pause = shopper.thinks(&habits, &mut self.dice);
        self.agenda.at(self.now + pause, What::Ask(key));
    }

    /// The station has refused a job, or did not do it in time.
    pub(super) fn not_done(&mut self, key: Key, finish: Finish) {
        if let Some(request) = self.end(key, finish) {
            self.failed(request.shopper, None);
        }
    }

    /// Ends a request at the station, and gives its seat back; the request, if anybody still wants the answer.
    fn end(&mut self, key: Key, finish: Finish) -> Option<Request> {
        let mut request = self.requests.remove(key)?;
        let Stage::Sent { at: sent, seat } = mem::replace(&mut request.stage, Stage::Asks) else { return None };
        drop(seat);
        let (route, began, latency) = (route(request.page), sent, time(self.now - sent));
        let class = self.desk.slot(request.page.class())?;
        self.signals.push(Signal::Ended { route, class, finish, began, latency });
        request.wanted.then_some(request)
    }

    pub(super) fn lose_patience(&mut self, key: Key) {
        let Some(request) = self.requests.get_mut(key) else { return };
        let shopper = request.shopper;
        if matches!(request.stage, Stage::Sent { .. }) {
            // The job runs on, and holds its seat.
            request.wanted = false;
        } else {
            self.requests.remove(key);
        }
        if let Some(tick) = self.record.now() {
            tick.left += 1;
        }
        self.failed(shopper, None);
    }
}

fn route(page: Page) -> RouteTag {
    RouteTag(page as u32)
}
