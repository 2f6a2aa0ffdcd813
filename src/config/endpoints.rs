//! Addresses, networks, hosts and servers as they are typed.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::Uri;
use ipnet::IpNet;

use super::settings::ServerUrl;
use super::text::{Fault, Text};

impl Text for SocketAddr {
    const FORM: &'static str = "an IP address and a port, such as \"127.0.0.1:8080\", \"0.0.0.0:443\" or \"[::]:443\"";
    const PATTERN: &'static str = "^(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9A-Fa-f:.]+(%\\d+)?\\]):\\d+$";

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|_| Fault::Form)
    }

    fn meant(wrong: &str) -> Option<String> {
        let meant = match wrong.rsplit_once(':') {
            _ if wrong.parse::<u16>().is_ok() => format!("0.0.0.0:{wrong}"),
            Some(("" | "*", port)) => format!("0.0.0.0:{port}"),
            Some(("localhost", port)) => format!("127.0.0.1:{port}"),
            _ => return None,
        };
        Self::parse(&meant).ok().map(|_| meant)
    }
}

impl Text for IpNet {
    const FORM: &'static str = "a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"";
    const PATTERN: &'static str = "^[0-9A-Fa-f:.]+/\\d{1,3}$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let net: Self = text.parse().map_err(|_| Fault::Form)?;
        if net.addr() != net.network() {
            return Err(Fault::reason(format!("{text:?} is an address inside of a network")));
        }
        Ok(net)
    }

    fn meant(wrong: &str) -> Option<String> {
        let one = wrong.parse::<IpAddr>().ok().map(Self::from);
        let net = one.or_else(|| wrong.parse().ok())?;
        Some(net.trunc().to_string())
    }
}

/// A host name without a port, or `*.` and the rest of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPattern(pub(super) String);

impl Text for HostPattern {
    const FORM: &'static str = "a host name such as \"shop.example\" or \"*.shop.example\"";
    const PATTERN: &'static str = "^(\\[[0-9A-Fa-f:.]+\\]|(\\*\\.)?[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*)$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let bracketed = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        if let Some(address) = bracketed {
            let address: Ipv6Addr = address.parse().map_err(|_| Fault::Form)?;
            return Ok(Self(format!("[{address}]")));
        }
        if text == "*" {
            return Err(Fault::reason("leave `host` out to match every host"));
        }
        if !text.is_ascii() {
            return Err(Fault::reason(format!("{text:?} must be written in its ASCII form, as in \"xn--…\"")));
        }
        if is_host_name(name) { Ok(Self(text.to_ascii_lowercase())) } else { Err(Fault::Form) }
    }

    fn meant(wrong: &str) -> Option<String> {
        let rest = wrong.split_once("://").map_or(wrong, |(_, rest)| rest);
        let host = rest.split(['/', ':']).next()?.trim_end_matches('.');
        let host = match host.strip_prefix('.') {
            Some(suffix) => format!("*.{suffix}"),
            None => host.to_owned(),
        };
        Self::parse(&host).ok().map(|_| host)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Text for ServerUrl {
    const FORM: &'static str = "the URL of a server, such as \"http://127.0.0.1:9000\" or \"https://shop.internal\"";
    const PATTERN: &'static str = "^https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let (scheme, rest) = text.split_once("://").ok_or(Fault::Form)?;
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => {
                return Err(Fault::Reason(format!("{scheme:?} is not spoken to servers, only http and https")));
            }
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(Fault::reason("a user or password cannot be part of the URL"));
        }
        if authority.contains(['/', '?', '#']) {
            return Err(Fault::reason("a server has no path: the path of the request is passed on as it is"));
        }
        let (host, port) = host_and_port(authority).ok_or(Fault::Form)?;
        Ok(Self { tls, host, port: port.unwrap_or(if tls { 443 } else { 80 }) })
    }

    fn meant(wrong: &str) -> Option<String> {
        let (scheme, rest) = wrong.split_once("://").unwrap_or(("http", wrong));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" | "h2c" | "tcp" | "ws" => "http",
            "https" | "h2" | "tls" | "ssl" | "wss" => "https",
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority.rsplit('@').next()?;
        let meant = format!("{scheme}://{authority}");
        Self::parse(&meant).ok().map(|_| meant)
    }
}

/// As it is typed, the port always there.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// The host in lower case and without brackets, and the port.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let uri: Uri = authority.parse().ok()?;
    let authority = uri.authority()?;
    let host = authority.host();
    let port = match authority.port() {
        Some(port) => Some(port.as_u16()).filter(|port| *port > 0).map(Some)?,
        None if authority.as_str().len() == host.len() => None,
        // A port that is none: empty, or too large.
        None => return None,
    };
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().ok()?;
        return Some((address.to_string(), port));
    }
    is_host_name(host).then(|| (host.to_ascii_lowercase(), port))
}

/// Labels of up to 63 letters, digits, hyphens and underscores, 253 characters in all.
fn is_host_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(letter))
}
