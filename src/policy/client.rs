//! Who is asking: the rightmost address that no trusted proxy vouches for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client behind a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its address; IPv4 mapped into IPv6 is given as IPv4.
    pub ip: IpAddr,
    /// Whether the peer of the connection is a trusted proxy, so that what it says of the client is believed.
    pub trusted_peer: bool,
    /// Whether the client spoke https, when a trusted peer says so either way.
    pub https: Option<bool>,
}

/// The networks of trusted proxies, ready to be compared.
#[derive(Debug, Default)]
pub(super) struct TrustedProxies {
    v4: Vec<(Ipv4Addr, Ipv4Addr)>,
    v6: Vec<(Ipv6Addr, Ipv6Addr)>,
}

impl TrustedProxies {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        let mut trusted = Self::default();
        for network in networks {
            match network {
                IpNet::V4(net) => trusted.v4.push((net.network(), net.broadcast())),
                IpNet::V6(net) => trusted.v6.push((net.network(), net.broadcast())),
            }
        }
        trusted
    }

    fn contains(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => self.v4.iter().any(|(first, last)| (first..=last).contains(&&ip)),
            IpAddr::V6(ip) => self.v6.iter().any(|(first, last)| (first..=last).contains(&&ip)),
        }
    }

    /// Resolves the client. `X-Forwarded-For` is preferred to `Forwarded`, because it is what nearly every proxy
    /// maintains: of the two, the other may have come from the client untouched.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return Client { ip: peer, trusted_peer: false, https: None };
        }
        let mut client = Client { ip: peer, trusted_peer: true, https: None };
        if headers.contains_key(X_FORWARDED_FOR) {
            client.ip = self.walk(peer, elements(headers, &X_FORWARDED_FOR), parse_node);
        } else if headers.contains_key(FORWARDED) {
            client.ip =
                self.walk(peer, elements(headers, &FORWARDED), |element| parse_node(parameter(element, "for")?));
        }
        client.https = forwarded_proto(headers);
        client
    }

    /// Goes from the nearest hop outwards and stops at the first address that is not trusted. What cannot be read
    /// ends the walk too: everything beyond it could be anybody's invention.
    fn walk<'a>(
        &self,
        peer: IpAddr,
        elements: impl Iterator<Item = &'a [u8]>,
        parse: impl Fn(&[u8]) -> Option<IpAddr>,
    ) -> IpAddr {
        let mut nearest = peer;
        for element in elements {
            let Some(ip) = parse(element) else { break };
            nearest = ip;
            if !self.contains(ip) {
                break;
            }
        }
        nearest
    }
}

/// The elements of a comma-separated header, over all its lines, the last one first; empty ones are skipped.
///
/// Commas in quoted strings separate too. No address has one, and a quote left open by a client must not swallow
/// what a trusted proxy appended.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter().rev();
    let elements = lines.flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// The value of one parameter of a `Forwarded` element, without its quotes.
fn parameter<'a>(element: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let value = element.split(|&byte| byte == b';').find_map(|pair| {
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        let (key, value) = pair.split_at_checked(equals)?;
        key.trim_ascii().eq_ignore_ascii_case(name.as_bytes()).then(|| value.get(1..).unwrap_or_default())
    })?;
    let value = value.trim_ascii();
    match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.strip_suffix(b"\""),
        None => Some(value),
    }
}

/// Reads `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn parse_node(node: &[u8]) -> Option<IpAddr> {
    let node = std::str::from_utf8(node).ok()?;
    if let Ok(ip) = node.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    if let Ok(address) = node.parse::<SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let bracketed = node.strip_prefix('[')?.strip_suffix(']')?;
    bracketed.parse::<Ipv6Addr>().ok().map(|ip| IpAddr::V6(ip).to_canonical())
}

/// What the nearest hop says of the scheme; an earlier element may be the client's own.
fn forwarded_proto(headers: &HeaderMap) -> Option<bool> {
    if headers.contains_key(X_FORWARDED_PROTO) {
        return elements(headers, &X_FORWARDED_PROTO).next().and_then(is_https);
    }
    let nearest = elements(headers, &FORWARDED).next()?;
    is_https(parameter(nearest, "proto")?)
}

