//! Those who have begun before those who have not, at an origin of adaptive capacity.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::task::JoinHandle;

use crate::harness::client::{Answer, request};
use crate::harness::{Gate, Origin, Proxy, until};

/// One class, whose order of service is the order of coming within a lane, and which `waiting` may wait in.
fn shop(origin: &Origin, seats: u32, waiting: u32, more: &str) -> String {
    let origin = origin.url();
    format!(
        r#"
[client]
shopper_cookie = "sid"
[origin.shop]
servers = ["{origin}"]
response_timeout = "30s"
capacity = {{ mode = "adaptive", min = {seats}, max = {seats}{more} }}
[[class]]
name = "browse"
guaranteed = "50%"
max_wait = "25s"
max_waiting = {waiting}
[[route]]
name = "browse"
path = "/{{*rest}}"
class = "browse"
origin = "shop"
"#
    )
}

fn visit(proxy: &Proxy, shopper: &'static str, path: &str) -> JoinHandle<Answer> {
    let mut request = request("GET", path, "");
    request.headers_mut().insert("cookie", HeaderValue::from_static(shopper));
    let client = proxy.client();
    tokio::spawn(async move { client.send(request).await })
}

async fn waiting(proxy: &Proxy) -> f64 {
    proxy.metric("spillway_seat_waiting{class=\"browse\"}").await
}

#[tokio::test]
async fn who_was_served_gets_through_where_a_newcomer_is_refused() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, 1, ""));
    gate.lets_go(1);
    assert_eq!(visit(&proxy, "sid=ann", "/front").await.unwrap().status, 200);
    let first = visit(&proxy, "sid=ann", "/first");
    origin.sees(2).await;
    let newcomer = visit(&proxy, "sid=bob", "/newcomer");
    until("the newcomer waits or is refused", async || {
        (newcomer.is_finished() || waiting(&proxy).await > 0.0).then_some(())
    })
    .await;
    let second = visit(&proxy, "sid=ann", "/second");
    let refused = newcomer.await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.header("x-spillway-reason")), (503, "capacity"));
    gate.lets_go(2);
    for answer in [first, second] {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    assert_eq!(origin.targets(), ["/front", "/first", "/second"]);
}

#[tokio::test]
async fn in_shadow_everybody_gets_through_and_who_would_not_have_is_counted() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, 0, ", enforce = false"));
    let visits = ["sid=ann", "sid=bob", "sid=eve"].map(|shopper| visit(&proxy, shopper, "/front"));
    origin.sees(3).await;
    gate.lets_go(3);
    for answer in visits {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    let would_have = proxy.metric("spillway_decisions_total{decision=\"refuse\",mode=\"shadow\",reason=\"capacity\"");
    assert!(would_have.await >= 2.0);
}

#[tokio::test]
async fn answers_that_take_long_to_send_give_their_seats_back() {
    let origin = Origin::answering(|_| async {
        let piece = futures_util::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a piece")))]);
        Response::new(StreamBody::new(piece.chain(futures_util::stream::pending())).boxed_unsync())
    })
    .await;
    let proxy = Proxy::with(&shop(&origin, 10, 1, ""));
    let streams: Vec<_> = (0..10).map(|_| visit(&proxy, "sid=ann", "/stream")).collect();
    origin.sees(10).await;
    proxy.shows("spillway_capacity_in_use{class=\"browse\",origin=\"shop\"}", 0.0).await;
    let more = visit(&proxy, "sid=ann", "/stream");
    origin.sees(11).await;
    streams.into_iter().chain([more]).for_each(|stream| stream.abort());
}
