//! What makes a page wait: its refresh without scripts, and its script.

use askama::Template;

use super::shown::Shown;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<noscript><meta http-equiv="refresh" content="{{ seconds }};url={{ url }}"></noscript>"#
)]
struct Head<'a> {
    seconds: u64,
    url: &'a str,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% if seen %}<noscript><img src="{{ status_url }}/seen" width="1" height="1" alt=""></noscript>
{% endif %}<script type="application/json" id="spillway">{{ data|safe }}</script>
<script>{{ script|safe }}</script>"#
)]
struct Foot<'a> {
    seen: bool,
    status_url: &'a str,
    data: String,
    script: &'static str,
}

/// To stand in the head: loads the page again where there are no scripts.
pub(super) fn head(shown: &Shown<'_>) -> String {
    let written = shown.refresh().map(|(seconds, url)| Head { seconds, url }.render());
    // Writing to a string does not fail.
    written.and_then(Result::ok).unwrap_or_default()
}

/// To stand at the end of the body: presents the ticket where there are no scripts, and keeps the page up to date where
/// there are.
pub(super) fn foot(shown: &Shown<'_>) -> String {
    let foot = Foot {
        seen: shown.has_place(),
        status_url: &shown.status_url,
        data: shown.data(),
        script: shown.script().text(),
    };
    foot.render().unwrap_or_default()
}
