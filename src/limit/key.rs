//! What a bucket is kept under: a keyed 64-bit hash, so that the table never holds an address or a header's value.

use std::net::IpAddr;
use std::num::NonZeroU64;

use ahash::RandomState;

/// Names one bucket of a limit. Two subjects share one with probability 2⁻⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(NonZeroU64);

impl Key {
    /// The only bucket of a global limit.
    pub const GLOBAL: Self = Self(NonZeroU64::MIN);

    /// The key that a slot of the table belongs to; `None` for 0, which marks a free one.
    pub(super) fn new(owner: u64) -> Option<Self> {
        NonZeroU64::new(owner).map(Self)
    }

    /// Its bits, for tables of others.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0.get()
    }

    /// Never zero.
    pub(super) fn get(self) -> u64 {
        self.0.get()
    }
}

/// Makes [`Key`]s.
///
/// The hash is aHash under random keys of this process: a client that could compute it could choose addresses or
/// header values that crowd one set of the table and push out its own debt. No hash ever leaves the process, so there
/// is nothing to learn the keys from, and a cryptographic hash (SipHash, several times slower) would add nothing.
#[derive(Debug, Clone)]
pub struct KeyHasher(RandomState);

/// Distinct variants hash differently even when their content is equal.
#[derive(Hash)]
enum Subject<'a> {
    V4(u32),
    V6Network(u64),
    Bytes(u8, &'a [u8]),
}

impl KeyHasher {
    /// A hasher with fresh random keys. Clones agree; two of these do not.
    #[must_use]
    pub fn random() -> Self {
        Self(RandomState::new())
    }

    /// The bucket of a client address: IPv4 as it is (also when mapped into IPv6), IPv6 by its /64, which is what one
    /// household or host is given.
    #[must_use]
    pub fn ip(&self, address: IpAddr) -> Key {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.key(&Subject::V4(v4.to_bits())),
            IpAddr::V6(v6) => self.key(&Subject::V6Network((v6.to_bits() >> 64) as u64)),
        }
    }

    /// The bucket of a value; equal values of different `domain`s (a header, a cookie) have different buckets.
    #[must_use]
    pub fn bytes(&self, domain: u8, value: &[u8]) -> Key {
        self.key(&Subject::Bytes(domain, value))
    }

    fn key(&self, subject: &Subject<'_>) -> Key {
        Key(NonZeroU64::new(self.0.hash_one(subject)).unwrap_or(NonZeroU64::MIN))
    }
}
