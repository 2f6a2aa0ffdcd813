//! Who takes too long is not waited for.

use std::time::Duration;

use super::{code, get};
use crate::harness::{Origin, PATIENCE, Proxy, Wire, h2, origin, tls};

const SHORT: &str = "[client]\nheader_timeout = \"1s\"\nidle_timeout = \"1s\"\nbody_timeout = \"1s\"\n";

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&(origin.config() + SHORT));
    let answer = authority.h1(proxy.address(), tls::SHOP).await.rest().await;
    assert!(answer.is_empty() || code(&answer) == 408, "{answer}");
    let mut silent = authority.h2_bytes(proxy.address(), tls::SHOP).await;
    crate::harness::frames::hear_all(&mut silent).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let origin = Origin::saying("hello").await;
    let (proxy, _authority) = tls::proxy(&origin.config());
    assert_eq!(Wire::to(proxy.client()).await.rest().await, "");
    assert!((proxy.metric("spillway_tls_handshakes_total{").await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_kept_connection_without_a_request_is_closed() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&(origin.config() + SHORT));
    let mut wire = authority.h1(proxy.address(), tls::SHOP).await;
    wire.say(get("/", "")).await;
    assert_eq!(code(&wire.answer().await.0), 200);
    assert_eq!(wire.rest().await, "");
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    assert_eq!(client.send(h2::get("shop.test", "/")).await.status, 200);
    client.ends().await;
}

#[tokio::test]
async fn a_head_that_trickles_is_timed_out() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&(origin.config() + SHORT));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say("GET / HTTP/1.1\r\nHost: shop.test\r\n").await;
    let answer = wire.rest().await;
    assert_eq!(code(&answer), 408, "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_eq!(origin.targets(), [""; 0]);
}

#[tokio::test]
async fn a_head_of_http2_that_never_ends_is_not_waited_for() {
    use crate::harness::frames::{END_STREAM, HEADERS, frame, get, hear_all, hello};
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&(origin.config() + SHORT));
    let mut stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
    let begun = [hello(), frame(HEADERS, END_STREAM, 1, &get(tls::SHOP))].concat();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &begun).await.unwrap();
    hear_all(&mut stream).await;
    assert_eq!(origin.targets(), [""; 0]);
}

#[tokio::test]
async fn a_body_that_stalls_is_timed_out() {
    let origin = Origin::answering(origin::echo).await;
    let (proxy, authority) = tls::proxy(&(origin.config() + SHORT));
    let mut wire = authority.h1(proxy.address(), tls::SHOP).await;
    wire.say("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 10\r\n\r\n12345").await;
    let answer = wire.rest().await;
    assert_eq!(code(&answer), 408, "{answer}");
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let request = http::Request::post("https://shop.test/").body(()).unwrap();
    let (answer, mut body) = client.begin(request, false).await.unwrap();
    body.send_data("12345".into(), false).unwrap();
    assert_eq!(answer.await.unwrap().status(), 408);
}

#[tokio::test]
async fn a_body_that_trickles_is_timed_out() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&(origin.config() + "[client]\nleast_body_rate = \"1KiB\"\n"));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000\r\n\r\n").await;
    let trickle = async {
        loop {
            wire.say("a").await;
            if let Ok(answer) = tokio::time::timeout(Duration::from_millis(300), wire.head()).await {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, trickle).await.expect("an end");
    assert_eq!(code(&answer), 408, "{answer}");
}

/// An origin with one seat whose answer to `/large` is more than all buffers on the way hold.
async fn one_seat() -> (Origin, String) {
    let origin = Origin::answering(|request| async move {
        if request.uri().path() == "/large" { origin::answer(vec![b'a'; 64 << 20]) } else { origin::answer("hello") }
    })
    .await;
    let config = origin.config_with("capacity = { mode = \"fixed\", limit = 1 }") + SHORT;
    // Long enough that only a seat that is never freed is not waited for.
    let config = config.replace("name = \"browse\"", "name = \"browse\"\nmax_wait = \"20s\"");
    (origin, config)
}

#[tokio::test]
async fn a_reader_that_stalls_gives_its_seat_up() {
    let (_origin, config) = one_seat().await;
    let proxy = Proxy::with(&config);
    let mut stalled = Wire::to(proxy.client()).await;
    stalled.say(get("/large", "")).await;
    assert_eq!(code(&stalled.head().await), 200);
    assert_eq!(proxy.client().get("/").await.text(), "hello");
    assert!(stalled.rest().await.len() < 64 << 20);
}

#[tokio::test]
async fn a_reader_of_http2_that_stalls_gives_its_seat_up_and_keeps_its_connection() {
    let (_origin, config) = one_seat().await;
    let (proxy, authority) = tls::proxy(&config);
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let (answer, _) = client.begin(h2::get("shop.test", "/large"), true).await.unwrap();
    let mut stalled = answer.await.unwrap().into_body();
    let mut other = authority.h2(proxy.address(), tls::SHOP).await;
    assert_eq!(other.send(h2::get("shop.test", "/")).await.text(), "hello");
    // What had been sent before is still read, but the window is not opened for more of it.
    let end = loop {
        let data = tokio::time::timeout(PATIENCE, stalled.data()).await.expect("the stream is reset");
        if let Err(error) = data.expect("an answer broken off, not ended") {
            break error;
        }
    };
    assert!(end.is_reset(), "{end}");
    drop(stalled);
    assert_eq!(client.send(h2::get("shop.test", "/")).await.text(), "hello");
}
