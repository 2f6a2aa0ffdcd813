//! A stay inside, and its end, as the shopper carries them.

use super::keyring::Keyring;
use super::seal::{Fields, Holder, Kind, Reader, Scope, Sealed};
use super::standing::Slot;

/// A pass that was verified or minted; there is no other way to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    holder: Holder,
    slot: u32,
    number: u32,
    issued: u64,
}

impl Pass {
    /// How long a pass is good, in seconds; one in use is renewed.
    pub const LIFETIME: u64 = 86_400;

    /// The pass for a slot that was given to `visitor`, from `now`, seconds since the epoch.
    #[must_use]
    pub fn mint(slot: Slot, visitor: u64, now: u64) -> Self {
        let Slot { epoch, slot, number } = slot;
        let expires = now.saturating_add(Self::LIFETIME);
        Self { holder: Holder { epoch, visitor, expires }, slot, number, issued: now }
    }

    /// Its text, good in `scope`.
    #[must_use]
    pub fn seal(&self, keys: &Keyring, scope: &Scope) -> String {
        keys.seal(self, scope)
    }

    /// The slot.
    #[must_use]
    pub fn slot(&self) -> Slot {
        Slot { epoch: self.holder.epoch, slot: self.slot, number: self.number }
    }

    /// What tells its holder from others.
    #[must_use]
    pub fn visitor(&self) -> u64 {
        self.holder.visitor
    }

    /// Whether less than half of its life is left at `now`, so that an answer should renew it.
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        self.holder.expires.saturating_sub(now) < Self::LIFETIME / 2
    }

    /// The same stay for longer.
    #[must_use]
    pub fn renewed(&self, now: u64) -> Self {
        Self::mint(self.slot(), self.holder.visitor, now)
    }
}

impl Sealed for Pass {
    const KIND: Kind = Kind::Pass;
    const ADDS: usize = 16;

    fn holder(&self) -> Holder {
        self.holder
    }

    fn write(&self, fields: &mut Fields) {
        fields.put(&self.number.to_be_bytes());
        fields.put(&self.slot.to_be_bytes());
        fields.put(&self.issued.to_be_bytes());
    }

    fn read(holder: Holder, fields: &mut Reader<'_>) -> Option<Self> {
        let (number, slot) = (fields.u32()?, fields.u32()?);
        Some(Self { holder, slot, number, issued: fields.u64()? })
    }
}

/// What a pass becomes when the stay is over: the slot is somebody else's at once, and the shopper still sees the last page
/// with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Farewell {
    holder: Holder,
}

impl Farewell {
    /// How long it is good, in seconds.
    pub const LIFETIME: u64 = 60;

    /// The end of the stay that `pass` stands for, at `now`, seconds since the epoch.
    #[must_use]
    pub fn mint(pass: &Pass, now: u64) -> Self {
        Self { holder: Holder { expires: now.saturating_add(Self::LIFETIME), ..pass.holder } }
    }

    /// Its text, good in `scope`.
    #[must_use]
    pub fn seal(&self, keys: &Keyring, scope: &Scope) -> String {
        keys.seal(self, scope)
    }

    /// The epoch of the stay.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.holder.epoch
    }
}

impl Sealed for Farewell {
    const KIND: Kind = Kind::Farewell;
    const ADDS: usize = 0;

    fn holder(&self) -> Holder {
        self.holder
    }

    fn write(&self, _fields: &mut Fields) {}

    fn read(holder: Holder, _fields: &mut Reader<'_>) -> Option<Self> {
        Some(Self { holder })
    }
}
