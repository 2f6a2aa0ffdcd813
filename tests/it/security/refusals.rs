//! The form of what is said instead of an answer.

use super::{code, get};
use crate::harness::{Answer, Origin, Proxy, Wire, h2, origin, tls};

/// A proxy that knows `/shop` only, and lets one request a minute of each client through to it.
async fn limited() -> (Origin, Proxy, tls::Authority) {
    let origin = Origin::saying("hello").await;
    let limit = "[limit.each]\nkey = \"client-ip\"\nrate = \"1/min\"\nburst = 1\n";
    let config = origin.config().replace("origin = \"shop\"", "origin = \"shop\"\nlimits = [\"each\"]") + limit;
    let (proxy, authority) = tls::proxy(&config.replace("/{*rest}", "/shop/{*rest}"));
    (origin, proxy, authority)
}

fn is_a_problem(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-robots-tag"), "noindex");
    assert_eq!(answer.header("x-spillway-reason"), reason);
    let problem = answer.json();
    assert_eq!((&problem["status"], &problem["reason"]), (&status.into(), &reason.into()));
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    assert_ne!(problem["request_id"], "");
    assert_eq!(problem["forwarded"], false);
    assert!(problem["type"].is_string() && problem["title"].is_string() && problem["detail"].is_string());
}

#[tokio::test]
async fn a_program_is_given_a_problem() {
    let (origin, proxy, authority) = limited().await;
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    is_a_problem(&client.send(h2::get("shop.test", "/elsewhere")).await, 404, "request");
    is_a_problem(&client.send(h2::get("other.test", "/shop")).await, 421, "request");
    is_a_problem(&client.send(h2::get("shop.test", "/shop/%00")).await, 400, "request");
    assert_eq!(client.send(h2::get("shop.test", "/shop/a")).await.status, 200);
    let limited = client.send(h2::get("shop.test", "/shop/a")).await;
    is_a_problem(&limited, 429, "limit");
    assert_eq!(limited.json()["route"], "everything");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert!(limited.header("ratelimit").starts_with("\"each\";r=0;t="), "{limited:?}");
    assert!(limited.header("ratelimit-policy").starts_with("\"each\";q="), "{limited:?}");
    assert_eq!(origin.targets(), ["/shop/a"]);
}

#[tokio::test]
async fn html_is_for_who_asks_for_a_document() {
    let (_origin, proxy, authority) = limited().await;
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    for (accept, dest, page) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "document", true),
        ("text/html", "", true),
        ("text/html", "iframe", true),
        ("text/html", "empty", false),
        ("text/html", "image", false),
        ("*/*", "", false),
        ("*/*", "document", false),
        ("application/json", "", false),
        ("text/html;q=0", "", false),
    ] {
        let mut request = h2::get("shop.test", "/elsewhere/%3Cscript%3E");
        request.headers_mut().insert("accept", accept.parse().unwrap());
        if !dest.is_empty() {
            request.headers_mut().insert("sec-fetch-dest", dest.parse().unwrap());
        }
        let answer = client.send(request).await;
        assert_eq!(answer.status, 404);
        let kind = if page { "text/html" } else { "application/problem+json" };
        assert!(answer.header("content-type").starts_with(kind), "{accept} {dest}: {answer:?}");
        assert_eq!(answer.text().contains("<html"), page, "{accept} {dest}");
        assert!(!answer.text().contains("<script"));
        if page {
            assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_head_request_has_no_body() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config().replace("/{*rest}", "/shop"));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say("HEAD / HTTP/1.1\r\nHost: shop.test\r\n\r\n").await;
    assert_eq!(code(&wire.head().await), 404);
    wire.say(get("/shop", "Connection: close\r\n")).await;
    assert!(wire.rest().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn an_origin_that_is_not_there_is_told_apart_from_one_that_fails() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::with(&origin::config(&[gone], ""));
    let answer = proxy.client().get("/").await;
    assert!([502, 503].contains(&answer.status.as_u16()), "{answer:?}");
    assert_eq!(answer.json()["forwarded"], false, "{answer:?}");

    let hangs_up = origin::each_connection(|stream| async move {
        Wire::over(stream).head().await;
    })
    .await;
    let proxy = Proxy::with(&origin::config(&[hangs_up], ""));
    let answer = proxy.client().call("POST", "/", "order").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-spillway-reason")), (502, "origin-error"));
    assert_eq!(answer.json()["forwarded"], true, "{answer:?}");

    let silent = Origin::answering(|_| std::future::pending()).await;
    let proxy = Proxy::with(&silent.config_with("response_timeout = \"300ms\""));
    let answer = proxy.client().get("/").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-spillway-reason")), (504, "origin-timeout"));
    assert_eq!(answer.json()["forwarded"], true, "{answer:?}");
}
