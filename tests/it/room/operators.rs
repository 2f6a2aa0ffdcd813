//! What operators do while shoppers wait.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{behind, is_inside, is_waiting_page};
use crate::harness::{Answer, Proxy, Shopper, until};

/// How soon those who wait must see what an operator did.
const SOON: Duration = Duration::from_secs(2);

async fn patch(proxy: &Proxy, body: Value) -> Value {
    let answer = proxy.admin().call("PATCH", "/v1/rooms/sale", &body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn post(proxy: &Proxy, action: &str, body: Value) -> Answer {
    proxy.admin().call("POST", &format!("/v1/rooms/sale/{action}"), &body.to_string()).await
}

/// Shoppers in line, in this order.
async fn line(proxy: &Proxy, shoppers: usize) -> Vec<Shopper> {
    let mut line = Vec::new();
    for _ in 0..shoppers {
        let shopper = Shopper::at(proxy);
        assert!(is_waiting_page(&shopper.visits("/").await));
        shopper.stands("sale").await;
        line.push(shopper);
    }
    line
}

#[tokio::test]
async fn a_pause_and_a_message_are_seen_at_the_front_within_two_seconds() {
    let (_origin, proxy) = behind("active_shoppers = 1\n").await;
    let inside = Shopper::at(&proxy);
    assert!(is_inside(&inside.visits("/").await));
    let line = line(&proxy, 2).await;
    let before = line[0].stands("sale").await;
    assert!(before["poll_after_ms"].as_u64().unwrap() <= 2_000, "the front asks soon: {before}");

    let paused = Instant::now();
    patch(&proxy, json!({ "mode": "paused", "message": { "en": "Back at noon", "ja": "正午に再開" } })).await;
    let status = line[0].becomes("sale", "paused").await;
    assert!(paused.elapsed() < SOON, "{:?}", paused.elapsed());
    assert_eq!((&status["position"], &status["message"]), (&1.into(), &"Back at noon".into()));
    let japanese = Shopper::at(&proxy).with("accept-language", "ja");
    japanese.takes("spillway-room-sale", line[1].holds("sale").unwrap());
    assert_eq!(japanese.stands("sale").await["message"], "正午に再開");

    inside.calls("DELETE", "/.spillway/room/sale").await;
    proxy.shows("spillway_room_inside{room=\"sale\"}", 0.0).await;
    assert_eq!(line[0].stands("sale").await["state"], "paused", "nobody is called, though there is room");
    patch(&proxy, json!({ "mode": "auto", "message": "" })).await;
    let status = line[0].becomes("sale", "called").await;
    assert_eq!(status["message"], Value::Null);
}

#[tokio::test]
async fn the_effect_of_a_rate_is_told_before_and_comes_true() {
    let (_origin, proxy) = behind("mode = \"always\"\nactive_shoppers = 1000\nadmit_rate = \"1/min\"\n").await;
    let line = line(&proxy, 12).await;
    line[0].becomes("sale", "called").await;
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 11.0).await;
    let set = json!({ "admit_rate": "120/min" }).to_string();
    let dry = proxy.admin().call("PATCH", "/v1/rooms/sale?dry_run=1", &set).await.json();
    let last = &dry["effect"]["last"];
    assert_eq!((&last["position"], &last["then"]["likely"]), (&11.into(), &7.into()), "{dry}");
    assert!(last["now"]["likely"].as_u64().unwrap() > 300, "{dry}");
    assert_eq!(line[11].stands("sale").await["state"], "waiting");
    assert_eq!(proxy.admin().get("/v1/rooms/sale").await.json()["admit_rate"], "1/min");

    let changed = Instant::now();
    assert_eq!(patch(&proxy, json!({ "admit_rate": "120/min" })).await["effect"], dry["effect"]);
    let likely = line[11].stands("sale").await["eta_seconds"]["likely"].as_u64().unwrap();
    assert!(likely <= 10, "those who wait are told too: {likely}");
    for shopper in &line {
        shopper.stands("sale").await;
    }
    line[11].becomes("sale", "called").await;
    let waited = changed.elapsed();
    assert!((4..=9).contains(&waited.as_secs()), "{waited:?}, where about 6 seconds were foretold");
}

#[tokio::test]
async fn some_are_let_in_at_once_and_the_line_stays_as_it_is() {
    let (_origin, proxy) = behind("mode = \"paused\"\nactive_shoppers = 10\n").await;
    let line = line(&proxy, 5).await;
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 5.0).await;
    let admitted = post(&proxy, "admit", json!({ "count": 2 })).await.json();
    assert_eq!((&admitted["calls"], &admitted["called"], &admitted["kept"]), (&2.into(), &2.into(), &true.into()));
    for shopper in &line[..2] {
        assert_eq!(shopper.stands("sale").await["state"], "called");
        assert!(is_inside(&shopper.visits("/").await));
    }
    let third = line[2].stands("sale").await;
    assert_eq!((&third["state"], &third["position"]), (&"paused".into(), &1.into()));
}

