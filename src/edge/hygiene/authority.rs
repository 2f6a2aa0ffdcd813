//! Host and port in the one form everything behind relies on.

use std::net::Ipv6Addr;

use smallvec::SmallVec;

use super::Fault;

/// The longest name of a host (RFC 1035).
const MAX_HOST: usize = 253;

/// A host in lower case without a trailing dot, and the port if one was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// `host` or `host:port`; ASCII. Most fit without an allocation.
    text: SmallVec<[u8; 48]>,
    host_length: usize,
    port: Option<u16>,
}

impl Authority {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`.
    ///
    /// # Errors
    /// [`Fault::Userinfo`] or [`Fault::BadHost`].
    pub fn parse(authority: &[u8]) -> Result<Self, Fault> {
        if authority.contains(&b'@') {
            return Err(Fault::Userinfo);
        }
        let (mut text, port) = match authority.strip_prefix(b"[") {
            Some(bracketed) => address(bracketed)?,
            None => name(authority)?,
        };
        let host_length = text.len();
        let port = port.map(read_port).transpose()?;
        if let Some(port) = port {
            text.push(b':');
            text.extend_from_slice(itoa::Buffer::new().format(port).as_bytes());
        }
        Ok(Self { text, host_length, port })
    }

    /// The host; an IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.as_str().get(..self.host_length).unwrap_or_default()
    }

    /// The port, if one was given.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Host and port.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// The same as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Whether both name the same server; leaving the scheme's own port out makes no difference.
    #[must_use]
    pub fn is_same(&self, other: &Self, https: bool) -> bool {
        let default = if https { 443 } else { 80 };
        self.host() == other.host() && self.port.unwrap_or(default) == other.port.unwrap_or(default)
    }
}

type HostAndPort<'a> = (SmallVec<[u8; 48]>, Option<&'a [u8]>);

fn name(authority: &[u8]) -> Result<HostAndPort<'_>, Fault> {
    let colon = authority.iter().position(|&byte| byte == b':');
    let (name, port) = match colon.and_then(|at| authority.split_at_checked(at)) {
        Some((name, port)) => (name, port.get(1..)),
        None => (authority, None),
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    if name.is_empty() || name.len() > MAX_HOST {
        return Err(Fault::BadHost);
    }
    let mut host = SmallVec::new();
    let mut previous = b'.';
    for &byte in name {
        let empty_label = byte == b'.' && previous == b'.';
        if empty_label || !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_') {
            return Err(Fault::BadHost);
        }
        host.push(byte.to_ascii_lowercase());
        previous = byte;
    }
    if previous == b'.' { Err(Fault::BadHost) } else { Ok((host, port)) }
}

fn address(bracketed: &[u8]) -> Result<HostAndPort<'_>, Fault> {
    let end = bracketed.iter().position(|&byte| byte == b']').ok_or(Fault::BadHost)?;
    let (address, rest) = bracketed.split_at_checked(end).ok_or(Fault::BadHost)?;
    let address = std::str::from_utf8(address).map_err(|_| Fault::BadHost)?;
    let address: Ipv6Addr = address.parse().map_err(|_| Fault::BadHost)?;
    let port = match rest {
        b"]" => None,
        [b']', b':', port @ ..] => Some(port),
        _ => return Err(Fault::BadHost),
    };
    Ok((SmallVec::from_slice(format!("[{address}]").as_bytes()), port))
}

fn read_port(digits: &[u8]) -> Result<u16, Fault> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::BadHost);
    }
    let number =
        digits.iter().try_fold(0_u16, |number, digit| number.checked_mul(10)?.checked_add(u16::from(digit - b'0')));
    number.filter(|&port| port != 0).ok_or(Fault::BadHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_have_one_form() {
        for (given, canonical, host) in [
            ("shop.example", "shop.example", "shop.example"),
            ("Shop.EXAMPLE:8080", "shop.example:8080", "shop.example"),
            ("shop.example.", "shop.example", "shop.example"),
            ("shop.example.:0443", "shop.example:443", "shop.example"),
            ("127.0.0.1:80", "127.0.0.1:80", "127.0.0.1"),
            ("[::1]", "[::1]", "[::1]"),
            ("[2001:DB8:0::1]:8443", "[2001:db8::1]:8443", "[2001:db8::1]"),
            ("my_shop", "my_shop", "my_shop"),
        ] {
            let authority = Authority::parse(given.as_bytes()).unwrap();
            assert_eq!((authority.as_str(), authority.host()), (canonical, host), "{given}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "",
            ".",
            ":80",
            "shop:",
            "shop:0",
            "shop:65536",
            "shop:8a",
            "shop:80:80",
            "a..b",
            ".a",
            "a b",
            "a,b",
            "shop/",
            "sh%6fp",
            "shöp",
            "[::1",
            "[::1]x",
            "[zz]",
            "::1",
            "shop\0",
            "a;b",
            "a..",
            "[::1%eth0]",
            "shop:+80",
        ] {
            assert_eq!(Authority::parse(bad.as_bytes()), Err(Fault::BadHost), "{bad:?}");
        }
        assert_eq!(Authority::parse(b"user:secret@shop"), Err(Fault::Userinfo));
        assert_eq!(Authority::parse("a".repeat(254).as_bytes()), Err(Fault::BadHost));
    }

    #[test]
    fn the_default_port_may_be_left_out() {
        let parse = |text: &str| Authority::parse(text.as_bytes()).unwrap();
        assert!(parse("shop:443").is_same(&parse("SHOP"), true));
        assert!(parse("shop:80").is_same(&parse("shop"), false));
        assert!(!parse("shop:443").is_same(&parse("shop"), false));
        assert!(!parse("shop:1").is_same(&parse("shop:2"), true));
        assert!(!parse("shop").is_same(&parse("shop2"), true));
    }

    proptest! {
        #[test]
        fn the_form_is_stable(given in "[a-zA-Z0-9._:@-]{0,20}|\\[[0-9a-f:]{0,12}\\](:[0-9]{0,6})?") {
            if let Ok(authority) = Authority::parse(given.as_bytes()) {
                prop_assert_eq!(Authority::parse(authority.as_bytes()).unwrap(), authority);
            }
        }

        #[test]
        fn no_bytes_are_too_odd(given in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Authority::parse(&given);
        }
    }
}
