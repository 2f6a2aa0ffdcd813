//! Clients that leave, and clients that are refused before they have sent all.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{code, get};
use crate::harness::{Origin, Proxy, Wire, h2, origin, tls};

/// An origin with one seat that answers `/slow` when the gate lets it, and a route whose requests wait long for that
/// seat.
async fn one_seat() -> (Origin, Arc<Semaphore>, String) {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let origin = Origin::answering(move |request| {
        let opened = Arc::clone(&opened);
        async move {
            if request.uri().path() == "/slow" {
                opened.acquire().await.unwrap().forget();
            }
            origin::answer("hello")
        }
    })
    .await;
    let patient = r#"
[[class]]
name = "patient"
max_wait = "20s"
[[route]]
name = "patient"
path = "/patient"
class = "patient"
origin = "shop"
"#;
    let config = origin.config_with("capacity = { mode = \"fixed\", limit = 1 }") + patient;
    (origin, gate, config)
}

#[tokio::test]
async fn a_client_that_leaves_takes_no_seat_from_the_work_it_began() {
    let (origin, gate, config) = one_seat().await;
    let proxy = Proxy::with(&config);
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(get("/slow", "")).await;
    origin.sees(1).await;
    drop(wire);
    // The origin is still at work on it, so there is no seat for anybody else.
    assert_eq!(proxy.client().get("/").await.header("x-spillway-reason"), "wait");
    assert_eq!(origin.targets(), ["/slow"]);
    gate.add_permits(1);
    assert_eq!(proxy.client().get("/patient").await.text(), "hello");
}

#[tokio::test]
async fn a_stream_that_is_reset_takes_no_seat_from_the_work_it_began() {
    let (origin, gate, config) = one_seat().await;
    let (proxy, authority) = tls::proxy(&config);
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let (answer, mut stream) = client.begin(h2::get("shop.test", "/slow"), true).await.unwrap();
    origin.sees(1).await;
    stream.send_reset(::h2::Reason::CANCEL);
    drop(answer);
    assert_eq!(client.send(h2::get("shop.test", "/")).await.header("x-spillway-reason"), "wait");
    assert_eq!(origin.targets(), ["/slow"]);
    gate.add_permits(1);
    assert_eq!(client.send(h2::get("shop.test", "/patient")).await.text(), "hello");
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_in_line_up() {
    let (origin, gate, config) = one_seat().await;
    let proxy = Proxy::with(&config.replace("max_wait = \"20s\"", "max_wait = \"20s\"\nmax_waiting = 1"));
    let mut slow = Wire::to(proxy.client()).await;
    slow.say(get("/slow", "")).await;
    origin.sees(1).await;
    let mut first = Wire::to(proxy.client()).await;
    first.say(get("/patient?first", "")).await;
    proxy.shows("spillway_seat_waiting{class=\"patient\"", 1.0).await;
    assert_eq!(proxy.client().get("/patient").await.header("x-spillway-reason"), "capacity");
    drop(first);
    proxy.shows("spillway_seat_waiting{class=\"patient\"", 0.0).await;
    let mut second = Wire::to(proxy.client()).await;
    second.say(get("/patient?second", "")).await;
    proxy.shows("spillway_seat_waiting{class=\"patient\"", 1.0).await;
    gate.add_permits(1);
    assert_eq!(slow.answer().await.1, "hello");
    assert_eq!(second.answer().await.1, "hello");
    assert_eq!(origin.targets(), ["/slow", "/patient?second"]);
}

#[tokio::test]
async fn a_kept_connection_without_a_request_does_not_hold_the_proxy_up() {
    let origin = Origin::saying("hello").await;
    let server = "[server]\nworkers = 2\nstate_dir = \"state\"\ndrain_timeout = \"5m\"\n";
    let mut proxy = Proxy::with(&(origin.config() + server));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(get("/", "")).await;
    assert_eq!(code(&wire.answer().await.0), 200);
    proxy.signal(rustix::process::Signal::TERM);
    assert!(proxy.ends().success());
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_post_is_refused_before_its_body_is_read() {
    let (origin, gate, config) = one_seat().await;
    let proxy = Proxy::with(&config);
    let mut slow = Wire::to(proxy.client()).await;
    slow.say(get("/slow", "")).await;
    origin.sees(1).await;
    for expect in ["", "Expect: 100-continue\r\n"] {
        let mut wire = Wire::to(proxy.client()).await;
        wire.say(format!("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000\r\n{expect}\r\n")).await;
        let (head, body) = wire.answer().await;
        assert_eq!(code(&head), 503, "{head}");
        assert!(body.contains("\"forwarded\":false"), "{body}");
    }
    assert_eq!(origin.targets(), ["/slow"]);
    gate.add_permits(1);
    assert_eq!(slow.answer().await.1, "hello");
}

#[tokio::test]
async fn a_post_over_http2_is_refused_before_its_body_is_read() {
    let (origin, gate, config) = one_seat().await;
    let (proxy, authority) = tls::proxy(&config);
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let (slow, _) = client.begin(h2::get("shop.test", "/slow"), true).await.unwrap();
    origin.sees(1).await;
    let request = http::Request::post("https://shop.test/").body(()).unwrap();
    let (refused, _body) = client.begin(request, false).await.unwrap();
    assert_eq!(refused.await.unwrap().status(), 503);
    assert_eq!(origin.targets(), ["/slow"]);
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap().status(), 200);
}
