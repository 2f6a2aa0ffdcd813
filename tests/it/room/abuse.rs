//! Those who want more than a place.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use super::{behind, comes_in, is_inside, is_waiting_page, rejects, small};
use crate::harness::{Answer, Shopper};

#[tokio::test]
async fn one_address_is_given_so_many_places() {
    let room = small(1) + "joins_per_client = \"1/h\"\njoins_burst = 3\n";
    let (_origin, proxy) = behind(&room).await;
    let from = |address: &str| Shopper::at(&proxy).from(address);
    comes_in(&from("192.0.2.9"), "/").await;
    let mut last = from("192.0.2.1");
    for _ in 0..3 {
        last = from("192.0.2.1");
        assert!(is_waiting_page(&last.visits("/").await));
        last.stands("sale").await;
    }
    let greedy = from("192.0.2.1");
    let refused = greedy.visits("/").await;
    assert_eq!((refused.status.as_u16(), refused.header("x-spillway-reason")), (429, "limit"));
    assert!(refused.header("content-type").starts_with("text/html"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3_000);
    assert_eq!(greedy.cookies(), "");
    let program = greedy.calls("POST", "/.spillway/room/sale/join").await;
    assert_eq!((program.status.as_u16(), &program.json()["reason"]), (429, &"limit".into()));
    assert_eq!(last.stands("sale").await["position"], 3, "those there are stay");
    assert!(is_waiting_page(&from("192.0.2.2").visits("/").await), "other addresses have places of their own");
    assert!(is_waiting_page(&from("2001:db8:1:2::1").visits("/").await));
}

#[tokio::test]
async fn an_address_over_its_limit_is_not_let_in_uncounted() {
    let room = small(100) + "joins_per_client = \"1/h\"\njoins_burst = 1\n";
    let (origin, proxy) = behind(&room).await;
    let first = Shopper::at(&proxy);
    comes_in(&first, "/").await;
    let seen = origin.seen().len();
    for _ in 0..3 {
        let refused = Shopper::at(&proxy).visits("/").await;
        assert_eq!((refused.status.as_u16(), refused.header("x-spillway-reason")), (429, "limit"));
    }
    assert_eq!(origin.seen().len(), seen);
    assert!(is_inside(&first.visits("/item").await), "those inside stay");
    proxy.shows("spillway_room_inside{room=\"sale\"}", 1.0).await;
}

/// The number that is asked for.
fn solve(challenge: &Value) -> u64 {
    let bits = u32::try_from(challenge["difficulty"].as_u64().unwrap()).unwrap();
    let text = challenge["text"].as_str().unwrap();
    let solves = |number: &u64| {
        let hash = digest(&SHA256, format!("{text}:{number}").as_bytes());
        u64::from_be_bytes(hash.as_ref()[..8].try_into().unwrap()).leading_zeros() >= bits
    };
    (0..).find(solves).unwrap()
}

async fn hands_in(shopper: &Shopper, challenge: &Value, answer: &str) -> Answer {
    let text = challenge["text"].as_str().unwrap();
    shopper.calls("POST", &format!("/.spillway/room/sale/join?challenge={text}{answer}")).await
}

#[tokio::test]
async fn a_proof_of_work_gives_one_place_in_its_network() {
    let (_origin, proxy) = behind("mode = \"always\"\nactive_shoppers = 10\nproof_of_work = \"always\"\n").await;
    let shopper = Shopper::at(&proxy).from("192.0.2.1");
    let page = shopper.visits("/").await;
    assert!(is_waiting_page(&page) && shopper.cookies().is_empty(), "no place before the proof");
    let asked = shopper.calls("POST", "/.spillway/room/sale/join").await;
    assert_eq!(asked.status, 503);
    let challenge = &asked.json()["challenge"];
    assert_eq!(challenge["without_proof_after_seconds"], 15);
    let number = solve(challenge);

    let too_early = hands_in(&shopper, challenge, "").await;
    assert_eq!((too_early.status.as_u16(), shopper.cookies().as_str()), (503, ""));
    let elsewhere = Shopper::at(&proxy).from("198.51.100.1");
    assert_eq!(hands_in(&elsewhere, challenge, &format!("&nonce={number}")).await.status, 503);
    assert!((rejects(&proxy, "network").await - 1.0).abs() < f64::EPSILON);

    let joined = hands_in(&shopper, challenge, &format!("&nonce={number}")).await;
    assert_eq!(joined.status, 200, "{joined:?}");
    assert!(shopper.holds("sale").is_some());
    let again = Shopper::at(&proxy).from("192.0.2.1");
    assert_eq!(hands_in(&again, challenge, &format!("&nonce={number}")).await.status, 503);
    assert!((rejects(&proxy, "stale").await - 1.0).abs() < f64::EPSILON);
    shopper.becomes("sale", "called").await;
    assert!(is_inside(&shopper.visits("/").await));
}

#[tokio::test]
async fn a_form_hands_a_proof_in_too() {
    let (_origin, proxy) = behind("mode = \"always\"\nactive_shoppers = 10\nproof_of_work = \"always\"\n").await;
    let shopper = Shopper::at(&proxy);
    let asked = shopper.calls("POST", "/.spillway/room/sale/join").await.json();
    let text = asked["challenge"]["text"].as_str().unwrap();
    let number = solve(&asked["challenge"]);
    let path = format!("/.spillway/room/sale/join?to=/item%3Fa=1&challenge={text}&nonce={number}");
    let sent = shopper.submits(&path).await;
    assert_eq!((sent.status.as_u16(), sent.header("location")), (303, "/item?a=1"));
    assert!(shopper.holds("sale").is_some());
}
