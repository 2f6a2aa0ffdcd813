//! The policy changes while traffic flows.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use tokio_rustls::client::TlsStream;

use crate::harness::tls::Authority;
use crate::harness::{Gate, Load, Origin, Proxy};

/// Everything goes to `origin` by a route of this name.
fn named(origin: &Origin, route: &str) -> String {
    origin.config().replace("everything", route)
}

async fn route_of(proxy: &Proxy, origin: &Origin) -> String {
    assert_eq!(proxy.client().get("/").await.status, 200);
    origin.last().header("x-spillway-route").to_owned()
}

#[tokio::test]
async fn a_file_renamed_over_the_old_one_is_noticed() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&named(&origin, "before"));
    assert_eq!(route_of(&proxy, &origin).await, "before");
    proxy.rewrite(&named(&origin, "after"));
    assert_eq!(proxy.hears("the policy was read")["revision"], 2);
    assert_eq!(route_of(&proxy, &origin).await, "after");
    assert_eq!(proxy.status().await["revision"], 2);
    proxy.shows("spillway_policy_revision", 2.0).await;
}

#[tokio::test]
async fn a_file_written_in_place_is_noticed() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&named(&origin, "before"));
    std::fs::write(proxy.file(), proxy.whole(&named(&origin, "after"))).unwrap();
    proxy.hears("the policy was read");
    assert_eq!(route_of(&proxy, &origin).await, "after");
}

#[tokio::test]
async fn a_kubernetes_volume_that_is_swapped_is_noticed() {
    let origin = Origin::saying("hello").await;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("..1")).unwrap();
    symlink("..1", at("..data")).unwrap();
    symlink("..data/spillway.toml", at("spillway.toml")).unwrap();
    let proxy = Proxy::within(Arc::clone(&dir), &named(&origin, "before"));
    for (version, route) in [("..2", "after"), ("..3", "once-more")] {
        std::fs::create_dir(at(version)).unwrap();
        std::fs::write(at(version).join("spillway.toml"), proxy.whole(&named(&origin, route))).unwrap();
        symlink(version, at("..data_tmp")).unwrap();
        std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
        proxy.hears("the policy was read");
        assert_eq!(route_of(&proxy, &origin).await, route);
    }
}

#[tokio::test]
async fn hup_reads_the_file_again() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    proxy.signal(Signal::HUP);
    let heard = proxy.hears("the policy was read");
    assert_eq!((&heard["revision"], &heard["actor"]), (&1.into(), &"SIGHUP".into()), "{heard}");
    assert_eq!(proxy.status().await["last_reload"]["result"], "success");
}

#[tokio::test]
async fn a_bad_file_keeps_the_old_policy_and_says_why() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&named(&origin, "before"));
    let bad = named(&origin, "after").replace("class = \"browse\"", "class = \"brwse\"").replace("servers", "severs");
    proxy.rewrite(&bad);
    let heard = proxy.hears("the policy in force stays");
    assert_eq!(heard["level"], "ERROR");
    assert!(heard["message"].as_str().unwrap().contains("and 1 more"), "{heard}");
    assert_eq!(route_of(&proxy, &origin).await, "before");
    proxy.shows("spillway_policy_reloads_total{result=\"failure\"}", 1.0).await;
    let status = proxy.status().await;
    assert_eq!(status["revision"], 1);
    let last = &status["last_reload"];
    assert_eq!(last["result"], "failure");
    let keys: Vec<_> = last["problems"].as_array().unwrap().iter().map(|problem| &problem["key"]).collect();
    assert_eq!(keys, ["origin.shop.severs", "route[0].class"], "{last}");
    assert!(last["problems"][0]["line"].as_u64().unwrap() > 1);

    proxy.rewrite(&named(&origin, "mended"));
    proxy.hears("the policy was read");
    assert_eq!(route_of(&proxy, &origin).await, "mended");
}

#[tokio::test]
async fn a_file_that_is_gone_keeps_the_old_policy() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&named(&origin, "before"));
    std::fs::remove_file(proxy.file()).unwrap();
    let heard = proxy.hears("the policy in force stays");
    assert!(heard["message"].as_str().unwrap().contains("cannot read"), "{heard}");
    assert_eq!(route_of(&proxy, &origin).await, "before");
    proxy.rewrite(&named(&origin, "after"));
    proxy.hears("the policy was read");
    assert_eq!(route_of(&proxy, &origin).await, "after");
}

#[tokio::test]
async fn buckets_carry_over() {
    let origin = Origin::saying("hello").await;
    let limited = |route: &str| {
        let limit = "[limit.one]\nkey = \"client-ip\"\nrate = \"1/h\"\nburst = 2\n";
        named(&origin, route) + "limits = [\"one\"]\n" + limit
    };
    let proxy = Proxy::with(&limited("before"));
    assert_eq!(proxy.client().get("/").await.status, 200);
    for route in ["second", "third"] {
        proxy.rewrite(&limited(route));
        proxy.hears("the policy was read");
    }
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(proxy.client().get("/").await.status, 429);
}

