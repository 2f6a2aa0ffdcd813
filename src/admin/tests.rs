use std::net::TcpListener as StdListener;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::control::boot::Boot;
use crate::control::engine;
use crate::control::fixture::{policy, write};
use crate::control::logs::ProcessLogs;
use crate::control::rooms::Kept;
use crate::edge::snapshot::{Finding, RouteFinding, SnapshotBuilder};
use crate::origin::{Origins, Resolver};
use crate::overload::{COHORTS, Cause, Directive, State};
use crate::policy::journey::JourneyKeys;
use crate::telemetry::AccessLog;
use crate::telemetry::faults::{Fault, request_line};

/// A proxy without workers, and its admin API on a real socket.
pub(super) struct Api {
    _dir: TempDir,
    pub(super) admin: Admin,
    address: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Api {
    fn start() -> Self {
        Self::with(&policy("10/s"))
    }

    /// One with this policy.
    pub(super) fn with(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, text);
        let boot = Boot::load(&dir.path().join("shop.toml")).unwrap();
        let metrics = Metrics::new(1);
        let origins = Arc::new(Origins::new(tokio::runtime::Handle::current(), Resolver::system().unwrap()));
        let builder = SnapshotBuilder::new(metrics.clone(), origins, JourneyKeys::new(&[7; 32]), 1).unwrap();
        let (kept, saved) = Kept::open(boot.state(), true).unwrap();
        let builder = builder.with_rooms(saved);
        let logs = ProcessLogs::new(None, AccessLog::start(None, &metrics).unwrap());
        let (reloader, live) = engine::start(boot, builder, &metrics, logs).unwrap();
        let shared = Shared::new(live, kept.keyring());
        let rooms = Rooms::start(Arc::clone(&shared), kept, &metrics).unwrap();
        rooms.begin();
        let admin = Admin {
            lifecycle: Lifecycle::begin(),
            policies: Policies::start(reloader).unwrap(),
            shared,
            metrics,
            faults: Arc::default(),
            rooms,
        };
        let socket = StdListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(serve(admin.clone(), socket).unwrap());
        Self { _dir: dir, admin, address }
    }

    pub(super) async fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let host = if headers.contains("host:") { "" } else { "host: localhost\r\n" };
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{headers}content-length: {length}\r\n\r\n");
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        // A body that is refused may not be read to its end.
        let _ = connection.write_all(body).await;
        let mut reply = Vec::new();
        let _ = connection.read_to_end(&mut reply).await;
        let reply = String::from_utf8(reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}"));
        Reply { status: head[9..12].parse().unwrap(), head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", b"").await
    }

    pub(super) async fn patch(&self, path: &str, body: Json) -> Reply {
        self.send("PATCH", path, "", body.to_string().as_bytes()).await
    }

    async fn put(&self, query: &str, headers: &str, text: &str) -> Reply {
        self.send("PUT", &format!("/v1/policy{query}"), headers, text.as_bytes()).await
    }

    pub(super) async fn status(&self) -> Json {
        self.get("/v1/status").await.json()
    }

    fn rate(&self) -> f64 {
        self.admin.shared.live.load().limits[0].rate()
    }
}

