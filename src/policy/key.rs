//! What a limit counts a request under.

use std::net::IpAddr;

use http::HeaderMap;

use super::cookie;
use crate::config::settings::{ClientSettings, LimitKey};
use crate::limit::{Key, KeyHasher};

/// Values from different places never share a bucket, even when they read the same. (Limits never share theirs.)
const HEADER: u8 = 1;
const COOKIE: u8 = 2;
const SHOPPER: u8 = 3;

/// The key of a request from `client`. Without the header or cookie that is asked for, it is the client's address, so
/// that leaving it out gains nothing.
pub(super) fn of(
    key: &LimitKey,
    settings: &ClientSettings,
    client: IpAddr,
    headers: &HeaderMap,
    hasher: &KeyHasher,
) -> Key {
    let found = match key {
        LimitKey::Global => return Key::GLOBAL,
        LimitKey::ClientIp => None,
        LimitKey::Header(name) => headers.get(name).map(|value| (HEADER, value.as_bytes())),
        LimitKey::Cookie(name) => cookie::find(headers, name).map(|value| (COOKIE, value)),
        LimitKey::Shopper => {
            let name = settings.shopper_cookie.as_deref();
            name.and_then(|name| cookie::find(headers, name)).map(|value| (SHOPPER, value))
        }
    };
    match found {
        Some((domain, value)) => hasher.bytes(domain, value),
        None => hasher.ip(client),
    }
}
