//! Who goes first when the origin is full.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::harness::client::{Answer, request};
use crate::harness::proxy::PATIENCE;
use crate::harness::{Gate, Origin, Proxy};

const PATIENT: &str = "max_wait = \"25s\"";
const HASTY: &str = "max_wait = \"0s\"";

/// `/checkout` before `/browse` at an origin of `seats`, with what is said of each class.
fn shop(origin: &Origin, seats: u32, checkout: &str, browse: &str) -> String {
    let origin = origin.url();
    format!(
        r#"
[origin.shop]
servers = ["{origin}"]
response_timeout = "30s"
capacity = {{ mode = "fixed", limit = {seats} }}
[[class]]
name = "checkout"
{checkout}
[[class]]
name = "browse"
{browse}
[[route]]
name = "checkout"
path = "/checkout/{{*rest}}"
class = "checkout"
origin = "shop"
[[route]]
name = "browse"
path = "/browse/{{*rest}}"
class = "browse"
origin = "shop"
"#
    )
}

fn begin(proxy: &Proxy, path: &'static str) -> JoinHandle<Answer> {
    let client = proxy.client();
    tokio::spawn(async move { client.get(path).await })
}

async fn waits(proxy: &Proxy, class: &str, count: u32) {
    proxy.shows(&format!("spillway_seat_waiting{{class=\"{class}\"}}"), f64::from(count)).await;
}

async fn holds(proxy: &Proxy, class: &str, count: u32) {
    proxy.shows(&format!("spillway_capacity_in_use{{class=\"{class}\",origin=\"shop\"}}"), f64::from(count)).await;
}

async fn all_served(requests: Vec<JoinHandle<Answer>>) {
    for request in requests {
        assert_eq!(request.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn checkout_goes_before_browsing_that_came_earlier() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, PATIENT));
    let mut requests = vec![begin(&proxy, "/browse/first")];
    origin.sees(1).await;
    requests.push(begin(&proxy, "/browse/second"));
    waits(&proxy, "browse", 1).await;
    requests.push(begin(&proxy, "/browse/third"));
    waits(&proxy, "browse", 2).await;
    requests.push(begin(&proxy, "/checkout/late"));
    waits(&proxy, "checkout", 1).await;
    for count in 2..=4 {
        gate.lets_go(1);
        origin.sees(count).await;
    }
    gate.lets_go(1);
    all_served(requests).await;
    assert_eq!(origin.targets(), ["/browse/first", "/checkout/late", "/browse/second", "/browse/third"]);
}

#[tokio::test]
async fn a_guaranteed_share_is_lent_and_comes_home() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 4, PATIENT, &format!("{PATIENT}\nguaranteed = \"25%\"")));
    let mut requests: Vec<_> = (0..4).map(|_| begin(&proxy, "/checkout/all")).collect();
    origin.sees(4).await;
    holds(&proxy, "checkout", 4).await;
    requests.push(begin(&proxy, "/checkout/more"));
    waits(&proxy, "checkout", 1).await;
    requests.push(begin(&proxy, "/browse/mine"));
    waits(&proxy, "browse", 1).await;
    gate.lets_go(1);
    origin.sees(5).await;
    assert_eq!(origin.last().target, "/browse/mine", "the seat that comes free was lent by browsing");
    gate.lets_go(5);
    all_served(requests).await;
    assert_eq!(origin.last().target, "/checkout/more");
}

#[tokio::test]
async fn a_request_that_waited_in_vain_is_told_so() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, "max_wait = \"300ms\""));
    let first = begin(&proxy, "/browse/first");
    origin.sees(1).await;
    let began = Instant::now();
    let refused = proxy.client().get("/browse/second").await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("x-spillway-reason"), "wait");
    assert_eq!(refused.json()["forwarded"], false);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((2..=4).contains(&seconds), "the second class comes back after 2 to 4 s, not {seconds}");
    waits(&proxy, "browse", 0).await;
    gate.lets_go(1);
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(origin.targets(), ["/browse/first"]);
}

#[tokio::test]
async fn a_class_that_may_not_wait_is_refused_at_once() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, HASTY));
    let first = begin(&proxy, "/checkout/first");
    origin.sees(1).await;
    let refused = proxy.client().get("/browse/second").await;
    assert_eq!((refused.status.as_u16(), refused.header("x-spillway-reason")), (503, "capacity"));
    assert_eq!(refused.json()["forwarded"], false);
    gate.lets_go(1);
    assert_eq!(first.await.unwrap().status, 200);
    gate.lets_go(1);
    assert_eq!(proxy.client().get("/browse/third").await.status, 200);
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, &format!("{PATIENT}\nmax_waiting = 2")));
    let mut requests = vec![begin(&proxy, "/browse/first")];
    origin.sees(1).await;
    requests.push(begin(&proxy, "/browse/second"));
    requests.push(begin(&proxy, "/browse/third"));
    waits(&proxy, "browse", 2).await;
    let refused = proxy.client().get("/browse/fourth").await;
    assert_eq!((refused.status.as_u16(), refused.header("x-spillway-reason")), (503, "capacity"));
    gate.lets_go(3);
    all_served(requests).await;
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_in_line_up() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, PATIENT));
    let first = begin(&proxy, "/browse/first");
    origin.sees(1).await;
    let mut leaving = proxy.client().open().await;
    let head = b"GET /browse/leaving HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut leaving, head).await.unwrap();
    waits(&proxy, "browse", 1).await;
    let last = begin(&proxy, "/browse/last");
    waits(&proxy, "browse", 2).await;
    drop(leaving);
    waits(&proxy, "browse", 1).await;
    gate.lets_go(2);
    all_served(vec![first, last]).await;
    assert_eq!(origin.targets(), ["/browse/first", "/browse/last"]);
}

