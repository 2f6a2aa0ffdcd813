use http::header::HOST;
use proptest::prelude::*;

use super::{RANDOM, forwarded, forwarded_from, get, h2, ip, request, values};
use crate::edge::hygiene::Connection;
use crate::policy::Client;

fn trusted(ip_text: &str, https: Option<bool>) -> Client {
    Client { ip: ip(ip_text), trusted_peer: true, https }
}

#[test]
fn the_origin_learns_who_asks_for_what() {
    let parts = forwarded_from("192.0.2.1", get("/item/7?q=1", &[("accept", "*/*")]));
    assert_eq!(parts.uri, "/item/7?q=1");
    for (name, value) in [
        ("host", "shop"),
        ("accept", "*/*"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "shop"),
        ("forwarded", "for=192.0.2.1;host=\"shop\";proto=http"),
        ("x-request-id", "0123456789abcdef0123456789abcdef"),
        ("traceparent", "00-0123456789abcdef0123456789abcdef-0000000000000001-00"),
        ("x-spillway-route", "item"),
        ("x-spillway-class", "browse"),
        ("x-spillway-timeout-ms", "2500"),
    ] {
        assert_eq!(values(&parts.headers, name), [value], "{name}");
    }
    assert_eq!(parts.headers.len(), 11);
}

#[test]
fn what_an_untrusted_client_says_of_itself_is_replaced_or_dropped() {
    let lies = [
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "bank.example"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-user", "root"),
        ("x-real-ip", "1.1.1.1"),
        ("forwarded", "for=1.1.1.1"),
        ("x-request-id", "mine"),
        ("x-spillway-class", "checkout"),
        ("x-spillway-anything", "1"),
    ];
    let with = forwarded_from("192.0.2.1", get("/", &lies)).headers;
    let without = forwarded_from("192.0.2.1", get("/", &[])).headers;
    assert_eq!(with, without);
}

#[test]
fn a_trusted_peer_is_believed_and_added_to() {
    let connection = Connection::new(ip("10.0.0.1"), false, None);
    let said = [
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "www.shop.example"),
        ("x-forwarded-port", "443"),
        ("forwarded", "for=198.51.100.7"),
        ("x-request-id", "req-7"),
    ];
    let headers = forwarded(&connection, trusted("198.51.100.7", Some(true)), get("/", &said)).headers;
    for (name, value) in [
        ("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "www.shop.example"),
        ("x-forwarded-port", "443"),
        ("forwarded", "for=198.51.100.7, for=10.0.0.1;host=\"shop\";proto=https"),
        ("x-request-id", "req-7"),
    ] {
        assert_eq!(values(&headers, name), [value], "{name}");
    }
}

#[test]
fn either_list_of_hops_names_the_client_even_if_only_the_other_came() {
    let connection = Connection::new(ip("10.0.0.1"), false, None);
    let client = trusted("2001:db8::7", None);
    let headers = forwarded(&connection, client, get("/", &[("x-forwarded-for", "2001:db8::7")])).headers;
    let forwarded_header = "for=\"[2001:db8::7]\", for=10.0.0.1;host=\"shop\";proto=http";
    assert_eq!(values(&headers, "forwarded"), [forwarded_header]);
    let headers = forwarded(&connection, client, get("/", &[("forwarded", "for=\"[2001:db8::7]\"")])).headers;
    assert_eq!(values(&headers, "x-forwarded-for"), ["2001:db8::7, 10.0.0.1"]);
}

#[test]
fn an_ipv6_peer_is_quoted_where_it_must_be() {
    let parts = forwarded_from("2001:db8::1", request("GET", "/", &[("host", "[::1]:80")]));
    assert_eq!(values(&parts.headers, "x-forwarded-for"), ["2001:db8::1"]);
    assert_eq!(values(&parts.headers, "forwarded"), ["for=\"[2001:db8::1]\";host=\"[::1]:80\";proto=http"]);
    let mapped = forwarded_from("::ffff:192.0.2.1", get("/", &[]));
    assert_eq!(values(&mapped.headers, "x-forwarded-for"), ["192.0.2.1"]);
}

#[test]
fn the_origin_is_sent_what_was_matched() {
    for (sent, arrives) in [
        ("/a//b/../%63?x=/../%2f//", "/a/c?x=/../%2f//"),
        ("/a/", "/a/"),
        ("http://shop/a?b", "/a?b"),
        ("http://shop", "/"),
        ("http://shop?x=1", "/?x=1"),
        ("/a/../?x", "/?x"),
    ] {
        assert_eq!(forwarded_from("192.0.2.1", get(sent, &[])).uri, arrives, "{sent}");
    }
    let options = request("OPTIONS", "*", &[("host", "shop")]);
    assert_eq!(forwarded_from("192.0.2.1", options).uri, "*");
}

