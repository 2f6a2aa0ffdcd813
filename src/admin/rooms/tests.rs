use serde_json::{Value as Json, json};

use crate::admin::tests::Api;
use crate::clock;
use crate::control::fixture::policy;
use crate::edge::snapshot::RoomHandle;
use crate::edge::worker::Phase;
use crate::room::Moment;
use crate::room::standing::{Entry, Standing};

const SALE: &str = "room = \"sale\"\n[room.sale]\nmode = \"paused\"\nactive_shoppers = 3\nadmit_rate = \"60/min\"\n";

fn start() -> Api {
    Api::with(&(policy("10/s") + SALE))
}

impl Api {
    async fn post(&self, path: &str, body: Json) -> Json {
        let reply = self.send("POST", path, "", body.to_string().as_bytes()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    async fn sale(&self) -> Json {
        self.get("/v1/rooms/sale").await.json()
    }

    fn handle(&self) -> RoomHandle {
        self.admin.shared.live.load().rooms[0].clone()
    }

    /// Shoppers who come and show their tickets.
    async fn joins(&self, shoppers: u32) -> Vec<(u32, u32)> {
        let mono = clock::now();
        let now = Moment { mono, unix: self.admin.shared.unix_seconds(mono) };
        let room = self.handle().room;
        let join = |_| match room.enter(now) {
            Entry::Waiting { epoch, number } => {
                let _ = room.standing(epoch, number, false, now);
                (epoch, number)
            }
            other => panic!("{other:?}"),
        };
        let joined = (0..shoppers).map(join).collect();
        self.admin.rooms.settle().await;
        joined
    }

    fn stands(&self, (epoch, number): (u32, u32)) -> Standing {
        let mono = clock::now();
        let now = Moment { mono, unix: self.admin.shared.unix_seconds(mono) };
        self.handle().room.standing(epoch, number, false, now)
    }

    fn standings(&self, joined: &[(u32, u32)]) -> Vec<Standing> {
        joined.iter().map(|of| self.stands(*of)).collect()
    }
}

#[tokio::test]
async fn a_room_says_how_it_is() {
    let api = start();
    api.joins(2).await;
    let sale = api.sale().await;
    assert_eq!((&sale["state"], &sale["waiting"], &sale["inside"]), (&json!("paused"), &json!(2), &json!(0)), "{sale}");
    assert_eq!(sale["words"], "paused: 2 are in line, and nobody is called; 0 of 3 inside");
    assert_eq!((&sale["admit_rate"], &sale["active_shoppers"]), (&json!("60/min"), &json!(3)));
    let listed = api.get("/v1/rooms").await.json();
    assert_eq!((&listed["rooms"][0]["name"], &listed["store"]["healthy"]), (&json!("sale"), &json!(true)));
    let status = api.status().await;
    assert_eq!((&status["rooms"][0]["name"], &status["room_store"]["errors"]), (&json!("sale"), &json!(0)));
}

#[tokio::test]
async fn a_change_is_told_before_it_is_made() {
    let api = start();
    api.joins(100).await;
    let dry = api.patch("/v1/rooms/sale?dry_run=1", json!({"mode": "always", "active_shoppers": 1000})).await.json();
    let last = &dry["effect"]["last"];
    assert_eq!((&dry["dry_run"], &last["position"]), (&json!(true), &json!(100)), "{dry}");
    assert_eq!((&last["now"]["likely"], &last["then"]["likely"]), (&Json::Null, &json!(101)), "{dry}");
    assert_eq!(dry["effect"]["calls_per_second"], json!({"now": null, "then": 1.0}));
    assert_eq!(api.sale().await["mode"], "paused", "nothing has changed");

    let faster = api.patch("/v1/rooms/sale", json!({"admit_rate": "600/min", "mode": "always"})).await.json();
    assert_eq!((&faster["mode"], &faster["admit_rate"]), (&json!("always"), &json!("600/min")), "{faster}");
    assert_eq!(faster["effect"]["positions"][0]["then"]["likely"], 11, "{faster}");
    assert_eq!((&faster["kept"], &faster["override"]["actor"]), (&json!(true), &json!("127.0.0.1")));
    let back = api.send("DELETE", "/v1/rooms/sale", "", b"").await.json();
    assert_eq!((&back["mode"], &back["override"]), (&json!("paused"), &Json::Null));
}

#[tokio::test]
async fn a_message_may_be_text_or_a_table_of_languages_and_ends_by_itself() {
    let api = start();
    let said = api.patch("/v1/rooms/sale", json!({"message": "Back at noon"})).await.json();
    assert_eq!(said["message"], "Back at noon");
    let texts = json!({"en": "Back at noon", "ja": "正午に再開します"});
    let said = api.patch("/v1/rooms/sale", json!({"message": texts, "ttl": "1s"})).await.json();
    assert_eq!(said["message"], texts);
    while api.sale().await["message"] != Json::Null {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn some_are_called_at_once_and_nobody_who_comes_later() {
    let api = start();
    let joined = api.joins(2).await;
    let called = api.post("/v1/rooms/sale/admit", json!({"count": 500})).await;
    assert_eq!(
        (&called["asked"], &called["calls"], &called["called"]),
        (&json!(500), &json!(2), &json!(2)),
        "{called}"
    );
    assert_eq!(api.standings(&joined), [Standing::Called, Standing::Called]);
    let late = api.joins(1).await;
    assert!(matches!(api.stands(late[0]), Standing::Paused { .. }));
}

#[tokio::test]
async fn a_reset_needs_the_name_and_makes_every_ticket_void() {
    let api = start();
    let joined = api.joins(2).await;
    for body in [json!({}), json!({"confirm": "sael"}), json!({"confirm": true})] {
        let reply = api.send("POST", "/v1/rooms/sale/reset", "", body.to_string().as_bytes()).await;
        assert_eq!((reply.status, &reply.json()["problems"][0]["key"]), (422, &json!("confirm")), "{body}");
    }
    let before = api.sale().await;
    let after = api.post("/v1/rooms/sale/reset", json!({"confirm": "sale"})).await;
    assert_ne!(after["epoch"], before["epoch"]);
    assert_eq!((&after["waiting"], &after["kept"]), (&json!(0), &json!(true)));
    assert_eq!(api.standings(&joined), [Standing::Foreign, Standing::Foreign]);
}

#[tokio::test]
async fn what_an_origin_sold_out_is_opened_again_by_word_or_by_mode() {
    let api = start();
    let reply = api.send("POST", "/v1/rooms/sale/reopen", "", b"").await;
    assert_eq!(reply.status, 409, "it is not sold out");
    for by_mode in [false, true] {
        api.handle().room.sold_out();
        api.admin.rooms.settle().await;
        let sold_out = api.sale().await;
        assert_eq!((&sold_out["state"], &sold_out["sold_out"]), (&json!("sold-out"), &json!(true)), "{sold_out}");
        let reply = api.send("POST", "/v1/rooms/sale/admit", "", b"{\"count\": 1}").await;
        assert_eq!(reply.status, 409, "{reply:?}");
        let opened = match by_mode {
            true => api.patch("/v1/rooms/sale", json!({"mode": "auto"})).await.json(),
            false => api.post("/v1/rooms/sale/reopen", json!({})).await,
        };
        assert_eq!(opened["sold_out"], false, "{opened}");
    }
}

#[tokio::test]
async fn keys_are_rotated_and_the_ones_before_stay() {
    let api = start();
    let ring = |api: &Api| api.admin.rooms.keys().ring().load().to_text();
    let before = ring(&api);
    assert_eq!(api.post("/v1/keys/rotate", json!({})).await["rotated"], true);
    let current = before.lines().find_map(|line| line.strip_prefix("current ")).unwrap();
    assert!(ring(&api).contains(&format!("previous {current}")));
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let api = start();
    let before = api.sale().await;
    for (body, key) in [
        (r#"{"mode": "open"}"#, "room.sale.mode"),
        (r#"{"mode": "auto", "active_shoppers": 0}"#, "room.sale.active_shoppers"),
        (r#"{"mode": "auto", "admit_rate": "fast"}"#, "room.sale.admit_rate"),
        (r#"{"mode": "auto", "message": {"xx": "hello"}}"#, "room.sale.message.xx"),
        (r#"{"mode": "auto", "message": 5}"#, "room.sale.message"),
        (r#"{"mode": "auto", "order": "lottery"}"#, "order"),
        (r#"{"mode": null}"#, "mode"),
        (r#"{"ttl": "0s"}"#, "ttl"),
        ("{}", ""),
    ] {
        for query in ["", "?dry_run=1"] {
            let reply = api.send("PATCH", &format!("/v1/rooms/sale{query}"), "", body.as_bytes()).await;
            assert_eq!((reply.status, &reply.json()["problems"][0]["key"]), (422, &json!(key)), "{body} {reply:?}");
        }
    }
    for (body, status) in [(r#"{"count": 0}"#, 422), (r#"{"count": -3}"#, 422), (r#"{"count": 1.5}"#, 422), ("{}", 422)]
    {
        assert_eq!(api.send("POST", "/v1/rooms/sale/admit", "", body.as_bytes()).await.status, status, "{body}");
    }
    let mode = json!({"mode": "auto"}).to_string();
    assert_eq!(api.send("PATCH", "/v1/rooms/sale?dryrun=1", "", mode.as_bytes()).await.status, 400);
    assert_eq!(api.send("PATCH", "/v1/limits/login?dry_run=1", "", b"{\"burst\": 1}").await.status, 400);
    assert_eq!(api.patch("/v1/rooms/sael", json!({"mode": "auto"})).await.status, 404);
    assert_eq!(api.sale().await, before);
}

#[tokio::test]
async fn while_another_process_takes_over_nothing_is_done_here() {
    let api = start();
    api.admin.rooms.leave().await.unwrap();
    for (path, body) in [("admit", json!({"count": 1})), ("reset", json!({"confirm": "sale"}))] {
        let path = format!("/v1/rooms/sale/{path}");
        assert_eq!(api.send("POST", &path, "", body.to_string().as_bytes()).await.status, 503, "{path}");
    }
    assert_eq!(api.send("POST", "/v1/keys/rotate", "", b"").await.status, 503);
    assert_eq!(api.patch("/v1/rooms/sale", json!({"mode": "auto"})).await.status, 503);
    api.admin.rooms.resume();
    api.post("/v1/keys/rotate", json!({})).await;
    api.admin.lifecycle.enter(Phase::Draining);
    assert_eq!(api.patch("/v1/rooms/sale", json!({"mode": "auto"})).await.status, 200, "the lines still move");
}

#[tokio::test]
async fn the_page_is_shown_in_any_state_and_language_and_cannot_reach_the_api() {
    let api = start();
    let ask = async |body: &str| api.send("POST", "/v1/rooms/sale/preview", "", body.as_bytes()).await;
    let plain = ask("").await;
    assert_eq!((plain.status, plain.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(plain.header("content-security-policy").unwrap().ends_with("; sandbox allow-scripts"), "{plain:?}");
    let japanese = ask(r#"{"state": "called", "language": "ja"}"#).await;
    assert!(japanese.body.contains("lang=\"ja\"") && japanese.body != plain.body, "{japanese:?}");
    for body in [r#"{"state": "sleeping"}"#, r#"{"language": "xx"}"#, r#"{"stat": "called"}"#, "[]", "{"] {
        assert_eq!(ask(body).await.status, 422, "{body}");
    }
    assert_eq!(api.send("POST", "/v1/rooms/sael/preview", "", b"").await.status, 404);
}
