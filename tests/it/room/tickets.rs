//! Cookies that are not what they should be: never an error, never a place lost by the honest holder, each counted.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use spillway::room::challenge::Challenge;
use spillway::room::keyring::Keyring;
use spillway::room::pass::Pass;
use spillway::room::standing::{Promise, Slot};
use spillway::room::ticket::Ticket;
use spillway::room::{RoomId, Scope};

use super::{behind, comes_in, is_inside, is_waiting_page, rejects, small};
use crate::harness::{Origin, Proxy, Shopper};

const COOKIE: &str = "spillway-room-sale";

/// A full room, and somebody who waits as the first.
async fn line() -> (Origin, Proxy, Shopper) {
    let (origin, proxy) = behind(&small(1)).await;
    comes_in(&Shopper::at(&proxy), "/").await;
    let honest = Shopper::at(&proxy);
    honest.visits("/").await;
    honest.stands("sale").await;
    (origin, proxy, honest)
}

fn keys(proxy: &Proxy) -> Keyring {
    Keyring::parse(&std::fs::read_to_string(proxy.dir().path().join("state/room.keys")).unwrap()).unwrap()
}

fn scope(room: &str) -> Scope {
    Scope { room: RoomId::of(room), client: None }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn ticket(epoch: u32, joined: u64) -> Ticket {
    Ticket::mint(epoch, 1, 42, Promise { joined, likely: None, late: None })
}

/// The epoch that a ticket was given in.
fn epoch(ticket: &str) -> u32 {
    let bytes = URL_SAFE_NO_PAD.decode(ticket).unwrap();
    u32::from_be_bytes(bytes[14..18].try_into().unwrap())
}

fn with_byte(ticket: &str, at: usize, change: u8) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(ticket).unwrap();
    bytes[at] ^= change;
    URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test]
