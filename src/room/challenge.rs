//! A proof of work, for the time in which places are asked for much faster than people are let in.
//!
//! Who cannot compute waits instead: the same challenge is taken without a proof once it is old enough.

mod spent;

use std::time::Duration;

use aws_lc_rs::digest;

pub use self::spent::Spent;
use super::keyring::Keyring;
use super::reject::Reject;
use super::seal::{Fields, Holder, Kind, Reader, Scope, Sealed};

/// A challenge that was verified or minted; there is no other way to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    holder: Holder,
    issued: u64,
    difficulty: u32,
}

impl Challenge {
    /// How long a challenge is good, in seconds: a slow telephone has solved it by then, and its reader has come back.
    pub const LIFETIME: u64 = 300;
    /// Age at which it is taken without a proof: longer than nearly everybody computes, or there would be no reason to.
    pub const WITHOUT_PROOF_AFTER: Duration = Duration::from_secs(15);
    /// Most zero bits asked for; more would take minutes.
    pub const MOST_DIFFICULT: u32 = 32;

    /// A challenge for `visitor`, at `now`, seconds since the epoch.
    #[must_use]
    pub fn mint(epoch: u32, visitor: u64, difficulty: u32, now: u64) -> Self {
        let expires = now.saturating_add(Self::LIFETIME);
        let difficulty = difficulty.min(Self::MOST_DIFFICULT);
        Self { holder: Holder { epoch, visitor, expires }, issued: now, difficulty }
    }

    /// Its text, good in `scope`.
    #[must_use]
    pub fn seal(&self, keys: &Keyring, scope: &Scope) -> String {
        keys.seal(self, scope)
    }

    /// Verifies a text, but not yet what was made of it.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn open(text: &[u8], keys: &Keyring, scope: &Scope, now: u64) -> Result<Self, Reject> {
        keys.open_as(text, scope, now)
    }

    /// Whether `answer` is a proof for this challenge, whose text is `text`: the decimal number such that SHA-256 of
    /// `text:number` begins with so many zero bits. Without an answer, whether it is old enough at `now`.
    #[must_use]
    pub fn is_met(&self, text: &[u8], answer: Option<&[u8]>, now: u64) -> bool {
        match answer {
            Some(answer) => is_number(answer) && leading_zeros(text, answer) >= self.difficulty,
            None => now.saturating_sub(self.issued) >= Self::WITHOUT_PROOF_AFTER.as_secs(),
        }
    }

    /// The epoch it was made in.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.holder.epoch
    }

    /// What tells it from others.
    #[must_use]
    pub fn visitor(&self) -> u64 {
        self.holder.visitor
    }

    /// When it is void, seconds since the epoch.
    #[must_use]
    pub fn expires(&self) -> u64 {
        self.holder.expires
    }
}

/// As many digits as a number of 64 bits has.
fn is_number(answer: &[u8]) -> bool {
    (1..=20).contains(&answer.len()) && answer.iter().all(u8::is_ascii_digit)
}

fn leading_zeros(text: &[u8], answer: &[u8]) -> u32 {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(text);
    hash.update(b":");
    hash.update(answer);
    let hash = hash.finish();
    hash.as_ref().first_chunk().map_or(0, |first| u64::from_be_bytes(*first).leading_zeros())
}

impl Sealed for Challenge {
    const KIND: Kind = Kind::Challenge;
    const ADDS: usize = 12;

    fn holder(&self) -> Holder {
        self.holder
    }

    fn write(&self, fields: &mut Fields) {
        fields.put(&self.issued.to_be_bytes());
        fields.put(&self.difficulty.to_be_bytes());
    }

    fn read(holder: Holder, fields: &mut Reader<'_>) -> Option<Self> {
        let issued = fields.u64()?;
        let difficulty = fields.u32()?;
        Some(Self { holder, issued, difficulty })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::seal::RoomId;

    const NOW: u64 = 1_762_790_400;

    fn scope() -> Scope {
        Scope { room: RoomId::of("sale"), client: Some([192, 0, 2, 1].into()) }
    }

    fn challenge(difficulty: u32) -> (Challenge, String) {
        let keys = Keyring::generate([7; 32]);
        let text = Challenge::mint(1, 42, difficulty, NOW).seal(&keys, &scope());
        (Challenge::open(text.as_bytes(), &keys, &scope(), NOW).unwrap(), text)
    }

    #[test]
    fn a_proof_meets_it_and_a_guess_does_not() {
        let (challenge, text) = challenge(12);
        let meets = |number: &u64| challenge.is_met(text.as_bytes(), Some(number.to_string().as_bytes()), NOW);
        let proof = (0..1 << 20).find(meets).expect("one in 4096 does");
        assert!((0..proof).all(|number| !meets(&number)));
        let other = Challenge::mint(1, 43, 12, NOW).seal(&Keyring::generate([7; 32]), &scope());
        assert_ne!(text, other);
    }

    #[test]
    fn only_a_decimal_number_is_an_answer() {
        let (challenge, text) = challenge(0);
        for (answer, expected) in [("0", true), ("18446744073709551615", true), ("", false), ("-1", false)] {
            assert_eq!(challenge.is_met(text.as_bytes(), Some(answer.as_bytes()), NOW), expected, "{answer:?}");
        }
        assert!(!challenge.is_met(text.as_bytes(), Some(b"123456789012345678901"), NOW));
        assert!(!challenge.is_met(text.as_bytes(), Some(b"1f"), NOW));
    }

    #[test]
    fn who_cannot_compute_waits() {
        let (challenge, text) = challenge(32);
        assert!(!challenge.is_met(text.as_bytes(), None, NOW + 14));
        assert!(challenge.is_met(text.as_bytes(), None, NOW + 15));
        let at = |seconds| Challenge::open(text.as_bytes(), &Keyring::generate([7; 32]), &scope(), NOW + seconds);
        assert!(at(299).is_ok());
        assert_eq!(at(300), Err(Reject::Expired));
    }
}
