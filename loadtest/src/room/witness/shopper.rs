//! What one shopper of the crowd does, over and over: joins, waits, comes in, buys, or has enough of it.

use std::rc::Rc;
use std::time::Duration;

use super::book::{Fault, Place};
use super::crowd::World;
use super::status::{State, Status};
use super::stub::Stub;
use super::talk::{Answer, Talk, What};

/// Of a hundred questions in line so many are about giving up instead, and so many are never asked.
const GIVES_UP: u8 = 2;
const VANISHES: u8 = 1;

const FRONT_PAGE: What = What::Page("/");
const ORDER: What = What::Page("/pay/done");

/// Longest pauses, in milliseconds: before coming again, before taking a turn, and between two pages.
const AWAY: u64 = 2_000;
const SURPRISE: u64 = 300;
const READING: u64 = 400;

/// Comes until it is over.
pub(super) async fn keep_coming(world: Rc<World>, client: u32, dice: fastrand::Rng) {
    let mut shopper = Shopper { world, client, dice, talk: Talk::default(), cookie: String::new() };
    while !shopper.world.is_over() {
        shopper.pause(AWAY).await;
        // However a visit ended: what it has to say is in the book.
        let _ = shopper.visit().await;
    }
}

struct Shopper {
    world: Rc<World>,
    client: u32,
    dice: fastrand::Rng,
    talk: Talk,
    cookie: String,
}

impl Shopper {
    /// From the first page to the order; `None` where it ends early.
    async fn visit(&mut self) -> Option<()> {
        self.cookie.clear();
        let mut place = self.join().await?;
        if !matches!(Stub::read(&self.cookie), Some(Stub::Pass { .. })) {
            self.wait(&mut place).await?;
            self.come_in(&mut place).await?;
        }
        self.look_around(&place).await?;
        self.world.book.borrow_mut().is_over(&place);
        while self.ask(ORDER).await.is_none() {
            self.unless_over()?;
        }
        self.world.tally.borrow_mut().done += 1;
        Some(())
    }

    async fn join(&mut self) -> Option<Place> {
        let joining = self.world.book.borrow().joins(self.world.now());
        let answer = self.ask(FRONT_PAGE).await?;
        let mut book = self.world.book.borrow_mut();
        let mut tally = self.world.tally.borrow_mut();
        match Stub::read(&self.cookie)? {
            Stub::Ticket { number, .. } => {
                tally.joined += 1;
                Some(book.joined(joining, number))
            }
            Stub::Pass { number, slot } => {
                tally.directly += 1;
                let mut place = book.joined(joining, number);
                book.is_inside(&mut place, number, slot);
                if answer.waits {
                    book.fault(Fault::SentBack, || format!("{number} was given a pass and has to wait"));
                }
                Some(place)
            }
            Stub::Farewell => None,
        }
    }

    /// Asks until it is the own turn.
    async fn wait(&mut self, place: &mut Place) -> Option<()> {
        // The page asks as soon as it is there, and then when it is told to; people reload it before that.
        let mut longest = 0;
        loop {
            self.pause(longest).await;
            self.unless_over()?;
            match self.dice.u8(..100) {
                dice if dice < GIVES_UP => {
                    self.world.tally.borrow_mut().left += 1;
                    self.ask(What::GiveUp).await?;
                    return None;
                }
                dice if dice < GIVES_UP + VANISHES => return None,
                _ => {}
            }
            let asking = self.world.book.borrow().asks(place, self.world.now());
            let Some(answer) = self.ask(What::Status).await else { continue };
            let mut book = self.world.book.borrow_mut();
            let mut tally = self.world.tally.borrow_mut();
            tally.polls += 1;
            let Some(status) = Some(answer.status).filter(|status| *status == 200).and(Status::read(&answer.body))
            else {
                book.fault(Fault::Lost, || format!("{} is answered with {}", place.number, answer.status));
                return None;
            };
            match status.state {
                State::Called | State::Inside => {
                    tally.called += 1;
                    book.is_called(place);
                    return Some(());
                }
                State::Waiting | State::Paused | State::Lobby | State::Closed => {
                    book.waits(place, asking, self.world.now(), status.poll_after_ms * 1_000);
                    longest = status.poll_after_ms;
                }
            }
        }
    }

    /// Takes the turn.
    async fn come_in(&mut self, place: &mut Place) -> Option<()> {
        loop {
            self.pause(SURPRISE).await;
            let Some(answer) = self.ask(FRONT_PAGE).await else {
                self.unless_over()?;
                continue;
            };
            let mut book = self.world.book.borrow_mut();
            match Stub::read(&self.cookie) {
                Some(Stub::Pass { number, slot }) if !answer.waits => book.is_inside(place, number, slot),
                _ => {
                    book.fault(Fault::SentBack, || {
                        format!("{} was called, and answered with {} {}", place.number, answer.status, answer.words())
                    });
                    return None;
                }
            }
            return Some(());
        }
    }

    /// Looks at a few pages.
    async fn look_around(&mut self, place: &Place) -> Option<()> {
        let mut pages = self.dice.u8(..6);
        while pages > 0 {
            self.pause(READING).await;
            self.unless_over()?;
            let Some(answer) = self.ask(FRONT_PAGE).await else { continue };
            if answer.waits {
                let fault = || format!("the pass of {} is not good any more", place.number);
                self.world.book.borrow_mut().fault(Fault::SentBack, fault);
                return None;
            }
            pages -= 1;
        }
        Some(())
    }

    /// One question, after which the cookie is what the answer says.
    async fn ask(&mut self, what: What) -> Option<Answer> {
        let cookie = Some(self.cookie.as_str()).filter(|cookie| !cookie.is_empty());
        let answer = self.world.ask(&mut self.talk, what, self.client, cookie).await?;
        if let Some(cookie) = &answer.cookie {
            self.cookie.clone_from(cookie);
        }
        Some(answer)
    }

    async fn pause(&mut self, at_most: u64) {
        tokio::time::sleep(Duration::from_millis(self.dice.u64(..=at_most))).await;
    }

    fn unless_over(&self) -> Option<()> {
        (!self.world.is_over()).then_some(())
    }
}
