//! The admin API as operators, their tools and Prometheus use it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::client::{Answer, request};
use crate::harness::tools::tool;
use crate::harness::{Gate, Origin, Proxy, until};

/// A route with a limit at an origin of fixed capacity.
fn limited(origin: &Origin) -> String {
    let config = origin.config().replace("[[class]]", "capacity = { mode = \"fixed\", limit = 100 }\n[[class]]");
    format!("{config}limits = [\"slow\"]\n[limit.slow]\nkey = \"global\"\nrate = \"1/h\"\nburst = 3\n")
}

async fn ask(proxy: &Proxy, method: &str, path: &str, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let mut asked = request(method, path, body);
    for (name, value) in headers {
        asked.headers_mut().append(*name, value.parse().unwrap());
    }
    proxy.admin().send(asked).await
}

async fn patch(proxy: &Proxy, path: &str, body: Value) -> Answer {
    ask(proxy, "PATCH", path, &[], &body.to_string()).await
}

#[tokio::test]
async fn everything_there_is_answers() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/livez", "text/plain"),
        ("/readyz", "text/plain"),
        ("/metrics", "text/plain; version=0.0.4"),
        ("/v1/status", "application/json"),
        ("/v1/policy", "application/toml"),
        ("/v1/revisions", "application/json"),
        ("/v1/revisions/1", "application/toml"),
        ("/v1/limits", "application/json"),
        ("/v1/limits/slow", "application/json"),
        ("/v1/origins", "application/json"),
        ("/v1/origins/shop", "application/json"),
        ("/v1/errors", "application/json"),
    ] {
        let answer = proxy.admin().get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.header("content-type").starts_with(kind), "{path}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let head = proxy.admin().call("HEAD", path, "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "HEAD {path}");
    }
}

#[tokio::test]
async fn what_there_is_not_is_a_problem() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    for (method, path, status) in [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/limits/other", 404),
        ("GET", "/v1/revisions/99", 404),
        ("POST", "/v1/status", 405),
        ("PATCH", "/v1/limits", 405),
        ("DELETE", "/v1/limits/slow", 404),
        ("POST", "/v1/revisions/99/restore", 404),
    ] {
        let answer = proxy.admin().call(method, path, "").await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        assert_eq!(answer.json()["status"], status, "{method} {path}");
    }
    assert_eq!(proxy.admin().call("POST", "/v1/status", "").await.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn the_status_tells_how_it_is() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&limited(&origin));
    let client = proxy.client();
    let open = tokio::spawn(async move { client.get("/open").await });
    origin.sees(1).await;
    let status = proxy.status().await;
    assert_eq!((&status["phase"], &status["ready"]), (&"running".into(), &true.into()), "{status:#}");
    assert_eq!((&status["pid"], &status["workers"]), (&proxy.pid().into(), &2.into()));
    assert_eq!((&status["revision"], &status["needs_restart"]), (&1.into(), &json!([])));
    assert_eq!(status["connections"]["open"], 1);
    let limit = &status["limits"][0];
    assert_eq!((&limit["name"], &limit["rate"], &limit["burst"]), (&"slow".into(), &"1/h".into(), &3.into()));
    assert!((limit["tokens"].as_f64().unwrap() - 2.0).abs() < 0.1, "{limit}");
    let shop = &status["origins"][0];
    assert_eq!((&shop["name"], &shop["limit"], &shop["in_use"]), (&"shop".into(), &100.into(), &1.into()));
    assert_eq!((&shop["servers"][0]["usable"], &shop["servers"][0]["in_flight"]), (&true.into(), &1.into()));
    gate.lets_go(1);
    assert_eq!(open.await.unwrap().status, 200);
}

