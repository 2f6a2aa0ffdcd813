//! Whether a request goes on: the room before its route lets it through, gives it a place, or shows it the one it has.

use http::request::Parts;

use super::approach::Approach;
use super::door::Door;
use super::holding::{Asking, Holding};
use super::join::Joined;
use super::notice::{Caller, Notice, Turned};
use super::scene::{Challenge, Situation};
use super::status::Status;
use super::stay::Stays;
use crate::config::settings::{RoomMode, RouteSettings};
use crate::edge::answer::Asker;
use crate::edge::hygiene::Target;
use crate::edge::trail::Trail;
use crate::policy::verdict::{Decision, Mode, Reason};
use crate::room::challenge::Challenge as Work;
use crate::room::pass::Pass;
use crate::room::standing::Standing;
use crate::room::ticket::Ticket;

/// Judges a request of `route`; the stays it belongs to, if it goes on.
#[expect(clippy::result_large_err, reason = "an answer is moved once on either way")]
pub(crate) fn judge(
    parts: &Parts,
    target: &Target,
    asker: &Asker,
    trail: &Trail,
    route: &RouteSettings,
) -> Result<Stays, Turned> {
    let mut stays = Stays::default();
    if route.room.is_none() && route.completes.is_none() {
        return Ok(stays);
    }
    let asking = Asking { slowly: false, on_journey: asker.journey.is_some() };
    if let Some(room) = route.room
        && let Some(door) = Door::of(trail, asker, room)
    {
        let gate = Gate { parts, target, asker, trail, door: &door };
        if let Some((pass, tell)) = gate.pass(asking)? {
            stays.add(room, pass, tell);
        }
    }
    if let Some(room) = route.completes.filter(|room| route.room != Some(*room))
        && let Some(door) = Door::of(trail, asker, room)
        && let Some((pass, tell)) = going_on(door.holding(&parts.headers, asking))
    {
        stays.add(room, pass, tell);
    }
    Ok(stays)
}

/// A stay that goes on. A journey was begun inside: whoever is on one is not sent back, though the slot went to somebody
/// else. The journey alone would be a pass for everybody it is handed to.
fn going_on(holding: Holding) -> Through {
    match holding {
        Holding::Stay { pass, tell } => Some((pass, tell)),
        Holding::Lapsed(pass) => Some((pass, false)),
        Holding::Farewell | Holding::Place { .. } | Holding::Void | Holding::Nothing => None,
    }
}

/// A request before the door of a room.
struct Gate<'a> {
    parts: &'a Parts,
    target: &'a Target,
    asker: &'a Asker,
    trail: &'a Trail,
    door: &'a Door<'a>,
}

/// A stay that goes on, and whether the shopper has yet to be given the pass; `None` for a request that belongs to none.
type Through = Option<(Pass, bool)>;

