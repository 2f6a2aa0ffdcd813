//! The built-in page.

use askama::Template;

use super::assets::STYLE;
use super::figures;
use super::shown::Shown;
use super::words;
use crate::config::settings::Language;
use crate::edge::waiting::scene::{Challenge, Situation};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="{{ shown.language.tag() }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{ title }}</title>
{{ head|safe }}
<style>{{ style|safe }}</style>
</head>
<body data-state="{{ shown.state }}">
<main>
{%- if let Some(title) = shown.title() %}
<p class="shop" dir="auto">{{ title }}</p>
{%- endif %}
<h1 data-live="head">{{ shown.notice.head }}</h1>
<p class="lead" data-live="lead">{{ shown.notice.lead }}</p>
{%- if let Some(aside) = shown.aside %}
<p class="lead">{{ aside }}</p>
{%- endif %}
<p class="sr" role="alert" data-live="turn"></p>
<p class="sr" role="status" aria-live="polite" data-live="said"></p>
{%- if let Some(way) = shown.way_on() %}
<p class="act"><a class="button" href="{{ shown.to }}" target="_top">{{ way }}</a></p>
{%- endif %}
{%- if shown.has_place() %}
<p class="act" data-in="gone" hidden><a class="button" href="{{ shown.to }}">{{ phrases.get_in_line }}</a></p>
<p class="act" data-in="called inside"{% if !shown.is_called() %} hidden{% endif %}><a class="button" href="{{ shown.to }}">{{ phrases.enter }}</a></p>
{%- if shown.is_lobby() %}
<div data-in="lobby">
<p class="figure">{{ phrases.opens_label }} <time data-live="opens">{{ opens }}</time></p>
<p class="clock" data-live="countdown" role="timer"></p>
</div>
{%- endif %}
<div data-in="waiting paused"{% if !shown.is_in_line() %} hidden{% endif %}>
<p class="figure" data-live="ahead"{% if !has_rank %} hidden{% endif %}><span>{{ phrases.ahead_before }}</span> <b data-live="rank">{{ rank }}</b> <span>{{ phrases.ahead_after }}</span></p>
<p class="figure" data-live="word"{% if has_rank %} hidden{% endif %}><b class="word" data-live="place">{{ place }}</b></p>
<progress data-live="bar" max="1000" value="{{ shown.progress() }}" aria-label="{{ phrases.progress }}" aria-valuetext="{{ place }}"{% if shown.scene.rank.is_none() %} hidden{% endif %}></progress>
</div>
<dl data-in="lobby waiting paused"{% if !shown.is_in_line() && !shown.is_lobby() %} hidden{% endif %}>
<div data-in="waiting paused"{% if !shown.is_in_line() %} hidden{% endif %}><dt>{{ phrases.wait_label }}</dt><dd data-live="wait">{{ shown.wait() }}</dd></div>
<div>{% if shown.is_lobby() %}<dt data-in="lobby">{{ phrases.lobby_label }}</dt>{% endif %}<dt data-in="waiting paused"{% if shown.is_lobby() %} hidden{% endif %}>{{ phrases.people_label }}</dt><dd data-live="people">{{ shown.people() }}</dd></div>
</dl>
{%- endif %}
{%- if let Some(challenge) = challenge %}
<progress data-live="bar" max="1000" value="0" aria-label="{{ phrases.progress }}" hidden></progress>
<form class="act" method="post" action="{{ shown.join_url(challenge.text) }}" data-live="puzzle">
<p>{{ puzzle }}</p>
<p class="act later"><button>{{ phrases.go_on }}</button></p>
</form>
{%- endif %}
<p class="message" dir="auto" data-live="message" aria-live="polite"{% if message.is_empty() %} hidden{% endif %}>{{ message }}</p>
{%- if shown.has_place() || refresh.is_some() %}
<div class="notes"{% if shown.has_place() %} data-in="lobby waiting paused closed"{% endif %}>
{%- if shown.has_place() %}
<p class="live" data-live="live"></p>
<div data-in="lobby waiting paused"><label data-live="sound" hidden><input type="checkbox" data-live="sound-switch">{{ phrases.sound }}</label></div>
{%- endif %}
{%- if let Some(without_scripts) = refresh %}
<div data-live="check">
<noscript>{{ without_scripts }}</noscript>
{% if shown.has_place() %}<button form="again" name="lang" value="{{ shown.language.tag() }}">{{ phrases.check_now }}</button>{% else %}<a href="{{ shown.to }}">{{ phrases.check_now }}</a>{% endif %}
</div>
{%- endif %}
</div>
{%- endif %}
{%- if shown.has_place() %}
<details>
<summary>{{ phrases.rule }}</summary>
{%- if shown.scene.by_lot %}
<p>{{ phrases.rule_lot }}</p>
{%- else if shown.is_lobby() %}
<p>{{ phrases.rule_lobby }}</p>
{%- else if shown.scene.commitment.is_some() %}
<p>{{ phrases.rule_drawn }}</p>
{%- else %}
<p>{{ phrases.rule_arrival }}</p>
{%- endif %}
<p>{{ phrases.rule_return }}</p>
{%- if let Some(number) = number %}
<p>{{ phrases.number }}: {{ number }}</p>
{%- endif %}
{%- if let Some(commitment) = shown.commitment() %}
<p>{{ phrases.commitment }}</p>
<code data-live="commitment">{{ commitment }}</code>
{%- if let Some(secret) = shown.secret() %}
<p>{{ phrases.secret }}</p>
<code data-live="secret">{{ secret }}</code>
<p>{{ how_to_check }}</p>
<p data-live="checked"></p>
{%- else %}
<p data-in="waiting paused" hidden><a href="{{ shown.wait_url }}">{{ phrases.see_draw }}</a></p>
{%- endif %}
{%- endif %}
</details>
{%- if shown.can_leave() %}
<details data-in="lobby waiting paused closed">
<summary>{{ phrases.give_up }}</summary>
<p>{{ phrases.give_up_warning }}</p>
<form method="post" action="{{ shown.leave_url() }}"><button>{{ phrases.give_up_confirm }}</button></form>
</details>
{%- endif %}
{%- endif %}
</main>
<footer>
<form id="again" action="{{ shown.status_url }}/wait" aria-label="{{ phrases.language }}">
<input type="hidden" name="to" value="{{ shown.short_to() }}">
{%- for language in Language::ALL %}
{%- if language == shown.language %}
<b lang="{{ language.tag() }}">{{ words::own_name(*language) }}</b>
{%- else %}
<button lang="{{ language.tag() }}" name="lang" value="{{ language.tag() }}">{{ words::own_name(*language) }}</button>
{%- endif %}
{%- endfor %}
</form>
<p>{{ phrases.reference }}: {{ shown.scene.request_id }}</p>
</footer>
{{ foot|safe }}
</body>
</html>
"#
)]
struct Standard<'a> {
    shown: &'a Shown<'a>,
    style: &'static str,
    phrases: &'static words::Phrases,
    title: &'a str,
    message: &'a str,
    head: &'a str,
    foot: &'a str,
    opens: String,
    rank: String,
    has_rank: bool,
    place: String,
    number: Option<String>,
    challenge: Option<Challenge<'a>>,
    puzzle: String,
    how_to_check: String,
    refresh: Option<String>,
}

