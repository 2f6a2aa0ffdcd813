//! Who is given a place, and what the others are told.

use http::HeaderValue;
use serde_json::Value;

use super::{behind, comes_in, is_waiting_page, small};
use crate::harness::client::request;
use crate::harness::{Answer, Proxy, Shopper, Wire};

/// A room that is full.
async fn full() -> (crate::harness::Origin, Proxy) {
    let (origin, proxy) = behind(&small(1)).await;
    comes_in(&Shopper::at(&proxy), "/").await;
    (origin, proxy)
}

fn is_problem(answer: &Answer) -> bool {
    answer.status == 503
        && answer.header("content-type") == "application/problem+json"
        && answer.header("x-spillway-waiting") == "1"
        && answer.header("set-cookie").is_empty()
}

#[tokio::test]
async fn a_browser_gets_the_page_and_a_place() {
    let (_origin, proxy) = full().await;
    let page = Shopper::at(&proxy).visits("/item?size=40").await;
    assert!(is_waiting_page(&page), "{page:?}");
    for (name, expected) in [
        ("x-spillway-reason", "waiting-room"),
        ("cache-control", "no-store"),
        ("x-robots-tag", "noindex"),
        ("content-language", "en"),
    ] {
        assert_eq!(page.header(name), expected, "{name}");
    }
    assert!(page.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(page.header("x-request-id").len(), 32);
    assert!(!page.header("content-security-policy").is_empty());
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("spillway-room-sale="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn everything_else_gets_a_problem_with_the_queue_and_no_place() {
    let (origin, proxy) = full().await;
    let shopper = Shopper::at(&proxy);
    for answer in [
        shopper.calls("GET", "/api").await,
        shopper.calls("POST", "/cart").await,
        shopper.calls("HEAD", "/api").await,
        shopper.loads("/logo.png").await,
        proxy.client().get("/feed").await,
    ] {
        assert!(is_problem(&answer), "{answer:?}");
        assert_eq!(answer.header("x-spillway-reason"), "waiting-room");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    let problem = shopper.calls("GET", "/api").await.json();
    assert_eq!((&problem["status"], &problem["reason"]), (&503.into(), &"waiting-room".into()));
    assert_eq!((&problem["route"], &problem["forwarded"]), (&"everything".into(), &false.into()));
    assert_eq!((&problem["queue"]["state"], &problem["queue"]["position"]), (&"waiting".into(), &Value::Null));
    assert_eq!(shopper.cookies(), "");
    assert_eq!(origin.seen().len(), 1);
    let waiting = "spillway_requests_total{route=\"everything\",outcome=\"waiting\",code=\"503\"}";
    proxy.shows(waiting, 6.0).await;
}

#[tokio::test]
async fn a_browser_that_sends_a_form_or_looks_ahead_gets_no_place() {
    let (origin, proxy) = full().await;
    let shopper = Shopper::at(&proxy);
    let form = shopper.submits("/cart").await;
    assert!(is_waiting_page(&form), "{form:?}");
    let frame = shopper.sends("iframe", page("GET", &[])).await;
    assert_eq!(frame.header("x-spillway-waiting"), "1");
    let head = shopper.sends("document", request("HEAD", "/", "")).await;
    assert!(is_waiting_page(&head) && head.body.is_empty(), "{head:?}");
    assert!(head.header("content-length").parse::<u64>().unwrap() > 0);
    for (name, value) in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")] {
        let prefetch = shopper.sends("document", page("GET", &[(name, value)])).await;
        assert!(is_problem(&prefetch), "{prefetch:?}");
    }
    assert_eq!(shopper.cookies(), "");
    assert_eq!(origin.seen().len(), 1);
}

fn page(method: &str, headers: &[(&'static str, &str)]) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    let mut request = request(method, "/", "");
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    request
}

#[tokio::test]
async fn whoever_waits_is_told_so_whatever_they_ask_for() {
    let (_origin, proxy) = full().await;
    let shopper = Shopper::at(&proxy);
    shopper.visits("/").await;
    let form = shopper.submits("/cart").await;
    assert!(is_waiting_page(&form) && form.text().contains("has not reached the shop"), "{form:?}");
    let problem = shopper.calls("POST", "/cart").await;
    assert_eq!(problem.json()["queue"]["position"], 1);
    assert_eq!(shopper.loads("/logo.png").await.json()["queue"]["state"], "waiting");
}

#[tokio::test]
async fn a_body_is_not_waited_for() {
    let (_origin, proxy) = full().await;
    let mut wire = Wire::to(proxy.client()).await;
    wire.say("POST /cart HTTP/1.1\r\nhost: shop\r\ncontent-length: 1000000\r\n\r\n").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 503 "));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say("POST /cart HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("connection: close"), "{head}");
}

#[tokio::test]
async fn tabs_share_a_place_and_a_reload_keeps_it() {
    let (_origin, proxy) = full().await;
    let [shopper, other] = std::array::from_fn(|_| Shopper::at(&proxy));
    shopper.visits("/").await;
    let ticket = shopper.holds("sale");
    assert_eq!(shopper.stands("sale").await["position"], 1);
    other.visits("/").await;
    assert_eq!(other.stands("sale").await["position"], 2);
    for path in ["/", "/item", "/item?size=40"] {
        let page = shopper.visits(path).await;
        assert!(is_waiting_page(&page) && page.header("set-cookie").is_empty(), "{page:?}");
    }
    assert_eq!(shopper.holds("sale"), ticket);
    assert_eq!(shopper.stands("sale").await["position"], 1);
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 2.0).await;
}

#[tokio::test]
async fn a_browser_without_cookies_burns_no_place_and_is_told() {
    let (_origin, proxy) = full().await;
    let stubborn = Shopper::without_cookies(&proxy);
    for _ in 0..5 {
        assert!(is_waiting_page(&stubborn.visits("/item").await));
        let status = stubborn.asks("sale").await;
        assert_eq!(status.status, 404, "the page's script hears that there is no place");
        assert_eq!(status.json()["queue"]["position"], Value::Null);
    }
    let page = stubborn.visits("/.spillway/room/sale/wait?to=/item").await;
    assert!(is_waiting_page(&page) && page.header("set-cookie").is_empty(), "{page:?}");
    let honest = Shopper::at(&proxy);
    honest.visits("/").await;
    assert_eq!(honest.stands("sale").await["position"], 1, "nobody is ahead");
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 1.0).await;
}

#[tokio::test]
async fn the_page_is_in_the_language_of_its_reader() {
    let (_origin, proxy) = full().await;
    for (asked, given) in [("ja", "ja"), ("zh-TW,zh;q=0.9", "zh-Hant"), ("fr", "en")] {
        let page = Shopper::at(&proxy).with("accept-language", asked).visits("/").await;
        assert_eq!(page.header("content-language"), given, "{asked}");
        assert!(page.text().contains(&format!("lang=\"{given}\"")));
    }
}