fn is_https(scheme: &[u8]) -> Option<bool> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case(b"https") => Some(true),
        _ if scheme.eq_ignore_ascii_case(b"http") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn trusted() -> TrustedProxies {
        let networks = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"];
        TrustedProxies::new(&networks.map(|network| network.parse().unwrap()))
    }

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        trusted().client(peer.parse().unwrap(), &map)
    }

    fn ip(peer: &str, headers: &[(&'static str, &str)]) -> String {
        client(peer, headers).ip.to_string()
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_says() {
        let said = [("x-forwarded-for", "192.0.2.9"), ("x-forwarded-proto", "https"), ("forwarded", "for=192.0.2.9")];
        let client = client("203.0.113.5", &said);
        assert_eq!(client, Client { ip: "203.0.113.5".parse().unwrap(), trusted_peer: false, https: None });
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        for (header, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
            ("1.1.1.1, 198.51.100.7, 10.1.1.1", "198.51.100.7"),
            ("198.51.100.7:4711,10.1.1.1:80", "198.51.100.7"),
            ("[2001:db8::7]:4711, 10.1.1.1", "2001:db8::7"),
            ("[2001:db8::7], ,", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(ip("10.0.0.1", &[("x-forwarded-for", header)]), expected, "{header}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines =
            [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "10.1.1.1")];
        assert_eq!(ip("10.0.0.1", &lines), "198.51.100.7");
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk() {
        for garbage in ["1.1.1.1, unknown", "1.1.1.1, 1.2.3", "1.1.1.1, \"", "1.1.1.1, 10.1.1.1.1", "1.1.1.1, [::1"] {
            assert_eq!(ip("10.0.0.1", &[("x-forwarded-for", garbage)]), "10.0.0.1", "{garbage}");
        }
        assert_eq!(ip("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, unknown, 10.2.2.2")]), "10.2.2.2");
    }

    #[test]
    fn forwarded_is_read_likewise() {
        for (header, expected) in [
            ("for=198.51.100.7;proto=https;by=10.0.0.1", "198.51.100.7"),
            ("for=1.1.1.1, For=\"198.51.100.7:80\" , for=10.1.1.1", "198.51.100.7"),
            ("for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("for=1.1.1.1, for=_hidden", "10.0.0.1"),
            ("for=1.1.1.1, proto=http", "10.0.0.1"),
            ("for=\"1.1.1.1, for=198.51.100.7", "198.51.100.7"),
        ] {
            assert_eq!(ip("10.0.0.1", &[("forwarded", header)]), expected, "{header}");
        }
    }

    #[test]
    fn x_forwarded_for_is_preferred() {
        let both = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(ip("10.0.0.1", &both), "198.51.100.7");
    }

    #[test]
    fn a_trusted_peer_says_whether_it_was_https() {
        for (headers, expected) in [
            (vec![("x-forwarded-proto", "https")], Some(true)),
            (vec![("x-forwarded-proto", "HTTP")], Some(false)),
            (vec![("x-forwarded-proto", "https, http")], Some(false)),
            (vec![("x-forwarded-proto", "gopher")], None),
            (vec![("forwarded", "for=1.1.1.1;proto=http, for=1.1.1.1;proto=https")], Some(true)),
            (vec![], None),
        ] {
            assert_eq!(client("127.0.0.1", &headers).https, expected, "{headers:?}");
        }
    }

    #[test]
    fn a_mapped_peer_is_its_ipv4_self() {
        assert!(client("::ffff:10.0.0.1", &[]).trusted_peer);
    }

    proptest! {
        #[test]
        fn a_client_cannot_hide_what_a_trusted_proxy_appended(invented in "[ -~]{0,60}") {
            let appended = format!("{invented}, 198.51.100.7");
            prop_assert_eq!(ip("10.0.0.1", &[("x-forwarded-for", &appended)]), "198.51.100.7");
            let appended = format!("{invented}, for=198.51.100.7;proto=https");
            prop_assert_eq!(ip("10.0.0.1", &[("forwarded", &appended)]), "198.51.100.7");
        }
    }
}