#[tokio::test]
async fn never_more_come_in_than_the_cap_however_many_are_admitted() {
    let (_origin, proxy) = behind("mode = \"paused\"\nactive_shoppers = 3\n").await;
    let line = line(&proxy, 8).await;
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 8.0).await;
    post(&proxy, "admit", json!({ "count": 8 })).await;
    let mut called = 0;
    for shopper in &line {
        called += usize::from(shopper.stands("sale").await["state"] == "called");
    }
    assert_eq!(called, 3);
    patch(&proxy, json!({ "active_shoppers": 5 })).await;
    line[4].becomes("sale", "called").await;
    assert_eq!(line[5].stands("sale").await["state"], "paused");
}

#[tokio::test]
async fn an_override_ends_by_itself() {
    let (_origin, proxy) = behind("mode = \"always\"\nactive_shoppers = 10\n").await;
    let set = patch(&proxy, json!({ "mode": "paused", "ttl": "1s", "reason": "a breath" })).await;
    assert_eq!((&set["mode"], &set["override"]["reason"]), (&"paused".into(), &"a breath".into()));
    let line = line(&proxy, 1).await;
    line[0].becomes("sale", "called").await;
    assert_eq!(proxy.status().await["overrides"], json!([]));
}

#[tokio::test]
async fn a_reset_sends_everybody_back_to_the_start() {
    let (_origin, proxy) = behind("active_shoppers = 1\n").await;
    let inside = Shopper::at(&proxy);
    assert!(is_inside(&inside.visits("/").await));
    let line = line(&proxy, 2).await;
    assert_eq!(post(&proxy, "reset", json!({})).await.status, 422);
    assert_eq!(line[1].stands("sale").await["position"], 2);
    assert_eq!(post(&proxy, "reset", json!({ "confirm": "sale" })).await.json()["waiting"], 0);
    assert_eq!(line[1].asks("sale").await.status, 404);
    assert!(is_inside(&line[1].visits("/").await), "the first who comes now is the first");
    assert!(is_waiting_page(&inside.visits("/").await), "the pass is void");
}

#[tokio::test]
async fn the_status_and_the_list_tell_of_rooms() {
    let (_origin, proxy) = behind("active_shoppers = 1\n").await;
    let inside = Shopper::at(&proxy);
    assert!(is_inside(&inside.visits("/").await));
    let _line = line(&proxy, 2).await;
    let sale = until("the room tells of both", async || {
        let sale = proxy.admin().get("/v1/rooms/sale").await.json();
        (sale["waiting"] == 2).then_some(sale)
    })
    .await;
    assert!(sale["words"].as_str().unwrap().starts_with("open: 2 are in line"), "{sale}");
    assert_eq!((&sale["inside"], &sale["admitted"]), (&1.into(), &1.into()));
    for room in [&proxy.status().await["rooms"][0], &proxy.admin().get("/v1/rooms").await.json()["rooms"][0]] {
        assert_eq!((&room["name"], &room["state"]), (&"sale".into(), &"open".into()), "{room}");
    }
    let said = proxy.admin().call("POST", "/v1/explain", "{\"url\": \"http://shop.example/\"}").await.json();
    assert_eq!(said["room"]["name"], "sale", "{said}");
}
