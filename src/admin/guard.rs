//! Who may use the admin API.
//!
//! A browser on the operator's machine can be made to send requests here by any page it shows. Such a request says in
//! `Host`, `Origin` or `Sec-Fetch-Site` that it comes from elsewhere, and is refused; a name that resolves here today and
//! elsewhere tomorrow (DNS rebinding) is not taken for this address.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::answer::{Answer, problem, with};

/// What is asked of a request before it is answered.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    address: SocketAddr,
    token_file: Option<PathBuf>,
}

impl Guard {
    /// Guards the API at `address`. The token is read at every request, so that replacing the file is enough to change it.
    pub(super) fn new(address: SocketAddr, token_file: Option<PathBuf>) -> Self {
        Self { address, token_file }
    }

    /// Whether a request with these headers may go on.
    ///
    /// # Errors
    /// The answer to one that may not.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Box<Answer>> {
        let host = host(headers)
            .ok_or_else(|| Box::new(problem(StatusCode::BAD_REQUEST, "exactly one valid Host header is needed")))?;
        if let Some(path) = &self.token_file {
            // No page can make a browser send the token, so a request that has it does not come by a rebound name.
            check_token(headers, path)?;
        } else if !self.is_ours(&host) {
            return Err(forbidden("the Host header does not name this address"));
        }
        if is_cross_site(headers, &host) {
            return Err(forbidden("requests from other sites are refused"));
        }
        Ok(())
    }

    fn is_ours(&self, host: &Authority) -> bool {
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || address == self.address.ip() || self.address.ip().is_unspecified(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut values = headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Authority::try_from(value.as_bytes()).ok(),
        _ => None,
    }
}

fn is_cross_site(headers: &HeaderMap, host: &Authority) -> bool {
    let foreign = |origin: &HeaderValue| {
        let origin = origin.to_str().unwrap_or_default();
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        !own.is_some_and(|own| own.eq_ignore_ascii_case(host.as_str()))
    };
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    headers.get_all(ORIGIN).iter().any(foreign) || site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

fn check_token(headers: &HeaderMap, path: &Path) -> Result<(), Box<Answer>> {
    let expected = read_token(path).map_err(|error| {
        tracing::error!(%error, path = %path.display(), "the admin token cannot be read, so nobody is let in");
        Box::new(problem(StatusCode::SERVICE_UNAVAILABLE, "the token cannot be checked"))
    })?;
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let bearer = given.next().filter(|_| given.next().is_none()).and_then(bearer);
    if bearer.is_some_and(|bearer| same(bearer, &expected)) {
        return Ok(());
    }
    let scheme = (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Err(Box::new(with(problem(StatusCode::UNAUTHORIZED, "the token of admin.token_file is needed"), [scheme])))
}

fn read_token(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    match text.trim() {
        "" => Err(io::Error::new(io::ErrorKind::InvalidData, "the file is empty")),
        token => Ok(token.to_owned()),
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// In a time that tells nothing about where they differ, or how long the right one is.
fn same(given: &str, expected: &str) -> bool {
    let digest = |text: &str| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let (given, expected) = (digest(given), digest(expected));
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_ref(), expected.as_ref()).is_ok()
}

fn forbidden(detail: &str) -> Box<Answer> {
    Box::new(problem(StatusCode::FORBIDDEN, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn status(guard: &Guard, lines: &[(&'static str, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        guard.admit(&headers).map_or_else(|answer| answer.status().as_u16(), |()| 200)
    }

    fn open(address: &str) -> Guard {
        Guard::new(address.parse().unwrap(), None)
    }

    #[test]
    fn names_of_this_address_are_let_in_and_no_others() {
        let loopback = open("127.0.0.1:9900");
        for host in ["127.0.0.1:9900", "localhost:9900", "LOCALHOST", "[::1]:9900", "127.0.0.1:7777"] {
            assert_eq!(status(&loopback, &[("host", host)]), 200, "{host}");
        }
        for host in ["shop.example:9900", "10.0.0.5:9900", "localhost.evil.example", "127.0.0.1.evil.example"] {
            assert_eq!(status(&loopback, &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&open("10.0.0.5:9900"), &[("host", "10.0.0.5:9900")]), 200);
        assert_eq!(status(&open("0.0.0.0:9900"), &[("host", "10.0.0.6:9900")]), 200);
        assert_eq!(status(&open("0.0.0.0:9900"), &[("host", "rebound.example:9900")]), 403);
    }

    #[test]
    fn one_host_is_needed() {
        let guard = open("127.0.0.1:9900");
        assert_eq!(status(&guard, &[]), 400);
        assert_eq!(status(&guard, &[("host", "localhost"), ("host", "localhost")]), 400);
        assert_eq!(status(&guard, &[("host", "local host")]), 400);
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let guard = open("127.0.0.1:9900");
        let with = |name, value| status(&guard, &[("host", "localhost:9900"), (name, value)]);
        assert_eq!(with("origin", "http://localhost:9900"), 200);
        assert_eq!(with("sec-fetch-site", "same-origin"), 200);
        assert_eq!(with("sec-fetch-site", "none"), 200);
        for origin in ["http://localhost:3000", "https://evil.example", "null", "http://localhost:9900.evil.example"] {
            assert_eq!(with("origin", origin), 403, "{origin}");
        }
        assert_eq!(with("sec-fetch-site", "cross-site"), 403);
        assert_eq!(with("sec-fetch-site", "same-site"), 403);
    }

    #[test]
    fn a_token_is_asked_for_where_there_is_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "s3cret\n").unwrap();
        let guard = Guard::new("0.0.0.0:9900".parse().unwrap(), Some(file.path().to_owned()));
        let with = |value| status(&guard, &[("host", "proxy.internal:9900"), ("authorization", value)]);
        assert_eq!(with("Bearer s3cret"), 200);
        assert_eq!(with("bearer s3cret"), 200);
        for value in ["Bearer s3cre", "Bearer s3crets", "Basic s3cret", "s3cret", "Bearer ", ""] {
            assert_eq!(with(value), 401, "{value:?}");
        }
        assert_eq!(status(&guard, &[("host", "proxy.internal:9900")]), 401);
        std::fs::write(&file, "renewed").unwrap();
        assert_eq!(with("Bearer renewed"), 200);
        std::fs::write(&file, " \n").unwrap();
        assert_eq!(with("Bearer "), 503);
        drop(file);
        assert_eq!(with("Bearer renewed"), 503);
    }
}
