//! What is too large is refused before it is taken in.

use super::{code, get};
use crate::harness::{Gate, Origin, Proxy, Wire, h2, origin, tls};

#[tokio::test]
async fn a_body_announced_too_large_is_refused_before_it_is_sent() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&(origin.config() + "[client]\nmax_body = \"1KiB\"\n"));
    let head = "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1025\r\n\r\n";
    let answer = proxy.client().raw(head).await;
    assert_eq!(code(&answer), 413, "{answer}");
    assert!(answer.contains("\"forwarded\":false"), "{answer}");
    assert_eq!(origin.targets(), [""; 0]);
    assert_eq!(proxy.client().call("POST", "/", &"a".repeat(1024)).await.status, 200);
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_refused() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&(origin.config() + "[client]\nmax_body = \"1KiB\"\n"));
    let chunk = format!("200\r\n{}\r\n", "a".repeat(512));
    let head = "POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = proxy.client().raw(format!("{head}{}0\r\n\r\n", chunk.repeat(3))).await;
    assert_eq!(code(&answer), 413, "{answer}");
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(format!("{head}{}0\r\n\r\n", chunk.repeat(2))).await;
    assert_eq!(wire.answer().await.1.len(), 1024);
}

#[tokio::test]
async fn a_long_target_is_refused() {
    let origin = Origin::saying("hello").await;
    let config = origin.config() + "[client]\nmax_uri = \"100B\"\n";
    let (proxy, authority) = tls::proxy(&config);
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    assert_eq!(client.send(h2::get("shop.test", &format!("/{}", "a".repeat(100)))).await.status, 414);
    assert_eq!(client.send(h2::get("shop.test", &format!("/?{}", "a".repeat(80)))).await.status, 200);
    let mut wire = authority.h1(proxy.address(), tls::SHOP).await;
    wire.say(get(&format!("/?{}", "a".repeat(100)), "")).await;
    assert_eq!(code(&wire.answer().await.0), 414);
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    let long = format!("A: {}\r\n", "a".repeat(40 << 10));
    let many = "A: b\r\n".repeat(101);
    for lines in [long, many] {
        let answer = proxy.client().raw(get("/", &lines)).await;
        assert_eq!(code(&answer), 431, "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    let fitting = proxy.client().raw(get("/", &format!("{}Connection: close\r\n", "A: b\r\n".repeat(90)))).await;
    assert_eq!(code(&fitting), 200);
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn a_head_of_http2_that_is_too_long_is_refused() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let mut request = h2::get("shop.test", "/");
    for number in 0..40 {
        let name = http::HeaderName::from_bytes(format!("a-{number}").as_bytes()).unwrap();
        request.headers_mut().insert(name, "a".repeat(1000).parse().unwrap());
    }
    assert_eq!(client.send(request).await.status, 431);
    assert_eq!(client.send(h2::get("shop.test", "/")).await.status, 200);
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn an_expectation_nobody_knows_is_refused() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    let answer = proxy.client().raw(get("/", "Expect: a-miracle\r\n")).await;
    assert_eq!(code(&answer), 417, "{answer}");
    assert_eq!(origin.targets(), [""; 0]);
}

#[tokio::test]
async fn there_are_only_so_many_connections_in_all() {
    let (origin, gate) = Gate::origin().await;
    let server = "[server]\nworkers = 1\nstate_dir = \"state\"\nmax_connections = 2\n";
    let proxy = Proxy::with(&(origin.config() + server));
    let (mut one, mut two) = (Wire::to(proxy.client()).await, Wire::to(proxy.client()).await);
    for wire in [&mut one, &mut two] {
        wire.say(get("/", "")).await;
    }
    origin.sees(2).await;
    let close = get("/third", "Connection: close\r\n");
    assert_eq!(code(&proxy.client().raw(&close).await), 503);
    assert_eq!(origin.targets(), ["/", "/"]);
    gate.lets_go(10);
    for wire in [&mut one, &mut two] {
        assert_eq!(code(&wire.answer().await.0), 200);
    }
    drop(one);
    let served = async { while code(&proxy.client().raw(&close).await) != 200 {} };
    tokio::time::timeout(crate::harness::PATIENCE, served).await.expect("a place for another");
}

#[tokio::test]
async fn one_client_has_only_so_many_connections() {
    let origin = Origin::saying("hello").await;
    let server = "[server]\nworkers = 2\nstate_dir = \"state\"\nmax_connections_per_client = 2\n";
    let proxy = Proxy::with(&(origin.config() + server));
    let (mut one, mut two) = (Wire::to(proxy.client()).await, Wire::to(proxy.client()).await);
    for wire in [&mut one, &mut two] {
        wire.say(get("/", "")).await;
        assert_eq!(code(&wire.answer().await.0), 200);
    }
    assert_eq!(Wire::to(proxy.client()).await.rest().await, "");
    one.say(get("/", "Connection: close\r\n")).await;
    assert_eq!(code(&one.rest().await), 200);
    two.say(get("/", "")).await;
    assert_eq!(code(&two.answer().await.0), 200);
    let again = proxy.client().raw(get("/", "Connection: close\r\n")).await;
    assert_eq!(code(&again), 200);
}
