//! Which request gets which page.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::cart::{self, Cart};
use super::catalogue::{self, HOT, Product};
use super::orders::{OrderBook, random_text};
use super::{form, pages};
use crate::demo::page::Page;
use crate::demo::station::{Done, LiveStation};

/// What the shop answers with.
pub(super) type Answer = Response<Full<Bytes>>;

/// Where delivery goes, in a cookie.
const DELIVERY: &str = "delivery";

/// Longest form that is read.
const LONGEST_FORM: usize = 16 * 1024;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The shop behind all connections.
pub(super) struct Shop {
    station: LiveStation,
    orders: RefCell<OrderBook>,
    paid: Arc<AtomicU64>,
}

/// A request for a page that exists.
struct Visit {
    page: Page,
    /// The last part of its path.
    name: String,
    query: String,
    cart: Cart,
    delivery: Option<Delivery>,
}

impl Visit {
    /// Whether it looks at, or takes, the product that everybody may want.
    fn is_hot(&self, form: &str) -> bool {
        match self.page {
            Page::Product => self.name == HOT,
            Page::ChangeCart => form::field(form, "product").is_some_and(|slug| slug == HOT),
            _ => false,
        }
    }
}

/// Who gets it, and where.
struct Delivery {
    name: String,
    address: String,
}

impl Shop {
    pub(super) fn new(station: LiveStation, paid: Arc<AtomicU64>) -> Self {
        Self { station, orders: RefCell::default(), paid }
    }

    /// Answers one request, after the station has done its part.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        if path == "/healthz" {
            return text(StatusCode::OK, "ok\n");
        }
        let Some(page) = page_at(&head.method, path) else {
            return html(StatusCode::NOT_FOUND, pages::missing(&cart_of(&head.headers)));
        };
        let Ok(body) = Limited::new(body, LONGEST_FORM).collect().await else {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "That form is too long.\n");
        };
        let form = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let visit = Visit {
            page,
            name: path.rsplit('/').next().unwrap_or_default().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            cart: cart_of(&head.headers),
            delivery: cookie(&head.headers, DELIVERY).and_then(|cookie| Delivery::parse(&cookie)),
        };
        match self.station.run(page.work(), page.class(), visit.is_hot(&form)).await {
            Done::Finished => self.show(&visit, &form),
            Done::Rejected => text(StatusCode::SERVICE_UNAVAILABLE, "Too busy.\n"),
        }
    }

    fn show(&self, visit: &Visit, form: &str) -> Answer {
        let cart = &visit.cart;
        match visit.page {
            Page::Home => found(pages::home(cart)),
            Page::Product => about(&visit.name, cart, |product| pages::product(product, cart)),
            Page::Recommendations => {
                let product = form::field(&visit.query, "for").unwrap_or_default();
                about(&product, cart, |product| pages::recommendations(catalogue::related(product)))
            }
            Page::Search => {
                let query = form::field(&visit.query, "q").unwrap_or_default();
                found(pages::results(query.trim(), catalogue::search(&query), cart))
            }
            Page::ChangeCart => change_cart(cart.clone(), form),
            Page::Cart => found(pages::cart(cart)),
            Page::Checkout => checkout(visit),
            Page::Deliver => deliver(cart, form),
            Page::Payment => payment(visit),
            Page::Pay => self.pay(visit, form),
            Page::Order => match self.orders.borrow().get(&visit.name) {
                Some(order) => found(pages::order(order, cart)),
                None => html(StatusCode::NOT_FOUND, pages::missing(cart)),
            },
        }
    }

    fn pay(&self, visit: &Visit, form: &str) -> Answer {
        let payment = form::field(form, "payment").unwrap_or_default();
        let mut orders = self.orders.borrow_mut();
        // Sent again, perhaps because the first answer was lost; the cart may be empty by now.
        if let Some(order) = orders.paid_by(&payment) {
            return confirmed(&order.number);
        }
        let Some(delivery) = &visit.delivery else {
            return see("/checkout");
        };
        if visit.cart.is_empty() || payment.is_empty() {
            return see("/pay");
        }
        let (number, new) = orders.place(&payment, delivery.name.clone(), visit.cart.clone());
        self.paid.fetch_add(u64::from(new), Ordering::Relaxed);
        confirmed(&number)
    }
}

