//! What is under `/.spillway/`, on the shop's own host.

use std::time::Duration;

use super::{behind, comes_in, is_inside, is_waiting_page, shop, small};
use crate::harness::client::request;
use crate::harness::{Answer, Origin, Proxy, Shopper, until};

const STATUS: &str = "/.spillway/room/sale";

/// A full room, and somebody who waits.
async fn line() -> (Origin, Proxy, Shopper) {
    let (origin, proxy) = behind(&small(1)).await;
    comes_in(&Shopper::at(&proxy), "/").await;
    let shopper = Shopper::at(&proxy);
    shopper.visits("/").await;
    (origin, proxy, shopper)
}

async fn asks_with_tag(shopper: &Shopper, tag: &str) -> Answer {
    let mut asked = request("GET", STATUS, "");
    asked.headers_mut().insert("if-none-match", tag.parse().unwrap());
    shopper.sends("empty", asked).await
}

#[tokio::test]
async fn the_status_says_what_the_contract_says() {
    let (_origin, _proxy, shopper) = line().await;
    let answer = shopper.asks("sale").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let status = answer.json();
    assert_eq!((&status["state"], &status["position"]), (&"waiting".into(), &1.into()));
    let members: Vec<_> = status.as_object().unwrap().keys().map(String::as_str).collect();
    for member in ["waiting", "eta_seconds", "poll_after_ms", "opens_at", "message"] {
        assert!(members.contains(&member), "{member} is not among {members:?}");
    }
    let poll = Duration::from_millis(status["poll_after_ms"].as_u64().unwrap());
    assert!(poll >= Duration::from_secs(1), "{poll:?}");
    assert_eq!(answer.header("retry-after"), poll.as_secs_f64().ceil().to_string());
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let (origin, proxy, shopper) = line().await;
    let answer = shopper.asks("sale").await;
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    // The first in line has no estimate that lasts, so it may take some answers until one is the same.
    let same = until("nothing has changed", async || {
        let tag = shopper.asks("sale").await.header("etag").to_owned();
        let again = asks_with_tag(&shopper, &format!("\"other\", {tag}")).await;
        (again.status == 304).then_some((tag, again))
    });
    let (tag, same) = same.await;
    assert!(same.body.is_empty());
    assert_eq!(same.header("etag"), tag);
    assert!(same.header("retry-after").parse::<u64>().unwrap() >= 1);

    proxy.rewrite(&shop(&origin, &(small(1) + "message = \"Another truck has come.\"\n")));
    proxy.hears("the policy was read");
    let changed = until("the message is there", async || {
        let answer = asks_with_tag(&shopper, &tag).await;
        (answer.status == 200 && !answer.json()["message"].is_null()).then_some(answer)
    });
    let changed = changed.await;
    assert_eq!(changed.json()["message"], "Another truck has come.");
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn a_message_is_told_in_the_readers_language() {
    let message = "message = { en = \"Soon\", ja = \"もうすぐ\" }\n";
    let (_origin, proxy) = behind(&(small(1) + "mode = \"paused\"\n" + message)).await;
    for (language, expected) in [("ja,en;q=0.5", "もうすぐ"), ("en", "Soon"), ("ko", "Soon")] {
        let shopper = Shopper::at(&proxy).with("accept-language", language);
        let page = shopper.visits("/").await;
        assert!(page.text().contains(expected), "{language}");
        assert_eq!(shopper.stands("sale").await["message"], expected, "{language}");
        assert_eq!(shopper.calls("GET", "/api").await.json()["queue"]["message"], expected, "{language}");
    }
}

#[tokio::test]
async fn whoever_gives_up_has_no_place_any_more() {
    let (_origin, proxy, shopper) = line().await;
    shopper.stands("sale").await;
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 1.0).await;
    assert_eq!(shopper.calls("DELETE", STATUS).await.status, 204);
    assert_eq!(shopper.cookies(), "");
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 0.0).await;
    proxy.shows("spillway_room_abandoned_total{room=\"sale\"}", 1.0).await;
    assert_eq!(shopper.calls("DELETE", STATUS).await.status, 204, "again is no different");

    shopper.visits("/").await;
    let left = shopper.submits(&format!("{STATUS}/leave?to=/item")).await;
    assert!(is_waiting_page(&left) && left.text().contains("/item"), "{left:?}");
    assert!(!left.text().contains("has not reached the shop"), "nothing was meant for the shop");
    assert_eq!(shopper.cookies(), "");
}

