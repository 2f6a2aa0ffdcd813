//! How tickets, passes, farewells and challenges are written: one layout, one signature over all of it.
//!
//! ```text
//! version 1 | kind 1 | key 4 | room 8 | epoch 4 | visitor 8 | network 4 | expires 8 | what the kind adds | MAC 32
//! ```
//!
//! in bytes, big-endian, as base64url without padding. Every kind has its own length, every field its width, and the
//! decoder takes no other spelling of the same bytes: there is exactly one way to write a value. The MAC is
//! HMAC-SHA-256 under a key derived for the kind, over the fields with their lengths before them.

use std::net::IpAddr;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use smallvec::SmallVec;

use super::reject::Reject;

const VERSION: u8 = 1;
const MAC: usize = 32;
/// Bytes before what a kind adds.
const HEAD: usize = 38;
/// Longer texts are not looked at.
const LONGEST_TEXT: usize = 256;
/// Bytes that many characters decode to.
const LONGEST: usize = LONGEST_TEXT / 4 * 3;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ticket = 1,
    Pass = 2,
    Farewell = 3,
    Challenge = 4,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Ticket, Self::Pass, Self::Farewell, Self::Challenge].into_iter().find(|kind| *kind as u8 == byte)
    }

    const fn purpose(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"spillway room ticket v1",
            Self::Pass => b"spillway room pass v1",
            Self::Farewell => b"spillway room farewell v1",
            Self::Challenge => b"spillway room challenge v1",
        }
    }
}

/// What a room is called in a value: the beginning of SHA-256 of its name, the same in every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomId([u8; 8]);

impl RoomId {
    /// The identity of the room called `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let mut id = [0; 8];
        let digest = digest::digest(&digest::SHA256, name.as_bytes());
        for (byte, from) in id.iter_mut().zip(digest.as_ref()) {
            *byte = *from;
        }
        Self(id)
    }
}

/// Where a value is good.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// In this room.
    pub room: RoomId,
    /// In the network of this client only: its /24, or /48 of IPv6.
    pub client: Option<IpAddr>,
}

/// What every value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) epoch: u32,
    pub(super) visitor: u64,
    /// Seconds since the epoch from which on it is void.
    pub(super) expires: u64,
}

/// A value that can be sealed. Implemented only by types that were verified or minted.
pub(super) trait Sealed: Sized {
    const KIND: Kind;
    /// Bytes it adds to the head.
    const ADDS: usize;

    fn holder(&self) -> Holder;
    fn write(&self, fields: &mut Fields);
    fn read(holder: Holder, fields: &mut Reader<'_>) -> Option<Self>;
}

/// Fields on their way out.
#[derive(Default)]
pub(super) struct Fields {
    bytes: SmallVec<[u8; 96]>,
    signed: SmallVec<[u8; 128]>,
}

impl Fields {
    pub(super) fn put(&mut self, field: &[u8]) {
        self.bytes.extend_from_slice(field);
        sign_for(&mut self.signed, field);
    }
}

/// Fields on their way in; what was taken is remembered as it must have been signed.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    signed: SmallVec<[u8; 128]>,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        sign_for(&mut self.signed, field);
        Some(*field)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }
}

/// No field is longer than 255 bytes.
fn sign_for(signed: &mut SmallVec<[u8; 128]>, field: &[u8]) {
    signed.push(field.len() as u8);
    signed.extend_from_slice(field);
}

/// A secret and what is derived from it.
pub(super) struct Key {
    id: u32,
    secret: [u8; 32],
    ticket: hmac::Key,
    pass: hmac::Key,
    farewell: hmac::Key,
    challenge: hmac::Key,
    network: hmac::Key,
}

