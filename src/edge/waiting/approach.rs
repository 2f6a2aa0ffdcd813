//! How a request comes to a room: whether somebody looks at what it is answered with, and may be given a place.

use http::header::{ACCEPT_LANGUAGE, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::config::settings::Language;
use crate::edge::hygiene::Authority;
use crate::edge::preference;
use crate::edge::refuse::Audience;
use crate::policy::class::is_prefetch;

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What of a request decides what becomes of it at a room.
#[derive(Debug, Clone)]
pub(super) struct Approach {
    pub(super) audience: Audience,
    destination: Destination,
    is_prefetch: bool,
    is_get: bool,
}

/// What the answer is for, as `Sec-Fetch-Dest` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    /// It does not say: no browser, or an old one.
    Unknown,
    /// A page of its own.
    Page,
    /// A page within a page.
    Frame,
    /// A script.
    Script,
    /// An image, a style, a worker …: a part of a page.
    Part,
}

impl Approach {
    pub(super) fn of(parts: &Parts) -> Self {
        Self {
            audience: Audience::of(parts),
            destination: Destination::of(&parts.headers),
            is_prefetch: is_prefetch(&parts.headers),
            is_get: parts.method == Method::GET,
        }
    }

    /// Whether it may be given a place: a whole page in a window of its own, that somebody looks at.
    pub(super) fn joins(&self) -> bool {
        let whole = matches!(self.destination, Destination::Unknown | Destination::Page);
        self.is_get && whole && self.wants_page()
    }

    /// Whether it may take a turn: not a mere part of a page, which would take it while its reader still waits.
    pub(super) fn claims(&self) -> bool {
        !self.is_prefetch && self.destination != Destination::Part
    }

    /// Whether it is answered with a page.
    pub(super) fn wants_page(&self) -> bool {
        !self.is_prefetch && self.audience.wants_document()
    }
}

impl Destination {
    fn of(headers: &HeaderMap) -> Self {
        match headers.get(SEC_FETCH_DEST).map(HeaderValue::as_bytes) {
            None => Self::Unknown,
            Some(b"document") => Self::Page,
            Some(b"iframe" | b"frame") => Self::Frame,
            Some(b"empty") => Self::Script,
            Some(_) => Self::Part,
        }
    }
}

/// Whether a page of another site sent it, or one of another host of this site. A browser sends no ticket along with a
/// foreign form, and would put the one it is answered with in place of a better one.
pub(super) fn is_foreign(headers: &HeaderMap, host: &str) -> bool {
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(b"cross-site" | b"same-site") => true,
        // The browser knows better than a comparison with a host that somebody on the way may have rewritten.
        Some(b"same-origin" | b"none") => false,
        // Browsers leave it out on plain http; programs have neither.
        _ => headers.get_all(ORIGIN).iter().any(|origin| !is_at(origin.as_bytes(), host)),
    }
}

/// Whether an origin as browsers write it, `scheme://host:port` or `null`, is at this host.
fn is_at(origin: &[u8], host: &str) -> bool {
    let authority = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
    authority.and_then(|authority| Authority::parse(authority).ok()).is_some_and(|authority| authority.host() == host)
}

/// The language in which its reader is spoken to.
pub(super) fn language(headers: &HeaderMap) -> Language {
    preference::language(headers.get(ACCEPT_LANGUAGE).map_or(&b""[..], HeaderValue::as_bytes))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const BROWSER: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

    /// Whether it joins, claims and is shown a page.
    fn seen(method: &str, headers: &[(&str, &str)]) -> (bool, bool, bool) {
        let request = Request::builder().method(method);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let approach = Approach::of(&request.body(()).unwrap().into_parts().0);
        (approach.joins(), approach.claims(), approach.wants_page())
    }

    #[test]
    fn only_a_page_somebody_looks_at_joins() {
        let dest = |dest| [BROWSER, ("sec-fetch-dest", dest)];
        for (method, headers, expected) in [
            ("GET", &dest("document")[..], (true, true, true)),
            ("GET", &[BROWSER], (true, true, true)),
            ("HEAD", &dest("document"), (false, true, true)),
            ("POST", &dest("document"), (false, true, true)),
            ("GET", &dest("iframe"), (false, true, true)),
            ("GET", &dest("empty"), (false, true, false)),
            ("GET", &dest("image"), (false, false, false)),
            ("GET", &dest("script"), (false, false, false)),
            ("GET", &[("accept", "*/*")], (false, true, false)),
            ("POST", &[], (false, true, false)),
            ("GET", &[BROWSER, ("sec-purpose", "prefetch;prerender")], (false, false, false)),
            ("GET", &[BROWSER, ("purpose", "prefetch")], (false, false, false)),
            ("GET", &[BROWSER, ("x-moz", "prefetch")], (false, false, false)),
        ] {
            assert_eq!(seen(method, headers), expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_foreign() {
        for (headers, expected) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://shop.example")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], false),
            (&[("origin", "https://shop.example")], false),
            (&[("origin", "http://shop.example:8080")], false),
            (&[("origin", "https://elsewhere.example")], true),
            (&[("origin", "https://shop.example.elsewhere")], true),
            (&[("origin", "https://shop.example/@elsewhere")], true),
            (&[("origin", "null")], true),
            (&[("origin", "")], true),
            (&[("origin", "https://shop.example"), ("origin", "https://elsewhere")], true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_foreign(&map, "shop.example"), expected, "{headers:?}");
        }
    }
}