impl Reply {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

#[tokio::test]
async fn readiness_follows_the_life_of_the_process_and_anybody_may_ask() {
    let api = Api::start();
    let ready = async || api.send("GET", "/readyz", "host: balancer.example\r\n", b"").await.status;
    assert_eq!(ready().await, 503);
    assert_eq!(api.status().await["phase"], "starting");
    api.admin.lifecycle.serve();
    assert_eq!(ready().await, 200);
    api.admin.lifecycle.enter(Phase::Draining);
    assert_eq!(ready().await, 503);
    assert_eq!(api.get("/livez").await.status, 200);
    assert_eq!(api.status().await["phase"], "draining");
}

#[tokio::test]
async fn after_a_handover_the_address_is_left_to_the_next_process() {
    let api = Api::start();
    assert_eq!(api.get("/livez").await.status, 200);
    api.admin.lifecycle.enter(Phase::HandingOver);
    while TcpStream::connect(api.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn errors_are_problems() {
    let api = Api::start();
    for (method, path, headers, status) in [
        ("GET", "/v1/rooms/sale", "", 404),
        ("POST", "/v1/rooms/sale/admit", "", 404),
        ("GET", "/v1/../v1/status", "", 404),
        ("DELETE", "/v1/policy", "", 405),
        ("GET", "/v1/explain", "", 405),
        ("GET", "/v1/status", "host: evil.example\r\n", 403),
        ("POST", "/v1/revisions/1/restore", "origin: https://evil.example\r\n", 403),
        ("POST", "/v1/revisions/99/restore", "", 404),
        ("GET", "/v1/limits/logout", "", 404),
        ("DELETE", "/v1/limits/login", "", 404),
        ("PUT", "/v1/policy?dryrun=1", "", 400),
    ] {
        let reply = api.send(method, path, headers, b"").await;
        assert_eq!(
            (reply.status, reply.json()["status"].as_u64()),
            (status, Some(u64::from(status))),
            "{method} {path}"
        );
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{method} {path}");
    }
    assert_eq!(api.send("DELETE", "/v1/policy", "", b"").await.header("allow"), Some("get, head, put"));
}

#[tokio::test]
async fn a_policy_is_read_checked_replaced_and_restored() {
    let api = Api::start();
    let read = api.get("/v1/policy").await;
    assert_eq!((read.body.as_str(), read.header("content-type")), (policy("10/s").as_str(), Some("application/toml")));
    let tag = read.header("etag").unwrap().to_owned();
    assert_eq!(api.send("GET", "/v1/policy", &format!("if-none-match: {tag}\r\n"), b"").await.status, 304);

    let if_match = format!("if-match: {tag}\r\n");
    let dry = api.put("?dry_run=1", &if_match, &policy("20/s")).await;
    assert_eq!((dry.status, &dry.json()["revision"], api.rate()), (200, &json!(2), 10.0));
    let put = api.put("", &if_match, &policy("20/s")).await;
    assert_eq!((put.status, &put.json()["changed"], api.rate()), (200, &json!(true), 20.0));
    assert_eq!(put.header("etag"), api.get("/v1/policy").await.header("etag"));
    assert_eq!(api.put("", &if_match, &policy("30/s")).await.status, 412);
    assert_eq!(api.put("", "if-match: *\r\n", &policy("20/s")).await.json()["changed"], false);

    let revisions = api.get("/v1/revisions").await.json();
    let listed: Vec<_> = revisions["revisions"].as_array().unwrap().iter().map(|one| &one["source"]).collect();
    assert_eq!(listed, ["api", "file"]);
    assert_eq!(api.get("/v1/revisions/1").await.body, policy("10/s"));
    assert_eq!(api.send("POST", "/v1/revisions/1/restore", "", b"").await.json()["revision"], 3);
    assert_eq!(api.rate(), 10.0);
}

#[tokio::test]
async fn a_wrong_policy_is_answered_with_every_mistake_and_shown_in_the_status() {
    let api = Api::start();
    let wrong = policy("fast").replace("\"client-ip\"", "\"client\"");
    let reply = api.put("", "", &wrong).await;
    let keys: Vec<_> = reply.json()["problems"].as_array().unwrap().iter().map(|one| one["key"].clone()).collect();
    assert_eq!((reply.status, keys), (422, vec![json!("limit.login.key"), json!("limit.login.rate")]));
    let last = &api.status().await["last_reload"];
    assert_eq!((&last["result"], last["problems"].as_array().unwrap().len()), (&json!("failure"), 2));
    assert!(api.get("/metrics").await.body.contains("spillway_policy_reloads_total{result=\"failure\"} 1"));
    assert_eq!(api.send("PUT", "/v1/policy", "", b"\xff\xfe").await.status, 422);
}

#[tokio::test]
async fn a_limit_is_overridden_shown_and_dropped() {
    let api = Api::start();
    let reply =
        api.patch("/v1/limits/login", json!({"rate": "1/s", "mode": "shadow", "ttl": "15m", "reason": "bots"})).await;
    let view = reply.json();
    assert_eq!(
        (reply.status, &view["rate"], &view["mode"], &view["burst"]),
        (200, &json!("1/s"), &json!("shadow"), &json!(5))
    );
    assert_eq!(api.rate(), 1.0);
    let listed = &api.status().await["overrides"][0];
    assert_eq!(
        (&listed["target"], &listed["reason"], &listed["actor"]),
        (&json!("limits/login"), &json!("bots"), &json!("127.0.0.1"))
    );
    let left = listed["ttl_seconds"].as_f64().unwrap();
    assert!((800.0..=900.0).contains(&left), "{left}");
    assert_eq!(api.send("DELETE", "/v1/limits/login", "", b"").await.json()["override"], json!(null));
    assert_eq!(api.rate(), 10.0);
}

#[tokio::test]
async fn capacity_and_servers_are_overridden() {
    let api = Api::start();
    assert_eq!(api.patch("/v1/origins/shop", json!({"limit": 7})).await.json()["limit"], 7);
    let path = "/v1/origins/shop/servers/127.0.0.1:9001";
    assert_eq!(api.patch(path, json!({"state": "drain"})).await.json()["state"], "drain");
    let servers = api.get("/v1/origins/shop").await.json()["servers"].clone();
    assert_eq!((&servers[0]["state"], &servers[1]["state"]), (&json!("ready"), &json!("drain")));
    assert_eq!(api.send("DELETE", path, "", b"").await.json()["state"], "ready");
}

#[tokio::test]
async fn adaptive_capacity_is_overridden_and_explains_itself() {
    let api = Api::start();
    assert_eq!(api.get("/v1/origins/shop").await.json()["adaptive"], Json::Null);
    let origin = api.patch("/v1/origins/shop", json!({"min": 3, "max": 90, "enforce": false})).await.json();
    assert_eq!(origin["adaptive"], json!({"enforce": false, "state": "learning"}));
    assert_eq!(
        origin["override"]["set"]["capacity"],
        json!({"mode": "adaptive", "min": 3, "max": 90, "enforce": false})
    );
    let handle = &api.admin.shared.live.load().origins[0];
    let directive = Directive {
        limit: 12,
        caps: Vec::new(),
        may_begin: 0.25,
        begin_rate: 2.5,
        pressed: true,
        shedding: false,
        state: State::Recovering,
        cause: Cause::Stuck,
    };
    let pay = RouteFinding { route: "pay".into(), latency: Duration::from_micros(12_500), ratio: Some(1.5) };
    let finding = Finding { directive, since: crate::clock::now(), routes: [pay].into() };
    handle.adaptive.as_ref().unwrap().publish(finding);
    let adaptive = api.status().await["origins"][0]["adaptive"].clone();
    assert_eq!((&adaptive["state"], &adaptive["cause"]), (&json!("recovering"), &json!("stuck")));
    assert_eq!((&adaptive["begin_rate_per_second"], &adaptive["pressed"]), (&json!(2.5), &json!(true)));
    assert!(adaptive["since_seconds"].as_f64().unwrap() < 60.0);
    assert_eq!(adaptive["routes"], json!([{"route": "pay", "baseline_ms": 12.5, "ratio": 1.5}]));
    let cursor = &handle.adaptive.as_ref().unwrap().cursor;
    (0..COHORTS).for_each(|cohort| assert!(cursor.offer(0, cohort)));
    // Half of what comes, and a quarter more.
    cursor.tick(64.0 / 1.25 * (1.0 - (-1.0_f64).exp()), true, 1_000_000_000);
    let page = api.get("/metrics").await.body;
    for line in [
        r#"spillway_priority_cursor{origin="shop"} 0.5"#,
        r#"spillway_capacity_state{origin="shop",state="recovering"} 1"#,
        r#"spillway_capacity_state{origin="shop",state="steady"} 0"#,
        r#"spillway_capacity_begin_rate_per_second{origin="shop"} 2.5"#,
        r#"spillway_capacity_decisions_total{origin="shop",cause="stuck"} 0"#,
    ] {
        assert!(page.lines().any(|shown| shown == line), "{line} is not in\n{page}");
    }
    assert_eq!(api.send("DELETE", "/v1/origins/shop", "", b"").await.json()["limit"], 200);
}

#[tokio::test]
async fn hostile_bodies_change_nothing() {
    let api = Api::start();
    for (path, body, key) in [
        ("/v1/limits/login", r#"{"rate": "1/s", "burts": 3}"#, "burts"),
        ("/v1/limits/login", r#"{"rate": null}"#, "rate"),
        ("/v1/limits/login", r#"{"rate": "1/s\"\nburst = 9"}"#, "limit.login.rate"),
        ("/v1/limits/login", r#"{"burst": 1e300}"#, "limit.login.burst"),
        ("/v1/limits/login", r#"{"burst": {"a": [1, 2]}}"#, "limit.login.burst"),
        ("/v1/limits/login", r#"{"ttl": "0s"}"#, "ttl"),
        ("/v1/limits/login", "{}", ""),
        ("/v1/origins/shop", r#"{"limit": 0}"#, "origin.shop.capacity.limit"),
        ("/v1/origins/shop", r#"{"limit": -1}"#, "origin.shop.capacity.limit"),
        ("/v1/origins/shop", r#"{"limit": 5, "max": 9}"#, "origin.shop.capacity.max"),
        ("/v1/origins/shop", r#"{"min": 5, "max": 4}"#, "origin.shop.capacity.max"),
        ("/v1/origins/shop", r#"{"min": 1001}"#, "origin.shop.capacity.min"),
        ("/v1/origins/shop/servers/127.0.0.1:9001", r#"{"state": "off"}"#, "state"),
    ] {
        let reply = api.send("PATCH", path, "", body.as_bytes()).await;
        assert_eq!((reply.status, &reply.json()["problems"][0]["key"]), (422, &json!(key)), "{path} {body}");
    }
    let long = vec![b' '; 65 << 10];
    assert_eq!(api.send("PATCH", "/v1/limits/login", "", &long).await.status, 413);
    assert_eq!(api.rate(), 10.0);
    assert!(api.status().await["overrides"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_request_is_explained() {
    let api = Api::start();
    let ask = async |body: Json| api.send("POST", "/v1/explain", "", body.to_string().as_bytes()).await;
    let reply =
        ask(json!({"url": "http://shop.example/a", "headers": {"Accept": "text/html", "Cookie": ["a=1", "b=2"]}}))
            .await;
    assert_eq!((reply.status, &reply.json()["route"]["name"]), (200, &json!("everything")));
    assert_eq!(ask(json!({"url": "http://shop.example/a", "peer": "here"})).await.status, 422);
    assert_eq!(ask(json!({"method": "GET"})).await.json()["problems"][0]["key"], "url");
    assert_eq!(ask(json!({"url": "http://shop.example/a", "headers": {"a b": "c"}})).await.status, 422);
    assert_eq!(
        ask(json!({"url": "http://shop.example/a", "headers": {"a": 1}})).await.json()["problems"][0]["key"],
        "headers.a"
    );
}

#[tokio::test]
async fn malformed_requests_are_listed() {
    let api = Api::start();
    api.admin.faults.record(Fault {
        unix_millis: 1_800_000_000_000,
        kind: "bad_host",
        client: [192, 0, 2, 1].into(),
        listener: api.address,
        request: Some(request_line("GET", "/a?b=c")),
    });
    let errors = api.get("/v1/errors").await.json();
    let first = &errors["errors"][0];
    assert_eq!((&first["at"], &first["request"]), (&json!("2027-01-15T08:00:00Z"), &json!("GET /a?…")));
}

#[tokio::test]
async fn the_page_links_to_what_there_is() {
    let api = Api::start();
    let page = api.get("/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let links: Vec<_> = page.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() > 5);
    api.admin.lifecycle.serve();
    for link in links {
        assert_eq!(api.get(link).await.status, 200, "{link}");
    }
    let head = api.send("HEAD", "/v1/status", "", b"").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}