fn page_at(method: &Method, path: &str) -> Option<Page> {
    let get = matches!(*method, Method::GET | Method::HEAD);
    let post = *method == Method::POST;
    match path {
        "/" if get => Some(Page::Home),
        "/search" if get => Some(Page::Search),
        "/recommendations" if get => Some(Page::Recommendations),
        "/cart" if get => Some(Page::Cart),
        "/cart" if post => Some(Page::ChangeCart),
        "/checkout" if get => Some(Page::Checkout),
        "/checkout" if post => Some(Page::Deliver),
        "/pay" if get => Some(Page::Payment),
        "/pay" if post => Some(Page::Pay),
        _ if get && path.starts_with("/products/") => Some(Page::Product),
        _ if get && path.starts_with("/orders/") => Some(Page::Order),
        _ => None,
    }
}

fn about(slug: &str, cart: &Cart, show: impl FnOnce(&'static Product) -> String) -> Answer {
    match catalogue::product(slug) {
        Some(product) => found(show(product)),
        None => html(StatusCode::NOT_FOUND, pages::missing(cart)),
    }
}

fn change_cart(mut cart: Cart, form: &str) -> Answer {
    let slug = form::field(form, "product").unwrap_or_default();
    let Some(product) = catalogue::product(&slug) else {
        return html(StatusCode::NOT_FOUND, pages::missing(&cart));
    };
    let quantity = form::field(form, "quantity").and_then(|text| text.parse().ok()).unwrap_or(1);
    if form::field(form, "remove").is_some() {
        cart.set(product, 0);
    } else if form::field(form, "set").is_some() {
        cart.set(product, quantity);
    } else {
        cart.add(product, quantity);
    }
    with_cookie(see("/cart"), cart::COOKIE, &cart.to_string())
}

fn checkout(visit: &Visit) -> Answer {
    if visit.cart.is_empty() {
        return see("/cart");
    }
    let (name, address) = visit.delivery.as_ref().map_or(("", ""), |known| (&known.name, &known.address));
    found(pages::checkout(&visit.cart, name, address, ""))
}

fn deliver(cart: &Cart, form: &str) -> Answer {
    let field = |name| form::field(form, name).unwrap_or_default();
    let (name, address) = (field("name"), field("address"));
    match Delivery::new(&name, &address) {
        Some(delivery) => with_cookie(see("/pay"), DELIVERY, &delivery.cookie()),
        None => {
            let complaint = "We need a name and an address, and not longer than fits on a parcel.";
            html(StatusCode::UNPROCESSABLE_ENTITY, pages::checkout(cart, &name, &address, complaint))
        }
    }
}

fn payment(visit: &Visit) -> Answer {
    match &visit.delivery {
        _ if visit.cart.is_empty() => see("/cart"),
        None => see("/checkout"),
        Some(delivery) => found(pages::payment(&visit.cart, &delivery.name, &random_text(16))),
    }
}

fn confirmed(number: &str) -> Answer {
    with_cookie(see(&format!("/orders/{number}")), cart::COOKIE, "")
}

impl Delivery {
    fn new(name: &str, address: &str) -> Option<Self> {
        let (name, address) = (name.trim(), address.trim());
        let fits = (1..=100).contains(&name.chars().count()) && (1..=200).contains(&address.chars().count());
        fits.then(|| Self { name: name.to_owned(), address: address.to_owned() })
    }

    fn parse(cookie: &str) -> Option<Self> {
        let (name, address) = cookie.split_once('\n')?;
        Self::new(name, address)
    }

    fn cookie(&self) -> String {
        let text = format!("{}\n{}", self.name.replace('\n', " "), self.address);
        utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
    }
}

fn cart_of(headers: &HeaderMap) -> Cart {
    cookie(headers, cart::COOKIE).map(|cookie| Cart::parse(&cookie)).unwrap_or_default()
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|text| form::cookie(text, name))
}

fn found(page: String) -> Answer {
    html(StatusCode::OK, page)
}

fn html(status: StatusCode, page: String) -> Answer {
    let mut answer = Answer::new(Full::new(Bytes::from(page)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn text(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Answer::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

fn see(path: &str) -> Answer {
    let mut answer = Answer::new(Full::default());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = HeaderValue::from_str(path) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

fn with_cookie(mut answer: Answer, name: &str, value: &str) -> Answer {
    let lifetime = if value.is_empty() { "; Max-Age=0" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{lifetime}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}
