//! Lines outlast the process, however it ends.

use rustix::process::Signal;
use serde_json::json;

use super::{is_inside, is_waiting_page, shop};
use crate::harness::successor::{Successor, fixed_ports};
use crate::harness::{Origin, Proxy, Shopper, until};

/// A room for three: two inside, the others in line, in this order.
struct Evening {
    inside: Vec<Shopper>,
    line: Vec<Shopper>,
}

const ROOM: &str = "active_shoppers = 2\n";

impl Evening {
    async fn at(proxy: &Proxy) -> Self {
        let mut evening = Self { inside: Vec::new(), line: Vec::new() };
        for _ in 0..2 {
            let shopper = Shopper::at(proxy);
            assert!(is_inside(&shopper.visits("/").await));
            evening.inside.push(shopper);
        }
        for _ in 0..6 {
            let shopper = Shopper::at(proxy);
            assert!(is_waiting_page(&shopper.visits("/").await));
            shopper.stands("sale").await;
            evening.line.push(shopper);
        }
        evening
    }

    fn goes_on_at(self, proxy: &Proxy) -> Self {
        let find = |shoppers: Vec<Shopper>| shoppers.into_iter().map(|shopper| shopper.finds(proxy)).collect();
        Self { inside: find(self.inside), line: find(self.line) }
    }

    /// Everybody is where they were, and whoever comes is behind them.
    async fn is_as_it_was(&self, proxy: &Proxy) {
        for (shopper, position) in self.line.iter().zip(1..) {
            let status = shopper.stands("sale").await;
            assert_eq!((&status["state"], &status["position"]), (&"waiting".into(), &position.into()), "{status}");
        }
        for shopper in &self.inside {
            assert!(is_inside(&shopper.visits("/cart").await));
        }
        let late = joins(proxy).await;
        assert_eq!(late.stands("sale").await["position"], self.line.len() + 1);
    }

    /// The line goes on where it was: when one leaves, the first comes in.
    async fn goes_on(&self) {
        assert_eq!(self.inside[0].calls("DELETE", "/.spillway/room/sale").await.status, 204);
        self.line[0].becomes("sale", "called").await;
        assert!(is_inside(&self.line[0].visits("/").await));
        assert_eq!(self.line[1].stands("sale").await["position"], 1);
    }
}

/// Starts again in the directory of one that has ended.
fn again(proxy: &Proxy, config: &str) -> Proxy {
    Proxy::within(proxy.dir(), config)
}

async fn outlasts(signal: Signal) {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, ROOM);
    let mut proxy = Proxy::with(&config);
    let evening = Evening::at(&proxy).await;
    proxy.signal(signal);
    proxy.ends();
    let proxy = again(&proxy, &config);
    let evening = evening.goes_on_at(&proxy);
    evening.is_as_it_was(&proxy).await;
    evening.goes_on().await;
}

#[tokio::test]
async fn places_and_passes_outlast_a_restart() {
    outlasts(Signal::TERM).await;
}

