//! One of a million: what is next for a shopper, and when.

use super::street::{Street, World};
use crate::room::witness::Micros;
use crate::room::witness::book::{Fault, Place};
use crate::room::witness::status::{State, Status};
use crate::room::witness::stub::Stub;
use crate::room::witness::talk::{Answer, Talk, What};

/// A second.
pub(super) const SECOND: Micros = 1_000_000;
/// How long it takes to notice the turn, at most.
const REACTION: Micros = SECOND / 2;
/// How long a stay is: this and up to as much again.
const STAY: Micros = SECOND;
/// Before somebody without an answer, or without a number, asks again.
const PAUSE: Micros = SECOND;
/// Whoever comes back does so after this and up to four times as much.
const ABSENCE: Micros = 5 * SECOND;

/// A shopper.
#[derive(Debug)]
pub(super) struct Guest {
    stage: Stage,
    place: Option<Place>,
    cookie: Box<str>,
    joined: Micros,
    /// Seconds that the wait was promised to be shorter than.
    late: Option<u32>,
    /// When patience ends.
    leaves_at: Option<Micros>,
    fate: Fate,
}

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Join,
    Return,
    Ask,
    ComeIn,
    Order,
}

/// What becomes of somebody's patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Stays until it is the own turn.
    Stays,
    /// Gives the place up.
    GivesUp,
    /// Closes the page.
    Vanishes,
    /// Closes the page, and opens it again after a while.
    ComesBack,
    /// Has come back, and stays.
    Back,
}

impl Guest {
    pub(super) fn new(fate: Fate) -> Self {
        Self { stage: Stage::Join, place: None, cookie: "".into(), joined: 0, late: None, leaves_at: None, fate }
    }

    /// Does what is next; when there is something to be done again, if ever.
    pub(super) async fn act(&mut self, street: &Street, talk: &mut Talk, client: u32) -> Option<Micros> {
        match self.stage {
            Stage::Join => self.join(street, talk, client).await,
            Stage::Return => {
                street.world().tally.waiting += 1;
                self.stage = Stage::Ask;
                self.ask(street, talk, client).await
            }
            Stage::Ask => self.ask(street, talk, client).await,
            Stage::ComeIn => self.come_in(street, talk, client).await,
            Stage::Order => self.order(street, talk, client).await,
        }
    }

    async fn join(&mut self, street: &Street, talk: &mut Talk, client: u32) -> Option<Micros> {
        let joining = street.world().book.joins(street.now());
        let answer = self.say(street, talk, client, What::Page("/")).await;
        let now = street.now();
        let mut world = street.world();
        let Some(Stub::Ticket { number, late }) = answer.and_then(|_| Stub::read(&self.cookie)) else {
            world.tally.unanswered += 1;
            return Some(now + PAUSE);
        };
        self.place = Some(world.book.joined(joining, number));
        (self.joined, self.late, self.stage) = (now, late, Stage::Ask);
        world.tally.joined += 1;
        world.tally.waiting += 1;
        if self.fate != Fate::Stays {
            self.leaves_at = Some(now + world.patience(late));
        }
        Some(now)
    }

    async fn ask(&mut self, street: &Street, talk: &mut Talk, client: u32) -> Option<Micros> {
        if self.leaves_at.is_some_and(|leaves_at| leaves_at <= street.now()) {
            return self.leave(street, talk, client).await;
        }
        let place = self.place.as_mut()?;
        let asking = street.world().book.asks(place, street.now());
        let answer = self.say(street, talk, client, What::Status).await;
        let now = street.now();
        let mut world = street.world();
        world.tally.polls += 1;
        let Some(answer) = answer else { return Some(now + PAUSE) };
        let place = self.place.as_mut()?;
        let Some(status) = Some(answer.status).filter(|status| *status == 200).and(Status::read(&answer.body)) else {
            world.book.fault(Fault::Lost, || format!("{} is answered with {}", place.number, answer.status));
            return None;
        };
        match status.state {
            State::Called | State::Inside => {
                world.book.is_called(place);
                self.stage = Stage::ComeIn;
                self.is_called(&mut world, now);
                Some(now + world.dice.u64(..REACTION))
            }
            State::Waiting | State::Paused | State::Lobby | State::Closed => {
                let told = status.poll_after_ms * 1_000;
                world.book.waits(place, asking, now, told);
                Some((now + told).min(self.leaves_at.unwrap_or(Micros::MAX)))
            }
        }
    }

    fn is_called(&self, world: &mut World, now: Micros) {
        world.tally.waiting -= 1;
        world.tally.called += 1;
        // Those who were away made it longer themselves.
        if let Some(late) = self.late.filter(|_| self.fate != Fate::Back) {
            world.waits.push((now - self.joined) as f64 / (Micros::from(late) * SECOND) as f64);
        }
    }

    async fn leave(&mut self, street: &Street, talk: &mut Talk, client: u32) -> Option<Micros> {
        self.leaves_at = None;
        if self.fate == Fate::GivesUp {
            self.say(street, talk, client, What::GiveUp).await;
        }
        let mut world = street.world();
        world.tally.left += 1;
        world.tally.waiting -= 1;
        if self.fate != Fate::ComesBack {
            return None;
        }
        (self.fate, self.stage) = (Fate::Back, Stage::Return);
        Some(street.now() + ABSENCE + world.dice.u64(..4 * ABSENCE))
    }

    async fn come_in(&mut self, street: &Street, talk: &mut Talk, client: u32) -> Option<Micros> {
        let answer = self.say(street, talk, client, What::Page("/")).await;
        let now = street.now();
        let mut world = street.world();
        let Some(answer) = answer else { return Some(now + PAUSE) };
        let place = self.place.as_mut()?;
        match Stub::read(&self.cookie) {
            Some(Stub::Pass { number, slot }) if !answer.waits => world.book.is_inside(place, number, slot),
            _ => {
                world.book.fault(Fault::SentBack, || {
                    format!("{} was called, and answered with {} {}", place.number, answer.status, answer.words())
                });
                return None;
            }
        }
        world.admitted(now);
        self.stage = Stage::Order;
        Some(now + STAY + world.dice.u64(..STAY))
    }

    async fn order(&mut self, street: &Street, talk: &mut Talk, client: u32) -> Option<Micros> {
        street.world().book.is_over(self.place.as_ref()?);
        let answer = self.say(street, talk, client, What::Page("/pay/done")).await;
        if answer.is_none() {
            return Some(street.now() + PAUSE);
        }
        street.world().tally.done += 1;
        None
    }

    async fn say(&mut self, street: &Street, talk: &mut Talk, client: u32, what: What) -> Option<Answer> {
        let cookie = Some(&*self.cookie).filter(|cookie| !cookie.is_empty());
        let answer = talk.ask(street.address, what, client, cookie).await;
        let answer = answer.inspect_err(|_| street.world().tally.unanswered += 1).ok()?;
        if let Some(cookie) = &answer.cookie {
            self.cookie = cookie.as_str().into();
        }
        Some(answer)
    }
}
