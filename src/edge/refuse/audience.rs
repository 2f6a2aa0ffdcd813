//! Who reads a refusal: a person before a browser, or a program.

use http::header::{ACCEPT, ACCEPT_LANGUAGE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::config::settings::Language;
use crate::edge::preference;

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What of a request decides the form of a refusal; taken before its head is given away.
#[derive(Debug, Clone)]
pub struct Audience {
    /// `Accept-Language`, read only if a page is written.
    languages: Option<HeaderValue>,
    wants_document: bool,
    is_head: bool,
    is_safe: bool,
}

/// The form a refusal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// A page in this language.
    Document(Language),
    /// `application/problem+json`.
    Problem,
}

impl Audience {
    /// Reads what the client asked for.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        let wants_document = wants_document(&parts.headers);
        let languages = wants_document.then(|| parts.headers.get(ACCEPT_LANGUAGE).cloned()).flatten();
        let is_head = parts.method == Method::HEAD;
        Self { languages, wants_document, is_head, is_safe: is_head || parts.method == Method::GET }
    }

    pub(super) fn wish(&self) -> Wish {
        if self.wants_document { Wish::Document(self.language()) } else { Wish::Problem }
    }

    /// Whether it is a navigation of a browser.
    pub(crate) fn wants_document(&self) -> bool {
        self.wants_document
    }

    /// The language of a page for it.
    pub(crate) fn language(&self) -> Language {
        preference::language(self.languages.as_ref().map_or(&b""[..], HeaderValue::as_bytes))
    }

    /// Whether only the head of the answer is asked for.
    pub(crate) fn is_head(&self) -> bool {
        self.is_head
    }

    /// Whether doing it twice is no different from doing it once, so that a page may repeat it by itself.
    pub(crate) fn is_safe(&self) -> bool {
        self.is_safe
    }
}

/// Only a navigation gets a page. `Sec-Fetch-Dest` says so where the browser sends it; `Accept` tells browsers from
/// programs, which send `*/*`.
fn wants_document(headers: &HeaderMap) -> bool {
    let accepts_html = headers.get_all(ACCEPT).into_iter().any(|accept| accepts_html(accept.as_bytes()));
    accepts_html && headers.get(SEC_FETCH_DEST).is_none_or(|dest| is_document(dest.as_bytes()))
}

fn is_document(destination: &[u8]) -> bool {
    [&b"document"[..], b"iframe", b"frame"].contains(&destination)
}

fn accepts_html(accept: &[u8]) -> bool {
    preference::items(accept).any(|(media_type, weight)| media_type.eq_ignore_ascii_case(b"text/html") && weight > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use proptest::prelude::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

    fn wish(headers: &[(&'static str, &str)]) -> Wish {
        let request = headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Audience::of(&parts).wish()
    }

    #[test]
    fn a_navigation_gets_a_page_and_nothing_else_does() {
        let page = Wish::Document(Language::English);
        for (headers, expected) in [
            (vec![("accept", BROWSER), ("sec-fetch-dest", "document")], page),
            (vec![("accept", BROWSER), ("sec-fetch-dest", "iframe")], page),
            (vec![("accept", BROWSER)], page),
            (vec![("accept", "TEXT/HTML")], page),
            (vec![("accept", BROWSER), ("sec-fetch-dest", "empty")], Wish::Problem),
            (vec![("accept", BROWSER), ("sec-fetch-dest", "image")], Wish::Problem),
            (vec![("accept", "*/*"), ("sec-fetch-dest", "document")], Wish::Problem),
            (vec![("accept", "*/*")], Wish::Problem),
            (vec![("accept", "application/json, text/html;q=0")], Wish::Problem),
            (vec![("accept", "text/html-sandboxed")], Wish::Problem),
            (vec![], Wish::Problem),
        ] {
            assert_eq!(wish(&headers), expected, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_list_is_too_odd(list in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = accepts_html(&list);
        }
    }
}
