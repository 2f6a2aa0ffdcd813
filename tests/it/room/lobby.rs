//! Before the opening, and by lot.

use std::time::Duration;

use jiff::Timestamp;

use super::{behind, is_inside, is_waiting_page};
use crate::harness::{Proxy, Shopper};

async fn crowd(proxy: &Proxy, count: usize) -> Vec<Shopper> {
    let mut shoppers = Vec::new();
    for _ in 0..count {
        let shopper = Shopper::at(proxy);
        assert!(is_waiting_page(&shopper.visits("/").await));
        shopper.stands("sale").await;
        shoppers.push(shopper);
    }
    shoppers
}

#[tokio::test]
async fn everybody_in_the_lobby_is_shuffled_when_it_opens() {
    let opens = Timestamp::now() + Duration::from_secs(6);
    let room = format!("mode = \"always\"\nactive_shoppers = 100\nadmit_rate = \"1/h\"\nopens = \"{opens}\"\n");
    let (_origin, proxy) = behind(&room).await;
    let shoppers = crowd(&proxy, 12).await;
    let status = shoppers[0].stands("sale").await;
    assert_eq!((&status["state"], &status["opens_at"]), (&"lobby".into(), &opens.to_string().into()));
    assert!(status["position"].is_null() && status["eta_seconds"]["likely"].is_null());
    assert_eq!(proxy.client().get("/feed").await.status, 503, "nobody comes in before");

    let mut places = Vec::new();
    for shopper in &shoppers {
        let status = crate::harness::until("the lobby has opened", async || {
            let status = shopper.stands("sale").await;
            (status["state"] != "lobby").then_some(status)
        })
        .await;
        assert!(status["opens_at"].is_null());
        // One of them is called, and ahead of all others.
        places.push(status["position"].as_u64().unwrap_or(0));
    }
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..12).collect::<Vec<_>>());
    assert_ne!(places, sorted, "the order of arrival decides nothing: it is drawn so once in 479 million times");
    let late = crowd(&proxy, 1).await;
    assert_eq!(late[0].stands("sale").await["position"], 12, "who comes later stands behind the lobby");
}

#[tokio::test]
async fn by_lot_nobody_has_a_position_and_everybody_has_their_turn() {
    let (_origin, proxy) = behind("mode = \"paused\"\nactive_shoppers = 3\norder = \"lottery\"\n").await;
    let shoppers = crowd(&proxy, 3).await;
    assert!(shoppers[0].stands("sale").await["position"].is_null());
    proxy.rewrite(&super::shop(&_origin, "mode = \"always\"\nactive_shoppers = 3\norder = \"lottery\"\n"));
    proxy.hears("the policy was read");
    for shopper in &shoppers {
        shopper.becomes("sale", "called").await;
        assert!(is_inside(&shopper.visits("/").await));
    }
}
