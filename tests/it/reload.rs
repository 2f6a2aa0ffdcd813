//! The policy changes while requests pass through.

use rustix::process::Signal;

use crate::harness::load::Load;
use crate::harness::{Origin, Proxy};

/// The origin's configuration with a limit that lets `burst` requests through in a long time.
fn limited(origin: &Origin, burst: u32) -> String {
    let config = origin.config().replace("origin = \"shop\"\n", "origin = \"shop\"\nlimits = [\"all\"]\n");
    format!("{config}\n[limit.all]\nkey = \"global\"\nrate = \"1/d\"\nburst = {burst}\n")
}

#[tokio::test]
async fn a_changed_file_is_in_force_and_a_bad_one_never() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    proxy.rewrite(&limited(&origin, 1));
    proxy.hears("the policy was read");
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(proxy.client().get("/").await.status, 429);
    proxy.rewrite(&limited(&origin, 0));
    proxy.hears("the policy in force stays");
    assert_eq!(proxy.client().get("/").await.status, 429);
    let status = proxy.status().await;
    assert_eq!((status["revision"].as_u64(), status["last_reload"]["result"].as_str()), (Some(2), Some("failure")));
    assert_eq!(status["last_reload"]["problems"][0]["key"], "limit.all.burst");
    assert!((proxy.metric("spillway_policy_reloads_total{result=\"failure\"}").await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_reload_refills_no_bucket() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin, 2));
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(proxy.client().get("/").await.status, 200);
    proxy.signal(Signal::HUP);
    proxy.hears("the policy was read");
    assert_eq!(proxy.client().get("/").await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_in_a_row_fail_no_request() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    let load = Load::on(proxy.address());
    for burst in 1_000_000..1_000_020 {
        proxy.rewrite(&limited(&origin, burst));
        proxy.signal(Signal::HUP);
        proxy.hears("the policy was read");
    }
    load.answered(100);
    load.ends_without_failure();
}

#[tokio::test]
async fn an_override_takes_effect_and_outlives_the_process() {
    let origin = Origin::saying("hello").await;
    let config = limited(&origin, 100);
    let mut proxy = Proxy::with(&config);
    let closed = r#"{"burst": 1, "ttl": "1h", "reason": "a test"}"#;
    assert_eq!(proxy.admin().call("PATCH", "/v1/limits/all", closed).await.status, 200);
    proxy.signal(Signal::TERM);
    assert!(proxy.ends().success());
    let proxy = Proxy::within(proxy.dir(), &config);
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(proxy.client().get("/").await.status, 429);
    assert_eq!(proxy.admin().call("DELETE", "/v1/limits/all", "").await.status, 200);
    assert!(proxy.status().await["overrides"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_drained_server_gets_no_requests() {
    let (one, two) = (Origin::saying("one").await, Origin::saying("two").await);
    let servers = format!("[\"{}\", \"{}\"]", one.url(), two.url());
    let proxy = Proxy::with(&one.config().replace(&format!("[\"{}\"]", one.url()), &servers));
    let path = format!("/v1/origins/shop/servers/{}", one.address());
    assert_eq!(proxy.admin().call("PATCH", &path, r#"{"state": "drain"}"#).await.status, 200);
    for _ in 0..20 {
        assert_eq!(proxy.client().get("/").await.text(), "two");
    }
    assert_eq!(proxy.admin().call("DELETE", &path, "").await.json()["state"], "ready");
}