/// The page, with what every page has in its head and at its end.
pub(super) fn render(shown: &Shown<'_>, head: &str, foot: &str) -> Vec<u8> {
    let (scene, phrases) = (shown.scene, shown.phrases);
    let challenge = match scene.situation {
        Situation::Challenged(challenge) => Some(challenge),
        _ => None,
    };
    let seconds = challenge.map_or(0, |challenge| challenge.without_proof_after.as_secs());
    let drawn = scene.draw.map_or((0, 0), |draw| (draw.size, draw.start));
    let page = Standard {
        shown,
        style: &STYLE,
        phrases,
        title: shown.title().unwrap_or(shown.notice.head),
        message: shown.message().unwrap_or_default(),
        head,
        foot,
        opens: shown.opens().unwrap_or_default(),
        rank: shown.rank().unwrap_or_default(),
        has_rank: scene.rank.is_some_and(|rank| rank > 0),
        place: shown.place(),
        number: scene.number.map(figures::grouped),
        challenge,
        puzzle: figures::filled(phrases.puzzle_without_scripts, &[("{a}", &seconds.to_string())]),
        how_to_check: figures::filled(
            phrases.how_to_check,
            &[("{a}", &figures::grouped(drawn.0)), ("{b}", &figures::grouped(drawn.1))],
        ),
        refresh: shown
            .refresh()
            .map(|(seconds, _)| figures::filled(phrases.without_scripts, &[("{a}", &seconds.to_string())])),
    };
    let mut html = Vec::with_capacity(20 << 10);
    // Writing to a vector does not fail.
    let _ = page.write_into(&mut html);
    html
}
