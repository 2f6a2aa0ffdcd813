//! What a request holds of a room: every cookie of the room's name is looked at, and the best counts.

use http::HeaderMap;

use super::door::Door;
use crate::policy::cookie;
use crate::room::Reject;
use crate::room::keyring::{Held, Opened};
use crate::room::pass::Pass;
use crate::room::standing::Standing;
use crate::room::ticket::Ticket;

/// Cookies of one name that are looked at. A browser keeps to one; more come from whoever could set one for a parent
/// host, and must not hide the honest one.
const MOST_COOKIES: usize = 16;

/// What somebody holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Holding {
    /// A stay that goes on.
    Stay {
        pass: Pass,
        /// Whether the shopper has yet to be given the pass, or should be given it anew.
        tell: bool,
    },
    /// A stay that ended moments ago.
    Farewell,
    /// A stay whose slot is gone, of somebody on a journey; without one it is [`Holding::Void`].
    Lapsed(Pass),
    /// A place; its standing is neither `Inside` nor `Used` nor `Foreign`.
    Place {
        ticket: Ticket,
        standing: Standing,
        /// Whether the ticket should be given anew.
        tell: bool,
    },
    /// Something that is good no more.
    Void,
    /// No cookie of the room.
    Nothing,
}

/// How the holder asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// From a page without scripts or in a hidden tab, which asks rarely.
    pub(super) slowly: bool,
    /// On a journey, whose slot is kept longer.
    pub(super) on_journey: bool,
}

impl Holding {
    /// Less is better: a stay, a called place, the end of a stay, a stay that lapsed on a journey, the lowest number.
    fn order(&self) -> (u8, u32) {
        match self {
            Self::Stay { .. } => (0, 0),
            Self::Place { standing: Standing::Called, .. } => (1, 0),
            Self::Farewell => (2, 0),
            Self::Lapsed(_) => (3, 0),
            Self::Place { ticket, .. } => (4, ticket.number()),
            Self::Void => (5, 0),
            Self::Nothing => (6, 0),
        }
    }
}

impl Door<'_> {
    /// What the request with these `headers` holds. Whoever asks is heard of: places and stays go on by it.
    pub(super) fn holding(&self, headers: &HeaderMap, asking: Asking) -> Holding {
        let name = self.handle.cookie.name(self.secure);
        let mut best = Holding::Nothing;
        for (at, text) in cookie::find_all(headers, name).enumerate() {
            if at == MOST_COOKIES {
                self.reject(Reject::Duplicate);
                break;
            }
            let found = self.open(text, asking);
            if at > 0 && found != Holding::Void && best.order().0 < Holding::Void.order().0 {
                self.reject(Reject::Duplicate);
            }
            if found.order() < best.order() {
                best = found;
            }
        }
        best
    }

    fn open(&self, text: &[u8], asking: Asking) -> Holding {
        let found = match self.keys.open(text, &self.scope(), self.now.unix) {
            Ok(Opened { value: Held::Pass(pass), by_previous }) => self.stay(pass, by_previous, asking),
            Ok(Opened { value: Held::Ticket(ticket), by_previous }) => self.place(ticket, by_previous, asking),
            Ok(Opened { value: Held::Farewell(end), .. }) => {
                if end.epoch() == self.view.epoch {
                    Ok(Holding::Farewell)
                } else {
                    Err(Reject::Epoch)
                }
            }
            Err(why) => Err(why),
        };
        found.unwrap_or_else(|why| {
            self.reject(why);
            Holding::Void
        })
    }

    fn stay(&self, pass: Pass, by_previous: bool, asking: Asking) -> Result<Holding, Reject> {
        if !self.handle.room.stay(pass.slot(), asking.on_journey, self.now) {
            let why = self.void(pass.slot().epoch);
            if asking.on_journey && why == Reject::Stale {
                self.reject(why);
                return Ok(Holding::Lapsed(pass));
            }
            return Err(why);
        }
        if by_previous || pass.is_due(self.now.unix) {
            return Ok(Holding::Stay { pass: pass.renewed(self.now.unix), tell: true });
        }
        Ok(Holding::Stay { pass, tell: false })
    }

    fn place(&self, ticket: Ticket, by_previous: bool, asking: Asking) -> Result<Holding, Reject> {
        let room = &self.handle.room;
        match room.standing(ticket.epoch(), ticket.number(), asking.slowly, self.now) {
            Standing::Used | Standing::Foreign => Err(self.void(ticket.epoch())),
            // Came in, perhaps with another tab, and the pass has not arrived.
            Standing::Inside(slot) if room.stay(slot, asking.on_journey, self.now) => {
                Ok(Holding::Stay { pass: Pass::mint(slot, ticket.visitor(), self.now.unix), tell: true })
            }
            Standing::Inside(_) => Err(Reject::Stale),
            standing => Ok(Holding::Place { ticket, standing, tell: by_previous }),
        }
    }

    /// Why something authentic is good no more.
    fn void(&self, epoch: u32) -> Reject {
        if epoch == self.view.epoch { Reject::Stale } else { Reject::Epoch }
    }
}