#[tokio::test]
async fn the_page_without_scripts_waits_and_then_goes_on() {
    let (_origin, proxy) = behind(&small(1)).await;
    let [inside, shopper] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&inside, "/").await;
    shopper.visits("/item?a=1").await;
    let seen = shopper.loads(&format!("{STATUS}/seen")).await;
    assert_eq!((seen.status.as_u16(), seen.header("content-type")), (200, "image/gif"));
    assert!(seen.body.starts_with(b"GIF89a"));
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 1.0).await;

    let path = format!("{STATUS}/wait?to=/item%3Fa=1&lang=ja");
    let page = shopper.visits(&path).await;
    assert!(is_waiting_page(&page) && page.header("content-language") == "ja", "{page:?}");
    inside.calls("DELETE", STATUS).await;
    let sent = until("the turn comes", async || {
        let answer = shopper.visits(&path).await;
        (answer.status == 303).then_some(answer)
    });
    assert_eq!(sent.await.header("location"), "/item?a=1");
    assert!(is_inside(&shopper.visits("/item?a=1").await));
    assert_eq!(shopper.visits(&path).await.status, 303, "and again from inside");
}

#[tokio::test]
async fn nobody_is_sent_to_another_host() {
    let (_origin, proxy) = behind(&small(1)).await;
    let shopper = Shopper::at(&proxy);
    comes_in(&shopper, "/").await;
    for to in ["//elsewhere", "/%5Celsewhere", "https://elsewhere", "/.spillway/room/sale/wait", "%0d%0ax:%20y", ""] {
        let sent = shopper.visits(&format!("{STATUS}/wait?to={to}")).await;
        assert_eq!((sent.status.as_u16(), sent.header("location")), (303, "/"), "{to}");
    }
}

#[tokio::test]
async fn an_app_without_pages_asks_for_a_place() {
    let (_origin, proxy) = behind("mode = \"always\"\nactive_shoppers = 1\n").await;
    let app = Shopper::at(&proxy);
    let joined = app.calls("POST", &format!("{STATUS}/join")).await;
    assert_eq!(joined.status, 200);
    let ticket = app.holds("sale");
    assert!(ticket.is_some());
    let again = app.calls("POST", &format!("{STATUS}/join")).await;
    assert_eq!((again.status.as_u16(), again.header("set-cookie")), (200, ""), "one place");
    app.becomes("sale", "called").await;
    assert!(is_inside(&app.calls("GET", "/api/items").await));
    let other = Shopper::at(&proxy);
    other.calls("POST", &format!("{STATUS}/join")).await;
    assert_eq!(other.calls("GET", "/api/items").await.json()["queue"]["position"], 1);
}

#[tokio::test]
async fn a_form_of_another_site_gives_and_takes_no_place() {
    let (_origin, proxy, shopper) = line().await;
    shopper.stands("sale").await;
    let ticket = shopper.holds("sale");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://elsewhere.example"),
        ("origin", "null"),
    ] {
        // Its browser sends no cookie along, and would keep the one of the answer.
        let lured = Shopper::at(&proxy).with(name, value);
        let refused = lured.submits(&format!("{STATUS}/join?to=/")).await;
        assert_eq!((refused.status.as_u16(), refused.header("set-cookie")), (403, ""), "{name}: {value}");
        let refused = lured.calls("POST", &format!("{STATUS}/join")).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["reason"]), (403, &"request".into()), "{name}: {value}");
        lured.takes("spillway-room-sale", ticket.clone().unwrap());
        assert_eq!(lured.submits(&format!("{STATUS}/leave")).await.status, 403, "{name}: {value}");
    }
    assert_eq!(shopper.stands("sale").await["position"], 1);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")] {
        let own = Shopper::at(&proxy).with(name, value);
        assert_eq!(own.calls("POST", &format!("{STATUS}/join")).await.status, 200, "{name}: {value}");
    }
}

#[tokio::test]
async fn nothing_under_it_reaches_an_origin() {
    let (origin, proxy) = behind(&small(5)).await;
    let client = proxy.client();
    for path in ["/.spillway", "/.spillway/", "/.spillway/room", "/.spillway/room/", "/.spillway/room/other"] {
        let answer = client.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-spillway-reason")), (404, "request"), "{path}");
    }
    for path in ["/x/../.spillway/a", "//.spillway/a", "/%2espillway/a", "/.%73pillway/a", "/.spillway/room/sale/x"] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
    for (method, path, allow) in [
        ("POST", STATUS.to_owned(), "GET, HEAD, DELETE"),
        ("PUT", STATUS.to_owned(), "GET, HEAD, DELETE"),
        ("GET", format!("{STATUS}/join"), "POST"),
        ("GET", format!("{STATUS}/leave"), "POST"),
        ("POST", format!("{STATUS}/wait"), "GET, HEAD"),
        ("DELETE", format!("{STATUS}/seen"), "GET, HEAD"),
    ] {
        let answer = client.call(method, &path, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert!(origin.seen().is_empty());
    assert!(is_inside(&client.get("/.spillways").await), "another name is the shop's");
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let (_origin, _proxy, shopper) = line().await;
    for path in [STATUS.to_owned(), format!("{STATUS}/seen")] {
        let (get, head) = (shopper.calls("GET", &path).await, shopper.calls("HEAD", &path).await);
        assert_eq!((head.status, head.body.len()), (get.status, 0));
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&head), names(&get), "{path}");
    }
}
