//! `spillway ctl` against a running proxy.

use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::{Origin, Proxy, Shopper};

/// Everything behind a room that is paused.
fn paused(origin: &Origin) -> String {
    let room = "[room.sale]\nmode = \"paused\"\nactive_shoppers = 10\nadmit_rate = \"60/min\"\n";
    format!("{}room = \"sale\"\n{room}", origin.config())
}

async fn shop() -> (Origin, Proxy) {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&paused(&origin));
    (origin, proxy)
}

/// Runs `ctl` without a terminal.
async fn run(arguments: Vec<String>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
    command.arg("ctl").args(arguments).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn ctl(proxy: &Proxy, arguments: &[&str]) -> Output {
    let admin = format!("http://{}", proxy.admin_address());
    let arguments = ["--admin", &admin].iter().chain(arguments).map(ToString::to_string).collect();
    run(arguments).await
}

/// What it prints; it must have ended well.
async fn says(proxy: &Proxy, arguments: &[&str]) -> String {
    let output = ctl(proxy, arguments).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn json_of(proxy: &Proxy, arguments: &[&str]) -> Value {
    serde_json::from_str(&says(proxy, &[arguments, &["--format", "json"]].concat()).await).unwrap()
}

/// What it complains of, ending with `code` and printing nothing.
async fn complains(proxy: &Proxy, arguments: &[&str], code: i32) -> String {
    let output = ctl(proxy, arguments).await;
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A shopper in line.
async fn waits(proxy: &Proxy) -> Shopper {
    let shopper = Shopper::at(proxy);
    shopper.visits("/").await;
    shopper.stands("sale").await;
    shopper
}

#[tokio::test]
async fn it_says_how_the_proxy_and_its_rooms_are() {
    let (_origin, proxy) = shop().await;
    let _waiting = [waits(&proxy).await, waits(&proxy).await];
    let status = says(&proxy, &["status"]).await;
    for words in
        ["phase     running since ", "policy    revision 1, by ", "origin    shop: ", "room      sale: paused: "]
    {
        assert!(status.contains(words), "{words:?} is not in\n{status}");
    }
    assert_eq!(json_of(&proxy, &["status"]).await["pid"], proxy.pid());
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 2.0).await;
    let list = says(&proxy, &["room", "list"]).await;
    let row: Vec<_> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["sale", "paused", "2", "0/10", "0", "60/min", "-"], "{list}");
    let show = says(&proxy, &["room", "show", "sale"]).await;
    assert!(show.contains("mode paused, at most 10 inside, rate 60/min, now 1.0/s, by arrival"), "{show}");
    assert_eq!(json_of(&proxy, &["room", "show", "sale"]).await["waiting"], 2);
}

#[tokio::test]
async fn a_change_is_tried_out_made_and_dropped() {
    let (_origin, proxy) = shop().await;
    let shopper = waits(&proxy).await;
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 1.0).await;
    let tried = says(&proxy, &["room", "open", "sale", "--dry-run"]).await;
    assert!(tried.starts_with("nothing was changed"), "{tried}");
    for row in ["\n100             -          101s-", "\nlast (1)        -          2s-"] {
        assert!(tried.contains(row), "{row:?} is not in\n{tried}");
    }
    assert_eq!(shopper.stands("sale").await["state"], "paused");

    let faster =
        says(&proxy, &["room", "rate", "sale", "600/min", "--for", "15m", "--reason", "the rush is over"]).await;
    assert!(faster.contains("rate 600/min") && faster.contains("\"the rush is over\", until "), "{faster}");
    says(&proxy, &["room", "cap", "sale", "7"]).await;
    says(&proxy, &["room", "message", "sale", "en=Nearly there", "ja=もうすぐです"]).await;
    let room = json_of(&proxy, &["room", "show", "sale"]).await;
    let set = json!({ "admit_rate": "600/min", "active_shoppers": 7, "message": { "en": "Nearly there", "ja": "もうすぐです" } });
    assert_eq!(room["override"]["set"], set);
    assert!(shopper.stands("sale").await["message"].as_str().is_some_and(|text| text == "Nearly there"));

    says(&proxy, &["room", "open", "sale"]).await;
    shopper.becomes("sale", "called").await;
    let dropped = json_of(&proxy, &["room", "drop", "sale"]).await;
    assert_eq!((&dropped["mode"], &dropped["override"]), (&json!("paused"), &Value::Null));
}

