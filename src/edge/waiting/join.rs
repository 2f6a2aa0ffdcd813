//! A newcomer is given a place, or the way in.

use std::time::Duration;

use super::door::Door;
use crate::limit::Verdict;
use crate::room::challenge::Challenge;
use crate::room::pass::Pass;
use crate::room::standing::{Entry, Promise};
use crate::room::ticket::Ticket;
use crate::room::{Reject, Scope};

/// What becomes of a newcomer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Joined {
    /// Comes in.
    Inside(Pass),
    /// Is given a place, with so many ahead.
    Placed { ticket: Ticket, rank: Option<u32> },
    /// Asks again in a moment.
    NoNumber,
    /// The room is closed.
    Closed,
    /// Has to prove some work before.
    Challenged { text: String, difficulty: u32 },
    /// Others of the same address were given as many places as they may be; there is one more after this time.
    TooMany(Duration),
}

/// What a newcomer hands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof<'a> {
    pub(super) challenge: &'a [u8],
    /// Absent where there are no scripts.
    pub(super) answer: Option<&'a [u8]>,
}

impl Door<'_> {
    /// Gives a newcomer a place or the way in.
    pub(super) fn join(&self, proof: Option<Proof<'_>>) -> Joined {
        if self.view.is_closed() {
            return Joined::Closed;
        }
        let joins = self.handle.joins.as_deref().map(|joins| (joins, self.hasher.ip(self.ip)));
        // A proof is not worth less because the address has to wait a little.
        if let Some(Verdict::Limited { retry_after }) = joins.map(|(joins, key)| joins.peek(key, self.now.mono)) {
            return Joined::TooMany(retry_after);
        }
        if let Some(difficulty) = self.work()
            && !proof.is_some_and(|proof| self.is_met(proof))
        {
            let challenge = Challenge::mint(self.view.epoch, self.new_visitor(), difficulty, self.now.unix);
            return Joined::Challenged { text: challenge.seal(&self.keys, &self.here()), difficulty };
        }
        if let Some(Verdict::Limited { retry_after }) = joins.map(|(joins, key)| joins.commit(key, self.now.mono)) {
            return Joined::TooMany(retry_after);
        }
        self.enter()
    }

    /// Zero bits that a newcomer has to find.
    fn work(&self) -> Option<u32> {
        self.view.work.filter(|_| !self.is_open())
    }

    fn enter(&self) -> Joined {
        let (room, metrics) = (&self.handle.room, &self.handle.metrics);
        match room.enter(self.now) {
            Entry::Inside(slot) => Joined::Inside(Pass::mint(slot, self.new_visitor(), self.now.unix)),
            Entry::Waiting { epoch, number } => {
                metrics.joined(self.worker);
                let rank = room.rank(number);
                let estimate = self.view.estimate(rank);
                let promise = Promise { joined: self.now.unix, likely: estimate.likely, late: estimate.late };
                Joined::Placed { ticket: Ticket::mint(epoch, number, self.new_visitor(), promise), rank }
            }
            Entry::NoNumber => Joined::NoNumber,
            Entry::Closed => Joined::Closed,
        }
    }

    /// Whether a proof is good, once.
    fn is_met(&self, proof: Proof<'_>) -> bool {
        let now = self.now.unix;
        let met = Challenge::open(proof.challenge, &self.keys, &self.here(), now).and_then(|challenge| {
            if challenge.epoch() != self.view.epoch {
                return Err(Reject::Epoch);
            }
            if !challenge.is_met(proof.challenge, proof.answer, now) {
                return Err(Reject::Signature);
            }
            let spent = &self.handle.spent;
            spent.spend(challenge.visitor(), challenge.expires(), now).then_some(()).ok_or(Reject::Stale)
        });
        met.map_err(|why| self.reject(why)).is_ok()
    }

    /// A challenge is good in the network it was given to, whatever places are.
    fn here(&self) -> Scope {
        Scope { client: Some(self.ip), ..self.scope() }
    }
}
