//! The one cookie a room has: ticket, pass or farewell, whichever the shopper holds.

use http::HeaderValue;

use super::seal::RoomId;

/// A room's cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCookie {
    /// What the room is called in its values.
    pub room: RoomId,
    /// With the prefix that keeps other hosts and cleartext from setting it.
    secure_name: Box<str>,
    plain_name: Box<str>,
}

impl RoomCookie {
    /// The cookie of the room called `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let plain_name = format!("spillway-room-{name}");
        Self {
            room: RoomId::of(name),
            secure_name: format!("__Host-{plain_name}").into(),
            plain_name: plain_name.into(),
        }
    }

    /// Its name on a secure connection or a plain one.
    #[must_use]
    pub fn name(&self, secure: bool) -> &str {
        if secure { &self.secure_name } else { &self.plain_name }
    }

    /// The `Set-Cookie` that carries `value` for `max_age` seconds; 0 takes the cookie away.
    #[must_use]
    pub fn set(&self, value: &str, max_age: u64, secure: bool) -> Option<HeaderValue> {
        let name = self.name(secure);
        let secure = if secure { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(cookie).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_from_scripts_and_other_sites() {
        let cookie = RoomCookie::of("sale");
        assert_eq!(
            cookie.set("v", 60, true).unwrap(),
            "__Host-spillway-room-sale=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(cookie.set("", 0, false).unwrap(), "spillway-room-sale=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }
}