impl Key {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let derive = |purpose: &[u8]| hmac::sign(&root, purpose);
        let key = |purpose: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, derive(purpose).as_ref());
        Self {
            id: leading_u32(derive(b"spillway room key id v1").as_ref()),
            secret,
            ticket: key(Kind::Ticket.purpose()),
            pass: key(Kind::Pass.purpose()),
            farewell: key(Kind::Farewell.purpose()),
            challenge: key(Kind::Challenge.purpose()),
            network: key(b"spillway room network v1"),
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    fn of(&self, kind: Kind) -> &hmac::Key {
        match kind {
            Kind::Ticket => &self.ticket,
            Kind::Pass => &self.pass,
            Kind::Farewell => &self.farewell,
            Kind::Challenge => &self.challenge,
        }
    }

    pub(super) fn seal<T: Sealed>(&self, value: &T, scope: &Scope) -> String {
        let holder = value.holder();
        let mut fields = Fields::default();
        fields.put(&[VERSION]);
        fields.put(&[T::KIND as u8]);
        fields.put(&self.id.to_be_bytes());
        fields.put(&scope.room.0);
        fields.put(&holder.epoch.to_be_bytes());
        fields.put(&holder.visitor.to_be_bytes());
        fields.put(&scope.client.map_or(0, |client| self.network(scope.room, client)).to_be_bytes());
        fields.put(&holder.expires.to_be_bytes());
        value.write(&mut fields);
        debug_assert_eq!(fields.bytes.len(), HEAD + T::ADDS);
        fields.bytes.extend_from_slice(hmac::sign(self.of(T::KIND), &fields.signed).as_ref());
        URL_SAFE_NO_PAD.encode(&fields.bytes)
    }

    /// What stands for a client's network in a bound value; 0 is for none.
    fn network(&self, room: RoomId, client: IpAddr) -> u32 {
        let mut text: SmallVec<[u8; 16]> = SmallVec::from_slice(&room.0);
        match client.to_canonical() {
            IpAddr::V4(v4) => text.extend_from_slice(v4.octets().get(..3).unwrap_or_default()),
            IpAddr::V6(v6) => text.extend_from_slice(v6.octets().get(..6).unwrap_or_default()),
        }
        leading_u32(hmac::sign(&self.network, &text).as_ref()).max(1)
    }
}

fn leading_u32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
}

/// A text decoded, and not yet believed.
pub(super) struct Claimed {
    bytes: [u8; LONGEST],
    length: usize,
    pub(super) kind: Kind,
}

impl Claimed {
    /// Decodes the one spelling there is of a value.
    pub(super) fn decode(text: &[u8]) -> Result<Self, Reject> {
        if text.len() > LONGEST_TEXT {
            return Err(Reject::Oversized);
        }
        let mut bytes = [0; LONGEST];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_not_base64| Reject::Malformed)?;
        match bytes {
            _ if length < HEAD + MAC => Err(Reject::Malformed),
            [VERSION, kind, ..] => {
                let kind = Kind::of(kind).ok_or(Reject::Kind)?;
                Ok(Self { bytes, length, kind })
            }
            _ => Err(Reject::Version),
        }
    }

    /// Believes it, if one of `keys` signed it for `scope` and it has not lapsed at `now`, seconds since the epoch.
    pub(super) fn verify<'k, T: Sealed>(
        &self,
        keys: impl Iterator<Item = &'k Key>,
        scope: &Scope,
        now: u64,
    ) -> Result<(T, &'k Key), Reject> {
        if self.kind != T::KIND {
            return Err(Reject::Kind);
        }
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        let (fields, mac) = bytes.split_last_chunk::<MAC>().ok_or(Reject::Malformed)?;
        if fields.len() != HEAD + T::ADDS {
            return Err(Reject::Malformed);
        }
        let mut reader = Reader { rest: fields, signed: SmallVec::new() };
        let (head, value) = read::<T>(&mut reader).ok_or(Reject::Malformed)?;
        let mut known = keys.filter(|key| key.id == head.key).peekable();
        if known.peek().is_none() {
            return Err(Reject::Key);
        }
        let key = known.find(|key| is_mac_of(key.of(T::KIND), &reader.signed, mac)).ok_or(Reject::Signature)?;
        let elsewhere = |client| head.network != 0 && head.network != key.network(scope.room, client);
        if head.room != scope.room {
            Err(Reject::Room)
        } else if now >= value.holder().expires {
            Err(Reject::Expired)
        } else if scope.client.is_some_and(elsewhere) {
            Err(Reject::Network)
        } else {
            Ok((value, key))
        }
    }
}

fn is_mac_of(key: &hmac::Key, signed: &[u8], mac: &[u8; MAC]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(hmac::sign(key, signed).as_ref(), mac).is_ok()
}

/// What of the head is not the holder's.
struct Head {
    key: u32,
    room: RoomId,
    network: u32,
}

/// In the order of [`Key::seal`].
fn read<T: Sealed>(reader: &mut Reader<'_>) -> Option<(Head, T)> {
    let [_version] = reader.take()?;
    let [_kind] = reader.take()?;
    let key = reader.u32()?;
    let room = RoomId(reader.take()?);
    let (epoch, visitor) = (reader.u32()?, reader.u64()?);
    let network = reader.u32()?;
    let holder = Holder { epoch, visitor, expires: reader.u64()? };
    Some((Head { key, room, network }, T::read(holder, reader)?))
}