async fn whatever_is_not_believed_is_counted_and_stands_for_nothing() {
    let (origin, proxy, honest) = line().await;
    let good = honest.holds("sale").unwrap();
    let (keys, epoch) = (keys(&proxy), epoch(&good));
    let free_slot = Slot { epoch, slot: 7, number: 1 };
    for (reason, value) in [
        ("signature", with_byte(&good, 30, 1)),
        ("signature", with_byte(&good, 89, 1)),
        ("version", with_byte(&good, 0, 2)),
        ("key", with_byte(&good, 3, 1)),
        ("kind", with_byte(&good, 1, 8)),
        ("kind", Challenge::mint(epoch, 42, 8, now()).seal(&keys, &scope("sale"))),
        ("key", ticket(epoch, now()).seal(&Keyring::generate([9; 32]), &scope("sale"))),
        ("room", ticket(epoch, now()).seal(&keys, &scope("outlet"))),
        ("expired", ticket(epoch, now() - 8 * 86_400).seal(&keys, &scope("sale"))),
        ("epoch", ticket(epoch ^ 1, now()).seal(&keys, &scope("sale"))),
        ("stale", Pass::mint(free_slot, 42, now()).seal(&keys, &scope("sale"))),
        ("malformed", good[..100].to_owned()),
        ("malformed", "1".to_owned()),
        ("malformed", String::new()),
        ("malformed", format!("{good}=")),
        ("oversized", good.repeat(3)),
        ("oversized", "x".repeat(8_000)),
    ] {
        let before = rejects(&proxy, reason).await;
        let forger = Shopper::at(&proxy);
        forger.takes(COOKIE, value.clone());
        assert_eq!(forger.asks("sale").await.status, 404, "{reason} {value}");
        assert!((rejects(&proxy, reason).await - before - 1.0).abs() < f64::EPSILON, "{reason} {value}");
        assert_eq!(forger.calls("POST", "/cart").await.status, 503, "{reason} {value}");
        assert!(is_waiting_page(&forger.visits("/").await), "{reason} {value}");
        assert_ne!(forger.holds("sale"), Some(value), "a place of one's own");
        assert_eq!(forger.stands("sale").await["state"], "waiting");
    }
    assert_eq!(honest.stands("sale").await["position"], 1);
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn the_honest_place_counts_whatever_stands_beside_it() {
    let (_origin, proxy, honest) = line().await;
    let late = Shopper::at(&proxy);
    late.visits("/").await;
    assert_eq!(late.stands("sale").await["position"], 2);
    let (good, later) = (honest.holds("sale").unwrap(), late.holds("sale").unwrap());
    let forged = with_byte(&good, 30, 1);
    for (cookies, position) in [
        (format!("{COOKIE}={forged}; {COOKIE}={good}"), 1),
        (format!("{COOKIE}={good}; {COOKIE}={forged}"), 1),
        (format!("{COOKIE}={later}; a=b; {COOKIE}={good}"), 1),
        (format!("{COOKIE}=\"{good}\"; {COOKIE}={later}"), 1),
        (format!("{COOKIE}={}; {COOKIE}={later}", "x".repeat(500)), 2),
        (format!("{}{COOKIE}={later}", format!("{COOKIE}={forged}; ").repeat(15)), 2),
    ] {
        let both = Shopper::at(&proxy).with("cookie", &cookies);
        let status = both.stands("sale").await;
        assert_eq!((&status["state"], &status["position"]), (&"waiting".into(), &position.into()), "{cookies}");
    }
    assert!((rejects(&proxy, "duplicate").await - 2.0).abs() < f64::EPSILON);
    assert!((rejects(&proxy, "signature").await - 17.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn only_so_many_cookies_are_looked_at() {
    let (_origin, proxy, honest) = line().await;
    let forged = with_byte(&honest.holds("sale").unwrap(), 30, 1);
    let many = Shopper::at(&proxy).with("cookie", &format!("{COOKIE}={forged}; ").repeat(40));
    assert_eq!(many.asks("sale").await.status, 404);
    assert!((rejects(&proxy, "signature").await - 16.0).abs() < f64::EPSILON);
    assert!((rejects(&proxy, "duplicate").await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_shared_pass_is_one_shopper() {
    let (_origin, proxy) = behind(&small(2)).await;
    let [buyer, friend, stranger] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&buyer, "/").await;
    friend.takes(COOKIE, buyer.holds("sale").unwrap());
    assert!(is_inside(&friend.visits("/").await));
    // Both together took one place.
    comes_in(&stranger, "/").await;
    proxy.shows("spillway_room_inside{room=\"sale\"}", 2.0).await;
    assert_eq!(friend.calls("DELETE", "/.spillway/room/sale").await.status, 204);
    assert_eq!(buyer.asks("sale").await.status, 404, "the stay of both is over");
    assert_eq!(stranger.stands("sale").await["state"], "inside");
}

#[tokio::test]
async fn a_bound_place_is_good_in_its_network_only() {
    let (_origin, proxy) = behind("active_shoppers = 1\nmode = \"paused\"\nbind_network = true\n").await;
    let shopper = Shopper::at(&proxy).from("192.0.2.1");
    shopper.visits("/").await;
    assert_eq!(shopper.stands("sale").await["position"], 1);
    let elsewhere = |address: &str| {
        let other = Shopper::at(&proxy).from(address);
        other.takes(COOKIE, shopper.holds("sale").unwrap());
        other
    };
    assert_eq!(elsewhere("192.0.2.200").stands("sale").await["position"], 1);
    assert_eq!(elsewhere("198.51.100.1").asks("sale").await.status, 404);
    assert_eq!(elsewhere("2001:db8::1").asks("sale").await.status, 404);
    assert!((rejects(&proxy, "network").await - 2.0).abs() < f64::EPSILON);
    assert_eq!(shopper.stands("sale").await["position"], 1);
}

#[tokio::test]
async fn a_ticket_that_was_used_is_used_up() {
    let (_origin, proxy, honest) = line().await;
    let ticket = honest.holds("sale").unwrap();
    assert_eq!(honest.calls("DELETE", "/.spillway/room/sale").await.status, 204);
    assert_eq!(honest.holds("sale"), None);
    let replayed = Shopper::at(&proxy);
    replayed.takes(COOKIE, ticket);
    assert_eq!(replayed.asks("sale").await.status, 404);
    assert!((rejects(&proxy, "stale").await - 1.0).abs() < f64::EPSILON);
}
