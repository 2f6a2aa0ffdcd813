//! An origin whose capacity nobody knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::origin::answer;
use crate::harness::wait::until;
use crate::harness::{Origin, Proxy};

const LIMIT: &str = "spillway_capacity_limit{origin=\"shop\"}";

/// One route for everything, with little patience, at an origin of this capacity.
fn shop(origin: &Origin, capacity: &str) -> String {
    origin.config_with(&format!("response_timeout = \"400ms\"\ncapacity = {{ {capacity} }}"))
}

const ADAPTIVE: &str = "mode = \"adaptive\", min = 2, max = 64";

/// An origin that takes 20 ms, and for ever while it hangs.
async fn hanging() -> (Origin, Arc<AtomicBool>) {
    let hangs = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&hangs);
    let origin = Origin::answering(move |_| {
        let hangs = Arc::clone(&switch);
        async move {
            if hangs.load(SeqCst) {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            answer("hello")
        }
    })
    .await;
    (origin, hangs)
}

/// Clients each of whom asks again as soon as it is answered, until this is dropped.
struct Crowd {
    _clients: JoinSet<()>,
    served: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

impl Crowd {
    fn of(count: usize, proxy: &Proxy) -> Self {
        let (served, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut clients = JoinSet::new();
        for _ in 0..count {
            let (client, served, refused) = (proxy.client(), Arc::clone(&served), Arc::clone(&refused));
            clients.spawn(async move {
                loop {
                    let counter = if client.get("/").await.status == 200 { &served } else { &refused };
                    counter.fetch_add(1, SeqCst);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        }
        Self { _clients: clients, served, refused }
    }
}

async fn adaptive(proxy: &Proxy) -> Value {
    proxy.admin().get("/v1/origins").await.json()["origins"][0]["adaptive"].clone()
}

#[tokio::test]
async fn it_begins_with_little_and_gets_what_it_bears() {
    let (origin, _) = hanging().await;
    let proxy = Proxy::with(&shop(&origin, ADAPTIVE));
    let first = proxy.metric(LIMIT).await;
    assert!(first < 24.0, "{first} at once before anything is known");
    let _crowd = Crowd::of(40, &proxy);
    until("the limit is twice what it was", async || (proxy.metric(LIMIT).await >= 2.0 * first.max(8.0)).then_some(()))
        .await;
    let decisions = proxy.metric("spillway_capacity_decisions_total{origin=\"shop\"}").await;
    assert!(decisions >= 2.0, "{decisions}");
}

#[tokio::test]
async fn an_origin_that_never_answers_gets_next_to_nothing_and_is_back_soon_after_its_return() {
    let (origin, hangs) = hanging().await;
    let proxy = Proxy::with(&shop(&origin, ADAPTIVE));
    let crowd = Crowd::of(30, &proxy);
    until("some are at the origin at once", async || (proxy.metric(LIMIT).await >= 10.0).then_some(())).await;
    hangs.store(true, SeqCst);
    until("it is given the least", async || (proxy.metric(LIMIT).await <= 2.0).then_some(())).await;
    hangs.store(false, SeqCst);
    let (returned, before) = (Instant::now(), crowd.served.load(SeqCst));
    until("hundreds are served", async || (crowd.served.load(SeqCst) >= before + 300).then_some(())).await;
    assert!(returned.elapsed() < Duration::from_secs(20), "after {:?}", returned.elapsed());
}

#[tokio::test]
async fn in_shadow_nobody_is_refused_and_what_would_have_been_is_counted() {
    let (origin, _) = hanging().await;
    let proxy = Proxy::with(&shop(&origin, "mode = \"adaptive\", min = 1, max = 2, enforce = false"));
    let crowd = Crowd::of(20, &proxy);
    let shadow = "spillway_decisions_total{reason=\"capacity\",mode=\"shadow\"}";
    until("some would have been refused", async || (proxy.metric(shadow).await >= 50.0).then_some(())).await;
    assert_eq!(crowd.refused.load(SeqCst), 0);
    assert!(proxy.metric(LIMIT).await <= 2.0);
    assert_eq!(adaptive(&proxy).await["enforce"], false);
}

#[tokio::test]
async fn what_it_says_of_its_load_is_used_if_it_can_be_and_never_shown() {
    let origin = Origin::answering(|request| async move {
        let report = request.uri().query().unwrap_or_default().replace('+', " ");
        let mut answer = answer("hello");
        answer.headers_mut().insert("endpoint-load-metrics", report.parse().unwrap());
        answer
    })
    .await;
    let proxy = Proxy::with(&shop(&origin, ADAPTIVE));
    let reports = |result| format!("spillway_origin_load_reports_total{{origin=\"shop\",result=\"{result}\"}}");
    let huge = format!("TEXT+cpu_utilization=0.5,{}", "x".repeat(5_000));
    for absurd in ["TEXT+cpu_utilization=NaN", "TEXT+cpu_utilization=-1", "TEXT+cpu_utilization=1e9", "ok", &huge] {
        let seen = proxy.client().get(&format!("/?{absurd}")).await;
        assert_eq!((seen.status.as_u16(), seen.header("endpoint-load-metrics")), (200, ""), "{absurd}");
    }
    assert_eq!((proxy.metric(&reports("ignored")).await, proxy.metric(&reports("used")).await), (5.0, 0.0));
    assert_eq!(proxy.admin().get("/v1/origins").await.json()["origins"][0]["utilisation"], Value::Null);
    proxy.client().get("/?TEXT+cpu_utilization=0.4,named_metrics.db_pool=0.9").await;
    assert_eq!((proxy.metric(&reports("ignored")).await, proxy.metric(&reports("used")).await), (5.0, 1.0));
    let utilisation = proxy.metric("spillway_origin_utilisation{origin=\"shop\"}").await;
    assert!((0.01..=0.9).contains(&utilisation), "{utilisation}");
}

#[tokio::test]
async fn what_routes_take_at_rest_is_shown_and_survives_a_restart() {
    let (origin, _) = hanging().await;
    let config = shop(&origin, ADAPTIVE);
    let mut proxy = Proxy::with(&config);
    until("the route has a baseline", async || {
        proxy.client().get("/").await;
        adaptive(&proxy).await["routes"][0]["baseline_ms"].as_f64().filter(|millis| *millis >= 15.0)
    })
    .await;
    let route = &adaptive(&proxy).await["routes"][0];
    assert_eq!(route["route"], "everything");
    let dir = proxy.dir();
    proxy.signal(Signal::TERM);
    proxy.ends();
    let proxy = Proxy::within(dir, &config);
    until("it is known again, without a request", async || {
        adaptive(&proxy).await["routes"][0]["baseline_ms"].as_f64().filter(|millis| *millis >= 15.0)
    })
    .await;
}

#[tokio::test]
async fn an_operator_sets_a_limit_over_it_and_takes_it_back() {
    let (origin, _) = hanging().await;
    let proxy = Proxy::with(&shop(&origin, ADAPTIVE));
    let set = async |body: Value| proxy.admin().call("PATCH", "/v1/origins/shop", &body.to_string()).await;
    assert_eq!(set(json!({"limit": 7})).await.json()["limit"], 7);
    assert_eq!(adaptive(&proxy).await, Value::Null);
    let origin = set(json!({"min": 9, "max": 11})).await.json();
    let limit = origin["limit"].as_u64().unwrap();
    assert!((9..=11).contains(&limit), "{origin}");
    let refused = set(json!({"min": 12, "max": 11})).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("origin.shop.capacity.max"), "{}", refused.text());
}

#[test]
fn bounds_that_contradict_each_other_are_refused() {
    let (status, said) = Proxy::refuses(&crate::harness::origin::config(
        &["127.0.0.1:9".parse().unwrap()],
        "capacity = { mode = \"adaptive\", min = 50, max = 20 }",
    ));
    assert_eq!(status.code(), Some(78));
    assert!(said.contains("20 at most is less than 50"), "{said}");
}
