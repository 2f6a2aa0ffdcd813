//! One room, for one request.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::Guard;
use http::{HeaderMap, HeaderValue};

use super::approach;
use crate::config::settings::{Language, RoomIndex, RoomSettings};
use crate::edge::answer::Asker;
use crate::edge::snapshot::RoomHandle;
use crate::edge::trail::Trail;
use crate::limit::KeyHasher;
use crate::room::keyring::Keyring;
use crate::room::pass::{Farewell, Pass};
use crate::room::ticket::Ticket;
use crate::room::view::View;
use crate::room::{Moment, Reject, Scope};

/// See the module.
pub(super) struct Door<'a> {
    pub(super) handle: &'a RoomHandle,
    pub(super) settings: &'a RoomSettings,
    pub(super) view: Guard<Arc<View>>,
    pub(super) keys: Guard<Arc<Keyring>>,
    pub(super) hasher: &'a KeyHasher,
    pub(super) worker: usize,
    pub(super) now: Moment,
    pub(super) ip: IpAddr,
    /// Random bits of the request.
    pub(super) random: u128,
    pub(super) secure: bool,
}

impl<'a> Door<'a> {
    /// The door of a room of the revision the request is judged by.
    pub(super) fn of(trail: &'a Trail, asker: &Asker, room: RoomIndex) -> Option<Self> {
        let pinned = &*trail.pinned;
        let handle = pinned.rooms.get(room)?;
        let worker = &trail.connection.worker;
        Some(Self {
            handle,
            settings: pinned.policy.settings.rooms.get(room)?,
            view: handle.room.view(),
            keys: worker.keyring(),
            hasher: &pinned.hasher,
            worker: worker.index(),
            now: Moment { mono: trail.began, unix: worker.unix_seconds() },
            ip: asker.client.ip,
            random: asker.random,
            secure: asker.secure,
        })
    }

    /// Where its values are good.
    pub(super) fn scope(&self) -> Scope {
        Scope { room: self.handle.cookie.room, client: self.settings.bind_network.then_some(self.ip) }
    }

    /// Counts a value that is not believed.
    pub(super) fn reject(&self, why: Reject) {
        self.handle.metrics.ticket_rejected(self.worker, why.as_str());
    }

    /// What tells a new shopper from others.
    pub(super) fn new_visitor(&self) -> u64 {
        (self.random >> 64) as u64
    }

    /// Spreads those who ask at the same moment.
    pub(super) fn jitter(&self) -> u64 {
        self.random as u64
    }

    /// Whether nobody has to wait: then it is not in the way of requests that cannot be given a place either.
    pub(super) fn is_open(&self) -> bool {
        self.handle.room.is_open()
    }

    /// What the operator says, in this language or else the reader's.
    pub(super) fn message(&self, language: Option<Language>, headers: &HeaderMap) -> Option<&str> {
        let texts = &self.view.message;
        // The language is looked for only where something is said.
        let tag = || language.unwrap_or_else(|| approach::language(headers)).tag();
        (!texts.0.is_empty()).then(|| texts.get(tag())).flatten()
    }

    pub(super) fn ticket_cookie(&self, ticket: &Ticket) -> Option<HeaderValue> {
        let text = ticket.seal(&self.keys, &self.scope());
        self.handle.cookie.set(&text, ticket.lifetime_left(self.now.unix), self.secure)
    }

    pub(super) fn pass_cookie(&self, pass: &Pass) -> Option<HeaderValue> {
        self.handle.cookie.set(&pass.seal(&self.keys, &self.scope()), Pass::LIFETIME, self.secure)
    }

    pub(super) fn farewell_cookie(&self, farewell: &Farewell) -> Option<HeaderValue> {
        self.handle.cookie.set(&farewell.seal(&self.keys, &self.scope()), Farewell::LIFETIME, self.secure)
    }

    /// Takes the cookie away.
    pub(super) fn no_cookie(&self) -> Option<HeaderValue> {
        self.handle.cookie.set("", 0, self.secure)
    }
}
