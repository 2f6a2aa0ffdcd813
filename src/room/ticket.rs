//! A place in line, as its holder carries it.

use super::keyring::Keyring;
use super::seal::{Fields, Holder, Kind, Reader, Scope, Sealed};
use super::standing::Promise;

/// Written for a promise that was not made.
const NOT_TOLD: u32 = u32::MAX;

/// A ticket that was verified or minted; there is no other way to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    holder: Holder,
    number: u32,
    promise: Promise,
}

impl Ticket {
    /// How long a ticket is good, in seconds from joining: longer than any sale.
    pub const LIFETIME: u64 = 7 * 86_400;

    /// The ticket for a number that was given to `visitor`.
    #[must_use]
    pub fn mint(epoch: u32, number: u32, visitor: u64, promise: Promise) -> Self {
        let expires = promise.joined.saturating_add(Self::LIFETIME);
        Self { holder: Holder { epoch, visitor, expires }, number, promise }
    }

    /// Its text, good in `scope`.
    #[must_use]
    pub fn seal(&self, keys: &Keyring, scope: &Scope) -> String {
        keys.seal(self, scope)
    }

    /// The epoch its number is of.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.holder.epoch
    }

    /// What tells its holder from others.
    #[must_use]
    pub fn visitor(&self) -> u64 {
        self.holder.visitor
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What was promised at joining.
    #[must_use]
    pub fn promise(&self) -> Promise {
        self.promise
    }

    /// Seconds it is good for after `now`, seconds since the epoch.
    #[must_use]
    pub fn lifetime_left(&self, now: u64) -> u64 {
        self.holder.expires.saturating_sub(now)
    }
}

impl Sealed for Ticket {
    const KIND: Kind = Kind::Ticket;
    const ADDS: usize = 20;

    fn holder(&self) -> Holder {
        self.holder
    }

    fn write(&self, fields: &mut Fields) {
        let Promise { joined, likely, late } = self.promise;
        fields.put(&self.number.to_be_bytes());
        fields.put(&joined.to_be_bytes());
        fields.put(&likely.unwrap_or(NOT_TOLD).to_be_bytes());
        fields.put(&late.unwrap_or(NOT_TOLD).to_be_bytes());
    }

    fn read(holder: Holder, fields: &mut Reader<'_>) -> Option<Self> {
        let told = |seconds: u32| (seconds != NOT_TOLD).then_some(seconds);
        let number = fields.u32()?;
        let joined = fields.u64()?;
        let promise = Promise { joined, likely: told(fields.u32()?), late: told(fields.u32()?) };
        Some(Self { holder, number, promise })
    }
}
