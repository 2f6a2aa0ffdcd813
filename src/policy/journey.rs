//! A shopper on the way through checkout carries a signed cookie that keeps later requests in that class.
//!
//! The value is `1.KEY.CLASS.EXPIRY.RANDOM.MAC`, all in fixed-width lower-case hexadecimal, so there is exactly one way
//! to write it. The MAC is HMAC-SHA-256 over the fields, each preceded by its length.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use http::{HeaderMap, HeaderValue};

use super::cookie;

/// How long a journey outlasts the last request that belonged to it, in seconds.
pub const LIFETIME: u64 = 15 * 60;

const VERSION: &str = "1";
/// Keeps these signatures apart from any other use of the same key.
const PURPOSE: &str = "spillway journey";
/// Version, four fields and the MAC with the dots between them.
const LENGTH: usize = 1 + 8 + 16 + 16 + 16 + 64 + 5;
const SECURE_NAME: &str = "__Host-spillway-journey";
const PLAIN_NAME: &str = "spillway-journey";

/// A journey whose cookie was verified; there is no other way to one than [`JourneyKeys::verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journey {
    class: ClassId,
    expiry: u64,
    random: u64,
}

impl Journey {
    /// The class it lifts requests to.
    #[must_use]
    pub fn class(&self) -> ClassId {
        self.class
    }

    /// What tells this shopper's journey from others', kept when it is renewed.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.random
    }

    /// Whether less than half of its life is left at `now_unix` seconds, so that an answer should renew it.
    #[must_use]
    pub fn is_due(&self, now_unix: u64) -> bool {
        self.expiry.saturating_sub(now_unix) < LIFETIME / 2
    }
}

/// What a class is called in a cookie: a digest of its name, the same in every revision and process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClassId(u64);

impl ClassId {
    /// The identity of the class called `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(leading_u64(digest::digest(&digest::SHA256, name.as_bytes()).as_ref()))
    }
}

/// The keys journeys are signed with. Its `Debug` shows no secret.
pub struct JourneyKeys {
    current: Key,
    previous: Option<Key>,
}

struct Key {
    id: u32,
    secret: hmac::Key,
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let fingerprint = digest::digest(&digest::SHA256, secret);
        Self {
            // 32 bits of a digest of 256 random ones give nothing away.
            id: (leading_u64(fingerprint.as_ref()) >> 32) as u32,
            secret: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    fn mac(&self, fields: &[&str]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.secret);
        for field in std::iter::once(&PURPOSE).chain(fields) {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field.as_bytes());
        }
        context.sign()
    }

    fn verifies(&self, fields: &[&str], mac: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.mac(fields).as_ref(), mac).is_ok()
    }
}

impl JourneyKeys {
    /// Signs with `secret`, which should be at least 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self { current: Key::new(secret), previous: None }
    }

    /// Also believes what was signed with `secret`, for the time after a change of keys.
    #[must_use]
    pub fn and_previous(self, secret: &[u8]) -> Self {
        Self { previous: Some(Key::new(secret)), ..self }
    }

    /// The cookie's value for a journey in `class` from `now_unix` seconds on. `random` tells shoppers apart: a fresh
    /// random number for a new journey, [`Journey::random`] to renew one.
    #[must_use]
    pub fn sign(&self, class: ClassId, now_unix: u64, random: u64) -> String {
        let key = format!("{:08x}", self.current.id);
        let class = format!("{:016x}", class.0);
        let expiry = format!("{:016x}", now_unix.saturating_add(LIFETIME));
        let random = format!("{random:016x}");
        let fields = [VERSION, &key, &class, &expiry, &random];
        let mut value = fields.join(".");
        value.push('.');
        for byte in self.current.mac(&fields).as_ref() {
            value.extend([hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        value
    }

    /// The journey a cookie's value proves at `now_unix` seconds; `None` for a forged, lapsed or malformed one.
    #[must_use]
    pub fn verify(&self, value: &[u8], now_unix: u64) -> Option<Journey> {
        if value.len() != LENGTH {
            return None;
        }
        let mut parts = std::str::from_utf8(value).ok()?.split('.');
        let fields = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let mac: [u8; 32] = mac_bytes(parts.next()?)?;
        let [VERSION, key, class, expiry, random] = fields else { return None };
        let id = u32::try_from(hex_number(key, 8)?).ok()?;
        let key = std::iter::once(&self.current).chain(&self.previous).find(|key| key.id == id)?;
        if parts.next().is_some() || !key.verifies(&fields, &mac) {
            return None;
        }
        let (class, expiry, random) = (hex_number(class, 16)?, hex_number(expiry, 16)?, hex_number(random, 16)?);
        (now_unix < expiry).then_some(Journey { class: ClassId(class), expiry, random })
    }

    /// The journey a request carries. `secure` says whether it came over https, where only the cookie no other host
    /// can have set is believed.
    #[must_use]
    pub fn find(&self, headers: &HeaderMap, secure: bool, now_unix: u64) -> Option<Journey> {
        self.verify(cookie::find(headers, cookie_name(secure))?, now_unix)
    }
}

impl fmt::Debug for JourneyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JourneyKeys").field("current", &format_args!("{:08x}", self.current.id)).finish_non_exhaustive()
    }
}

