//! Pages for looking around.

use askama::Template;

use super::super::cart::Cart;
use super::super::catalogue::{CATALOGUE, Product};
use super::{page, searched_page, written};

/// The front page with all products.
pub(in crate::demo::storefront) fn home(cart: &Cart) -> String {
    page("Things for water and tea", cart, Home { grid: Grid { products: CATALOGUE.iter().collect() } })
}

/// What a search found.
pub(in crate::demo::storefront) fn results(query: &str, products: Vec<&'static Product>, cart: &Cart) -> String {
    searched_page("Search", query, cart, Results { query, found: products.len(), grid: Grid { products } })
}

/// One product.
pub(in crate::demo::storefront) fn product(product: &'static Product, cart: &Cart) -> String {
    page(product.name, cart, OneProduct { product })
}

/// The fragment that the product page loads by itself.
pub(in crate::demo::storefront) fn recommendations(products: Vec<&'static Product>) -> String {
    written(&Recommendations { grid: Grid { products } })
}

/// No such page.
pub(in crate::demo::storefront) fn missing(cart: &Cart) -> String {
    page("Not here", cart, Missing)
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<ul class="grid">{% for product in products %}
<li><a class="card" href="/products/{{ product.slug }}">{{ product.art|safe }}<p><span>{{ product.name }}</span><span class="price">{{ product.price }}</span></p></a></li>
{%- endfor %}
</ul>"#
)]
struct Grid {
    products: Vec<&'static Product>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1>Things for water and tea</h1>
<p class="lead">Twelve things we like to use every day. Made slowly, sold calmly, even on busy days.</p>
{{ grid|safe }}"#
)]
struct Home {
    grid: Grid,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1>{% if query.is_empty() %}Everything{% else %}“{{ query }}”{% endif %}</h1>
{% if found == 0 -%}
<p class="lead">Nothing here goes by that name. <a href="/">See everything</a> instead?</p>
{%- else -%}
<p class="lead">{{ found }} {% if found == 1 %}thing{% else %}things{% endif %} found.</p>
{{ grid|safe }}
{%- endif %}"#
)]
struct Results<'a> {
    query: &'a str,
    found: usize,
    grid: Grid,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div class="two">{{ product.art|safe }}
<div>
<h1>{{ product.name }}</h1>
<p class="big price">{{ product.price }}</p>
<p>{{ product.about }}</p>
<form class="row" action="/cart" method="post">
<input type="hidden" name="product" value="{{ product.slug }}">
<select name="quantity" aria-label="Quantity">{% for n in 1..=9 %}<option>{{ n }}</option>{% endfor %}</select>
<button>Add to cart</button>
</form>
</div></div>
<section id="also" data-product="{{ product.slug }}" hidden></section>
<script>
const also = document.getElementById("also");
fetch("/recommendations?for=" + also.dataset.product)
  .then(answer => answer.ok ? answer.text() : "")
  .then(html => { also.innerHTML = html; also.hidden = !html; })
  .catch(() => {});
</script>"#
)]
struct OneProduct {
    product: &'static Product,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h2>Goes well with it</h2>
{{ grid|safe }}"#
)]
struct Recommendations {
    grid: Grid,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1>There is nothing on this shelf</h1>
<p class="lead"><a href="/">Back to the shop</a></p>"#
)]
struct Missing;
