//! Pages for buying: cart, delivery, payment, confirmation.

use askama::Template;

use super::super::cart::{Cart, Line, MOST};
use super::super::catalogue::Money;
use super::super::orders::Order;
use super::page;

/// What is in the cart.
pub(in crate::demo::storefront) fn cart(cart: &Cart) -> String {
    page("Your cart", cart, CartPage { lines: &cart.lines, total: cart.total() })
}

/// Where it should go; `complaint` says what is missing.
pub(in crate::demo::storefront) fn checkout(cart: &Cart, name: &str, address: &str, complaint: &str) -> String {
    page("Checkout", cart, Checkout { summary: Summary::of(cart), name, address, complaint })
}

/// The last step; `payment` names this attempt, however often it is sent.
pub(in crate::demo::storefront) fn payment(cart: &Cart, name: &str, payment: &str) -> String {
    page("Payment", cart, Payment { summary: Summary::of(cart), name, payment })
}

/// Confirmation of a paid order.
pub(in crate::demo::storefront) fn order(order: &Order, cart: &Cart) -> String {
    page("Thank you", cart, Confirmation { order, summary: Summary::of(&order.cart) })
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1>Your cart</h1>
{% if lines.is_empty() -%}
<p class="lead">It is empty. <a href="/">Have a look around</a>.</p>
{%- else -%}
<table>{% for line in lines %}
<tr><th><a href="/products/{{ line.product.slug }}">{{ line.product.name }}</a></th>
<td><form class="row" action="/cart" method="post"><input type="hidden" name="product" value="{{ line.product.slug }}"><input type="hidden" name="set" value="1">
<select name="quantity" aria-label="Quantity of {{ line.product.name }}">{% for n in 1..=MOST %}<option{% if n == line.quantity %} selected{% endif %}>{{ n }}</option>{% endfor %}</select>
<button class="quiet">Change</button><button class="quiet" name="remove" value="1">Remove</button></form></td>
<td class="end">{{ line.total() }}</td></tr>
{%- endfor %}
<tr><th>Total</th><td></td><th class="end">{{ total }}</th></tr>
</table>
<p class="row"><a class="button" href="/checkout">Check out</a> <a href="/">Keep looking</a></p>
{%- endif %}"#
)]
struct CartPage<'a> {
    lines: &'a [Line],
    total: Money,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section><h2>Your order</h2>
<table>{% for line in lines %}
<tr><td>{{ line.quantity }} × {{ line.product.name }}</td><td class="end">{{ line.total() }}</td></tr>
{%- endfor %}
<tr><th>Total</th><th class="end">{{ total }}</th></tr>
</table></section>"#
)]
struct Summary<'a> {
    lines: &'a [Line],
    total: Money,
}

impl<'a> Summary<'a> {
    fn of(cart: &'a Cart) -> Self {
        Self { lines: &cart.lines, total: cart.total() }
    }
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1>Where should it go?</h1>
<div class="two">
<form class="panel" action="/checkout" method="post">
{% if !complaint.is_empty() %}<p class="wrong" role="alert">{{ complaint }}</p>{% endif %}
<label>Name <input name="name" autocomplete="name" maxlength="100" required value="{{ name }}"></label>
<label>Address <input name="address" autocomplete="street-address" maxlength="200" required value="{{ address }}"></label>
<button>Continue to payment</button>
</form>
{{ summary|safe }}
</div>"#
)]
struct Checkout<'a> {
    summary: Summary<'a>,
    name: &'a str,
    address: &'a str,
    complaint: &'a str,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1>Almost yours, {{ name }}</h1>
<div class="two">
<form class="panel" action="/pay" method="post">
<input type="hidden" name="payment" value="{{ payment }}">
<label>Pay with <select name="with"><option>Play money</option><option>A kind word</option></select></label>
<button>Pay {{ summary.total }}</button>
</form>
{{ summary|safe }}
</div>"#
)]
struct Payment<'a> {
    summary: Summary<'a>,
    name: &'a str,
    payment: &'a str,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1>Thank you, {{ order.name }}</h1>
<p class="lead">Your order is on its way. Its number is</p>
<p class="number">{{ order.number }}</p>
{{ summary|safe }}
<p><a href="/">Back to the shop</a></p>"#
)]
struct Confirmation<'a> {
    order: &'a Order,
    summary: Summary<'a>,
}
