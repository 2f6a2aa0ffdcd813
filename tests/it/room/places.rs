//! Places over time: silence, return, a change of keys.

use std::time::{Duration, Instant};

use super::{behind, comes_in, is_inside, is_waiting_page, rejects, small};
use crate::harness::{Origin, Proxy, Shopper, until};

/// A little longer than somebody at the front may be silent.
const PATIENCE_AT_THE_FRONT: Duration = Duration::from_secs(8);

/// A full room with its shopper, and two who wait.
async fn line() -> (Origin, Proxy, [Shopper; 3]) {
    let (origin, proxy) = behind(&small(1)).await;
    let [inside, first, second] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&inside, "/").await;
    for waiting in [&first, &second] {
        assert!(is_waiting_page(&waiting.visits("/").await));
        waiting.stands("sale").await;
    }
    (origin, proxy, [inside, first, second])
}

#[tokio::test]
async fn who_falls_silent_is_passed_over_and_the_next_when_back() {
    let (_origin, proxy, [inside, silent, second]) = line().await;
    let heard = Instant::now();
    until("the silent one has run out of patience", async || {
        assert_eq!(second.stands("sale").await["position"], 2);
        (heard.elapsed() > PATIENCE_AT_THE_FRONT).then_some(())
    })
    .await;
    inside.calls("DELETE", "/.spillway/room/sale").await;
    second.becomes("sale", "called").await;
    assert!(is_inside(&second.visits("/").await));
    let back = silent.stands("sale").await;
    assert_eq!((&back["state"], &back["position"]), (&"waiting".into(), &1.into()));
    let late = Shopper::at(&proxy);
    late.visits("/").await;
    assert_eq!(late.stands("sale").await["position"], 2, "whoever is back is ahead of who comes later");
}

#[tokio::test]
async fn a_hidden_tab_may_be_silent_for_longer() {
    let (_origin, _proxy, [inside, hidden, second]) = line().await;
    let asks = async || hidden.calls("GET", "/.spillway/room/sale?hidden=1").await.json();
    assert_eq!(asks().await["position"], 1);
    let heard = Instant::now();
    until("another one would be passed over", async || {
        second.stands("sale").await;
        (heard.elapsed() > PATIENCE_AT_THE_FRONT).then_some(())
    })
    .await;
    inside.calls("DELETE", "/.spillway/room/sale").await;
    until("the turn is the hidden one's", async || (asks().await["state"] == "called").then_some(())).await;
    assert_eq!(second.stands("sale").await["state"], "waiting");
}

async fn rotate(proxy: &Proxy) {
    assert_eq!(proxy.admin().call("POST", "/v1/keys/rotate", "").await.status, 200);
}

#[tokio::test]
async fn places_and_stays_outlive_a_change_of_keys() {
    let (_origin, proxy, [inside, first, second]) = line().await;
    let (pass, ticket) = (inside.holds("sale"), first.holds("sale"));
    rotate(&proxy).await;
    assert!(is_inside(&inside.visits("/").await));
    assert_eq!(first.stands("sale").await["position"], 1);
    assert_ne!(inside.holds("sale"), pass, "sealed anew");
    assert_ne!(first.holds("sale"), ticket);
    rotate(&proxy).await;
    assert!(is_inside(&inside.visits("/").await));
    assert_eq!(first.stands("sale").await["position"], 1);
    assert_eq!(second.asks("sale").await.status, 404, "who did not ask for so long has the key before the last");
    assert!((rejects(&proxy, "key").await - 1.0).abs() < f64::EPSILON);
}
