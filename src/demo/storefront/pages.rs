//! The pages as HTML. Whatever is not marked `safe` is escaped by askama.

mod buying;
mod looking;

pub(super) use buying::{cart, checkout, order, payment};
pub(super) use looking::{home, missing, product, recommendations, results};

use askama::Template;

use super::cart::Cart;

const STYLE: &str = include_str!("shop.css");

/// A picture of a drop, so that browsers need not ask for one.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath fill='%231f6f8b' d='M16 2Q28 16 26 21a10 9 0 0 1-20 0Q4 16 16 2Z'/%3E%3C/svg%3E";

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · Brook &amp; Basin</title>
<link rel="icon" href="{{ ICON }}">
<style>{{ STYLE|safe }}</style>
</head>
<body>
<header class="bar">
<a class="brand" href="/">Brook <span>&amp;</span> Basin</a>
<form action="/search" role="search"><input name="q" type="search" aria-label="Search the shop" placeholder="Tea, rain, evening…" value="{{ query }}"><button>Search</button></form>
<a href="/cart">Cart{% if pieces > 0 %} <span class="count">{{ pieces }}</span>{% endif %}</a>
</header>
<main>
{{ body|safe }}
</main>
<footer>A sample shop that comes with Spillway. Nothing is sold, no money is taken.</footer>
</body>
</html>
"##
)]
struct Layout<'a, B: Template> {
    title: &'a str,
    query: &'a str,
    pieces: u32,
    body: B,
}

/// A whole page around `body`.
fn page(title: &str, cart: &Cart, body: impl Template) -> String {
    searched_page(title, "", cart, body)
}

fn searched_page(title: &str, query: &str, cart: &Cart, body: impl Template) -> String {
    written(&Layout { title, query, pieces: cart.pieces(), body })
}

/// Writing to memory fails for no template here; a broken page beats a broken shop.
fn written(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}
