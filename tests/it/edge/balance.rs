//! Several servers, servers that are down, and connections that went stale.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::{code, get};
use crate::harness::{Origin, Proxy, Wire, origin};

/// An address on which nobody listens.
fn nobody() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_server_that_is_down_costs_no_request() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin::config(&[nobody(), origin.address()], ""));
    for number in 0..30 {
        let answer = proxy.client().get(&format!("/{number}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(proxy.client().call("POST", "/", "order").await.status, 200);
}

#[tokio::test]
async fn several_servers_share_the_work() {
    let origins = [Origin::saying("hello").await, Origin::saying("hello").await, Origin::saying("hello").await];
    let proxy = Proxy::with(&origin::config(&origins.each_ref().map(Origin::address), ""));
    for _ in 0..90 {
        assert_eq!(proxy.client().get("/").await.status, 200);
    }
    let shares = origins.each_ref().map(|origin| origin.seen().len());
    assert_eq!(shares.iter().sum::<usize>(), 90);
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
}

/// An origin that answers the first request of every connection and hangs up on the second; with the number of
/// connections, and of requests that carried an order.
async fn forgetful() -> (std::net::SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (connections, orders) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, ordered) = (Arc::clone(&connections), Arc::clone(&orders));
    let address = origin::each_connection(move |stream| {
        counted.fetch_add(1, SeqCst);
        let ordered = Arc::clone(&ordered);
        async move {
            let mut wire = Wire::over(stream);
            wire.head().await;
            wire.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
            if wire.head().await.starts_with("POST") {
                ordered.fetch_add(1, SeqCst);
            }
        }
    })
    .await;
    (address, connections, orders)
}

#[tokio::test]
async fn a_kept_connection_that_went_stale_costs_no_request() {
    let (address, connections, _) = forgetful().await;
    let proxy = Proxy::with(&origin::config(&[address], ""));
    let mut wire = Wire::to(proxy.client()).await;
    for _ in 0..6 {
        wire.say(get("/", "")).await;
        let (head, body) = wire.answer().await;
        assert_eq!((code(&head), body.as_str()), (200, "hello"));
    }
    assert!(connections.load(SeqCst) > 1);
}

#[tokio::test]
async fn an_order_is_not_given_twice() {
    let (address, _, orders) = forgetful().await;
    let proxy = Proxy::with(&origin::config(&[address], ""));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(get("/", "")).await;
    assert_eq!(code(&wire.answer().await.0), 200);
    wire.say("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\norder").await;
    let (head, body) = wire.answer().await;
    assert_eq!(code(&head), 502, "{head}");
    assert!(body.contains("\"forwarded\":true"), "{body}");
    assert_eq!(orders.load(SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_its_check_is_left_out() {
    let healthy = Origin::saying("hello").await;
    let sick = Origin::answering(|_| async {
        let mut answer = origin::answer("sick");
        *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        answer
    })
    .await;
    let check = "health_check = { path = \"/healthz\", every = \"50ms\", unhealthy_after = 1, healthy_after = 1 }";
    let proxy = Proxy::with(&origin::config(&[sick.address(), healthy.address()], check));
    let spared = async {
        // Until the first checks have been answered, either may be asked.
        let mut good = 0;
        while good < 20 {
            good = if proxy.client().get("/").await.status == 200 { good + 1 } else { 0 };
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, spared).await.expect("the sick server is left out");
    assert!(sick.targets().contains(&"/healthz".to_owned()));
}