#[expect(clippy::result_large_err, reason = "an answer is moved once on either way")]
impl Gate<'_> {
    fn pass(&self, asking: Asking) -> Result<Through, Turned> {
        let holding = self.door.holding(&self.parts.headers, asking);
        let through = going_on(holding);
        if through.is_some() {
            return Ok(through);
        }
        if self.door.view.mode == RoomMode::Off {
            self.rehearse();
            return Ok(None);
        }
        let approach = Approach::of(self.parts);
        match holding {
            Holding::Place { ticket, standing: Standing::Called, tell } if approach.claims() => {
                self.claim(&approach, &ticket, tell)
            }
            Holding::Place { ticket, standing, tell } => self.show(&approach, &ticket, &standing, tell),
            Holding::Farewell => Ok(None),
            Holding::Stay { .. } | Holding::Lapsed(_) | Holding::Void | Holding::Nothing => self.newcomer(&approach),
        }
    }

    /// Counts what the room would have done, if it were not off.
    fn rehearse(&self) {
        let Gate { parts, asker, trail, door, .. } = self;
        if !Approach::of(parts).joins() {
            return;
        }
        let visitor = trail.pinned.policy.shopper_key(asker.client.ip, &parts.headers, &trail.pinned.hasher);
        if door.handle.room.would_wait(visitor.bits(), door.now) {
            door.handle.metrics.would_wait(door.worker);
            trail.decided(Decision::Refuse, Reason::WaitingRoom, Mode::Shadow);
        }
    }

    fn claim(&self, approach: &Approach, ticket: &Ticket, tell: bool) -> Result<Through, Turned> {
        let door = self.door;
        let Some(claimed) = door.handle.room.claim(ticket.epoch(), ticket.number(), ticket.promise(), door.now) else {
            // The turn has lapsed in this moment.
            let standing = door.handle.room.standing(ticket.epoch(), ticket.number(), false, door.now);
            return self.show(approach, ticket, &standing, tell);
        };
        if let Some(waited) = claimed.waited {
            door.handle.metrics.turn_came(door.worker, waited, &ticket.promise());
        }
        Ok(Some((Pass::mint(claimed.slot, ticket.visitor(), door.now.unix), true)))
    }

    /// Shows somebody the place they have.
    fn show(&self, approach: &Approach, ticket: &Ticket, standing: &Standing, tell: bool) -> Result<Through, Turned> {
        let status = Status::of(&self.door.view, Some(standing), self.message(), self.door.jitter());
        let cookie = tell.then(|| self.door.ticket_cookie(ticket)).flatten();
        Err(self.turn(approach, Notice::of_place(&status, ticket.number(), cookie)))
    }

    fn newcomer(&self, approach: &Approach) -> Result<Through, Turned> {
        let door = self.door;
        // Where nobody has to wait, a room is not in the way of what cannot be given a place.
        if !approach.joins() {
            return if door.is_open() { Ok(None) } else { Err(self.unnumbered(approach)) };
        }
        let status = Status::of(&door.view, None, self.message(), door.jitter());
        let notice = Notice::without_place(&status);
        match door.join(None) {
            Joined::Inside(pass) => Ok(Some((pass, true))),
            Joined::Placed { ticket, rank } => Err(self.place(approach, &ticket, rank)),
            Joined::TooMany(retry_after) => Err(self.turn(approach, notice.limited(retry_after))),
            Joined::NoNumber => Err(self.turn(approach, Notice { situation: Situation::NoNumber, ..notice })),
            Joined::Closed => Err(self.turn(approach, notice)),
            Joined::Challenged { text, difficulty } => {
                let without_proof_after = Work::WITHOUT_PROOF_AFTER;
                let challenge = Challenge { text: &text, difficulty, without_proof_after };
                Err(self.turn(approach, Notice { situation: Situation::Challenged(challenge), ..notice }))
            }
        }
    }

    /// A place that was given just now.
    fn place(&self, approach: &Approach, ticket: &Ticket, rank: Option<u32>) -> Turned {
        let status = Status::of_newcomer(&self.door.view, rank, self.message(), self.door.jitter());
        let cookie = self.door.ticket_cookie(ticket);
        self.turn(approach, Notice::of_place(&status, ticket.number(), cookie))
    }

    /// What cannot be given a place.
    fn unnumbered(&self, approach: &Approach) -> Turned {
        let status = Status::of(&self.door.view, None, self.message(), self.door.jitter());
        let notice = Notice::without_place(&status);
        let situation = if self.door.view.is_closed() { notice.situation } else { Situation::NotNumbered };
        self.turn(approach, Notice { situation, ..notice })
    }

    fn message(&self) -> Option<&str> {
        self.door.message(None, &self.parts.headers)
    }

    fn turn(&self, approach: &Approach, notice: Notice<'_>) -> Turned {
        let Gate { parts, target, asker, trail, door } = self;
        let path = target.path(&parts.uri);
        let with_query = parts.uri.query().map(|query| format!("{path}?{query}"));
        let to = with_query.as_deref().unwrap_or(path);
        let is_safe = approach.audience.is_safe();
        notice.tell(door, &Caller { approach, asker, trail, language: None, to, is_safe })
    }
}
