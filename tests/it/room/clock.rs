//! The time of day jumps while shoppers wait.

use std::path::Path;

use super::{is_inside, is_waiting_page, shop};
use crate::harness::tools::tool;
use crate::harness::{Origin, Proxy, Shopper};

/// A day and an hour: longer than a pass lasts.
const JUMP: i64 = 25 * 3_600;

/// Has the wall clock of the proxy show another time from now on; its monotonic clock goes on as it did.
fn set(file: &Path, seconds: i64) {
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}s\n")).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// The library that shows a program another time.
fn library() -> String {
    tool("faketime", "faketime");
    let found = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| format!("/usr/lib/{machine}/faketime/libfaketime.so.1"))
        .into_iter()
        .find(|path| Path::new(path).exists());
    found.expect("libfaketime is where Debian puts it")
}

/// A proxy whose wall clock goes by `file`.
fn on_a_clock(file: &Path, origin: &Origin, room: &str) -> Proxy {
    set(file, 0);
    let (library, file) = (library(), file.to_owned());
    Proxy::started(&shop(origin, room), move |mut command| {
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", file);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    })
}

/// Has the proxy's clock jump, and every line move once more.
async fn jumps(proxy: &Proxy, file: &Path, seconds: i64) {
    set(file, seconds);
    proxy.hears("the wall clock has jumped");
    let said = proxy.admin().call("PATCH", "/v1/rooms/sale", "{\"message\": \"What time is it?\"}").await;
    assert_eq!(said.status, 200, "{said:?}");
}

#[tokio::test]
async fn a_jump_either_way_ends_no_stay_and_lets_nobody_in() {
    let origin = Origin::saying("hello").await;
    for jump in [JUMP, -JUMP] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("time");
        let proxy = on_a_clock(&file, &origin, "active_shoppers = 1\n");
        let inside = Shopper::at(&proxy);
        assert!(is_inside(&inside.visits("/").await));
        let line = [Shopper::at(&proxy), Shopper::at(&proxy), Shopper::at(&proxy)];
        for shopper in &line {
            assert!(is_waiting_page(&shopper.visits("/").await));
            shopper.stands("sale").await;
        }
        jumps(&proxy, &file, jump).await;
        assert!(is_inside(&inside.visits("/").await), "after {jump}");
        for (shopper, position) in line.iter().zip(1..) {
            let status = shopper.stands("sale").await;
            assert_eq!((&status["state"], &status["position"]), (&"waiting".into(), &position.into()), "after {jump}");
        }
        let newcomer = Shopper::at(&proxy);
        assert!(is_waiting_page(&newcomer.visits("/").await));
        assert_eq!(newcomer.stands("sale").await["position"], 4, "after {jump}");
        assert!(proxy.metric("spillway_room_ticket_rejects_total").await < 0.5, "after {jump}");
        assert!(proxy.metric("spillway_room_abandoned_total").await < 0.5, "after {jump}");
        inside.calls("DELETE", "/.spillway/room/sale").await;
        line[0].becomes("sale", "called").await;
        assert!(is_inside(&line[0].visits("/").await), "after {jump}");
    }
}

#[tokio::test]
async fn a_lobby_does_not_open_before_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("time");
    let origin = Origin::saying("hello").await;
    let opens = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(30);
    let proxy = on_a_clock(&file, &origin, &format!("active_shoppers = 100\nopens = \"{opens}\"\n"));
    let shopper = Shopper::at(&proxy);
    assert!(is_waiting_page(&shopper.visits("/").await));
    assert_eq!(shopper.stands("sale").await["state"], "lobby");
    jumps(&proxy, &file, 3_600).await;
    assert_eq!(shopper.stands("sale").await["state"], "lobby");
    assert!(is_waiting_page(&shopper.visits("/").await));
}