#[tokio::test]
async fn a_request_under_way_is_not_touched_by_a_new_origin() {
    let (old, gate) = Gate::origin().await;
    let new = Origin::saying("new").await;
    let proxy = Proxy::with(&old.config());
    let client = proxy.client();
    let under_way = tokio::spawn(async move { client.get("/old").await });
    old.sees(1).await;
    proxy.rewrite(&new.config());
    proxy.hears("the policy was read");
    assert_eq!(proxy.client().get("/new").await.text(), "new");
    gate.lets_go(1);
    assert_eq!(under_way.await.unwrap().text(), "served");
}

#[tokio::test]
async fn what_cannot_change_while_running_is_reported_and_the_rest_takes_effect() {
    let origin = Origin::saying("hello").await;
    let workers = |count: u32, route: &str| {
        format!("[server]\nworkers = {count}\nstate_dir = \"state\"\n{}", named(&origin, route))
    };
    let proxy = Proxy::with(&workers(1, "before"));
    proxy.rewrite(&workers(2, "after"));
    proxy.hears("the policy was read");
    assert_eq!(proxy.status().await["needs_restart"], serde_json::json!(["server.workers"]));
    assert_eq!(route_of(&proxy, &origin).await, "after");
    proxy.rewrite(&workers(1, "back"));
    proxy.hears("the policy was read");
    assert_eq!(proxy.status().await["needs_restart"], serde_json::json!([]));
}

/// The serial number of the certificate a connection was shown.
fn serial(connection: &TlsStream<tokio::net::TcpStream>) -> Vec<u8> {
    let certificates = connection.get_ref().1.peer_certificates().unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&certificates[0]).unwrap();
    certificate.raw_serial().to_vec()
}

async fn connect(proxy: &Proxy, authority: &Authority) -> TlsStream<tokio::net::TcpStream> {
    authority.connect(proxy.client().open().await, "shop.example", &["http/1.1"]).await.unwrap()
}

async fn speaks(connection: &mut TlsStream<tokio::net::TcpStream>) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    connection.write_all(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"hello") {
        assert_ne!(connection.read_buf(&mut heard).await.unwrap(), 0, "{}", String::from_utf8_lossy(&heard));
    }
    String::from_utf8(heard).unwrap()
}

fn secure(origin: &Origin) -> String {
    let tls = "tls = [ { certificate = \"shop.pem\", key = \"shop.key\" } ]";
    format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{tls}\n{}", origin.config())
}

#[tokio::test]
async fn certificates_are_exchanged_without_losing_a_connection() {
    let origin = Origin::saying("hello").await;
    let authority = Authority::new();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    authority.issue(dir.path(), "shop", &["shop.example"]);
    let proxy = Proxy::within(Arc::clone(&dir), &secure(&origin));
    let mut open = connect(&proxy, &authority).await;
    assert!(speaks(&mut open).await.starts_with("HTTP/1.1 200"));
    let first = serial(&open);

    authority.issue(dir.path(), "shop", &["shop.example"]);
    proxy.signal(Signal::HUP);
    proxy.hears("the policy was read");
    assert_ne!(serial(&connect(&proxy, &authority).await), first, "a new connection sees the new certificate");
    assert!(speaks(&mut open).await.starts_with("HTTP/1.1 200"), "an open one goes on");
}

#[tokio::test]
async fn a_certificate_that_does_not_match_its_key_keeps_the_old_one() {
    let origin = Origin::saying("hello").await;
    let authority = Authority::new();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    authority.issue(dir.path(), "shop", &["shop.example"]);
    let proxy = Proxy::within(Arc::clone(&dir), &secure(&origin));
    let first = serial(&connect(&proxy, &authority).await);
    authority.issue(dir.path(), "other", &["shop.example"]);
    rename(dir.path(), "other.pem", "shop.pem");
    proxy.signal(Signal::HUP);
    proxy.hears("the policy in force stays");
    assert_eq!(serial(&connect(&proxy, &authority).await), first);
    rename(dir.path(), "other.key", "shop.key");
    proxy.signal(Signal::HUP);
    proxy.hears("the policy was read");
    assert_ne!(serial(&connect(&proxy, &authority).await), first);
}

fn rename(dir: &Path, from: &str, to: &str) {
    std::fs::rename(dir.join(from), dir.join(to)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_reloads_fails_no_request() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&named(&origin, "calm"));
    let load = Load::on(proxy.address(), 4);
    for round in 0..10 {
        load.goes_on(20).await;
        proxy.rewrite(&named(&origin, &format!("storm-{round}")));
        proxy.hears("the policy was read");
    }
    load.goes_on(20).await;
    let (served, failures) = load.ends().await;
    assert!(served >= 220, "{served}");
    assert!(failures.is_empty(), "{} of {served} failed, such as {}", failures.len(), failures[0]);
    assert_eq!(proxy.status().await["revision"], 11);
}