#[tokio::test]
async fn the_page_is_printed_as_it_would_look() {
    let (_origin, proxy) = shop().await;
    let page = says(&proxy, &["room", "preview", "sale", "--state", "called", "--language", "ja"]).await;
    assert!(page.starts_with("<!doctype html>") && page.contains("lang=\"ja\""), "{page}");
    let complaint = complains(&proxy, &["room", "preview", "sale", "--state", "asleep"], 1).await;
    assert!(complaint.contains("sold-out"), "{complaint}");
}

#[tokio::test]
async fn some_are_let_in_at_once() {
    let (_origin, proxy) = shop().await;
    let shopper = waits(&proxy).await;
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 1.0).await;
    let admitted = says(&proxy, &["room", "admit", "sale", "500"]).await;
    assert!(admitted.contains("called    1, beside those the rate allows"), "{admitted}");
    shopper.becomes("sale", "called").await;
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_asked_for_twice() {
    let (_origin, proxy) = shop().await;
    let shopper = waits(&proxy).await;
    for arguments in [&["room", "reset", "sale"][..], &["room", "close", "sale"], &["room", "mode", "sale", "off"]] {
        let complaint = complains(&proxy, arguments, 2).await;
        assert!(complaint.contains("--yes"), "{arguments:?}: {complaint}");
    }
    assert_eq!(shopper.stands("sale").await["state"], "paused");
    says(&proxy, &["room", "close", "sale", "--dry-run"]).await;
    says(&proxy, &["room", "close", "sale", "--yes"]).await;
    shopper.becomes("sale", "closed").await;
    says(&proxy, &["room", "reset", "sale", "--yes"]).await;
    assert_eq!(shopper.asks("sale").await.status, 404, "the ticket is void");
}

#[tokio::test]
async fn keys_are_rotated_and_tickets_stay_good() {
    let (_origin, proxy) = shop().await;
    let shopper = waits(&proxy).await;
    let kept = || std::fs::read_to_string(proxy.dir().path().join("state/room.keys")).unwrap();
    let before = kept();
    says(&proxy, &["keys", "rotate"]).await;
    assert_ne!(kept(), before);
    assert_eq!(shopper.stands("sale").await["position"], 1);
}

#[tokio::test]
async fn what_the_proxy_refuses_is_said_in_its_words() {
    let (_origin, proxy) = shop().await;
    for (arguments, words) in [
        (&["room", "show", "sael"][..], "the policy in force has no rooms/sael"),
        (&["room", "rate", "sale", "fast"], "room.sale.admit_rate: "),
        (&["room", "cap", "sale", "0"], "room.sale.active_shoppers: "),
        (&["room", "message", "sale", "xx=hello"], "room.sale.message.xx: "),
        (&["room", "pause", "sale", "--for", "soon"], "ttl: \"soon\" is not a duration"),
        (&["room", "drop", "sale"], "nothing is set over rooms/sale"),
    ] {
        let complaint = complains(&proxy, arguments, 1).await;
        assert!(complaint.starts_with("spillway: ") && complaint.contains(words), "{arguments:?}: {complaint}");
    }
    for arguments in [&["room"][..], &["room", "mode", "sale", "opn"], &["room", "cap", "sale", "many"], &["statos"]] {
        complains(&proxy, arguments, 2).await;
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_said_to_be() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    drop(socket);
    let output = run(vec!["--admin".into(), address.clone(), "status".into()]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with(&format!("spillway: cannot reach the proxy at http://{address}: ")), "{said}");

    let shop = Origin::saying("hello").await;
    let output = run(vec!["--admin".into(), shop.address().to_string(), "status".into()]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("no answer from"), "{said}");
    let output = run(vec!["--admin".into(), "https://127.0.0.1:1".into(), "status".into()]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn a_token_is_given_from_a_file() {
    let origin = Origin::saying("hello").await;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    for (name, token) in [("admin.token", "s3cret\n"), ("wrong.token", "other\n"), ("empty.token", "\n")] {
        std::fs::write(dir.path().join(name), token).unwrap();
    }
    let file = |name: &str| dir.path().join(name).display().to_string();
    let admin = "[admin]\naddress = \"127.0.0.1:0\"\ntoken_file = \"admin.token\"\n";
    let proxy = Proxy::within(Arc::clone(&dir), &format!("{admin}{}", paused(&origin)));
    assert!(complains(&proxy, &["status"], 1).await.contains("--token-file"));
    assert!(complains(&proxy, &["status", "--token-file", &file("wrong.token")], 1).await.contains("--token-file"));
    assert!(complains(&proxy, &["status", "--token-file", &file("empty.token")], 1).await.contains("is empty"));
    assert!(complains(&proxy, &["status", "--token-file", &file("no.token")], 1).await.contains("no.token"));
    assert!(says(&proxy, &["status", "--token-file", &file("admin.token")]).await.contains("running"));
}