/// The cookie's name on a secure connection or a plain one.
#[must_use]
pub const fn cookie_name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { PLAIN_NAME }
}

/// The `Set-Cookie` that carries `value`, as [`JourneyKeys::sign`] made it.
#[must_use]
pub fn set_cookie(value: &str, secure: bool) -> Option<HeaderValue> {
    cookie_for(value, LIFETIME, secure)
}

/// The `Set-Cookie` that takes a journey away.
#[must_use]
pub fn end_cookie(secure: bool) -> Option<HeaderValue> {
    cookie_for("", 0, secure)
}

fn cookie_for(value: &str, seconds: u64, secure: bool) -> Option<HeaderValue> {
    let name = cookie_name(secure);
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(cookie).ok()
}

fn leading_u64(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn hex_digit(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 })
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Reads exactly `width` lower-case digits, at most 16.
fn hex_number(text: &str, width: usize) -> Option<u64> {
    if text.len() != width {
        return None;
    }
    text.bytes().try_fold(0, |number, digit| Some(number << 4 | u64::from(hex_value(digit)?)))
}

fn mac_bytes(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut mac = [0; 32];
    if pairs.len() != mac.len() {
        return None;
    }
    for (byte, [high, low]) in mac.iter_mut().zip(pairs) {
        *byte = hex_value(*high)? << 4 | hex_value(*low)?;
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::COOKIE;
    use proptest::prelude::*;

    const NOW: u64 = 1_762_790_400;

    fn keys() -> JourneyKeys {
        JourneyKeys::new(&[7; 32])
    }

    fn value() -> String {
        keys().sign(ClassId::of("checkout"), NOW, 42)
    }

    #[test]
    fn a_signed_journey_is_believed_until_it_lapses() {
        let journey = keys().verify(value().as_bytes(), NOW).unwrap();
        assert_eq!((journey.class(), journey.random()), (ClassId::of("checkout"), 42));
        assert!(keys().verify(value().as_bytes(), NOW + LIFETIME - 1).is_some());
        assert!(keys().verify(value().as_bytes(), NOW + LIFETIME).is_none());
    }

    #[test]
    fn it_is_renewed_in_its_second_half() {
        let journey = keys().verify(value().as_bytes(), NOW).unwrap();
        assert!(!journey.is_due(NOW + LIFETIME / 2));
        assert!(journey.is_due(NOW + LIFETIME / 2 + 1));
    }

    #[test]
    fn a_single_changed_character_is_a_forgery() {
        let value = value();
        assert_eq!(value.len(), LENGTH);
        for at in 0..value.len() {
            let mut forged = value.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert!(keys().verify(&forged, NOW).is_none(), "character {at}");
        }
        assert!(keys().verify(value.to_uppercase().as_bytes(), NOW).is_none());
    }

    #[test]
    fn another_key_is_not_believed_unless_it_is_the_previous_one() {
        assert!(JourneyKeys::new(&[8; 32]).verify(value().as_bytes(), NOW).is_none());
        assert!(JourneyKeys::new(&[8; 32]).and_previous(&[7; 32]).verify(value().as_bytes(), NOW).is_some());
    }

    #[test]
    fn over_https_only_the_host_cookie_counts() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("spillway-journey={}", value()).parse().unwrap());
        assert!(keys().find(&headers, false, NOW).is_some());
        assert!(keys().find(&headers, true, NOW).is_none());
        headers.insert(COOKIE, format!("a=b; __Host-spillway-journey={}", value()).parse().unwrap());
        assert!(keys().find(&headers, true, NOW).is_some());
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = set_cookie("v", true).unwrap();
        assert_eq!(cookie, "__Host-spillway-journey=v; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(set_cookie("v", false).unwrap(), "spillway-journey=v; Path=/; Max-Age=900; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_journey_is_taken_away_under_the_name_it_was_given() {
        let cookie = end_cookie(true).unwrap();
        assert_eq!(cookie, "__Host-spillway-journey=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(end_cookie(false).unwrap(), "spillway-journey=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn debug_shows_no_secret() {
        let id = keys().current.id;
        assert_eq!(format!("{:?}", keys()), format!("JourneyKeys {{ current: {id:08x}, .. }}"));
    }

    proptest! {
        #[test]
        fn no_value_is_too_odd(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(keys().verify(&value, NOW).is_none());
        }

        #[test]
        fn what_is_signed_verifies(now in 0u64..1 << 40, random: u64, class in "[a-z]{1,12}") {
            let value = keys().sign(ClassId::of(&class), now, random);
            let journey = keys().verify(value.as_bytes(), now).unwrap();
            prop_assert_eq!((journey.class(), journey.random()), (ClassId::of(&class), random));
        }
    }
}