#[tokio::test]
async fn a_client_that_leaves_the_origin_working_frees_no_seat() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, PATIENT));
    let mut leaving = proxy.client().open().await;
    let head = b"GET /browse/leaving HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut leaving, head).await.unwrap();
    origin.sees(1).await;
    drop(leaving);
    proxy.shows("spillway_requests_total{class=\"browse\",code=\"499\"", 1.0).await;
    holds(&proxy, "browse", 1).await;
    let next = begin(&proxy, "/browse/next");
    waits(&proxy, "browse", 1).await;
    assert_eq!(origin.seen().len(), 1);
    gate.lets_go(2);
    assert_eq!(next.await.unwrap().status, 200);
    holds(&proxy, "browse", 0).await;
}

#[tokio::test]
async fn a_seat_is_held_to_the_end_of_the_body() {
    let (origin, pieces) = Origin::streaming().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, HASTY));
    let first = begin(&proxy, "/browse/long");
    origin.sees(1).await;
    pieces.send("a beginning").await.unwrap();
    proxy.shows("spillway_origin_duration_seconds_count", 1.0).await;
    holds(&proxy, "browse", 1).await;
    let refused = proxy.client().get("/browse/other").await;
    assert_eq!((refused.status.as_u16(), refused.header("x-spillway-reason")), (503, "capacity"));
    pieces.send(", and an end").await.unwrap();
    drop(pieces);
    assert_eq!(first.await.unwrap().text(), "a beginning, and an end");
    holds(&proxy, "browse", 0).await;
}

#[tokio::test]
async fn seats_and_lines_carry_over_a_reload() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, 1, PATIENT, PATIENT));
    let mut requests = vec![begin(&proxy, "/browse/first")];
    origin.sees(1).await;
    requests.push(begin(&proxy, "/browse/second"));
    requests.push(begin(&proxy, "/browse/third"));
    waits(&proxy, "browse", 2).await;
    proxy.rewrite(&shop(&origin, 2, PATIENT, PATIENT));
    proxy.hears("the policy was read");
    origin.sees(2).await;
    waits(&proxy, "browse", 1).await;
    holds(&proxy, "browse", 2).await;
    gate.lets_go(3);
    all_served(requests).await;
}

#[tokio::test]
async fn a_lost_origin_keeps_no_seat() {
    let (origin, _gate) = Gate::origin().await;
    let config =
        shop(&origin, 1, PATIENT, PATIENT).replace("response_timeout = \"30s\"", "response_timeout = \"200ms\"");
    let proxy = Proxy::with(&config);
    for _ in 0..3 {
        let answer = tokio::time::timeout(PATIENCE, proxy.client().get("/browse/slow")).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("x-spillway-reason")), (504, "origin-timeout"));
    }
    holds(&proxy, "browse", 0).await;
}

#[tokio::test]
async fn what_nobody_waits_for_goes_last_and_is_refused_at_once() {
    let (origin, gate) = Gate::origin().await;
    let config = shop(&origin, 1, PATIENT, PATIENT) + "[[class]]\nname = \"background\"\nmax_wait = \"0s\"\n";
    let proxy = Proxy::with(&config);
    let unattended = |name: &'static str, value: &'static str| {
        let mut request = request("GET", "/browse/guess", "");
        request.headers_mut().insert(name, http::HeaderValue::from_static(value));
        let client = proxy.client();
        async move { client.send(request).await }
    };
    let guess = tokio::spawn(unattended("sec-purpose", "prefetch"));
    origin.sees(1).await;
    holds(&proxy, "background", 1).await;
    for (name, value) in [("sec-purpose", "prefetch;prerender"), ("user-agent", "Googlebot/2.1")] {
        let refused = unattended(name, value).await;
        assert_eq!((refused.status.as_u16(), refused.header("x-spillway-reason")), (503, "capacity"));
    }
    let somebody = begin(&proxy, "/browse/somebody");
    waits(&proxy, "browse", 1).await;
    gate.lets_go(2);
    all_served(vec![guess, somebody]).await;
    proxy.shows("spillway_requests_total{class=\"background\",code=\"503\"", 2.0).await;
}