#[tokio::test]
async fn pages_of_other_sites_and_other_names_are_turned_away() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    let status =
        async |headers: &[(&'static str, &str)]| ask(&proxy, "GET", "/v1/status", headers, "").await.status.as_u16();
    assert_eq!(status(&[]).await, 200);
    assert_eq!(status(&[("host", "rebound.example")]).await, 403);
    assert_eq!(status(&[("origin", "https://evil.example")]).await, 403);
    assert_eq!(status(&[("origin", "null")]).await, 403);
    assert_eq!(status(&[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(status(&[("host", "localhost"), ("origin", "http://localhost")]).await, 200);
    let forged = ask(&proxy, "PATCH", "/v1/limits/slow", &[("origin", "https://evil.example")], "{\"burst\": 9}").await;
    assert_eq!(forged.status, 403);
    assert_eq!(proxy.admin().get("/v1/limits/slow").await.json()["burst"], 3);
    assert_eq!(ask(&proxy, "GET", "/readyz", &[("host", "balancer.example")], "").await.status, 200);
    let answer = ask(&proxy, "OPTIONS", "/v1/status", &[("origin", "https://evil.example")], "").await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_token_is_asked_for_where_there_is_one() {
    let origin = Origin::saying("hello").await;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("admin.token"), "s3cret\n").unwrap();
    let admin = "[admin]\naddress = \"127.0.0.1:0\"\ntoken_file = \"admin.token\"\n";
    let proxy = Proxy::within(dir, &format!("{admin}{}", limited(&origin)));
    let status =
        async |path: &str, token: &str| ask(&proxy, "GET", path, &[("authorization", token)], "").await.status.as_u16();
    assert_eq!(proxy.admin().get("/v1/status").await.header("www-authenticate"), "Bearer");
    assert_eq!(status("/v1/status", "Bearer wrong").await, 401);
    assert_eq!(status("/metrics", "Bearer wrong").await, 401);
    assert_eq!(status("/v1/status", "Bearer s3cret").await, 200);
    assert_eq!(status("/livez", "Bearer wrong").await, 200, "orchestrators know no token");
}

#[tokio::test]
async fn a_policy_is_put_tried_out_and_restored() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    let get = async || proxy.admin().get("/v1/policy").await;
    let before = get().await;
    let tag = before.header("etag").to_owned();
    assert_eq!(before.text(), proxy.whole(&limited(&origin)));
    assert_eq!(ask(&proxy, "GET", "/v1/policy", &[("if-none-match", &tag)], "").await.status, 304);

    let changed = before.text().replace("everything", "changed");
    let dry = ask(&proxy, "PUT", "/v1/policy?dry_run=1", &[], &changed).await;
    assert_eq!((dry.status.as_u16(), &dry.json()["changed"]), (200, &true.into()), "{dry:?}");
    assert_eq!(get().await.header("etag"), tag, "nothing has changed");

    let wrong = changed.replace("class = \"browse\"", "class = \"brwse\"");
    for path in ["/v1/policy", "/v1/policy?dry_run=1"] {
        let refused = ask(&proxy, "PUT", path, &[], &wrong).await;
        assert_eq!(refused.status, 422);
        assert_eq!(refused.json()["problems"][0]["key"], "route[0].class", "{refused:?}");
    }

    let put = ask(&proxy, "PUT", "/v1/policy", &[("if-match", &tag)], &changed).await;
    assert_eq!((put.status.as_u16(), &put.json()["revision"]), (200, &2.into()), "{put:?}");
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(origin.last().header("x-spillway-route"), "changed");
    let again = ask(&proxy, "PUT", "/v1/policy", &[("if-match", &tag)], &before.text()).await;
    assert_eq!(again.status, 412, "somebody else was faster");
    assert_ne!(get().await.header("etag"), tag);

    assert_eq!(proxy.admin().get("/v1/revisions/1").await.text(), before.text());
    let restored = proxy.admin().call("POST", "/v1/revisions/1/restore", "").await;
    assert_eq!(restored.json()["revision"], 3, "{restored:?}");
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(origin.last().header("x-spillway-route"), "everything");
    let revisions = proxy.admin().get("/v1/revisions").await.json();
    let numbers: Vec<_> = revisions["revisions"].as_array().unwrap().iter().map(|one| &one["revision"]).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(revisions["revisions"][0]["in_force"], true);
}

#[tokio::test]
async fn a_patched_limit_holds_at_once_and_ends_by_itself() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    for _ in 0..3 {
        assert_eq!(proxy.client().get("/").await.status, 200);
    }
    assert_eq!(proxy.client().get("/").await.status, 429);
    let set = json!({ "mode": "shadow", "ttl": "1s", "reason": "the sale" });
    let patched = patch(&proxy, "/v1/limits/slow", set).await;
    assert_eq!((patched.status.as_u16(), &patched.json()["mode"]), (200, &"shadow".into()), "{patched:?}");
    assert_eq!(proxy.client().get("/").await.status, 200);
    let overrides = proxy.status().await["overrides"].clone();
    assert_eq!((&overrides[0]["reason"], &overrides[0]["in_force"]), (&"the sale".into(), &true.into()), "{overrides}");
    until("the override has ended", async || (proxy.client().get("/").await.status == 429).then_some(())).await;
    assert_eq!(proxy.status().await["overrides"], json!([]));
}

#[tokio::test]
async fn a_patched_rate_gives_no_fresh_burst_and_is_dropped_again() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    for _ in 0..3 {
        assert_eq!(proxy.client().get("/").await.status, 200);
    }
    let patched = patch(&proxy, "/v1/limits/slow", json!({ "rate": "6/min", "burst": 50 })).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let refused = proxy.client().get("/").await;
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    let dropped = proxy.admin().call("DELETE", "/v1/limits/slow", "").await;
    assert_eq!((dropped.status.as_u16(), &dropped.json()["rate"]), (200, &"1/h".into()), "{dropped:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_override_outlives_the_process() {
    let origin = Origin::saying("hello").await;
    let mut proxy = Proxy::with(&limited(&origin));
    assert_eq!(patch(&proxy, "/v1/limits/slow", json!({ "burst": 1, "ttl": "1h" })).await.status, 200);
    proxy.signal(Signal::TERM);
    assert!(proxy.ends().success());
    let proxy = Proxy::within(proxy.dir(), &limited(&origin));
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(proxy.client().get("/").await.status, 429);
    assert_eq!(proxy.status().await["overrides"][0]["target"], "limits/slow");
    assert_eq!(proxy.admin().call("DELETE", "/v1/limits/slow", "").await.json()["burst"], 3);
}

#[tokio::test]
async fn wrong_overrides_are_refused_with_every_mistake() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    for (body, keys) in [
        (json!({ "burst": 5, "brust": 6, "ttl": "soon" }), vec!["ttl", "brust"]),
        (json!({ "rate": "fast" }), vec!["limit.slow.rate"]),
        (json!({}), vec![""]),
    ] {
        let refused = patch(&proxy, "/v1/limits/slow", body.clone()).await;
        assert_eq!(refused.status, 422, "{body}: {refused:?}");
        let problems = refused.json()["problems"].as_array().unwrap().clone();
        let found: Vec<_> = problems.iter().map(|problem| problem["key"].as_str().unwrap()).collect();
        assert_eq!(found, keys, "{body}: {refused:?}");
    }
    assert_eq!(patch(&proxy, "/v1/limits/other", json!({ "burst": 5 })).await.status, 404);
}

#[tokio::test]
async fn an_origin_and_its_server_are_patched() {
    let (one, two) = (Origin::saying("one").await, Origin::saying("two").await);
    let config = one.config().replace("servers = [", &format!("servers = [\"{}\", ", two.url()));
    let proxy = Proxy::with(&config);
    let patched = patch(&proxy, "/v1/origins/shop", json!({ "limit": 7 })).await;
    assert_eq!((patched.status.as_u16(), &patched.json()["limit"]), (200, &7.into()), "{patched:?}");
    proxy.shows("spillway_capacity_limit{origin=\"shop\"}", 7.0).await;
    let server = format!("/v1/origins/shop/servers/{}", one.address());
    let drained = patch(&proxy, &server, json!({ "state": "drain", "reason": "an update" })).await;
    assert_eq!((drained.status.as_u16(), &drained.json()["state"]), (200, &"drain".into()), "{drained:?}");
    for _ in 0..20 {
        assert_eq!(proxy.client().get("/").await.text(), "two");
    }
    assert_eq!(proxy.admin().call("DELETE", &server, "").await.status, 200);
    until("the server is back", async || (proxy.client().get("/").await.text() == "one").then_some(())).await;
}

#[tokio::test]
async fn explain_judges_by_the_policy_in_force_and_counts_nothing() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    let described = json!({ "method": "GET", "url": "http://shop.example/tea?x=1" }).to_string();
    for _ in 0..5 {
        let answer = proxy.admin().call("POST", "/v1/explain", &described).await;
        let explanation = answer.json();
        assert_eq!(explanation["route"]["name"], "everything", "{explanation:#}");
        assert_eq!(explanation["limits"][0]["name"], "slow", "{explanation:#}");
    }
    assert_eq!(proxy.client().get("/").await.status, 200, "no token was taken");
    assert_eq!(proxy.admin().call("POST", "/v1/explain", "{}").await.status, 422);
}

