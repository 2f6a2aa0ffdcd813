//! What of a request's head reaches the origin, and what cannot be forged or named away.

use super::{code, get};
use crate::harness::{Origin, Proxy, Wire, tls};

/// Sends a `GET` with these lines, and gives what the origin saw.
async fn seen(lines: &str) -> crate::harness::Seen {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    let answer = proxy.client().raw(get("/", &format!("{lines}Connection: close\r\n"))).await;
    assert_eq!(code(&answer), 200, "{answer}");
    origin.last()
}

#[tokio::test]
async fn names_with_underscores_are_dropped() {
    let seen = seen("X_Forwarded_For: 1.2.3.4\r\nContent_Length: 5\r\nA_b: c\r\nA-b: d\r\n").await;
    assert_eq!(seen.header("a-b"), "d");
    assert!(!seen.headers.keys().any(|name| name.as_str().contains('_')), "{seen:?}");
}

#[tokio::test]
async fn a_client_cannot_have_our_headers_removed() {
    let named = "X-Forwarded-For, X-Forwarded-Proto, X-Spillway-Route, Host, Cookie, Authorization, X-Request-Id";
    let seen = seen(&format!("Connection: {named}, A\r\nCookie: a=b\r\nAuthorization: c\r\nA: b\r\n")).await;
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "http");
    assert_eq!(seen.header("x-spillway-route"), "everything");
    assert_eq!(seen.header("host"), "shop.test");
    assert_eq!((seen.header("cookie"), seen.header("authorization")), ("a=b", "c"));
    assert_eq!(seen.header("x-request-id").len(), 32);
    assert_eq!(seen.header("a"), "");
}

#[tokio::test]
async fn a_client_cannot_speak_for_the_proxy() {
    let lies = ["Route", "Class", "Anything", "Timeout-Ms"].map(|name| format!("X-Spillway-{name}: vip\r\n"));
    let seen = seen(&lies.concat()).await;
    assert_eq!((seen.header("x-spillway-route"), seen.header("x-spillway-class")), ("everything", "browse"));
    assert_eq!((seen.header("x-spillway-anything"), seen.header("x-spillway-timeout-ms")), ("", "10000"));
    assert_eq!(seen.headers.get_all("x-spillway-class").iter().count(), 1);
}

#[tokio::test]
async fn a_client_cannot_forge_where_it_comes_from() {
    let seen = seen(
        "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: other.test\r\n\
         X-Forwarded-Port: 1\r\nX-Real-Ip: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Request-Id: mine\r\n",
    )
    .await;
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "http");
    assert_eq!(seen.header("x-forwarded-host"), "shop.test");
    assert_eq!(seen.header("forwarded"), "for=127.0.0.1;host=\"shop.test\";proto=http");
    assert_eq!((seen.header("x-forwarded-port"), seen.header("x-real-ip")), ("", ""));
    assert_ne!(seen.header("x-request-id"), "mine");
}

#[tokio::test]
async fn hop_by_hop_headers_end_here() {
    let seen = seen("Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nProxy-Authorization: a\r\nTE: gzip\r\n").await;
    for name in ["keep-alive", "proxy-connection", "proxy-authorization", "te", "connection", "transfer-encoding"] {
        assert_eq!(seen.header(name), "", "{name}");
    }
}

#[tokio::test]
async fn an_upgrade_to_http2_is_not_offered_to_the_origin() {
    let seen =
        seen("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n").await;
    assert_eq!((seen.header("upgrade"), seen.header("http2-settings"), seen.header("connection")), ("", "", ""));
}

#[tokio::test]
async fn http2_without_tls_is_refused() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    // Closed without a word: no answer of HTTP/1 would be understood.
    assert_eq!(proxy.client().raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "");
    assert_eq!(origin.targets(), [""; 0]);
}

#[tokio::test]
async fn an_origin_that_switches_protocols_unasked_opens_no_tunnel() {
    let address = crate::harness::origin::each_connection(|stream| async move {
        let mut wire = Wire::over(stream);
        wire.head().await;
        wire.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nsecret").await;
        wire.rest().await;
    })
    .await;
    let proxy = Proxy::with(&crate::harness::origin::config(&[address], ""));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(get("/", "Connection: upgrade\r\nUpgrade: h2c\r\n")).await;
    let (head, body) = wire.answer().await;
    assert_eq!(code(&head), 502);
    assert!(!body.contains("secret"));
}

#[tokio::test]
async fn cookie_crumbs_of_http2_are_joined() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let request = http::Request::get("https://shop.test/").header("cookie", "a=1").header("cookie", "b=2");
    let request = request.header("cookie", "c=3").body(()).unwrap();
    assert_eq!(client.send(request).await.status, 200);
    let cookies: Vec<_> = origin.last().headers.get_all("cookie").iter().cloned().collect();
    assert_eq!(cookies, ["a=1; b=2; c=3"]);
}

#[tokio::test]
async fn what_the_origin_tells_the_proxy_stays_with_the_proxy() {
    let origin = Origin::answering(|_| async {
        let mut answer = crate::harness::origin::answer("hello");
        for name in ["x-spillway-session", "x-spillway-room", "endpoint-load-metrics", "keep-alive", "x-own"] {
            answer.headers_mut().insert(name, "value".parse().unwrap());
        }
        answer
    })
    .await;
    let proxy = Proxy::with(&origin.config());
    let answer = proxy.client().get("/").await;
    assert_eq!(answer.header("x-own"), "value");
    for name in ["x-spillway-session", "x-spillway-room", "endpoint-load-metrics", "keep-alive"] {
        assert_eq!(answer.header(name), "", "{name}");
    }
}