#[test]
fn there_is_one_canonical_host() {
    let parts = forwarded_from("192.0.2.1", request("GET", "/", &[("host", "SHOP.example.:080")]));
    assert_eq!(values(&parts.headers, "host"), ["shop.example:80"]);
    assert_eq!(values(&parts.headers, "x-forwarded-host"), ["shop.example:80"]);
    let parts = forwarded_from("192.0.2.1", h2(request("GET", "https://shop/a?b", &[])));
    assert_eq!(parts.uri, "/a?b");
    assert_eq!(values(&parts.headers, HOST.as_str()), ["shop"]);
}

#[test]
fn hop_by_hop_headers_stay_behind() {
    let parts = get(
        "/",
        &[
            (
                "connection",
                "close, X-Hop, x-forwarded-for, cookie, Host, content-type, x-spillway-route, traceparent, keep-alive",
            ),
            ("connection", "x-other"),
            ("x-hop", "1"),
            ("x-other", "1"),
            ("cookie", "a=1"),
            ("content-type", "text/plain"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers, deflate;q=0.5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
            ("expect", "100-continue"),
            ("trailer", "x-checksum"),
            ("x_forwarded_for", "1.1.1.1"),
        ],
    );
    let headers = forwarded_from("192.0.2.1", parts).headers;
    let expected =
        get("/", &[("cookie", "a=1"), ("content-type", "text/plain"), ("te", "trailers"), ("trailer", "x-checksum")]);
    assert_eq!(headers, forwarded_from("192.0.2.1", expected).headers);
}

#[test]
fn transfer_codings_are_between_neighbours() {
    let headers = forwarded_from("192.0.2.1", get("/", &[("te", "gzip")])).headers;
    assert!(!headers.contains_key("te"));
}

#[test]
fn a_websocket_keeps_its_upgrade() {
    let asks = get("/", &[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "x")]);
    let headers = forwarded_from("192.0.2.1", asks).headers;
    assert_eq!(values(&headers, "connection"), ["upgrade"]);
    assert_eq!(values(&headers, "upgrade"), ["websocket"]);
    assert_eq!(values(&headers, "sec-websocket-key"), ["x"]);
}

#[test]
fn cookie_crumbs_become_one_cookie() {
    let crumbs = h2(request("GET", "https://shop/", &[("cookie", "a=1"), ("cookie", "b=2; c=3"), ("cookie", "d=4")]));
    let headers = forwarded_from("192.0.2.1", crumbs).headers;
    assert_eq!(values(&headers, "cookie"), ["a=1; b=2; c=3; d=4"]);
}

#[test]
fn a_valid_trace_goes_on_and_an_invalid_one_is_begun_anew() {
    let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = forwarded_from("192.0.2.1", get("/", &[("traceparent", valid), ("tracestate", "a=1")])).headers;
    assert_eq!(values(&headers, "traceparent"), [valid]);
    assert_eq!(values(&headers, "tracestate"), ["a=1"]);
    for invalid in [&["00-nonsense"][..], &[valid, valid]] {
        let mut sent: Vec<_> = invalid.iter().map(|trace| ("traceparent", *trace)).collect();
        sent.push(("tracestate", "a=1"));
        let headers = forwarded_from("192.0.2.1", get("/", &sent)).headers;
        assert_eq!(values(&headers, "traceparent").len(), 1);
        assert!(
            values(&headers, "traceparent")[0].contains(&format!("{RANDOM:032x}")),
            "trace and request share a name"
        );
        assert!(!headers.contains_key("tracestate"));
    }
}

proptest! {
    #[test]
    fn no_client_can_speak_for_the_proxy(
        headers in proptest::collection::vec((0_usize..9, "[!-~]{0,20}"), 0..8),
        connection in "([a-zA-Z-]{1,17}(, )?){0,4}",
    ) {
        const NAMES: [&str; 9] = [
            "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-spillway-route",
            "x-spillway-class", "x-request-id", "x-forwarded-server", "x_spillway_class",
        ];
        let mut sent: Vec<_> = headers.iter().map(|(name, value)| (NAMES[*name], value.as_str())).collect();
        sent.push(("connection", &connection));
        let arrived = forwarded_from("192.0.2.1", get("/", &sent)).headers;
        prop_assert_eq!(arrived, forwarded_from("192.0.2.1", get("/", &[])).headers);
    }

    #[test]
    fn a_second_proxy_would_match_the_same(path in "(/[a-z.%]{0,4}){1,4}(\\?[a-z/.]{0,5})?") {
        let parts = get(&path, &[]);
        if super::judge(&parts).is_ok() {
            let once = forwarded_from("192.0.2.1", parts);
            prop_assert!(!super::judge(&once).unwrap().is_rewritten());
        }
    }
}