#[tokio::test]
async fn places_and_passes_outlast_a_kill() {
    outlasts(Signal::KILL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usr2_during_a_line_loses_nobody() {
    let origin = Origin::saying("hello").await;
    let mut proxy = Proxy::with(&(fixed_ports() + &shop(&origin, ROOM)));
    let evening = Evening::at(&proxy).await;
    proxy.signal(Signal::USR2);
    let successor = Successor::told_of_by(&proxy);
    evening.is_as_it_was(&proxy).await;
    assert_eq!(proxy.ends().code(), Some(0));
    evening.goes_on().await;
    let status = proxy.status().await;
    assert_eq!((&status["phase"], &status["room_store"]["healthy"]), (&"running".into(), &true.into()), "{status}");
    successor.signal(Signal::TERM);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_joins_during_a_handover_is_behind_those_who_came_before() {
    let origin = Origin::saying("hello").await;
    let mut proxy = Proxy::with(&(fixed_ports() + &shop(&origin, "mode = \"paused\"\nactive_shoppers = 1\n")));
    let mut line = vec![joins(&proxy).await];
    proxy.signal(Signal::USR2);
    while !proxy.has_ended() {
        line.push(joins(&proxy).await);
    }
    let _successor = Successor::told_of_by(&proxy);
    line.push(joins(&proxy).await);
    assert!(line.len() > 5, "only {} joined meanwhile", line.len());
    // Of a line that was not there when the other process began, everybody speaks once.
    for shopper in &line {
        shopper.stands("sale").await;
    }
    for (shopper, position) in line.iter().zip(1..) {
        assert_eq!(shopper.stands("sale").await["position"], position);
    }
}

/// A newcomer, who asks again where there is no number yet.
async fn joins(proxy: &Proxy) -> Shopper {
    let shopper = Shopper::at(proxy);
    until("there is a number", async || {
        assert!(is_waiting_page(&shopper.visits("/").await));
        shopper.holds("sale").map(drop)
    })
    .await;
    shopper.stands("sale").await;
    shopper
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handover_that_fails_leaves_the_line_where_it_was() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&(fixed_ports() + &shop(&origin, ROOM)));
    let evening = Evening::at(&proxy).await;
    proxy.rewrite("this is no configuration");
    proxy.hears("the policy in force stays");
    proxy.signal(Signal::USR2);
    proxy.hears("nothing was handed over and this process goes on");
    evening.is_as_it_was(&proxy).await;
    evening.goes_on().await;
    assert_eq!(proxy.status().await["room_store"]["healthy"], true);
}

#[tokio::test]
async fn what_an_operator_set_outlasts_a_restart() {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, ROOM);
    let mut proxy = Proxy::with(&config);
    let set = json!({ "mode": "paused", "message": "Back at noon", "ttl": "1h" }).to_string();
    assert_eq!(proxy.admin().call("PATCH", "/v1/rooms/sale", &set).await.status, 200);
    proxy.signal(Signal::KILL);
    proxy.ends();
    let proxy = again(&proxy, &config);
    let shopper = Shopper::at(&proxy);
    assert!(is_waiting_page(&shopper.visits("/").await));
    let status = shopper.stands("sale").await;
    assert_eq!((&status["state"], &status["message"]), (&"paused".into(), &"Back at noon".into()));
}

#[tokio::test]
async fn a_store_that_fails_is_told_of_while_the_line_goes_on() {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, ROOM);
    let mut proxy = Proxy::with(&config);
    let evening = Evening::at(&proxy).await;
    let file = proxy.dir().path().join("state/rooms.redb");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    evening.goes_on().await;
    assert_eq!(proxy.hears("cannot be kept; the lines go on in memory")["level"], "ERROR");
    proxy.shows("spillway_room_store_healthy", 0.0).await;
    let store = proxy.status().await["room_store"].clone();
    assert!(store["trouble"].as_str().is_some_and(|why| why.contains("rooms.redb")), "{store}");

    let newcomer = Shopper::at(&proxy);
    assert!(is_waiting_page(&newcomer.visits("/").await));
    let place = newcomer.stands("sale").await["position"].clone();
    std::fs::remove_dir(&file).unwrap();
    proxy.hears("is kept again");
    proxy.shows("spillway_room_store_healthy", 1.0).await;
    proxy.signal(Signal::KILL);
    proxy.ends();
    let proxy = again(&proxy, &config);
    let (evening, newcomer) = (evening.goes_on_at(&proxy), newcomer.finds(&proxy));
    assert_eq!(newcomer.stands("sale").await["position"], place);
    for shopper in [&evening.line[0], &evening.inside[1]] {
        assert!(is_inside(&shopper.visits("/").await), "who came in while nothing was kept is inside still");
    }
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside_and_old_tickets_are_void() {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, ROOM);
    let mut proxy = Proxy::with(&config);
    let evening = Evening::at(&proxy).await;
    proxy.signal(Signal::KILL);
    proxy.ends();
    let file = proxy.dir().path().join("state/rooms.redb");
    let length = std::fs::metadata(&file).unwrap().len();
    std::fs::File::options().write(true).open(&file).unwrap().set_len(length / 3).unwrap();
    let proxy = again(&proxy, &config);
    let heard = proxy.heard("is damaged and was moved aside");
    let aside = heard["aside"].as_str().unwrap();
    assert_eq!(std::fs::metadata(aside).unwrap().len(), length / 3);
    let evening = evening.goes_on_at(&proxy);
    assert_eq!(evening.line[0].asks("sale").await.status, 404);
    assert!(is_inside(&evening.line[5].visits("/").await), "the line begins anew");
    assert!(proxy.metric("spillway_room_ticket_rejects_total{room=\"sale\",reason=\"epoch\"}").await > 0.0);
}

#[tokio::test]
async fn only_its_owner_may_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&shop(&origin, ROOM));
    for name in ["rooms.redb", "room.keys"] {
        let mode = std::fs::metadata(proxy.dir().path().join("state").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn two_processes_never_share_a_line() {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, ROOM);
    let first = Proxy::with(&config);
    let (status, said) = Proxy::refuses_within(&first.dir(), &config);
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("rooms.redb is in use by another process"), "{said}");
    assert_eq!(first.client().get("/").await.status, 200);
}
