//! A refusal for people: one small page that needs nothing else.

use askama::Template;
use http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use super::words::{self, Around, Notice, Phrases};
use super::{Audience, Occasion, Refusal};
use crate::config::settings::Language;

const STYLE: &str = include_str!("page.css");

/// Nothing may be loaded or run; the one style is named by its SHA-256.
const CSP: &str = "default-src 'none'; style-src 'sha256-KaM+AO098okNdkXPjDjkH6OGC9wKStb2ztMfLapkPbc='; base-uri 'none'; form-action 'none'; \
                   frame-ancestors 'self'";

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="{{ language.tag() }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
{%- if let Some(seconds) = refresh %}
<meta http-equiv="refresh" content="{{ seconds }}">
{%- endif %}
<title>{{ notice.title }}</title>
<style>{{ STYLE|safe }}</style>
</head>
<body>
<main>
<h1>{{ notice.title }}</h1>
<p>{{ notice.text }}</p>
{%- if let Some((around, seconds)) = wait %}
<p>{{ around.before }}{{ seconds }}{{ around.after }}</p>
{%- endif %}
{%- if let Some(assurance) = assurance %}
<p>{{ assurance }}</p>
{%- endif %}
{%- if offers_retry %}
<a href="">{{ phrases.try_now }}</a>
{%- endif %}
<small>{{ phrases.reference }}: {{ reference }}</small>
</main>
</body>
</html>
"#
)]
struct Page<'a> {
    language: Language,
    phrases: &'static Phrases,
    notice: &'static Notice,
    /// Seconds after which the page repeats the request.
    refresh: Option<u64>,
    wait: Option<(&'static Around, u64)>,
    /// For what is not safe to repeat blindly: whether it may be.
    assurance: Option<&'static str>,
    offers_retry: bool,
    reference: &'a str,
}

/// Appends the page to `text`.
pub(super) fn write(
    text: &mut Vec<u8>,
    refusal: Refusal,
    language: Language,
    audience: &Audience,
    occasion: &Occasion<'_>,
    retry_after: Option<u64>,
) {
    let phrases = words::phrases(language);
    let refresh = retry_after.filter(|_| audience.is_safe() && retries_by_itself(refusal));
    let around = if refresh.is_some() { &phrases.by_itself } else { &phrases.by_hand };
    let assurance = if refusal.forwarded() { phrases.unsure } else { phrases.not_sent };
    let page = Page {
        language,
        phrases,
        notice: phrases.notice(refusal),
        refresh,
        wait: retry_after.map(|seconds| (around, seconds)),
        assurance: (!audience.is_safe()).then_some(assurance),
        offers_retry: audience.is_safe() && is_passing(refusal),
        reference: occasion.request_id.as_str(),
    };
    // Writing to a vector does not fail.
    let _ = page.write_into(text);
}

/// The headers of a page, apart from those of every refusal.
pub(super) fn headers(headers: &mut HeaderMap, language: Language) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
}

/// Whether it is the crowd that stands in the way, not what this client did.
const fn retries_by_itself(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Capacity | Refusal::WaitedOut | Refusal::Draining)
}

/// Whether the same request may succeed later.
const fn is_passing(refusal: Refusal) -> bool {
    match refusal {
        Refusal::Limit { .. }
        | Refusal::Capacity
        | Refusal::WaitedOut
        | Refusal::OriginDown
        | Refusal::OriginFailed { .. }
        | Refusal::OriginTimeout { .. }
        | Refusal::RequestTimeout { .. }
        | Refusal::Draining => true,
        Refusal::Request(_)
        | Refusal::NotFound
        | Refusal::BadMethod
        | Refusal::CrossSite
        | Refusal::BodyTooLarge { .. }
        | Refusal::BodyMalformed { .. }
        | Refusal::HeadersTooLarge => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, with padding.
    fn base64(bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let word = chunk.iter().chain([&0, &0]).take(3).fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
            let digits = (0..4).map(|at| char::from(ALPHABET[word >> (18 - 6 * at) & 63]));
            text.extend(digits.take(chunk.len() + 1));
            text.extend(std::iter::repeat_n('=', 3 - chunk.len()));
        }
        text
    }

    #[test]
    fn the_policy_allows_the_style_that_is_there() {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        assert!(CSP.contains(&format!("'sha256-{}'", base64(digest.as_ref()))), "{}", base64(digest.as_ref()));
    }
}
