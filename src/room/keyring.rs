//! The keys values are signed with: the current one, and the previous one for the time after a rotation.

use std::fmt::{self, Write};

use super::pass::{Farewell, Pass};
use super::reject::Reject;
use super::seal::{Claimed, Key, Kind, Scope, Sealed};
use super::ticket::Ticket;

/// Two live keys at most. Its `Debug` shows no secret.
pub struct Keyring {
    current: Key,
    previous: Option<Key>,
}

/// A verified value of a room's cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A place in line.
    Ticket(Ticket),
    /// A stay.
    Pass(Pass),
    /// The end of a stay.
    Farewell(Farewell),
}

/// A verified value, and whether it should be sealed anew because the key that signed it is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<T> {
    /// The value.
    pub value: T,
    /// Whether it was signed with the previous key.
    pub by_previous: bool,
}

/// Why a text is not a keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyring {
    /// A line says something else.
    #[error("line {0}: expected `current` or `previous` and 64 hexadecimal digits")]
    Line(usize),
    /// A key is given twice.
    #[error("line {0}: there is one such key already")]
    Twice(usize),
    /// There is no current key.
    #[error("there is no `current` key")]
    NoCurrent,
}

const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";

impl Keyring {
    /// A ring with one key, whose secret is `random`.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        Self { current: Key::new(random), previous: None }
    }

    /// A ring whose current key has `random` for its secret; the one that was current is the previous one, and the one
    /// before that is believed no more.
    #[must_use]
    pub fn rotate(&self, random: [u8; 32]) -> Self {
        Self { current: Key::new(random), previous: Some(Key::new(*self.current.secret())) }
    }

    /// Reads what [`Keyring::to_text`] wrote. Empty lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, BadKeyring> {
        let (mut current, mut previous) = (None, None);
        for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, secret) = line.split_once(' ').ok_or(BadKeyring::Line(at))?;
            let key = Key::new(secret_of(secret.trim()).ok_or(BadKeyring::Line(at))?);
            let place = match name {
                CURRENT => &mut current,
                PREVIOUS => &mut previous,
                _ => return Err(BadKeyring::Line(at)),
            };
            if place.replace(key).is_some() {
                return Err(BadKeyring::Twice(at));
            }
        }
        Ok(Self { current: current.ok_or(BadKeyring::NoCurrent)?, previous })
    }

    /// All of it, secrets included, for a file that only its owner can read.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = "# Whoever has these can make places in the waiting rooms.\n".to_owned();
        let named = [(CURRENT, Some(&self.current)), (PREVIOUS, self.previous.as_ref())];
        for (name, key) in named.into_iter().filter_map(|(name, key)| Some((name, key?))) {
            text.push_str(name);
            text.push(' ');
            for byte in key.secret() {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
        text
    }

    /// Verifies the value of a room's cookie at `now`, seconds since the epoch.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn open(&self, text: &[u8], scope: &Scope, now: u64) -> Result<Opened<Held>, Reject> {
        let claimed = Claimed::decode(text)?;
        match claimed.kind {
            Kind::Ticket => self.verify(&claimed, scope, now, Held::Ticket),
            Kind::Pass => self.verify(&claimed, scope, now, Held::Pass),
            Kind::Farewell => self.verify(&claimed, scope, now, Held::Farewell),
            Kind::Challenge => Err(Reject::Kind),
        }
    }

    pub(super) fn open_as<T: Sealed>(&self, text: &[u8], scope: &Scope, now: u64) -> Result<T, Reject> {
        self.verify(&Claimed::decode(text)?, scope, now, |value| value).map(|opened| opened.value)
    }

    pub(super) fn seal<T: Sealed>(&self, value: &T, scope: &Scope) -> String {
        self.current.seal(value, scope)
    }

    fn verify<T: Sealed, H>(
        &self,
        claimed: &Claimed,
        scope: &Scope,
        now: u64,
        held: impl FnOnce(T) -> H,
    ) -> Result<Opened<H>, Reject> {
        let keys = std::iter::once(&self.current).chain(&self.previous);
        let (value, by) = claimed.verify(keys, scope, now)?;
        Ok(Opened { value: held(value), by_previous: !std::ptr::eq(by, &raw const self.current) })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |key: &Key| format!("{:08x}", key.id());
        let previous = self.previous.as_ref().map(id);
        f.debug_struct("Keyring").field(CURRENT, &id(&self.current)).field(PREVIOUS, &previous).finish_non_exhaustive()
    }
}

fn secret_of(digits: &str) -> Option<[u8; 32]> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let mut secret = [0; 32];
    if pairs.len() != secret.len() {
        return None;
    }
    for (byte, [high, low]) in secret.iter_mut().zip(pairs) {
        let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests;
