//! What the origin is told of the client.

use super::{code, get};
use crate::harness::{Origin, Proxy, Seen, tls};

/// What the origin sees of a `GET` with these lines, sent by a proxy that is believed.
async fn seen_of_trusted(lines: &str) -> Seen {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&(origin.config() + "[client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n"));
    let answer = proxy.client().raw(get("/", &format!("{lines}Connection: close\r\n"))).await;
    assert_eq!(code(&answer), 200, "{answer}");
    origin.last()
}

#[tokio::test]
async fn the_origin_learns_who_asks_how_and_for_what() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    assert_eq!(client.send(crate::harness::h2::get("shop.test:443", "/")).await.status, 200);
    let seen = origin.last();
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "https");
    assert_eq!(seen.header("x-forwarded-host"), "shop.test:443");
    assert_eq!(seen.header("forwarded"), "for=127.0.0.1;host=\"shop.test:443\";proto=https");
    assert_eq!((seen.header("x-spillway-route"), seen.header("x-spillway-class")), ("everything", "browse"));
    assert_eq!(seen.header("x-spillway-timeout-ms"), "10000");
    assert_eq!(seen.header("x-request-id").len(), 32);
    let trace = regex::Regex::new("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$").unwrap();
    assert!(trace.is_match(seen.header("traceparent")), "{seen:?}");
}

#[tokio::test]
async fn each_request_has_a_name_of_its_own() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    for _ in 0..20 {
        proxy.client().get("/").await;
    }
    let names: std::collections::HashSet<_> =
        origin.seen().iter().map(|seen| seen.header("x-request-id").to_owned()).collect();
    assert_eq!(names.len(), 20);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_added_to() {
    let seen = seen_of_trusted(
        "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: front.test\r\nX-Forwarded-Port: 443\r\nForwarded: for=192.0.2.7\r\nX-Request-Id: mine-1\r\n",
    )
    .await;
    assert_eq!(seen.header("x-forwarded-for"), "192.0.2.7, 198.51.100.1, 127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "https");
    assert_eq!((seen.header("x-forwarded-host"), seen.header("x-forwarded-port")), ("front.test", "443"));
    assert_eq!(seen.header("forwarded"), "for=192.0.2.7, for=127.0.0.1;host=\"shop.test\";proto=https");
    assert_eq!(seen.header("x-request-id"), "mine-1");
}

#[tokio::test]
async fn the_client_of_a_trusted_proxy_is_the_rightmost_it_does_not_vouch_for() {
    let origin = Origin::saying("hello").await;
    let limit = "[limit.each]\nkey = \"client-ip\"\nrate = \"1/min\"\nburst = 1\n\
                 [client]\ntrusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n";
    let config = origin.config().replace("origin = \"shop\"", "origin = \"shop\"\nlimits = [\"each\"]") + limit;
    let proxy = Proxy::with(&config);
    for (hops, expected) in [
        ("192.0.2.7", 200),
        ("192.0.2.7", 429),
        // What stands left of it was said by the client itself.
        ("203.0.113.1, 192.0.2.7, 10.1.2.3", 429),
        ("192.0.2.7, 192.0.2.8", 200),
        ("192.0.2.7, 192.0.2.8, 10.0.0.1", 429),
    ] {
        let lines = format!("X-Forwarded-For: {hops}\r\nConnection: close\r\n");
        assert_eq!(code(&proxy.client().raw(get("/", &lines)).await), expected, "{hops}");
    }
}

#[tokio::test]
async fn a_trace_goes_on_and_a_broken_one_begins_anew() {
    let whole = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let seen = seen_of_trusted(&format!("traceparent: {whole}\r\ntracestate: a=b\r\n")).await;
    assert_eq!((seen.header("traceparent"), seen.header("tracestate")), (whole, "a=b"));
    let seen = seen_of_trusted("traceparent: 00-broken\r\ntracestate: a=b\r\n").await;
    assert_eq!((seen.header("traceparent").len(), seen.header("tracestate")), (whole.len(), ""));
}