#[tokio::test]
async fn the_last_malformed_requests_are_shown_without_secrets() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin));
    let malformed = "GET /basket?token=s3cret HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    let answer = proxy.client().raw(malformed).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let errors = until("it is shown", async || {
        let errors = proxy.admin().get("/v1/errors").await.json();
        (errors["errors"] != json!([])).then_some(errors)
    })
    .await;
    let shown = errors.to_string();
    assert!(shown.contains("/basket") && !shown.contains("s3cret"), "{shown}");
    assert_eq!(errors["errors"][0]["client"], "127.0.0.1", "{shown}");
}

#[tokio::test]
async fn it_answers_while_the_workers_are_saturated() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin).replace("mode = \"fixed\", limit = 100", "mode = \"fixed\", limit = 1"));
    let mut wrk = Command::new(tool("wrk", "wrk"));
    wrk.args(["-t2", "-c64", "-d20s", &format!("http://{}/", proxy.address())]);
    let mut wrk = wrk.stdout(Stdio::null()).spawn().unwrap();
    until("the workers are busy", async || (proxy.metric("spillway_requests_total{").await > 1_000.0).then_some(()))
        .await;
    let mut times = Vec::new();
    for path in ["/v1/status", "/metrics", "/readyz", "/v1/limits"].iter().cycle().take(20) {
        let asked = Instant::now();
        assert_eq!(proxy.admin().get(path).await.status, 200);
        times.push(asked.elapsed());
    }
    assert!(wrk.try_wait().unwrap().is_none(), "the load ended too soon");
    wrk.kill().unwrap();
    wrk.wait().unwrap();
    times.sort();
    assert!(times[10] < Duration::from_millis(50), "{times:?}");
}
