//! What a request counts as, and which requests nobody waits for.

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use memchr::{memchr2_iter, memmem};

use super::Policy;
use super::journey::Journey;
use crate::config::settings::{ClassIndex, RouteIndex};

const PURPOSES: [HeaderName; 3] = [
    HeaderName::from_static("sec-purpose"),
    // What browsers said before.
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-moz"),
];

/// What decided on a request's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Its route.
    Route,
    /// The journey of its shopper, which lifts it.
    Journey,
    /// That nobody waits for its answer.
    Unattended(Unattended),
}

/// Why nobody waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unattended {
    /// A browser guesses that somebody may want it.
    Prefetch,
    /// A program reads the whole shop.
    Crawler,
}

impl Policy {
    /// The class a request of `route` counts as, and why: the more important of the route's own and the journey's; without
    /// a journey, for what nobody waits for, [`Policy::unattended_class`]. `None` for a route the policy does not have.
    #[must_use]
    pub fn class(
        &self,
        route: RouteIndex,
        journey: Option<&Journey>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<(ClassIndex, Ground)> {
        let own = self.settings.routes.get(route)?.class;
        let Some(journey) = journey else {
            let lower = self.unattended_class(own);
            let unattended = lower.and_then(|class| Some((class, Unattended::of(method, headers)?)));
            return Some(unattended.map_or((own, Ground::Route), |(class, why)| (class, Ground::Unattended(why))));
        };
        let lifted = self.class_ids.iter().position(|id| *id == journey.class());
        Some(lifted.filter(|&lifted| lifted < own).map_or((own, Ground::Route), |class| (class, Ground::Journey)))
    }

    /// What requests of class `own` count as when nobody waits for them: the last class that may not wait for a seat. `None`
    /// when there is no less important one, or `own` is guaranteed a share: who pays for that means it for everybody.
    #[must_use]
    pub fn unattended_class(&self, own: ClassIndex) -> Option<ClassIndex> {
        let is_guaranteed = self.settings.classes.get(own).is_some_and(|class| class.guaranteed > 0.0);
        self.unattended.filter(|&class| class > own && !is_guaranteed)
    }
}

impl Unattended {
    /// Of a request with these headers. Only reading is ever unattended.
    #[must_use]
    pub fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        if *method != Method::GET && *method != Method::HEAD {
            None
        } else if is_prefetch(headers) {
            Some(Self::Prefetch)
        } else {
            let agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes)?;
            is_crawler(agent).then_some(Self::Crawler)
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prefetch => "prefetch",
            Self::Crawler => "crawler",
        }
    }
}

/// Whether a browser only guesses that somebody may want to look at it.
#[must_use]
pub fn is_prefetch(headers: &HeaderMap) -> bool {
    let says = |value: &HeaderValue| memmem::find(value.as_bytes(), b"prefetch").is_some();
    PURPOSES.iter().any(|name| headers.get_all(name).iter().any(says))
}

/// Whether this user agent calls itself a crawler. All that are worth serving do.
fn is_crawler(agent: &[u8]) -> bool {
    // By a letter that is rare in the names of browsers.
    let a_bot = |at: usize| !ends_with(agent.get(..at), b"cu");
    places(agent, b"bot", 0).any(a_bot)
        || places(agent, b"crawler", 3).next().is_some()
        || places(agent, b"spider", 1).next().is_some()
        || places(agent, b"slurp", 4).next().is_some()
}

/// Where `word` begins in `text`, in either case, found by its letter at `letter`.
fn places<'a>(text: &'a [u8], word: &'static [u8], letter: usize) -> impl Iterator<Item = usize> + 'a {
    let rare = word.get(letter).copied().unwrap_or_default();
    let begins = memchr2_iter(rare, rare.to_ascii_uppercase(), text).filter_map(move |at| at.checked_sub(letter));
    begins.filter(move |&at| text.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
}

/// `Cubot` makes telephones.
fn ends_with(text: Option<&[u8]>, end: &[u8]) -> bool {
    let last = text.and_then(|text| text.get(text.len().checked_sub(end.len())?..));
    last.is_some_and(|last| last.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn crawlers_are_known_by_what_they_call_themselves() {
        for (agent, expected) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true),
            ("Mozilla/5.0 (compatible; Baiduspider/2.0)", true),
            ("Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com)", true),
            ("SomeCRAWLER/1.0", true),
            ("bot", true),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0",
                false,
            ),
            ("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36", false),
            ("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) Bingbot/2.0", true),
            ("cubot", false),
            ("ubot", true),
            ("slur", false),
            ("lurp", false),
            ("", false),
        ] {
            assert_eq!(is_crawler(agent.as_bytes()), expected, "{agent}");
        }
    }

    #[test]
    fn only_reading_is_unattended() {
        for (method, header, expected) in [
            (Method::GET, ("sec-purpose", "prefetch"), Some(Unattended::Prefetch)),
            (Method::GET, ("sec-purpose", "prefetch;prerender"), Some(Unattended::Prefetch)),
            (Method::HEAD, ("purpose", "prefetch"), Some(Unattended::Prefetch)),
            (Method::GET, ("x-moz", "prefetch"), Some(Unattended::Prefetch)),
            (Method::GET, ("user-agent", "a crawler"), Some(Unattended::Crawler)),
            (Method::POST, ("sec-purpose", "prefetch"), None),
            (Method::POST, ("user-agent", "a crawler"), None),
            (Method::GET, ("sec-purpose", "other"), None),
            (Method::GET, ("x-purpose", "prefetch"), None),
        ] {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_bytes(header.0.as_bytes()).unwrap(),
                HeaderValue::from_static(header.1),
            )]);
            assert_eq!(Unattended::of(&method, &headers), expected, "{method} {header:?}");
        }
    }

    proptest! {
        #[test]
        fn a_word_is_found_wherever_and_however_it_is_written(
            agent in "[ -~]{0,40}",
            word in "[bB][oO][tT]|[cC][rR][aA][wW][lL][eE][rR]|[sS][pP][iI][dD][eE][rR]|[sS][lL][uU][rR][pP]",
            at in 0..40_usize,
        ) {
            let plain = agent.to_ascii_lowercase();
            let crawls = ["bot", "crawler", "spider", "slurp"].iter().any(|word| plain.contains(word));
            prop_assume!(!plain.contains("cubot"));
            prop_assert_eq!(is_crawler(agent.as_bytes()), crawls);
            let with = format!("{}/{word}", &agent[..at.min(agent.len())]);
            prop_assert!(is_crawler(with.as_bytes()));
        }
    }
}
