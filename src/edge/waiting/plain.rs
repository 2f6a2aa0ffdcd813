//! The least that a waiting page can be.

use askama::Template;
use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::scene::{Page, Painter, Scene};

/// A page that says how many are ahead, and loads itself again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="{{ scene.language.tag() }}">
<meta charset="utf-8">
<meta http-equiv="refresh" content="20;url=/.spillway/room/{{ scene.room }}/wait?to={{ encoded_to }}">
<title>{{ scene.title.unwrap_or(scene.room) }}</title>
<h1>{{ scene.title.unwrap_or(scene.room) }}</h1>
{%- if let Some(rank) = scene.rank %}
<p>{{ rank }} / {{ scene.waiting }}</p>
{%- endif %}
{%- if let Some(message) = scene.message %}
<p>{{ message }}</p>
{%- endif %}
<p><a href="{{ scene.to }}">{{ scene.to }}</a></p>
<img src="/.spillway/room/{{ scene.room }}/seen" alt="">
</html>
"#
)]
struct Markup<'a> {
    scene: &'a Scene<'a>,
    encoded_to: PercentEncode<'a>,
}

impl Painter for Plain {
    fn paint(&self, scene: &Scene<'_>) -> Page {
        // Writing to a string does not fail.
        let body =
            Markup { scene, encoded_to: utf8_percent_encode(scene.to, NON_ALPHANUMERIC) }.render().unwrap_or_default();
        let policy =
            HeaderValue::from_static("default-src 'none'; img-src 'self'; form-action 'self'; base-uri 'none'");
        Page { body: body.into(), policy }
    }
}
