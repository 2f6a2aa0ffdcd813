//! How a proxy leaves, and how it hands over.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::client::request;
use crate::harness::successor::{Successor, fixed_ports};
use crate::harness::tls::Authority;
use crate::harness::{Client, Gate, Load, Origin, Proxy, until};

const HEAD: &[u8] = b"GET /kept HTTP/1.1\r\nHost: shop.example\r\n\r\n";

/// Patience for open requests, and one worker, so that a test of many connections tests one.
fn draining(timeout: &str, origin: &Origin) -> String {
    format!("[server]\nworkers = 1\nstate_dir = \"state\"\ndrain_timeout = \"{timeout}\"\n{}", origin.config())
}

/// Reads until `end` has come.
async fn reads(stream: &mut TcpStream, end: &str) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0, "{}", String::from_utf8_lossy(&heard));
    }
    String::from_utf8(heard).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn term_finishes_what_is_open_and_takes_nothing_new() {
    let (origin, gate) = Gate::origin().await;
    let mut proxy = Proxy::with(&draining("30s", &origin));
    gate.lets_go(1);
    let mut kept = proxy.client().open().await;
    kept.write_all(HEAD).await.unwrap();
    let first = reads(&mut kept, "served").await;
    assert!(!first.to_lowercase().contains("connection: close"), "{first}");
    let client = proxy.client();
    let open = tokio::spawn(async move { client.get("/open").await });
    origin.sees(2).await;
    assert_eq!(proxy.admin().get("/readyz").await.status, 200);

    proxy.signal(Signal::TERM);
    proxy.hears("finishing open requests");
    assert_eq!(proxy.admin().get("/readyz").await.status, 503);
    assert_eq!(proxy.admin().get("/livez").await.status, 200);
    let address = proxy.address();
    until("nobody listens", async || TcpStream::connect(address).await.is_err().then_some(())).await;

    kept.write_all(HEAD).await.unwrap();
    origin.sees(3).await;
    gate.lets_go(2);
    let last = reads(&mut kept, "served").await;
    assert!(last.starts_with("HTTP/1.1 200") && last.to_lowercase().contains("connection: close"), "{last}");
    assert_eq!(kept.read(&mut [0]).await.unwrap(), 0, "the connection is closed");
    assert_eq!(open.await.unwrap().status, 200);
    assert_eq!(proxy.ends().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quit_drains_too() {
    let origin = Origin::saying("hello").await;
    let mut proxy = Proxy::with(&draining("30s", &origin));
    proxy.signal(Signal::QUIT);
    assert_eq!(proxy.ends().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_still_open_at_the_drain_timeout_are_cut_off() {
    let (origin, _gate) = Gate::origin().await;
    let mut proxy = Proxy::with(&draining("500ms", &origin));
    let mut open = proxy.client().open().await;
    open.write_all(HEAD).await.unwrap();
    origin.sees(1).await;
    let told = Instant::now();
    proxy.signal(Signal::TERM);
    let status = proxy.ends();
    assert!(told.elapsed() >= Duration::from_millis(500), "it was not waited for: {:?}", told.elapsed());
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    assert_eq!(status.code(), Some(1));
    assert!(matches!(open.read(&mut [0]).await, Ok(0) | Err(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_off_does_not_look_whole() {
    let (origin, pieces) = Origin::streaming().await;
    let mut proxy = Proxy::with(&draining("200ms", &origin));
    let client = proxy.client();
    let open = tokio::spawn(async move { client.try_send(request("GET", "/long", "")).await });
    origin.sees(1).await;
    pieces.send("a beginning").await.unwrap();
    proxy.signal(Signal::TERM);
    proxy.ends();
    assert!(open.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn int_ends_at_once() {
    let (origin, _gate) = Gate::origin().await;
    let mut proxy = Proxy::with(&draining("30s", &origin));
    let mut open = proxy.client().open().await;
    open.write_all(HEAD).await.unwrap();
    origin.sees(1).await;
    let told = Instant::now();
    proxy.signal(Signal::INT);
    assert_eq!(proxy.ends().code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn int_cuts_a_drain_short() {
    let (origin, _gate) = Gate::origin().await;
    let mut proxy = Proxy::with(&draining("30s", &origin));
    let mut open = proxy.client().open().await;
    open.write_all(HEAD).await.unwrap();
    origin.sees(1).await;
    proxy.signal(Signal::TERM);
    proxy.hears("finishing open requests");
    let told = Instant::now();
    proxy.signal(Signal::INT);
    assert_eq!(proxy.ends().code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const GOAWAY: u8 = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http2_connection_is_told_goaway() {
    let origin = Origin::saying("hello").await;
    let authority = Authority::new();
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    authority.issue(dir.path(), "shop", &["shop.example"]);
    let listener =
        "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = [ { certificate = \"shop.pem\", key = \"shop.key\" } ]\n";
    let mut proxy = Proxy::within(dir, &format!("{listener}{}", draining("30s", &origin)));
    let mut connection = authority.connect(proxy.client().open().await, "shop.example", &["h2"]).await.unwrap();
    connection.write_all(PREFACE).await.unwrap();
    let mut frame = [0; 9];
    connection.read_exact(&mut frame).await.unwrap();
    proxy.signal(Signal::TERM);
    while frame[3] != GOAWAY {
        let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]) as usize;
        connection.read_exact(&mut vec![0; length]).await.unwrap();
        connection.read_exact(&mut frame).await.unwrap();
    }
    drop(connection);
    assert_eq!(proxy.ends().code(), Some(0));
}

/// Every key of a line of the access log.
const KEYS: [&str; 23] = [
    "bytes_in",
    "bytes_out",
    "class",
    "client",
    "complete",
    "connect_ms",
    "first_byte_ms",
    "host",
    "limit",
    "method",
    "outcome",
    "path",
    "protocol",
    "reason",
    "request_id",
    "route",
    "seat_wait_ms",
    "server",
    "status",
    "time",
    "tls",
    "total_ms",
    "user_agent",
];

#[tokio::test]
async fn usr1_reopens_the_access_log() {
    let origin = Origin::saying("hello").await;
    let log = "[log]\nformat = \"json\"\naccess = \"access.log\"\n";
    let proxy = Proxy::with(&format!("{log}{}", origin.config()));
    let dir = proxy.dir();
    let (file, moved) = (dir.path().join("access.log"), dir.path().join("access.log.1"));
    let line = async |file: &std::path::Path, path: &str| -> Value {
        until(&format!("{path} is logged"), async || {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.into_iter().find(|line| line["path"] == path)
        })
        .await
    };
    assert_eq!(proxy.client().get("/first?token=secret").await.status, 200);
    let first = line(&file, "/first").await;
    assert_eq!(first.as_object().unwrap().keys().collect::<Vec<_>>(), KEYS);
    assert!(!first.to_string().contains("secret"), "queries are never logged");
    assert_eq!((&first["status"], &first["outcome"]), (&200.into(), &"forwarded".into()));
    assert_eq!((&first["route"], &first["class"]), (&"everything".into(), &"browse".into()));
    assert_eq!((&first["bytes_out"], &first["complete"]), (&5.into(), &true.into()));
    assert_eq!((&first["client"], &first["protocol"]), (&"127.0.0.1".into(), &"HTTP/1.1".into()));
    assert_eq!(first["server"], origin.address().to_string());
    assert!(first["connect_ms"].as_f64().unwrap() > 0.0 && first["first_byte_ms"].as_f64().unwrap() > 0.0, "{first}");

    std::fs::rename(&file, &moved).unwrap();
    assert_eq!(proxy.client().get("/between").await.status, 200);
    line(&moved, "/between").await;
    proxy.signal(Signal::USR1);
    until("there is a new file", async || file.exists().then_some(())).await;
    assert_eq!(proxy.client().get("/second").await.status, 200);
    line(&file, "/second").await;
    assert!(!std::fs::read_to_string(&moved).unwrap().contains("/second"));
}

fn with_ports(origin: &Origin) -> String {
    fixed_ports() + &origin.config()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usr2_hands_over_under_load_without_a_failed_request() {
    let origin = Origin::saying("hello").await;
    let mut proxy = Proxy::with(&with_ports(&origin));
    let load = Load::on(proxy.address(), 4);
    load.goes_on(50).await;
    proxy.signal(Signal::USR2);
    let _successor = Successor::told_of_by(&proxy);
    assert_eq!(proxy.ends().code(), Some(0), "the old process ends when its requests have");
    load.goes_on(200).await;
    let (served, failures) = load.ends().await;
    assert!(failures.is_empty(), "{} of {served} failed, such as {}", failures.len(), failures[0]);
    let status = proxy.status().await;
    assert_ne!(status["pid"], proxy.pid());
    assert_eq!((&status["phase"], &status["revision"]), (&"running".into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_finished_by_the_old_process() {
    let (origin, gate) = Gate::origin().await;
    let mut proxy = Proxy::with(&with_ports(&origin));
    let client = proxy.client();
    let open = tokio::spawn(async move { client.get("/open").await });
    origin.sees(1).await;
    proxy.signal(Signal::USR2);
    let _successor = Successor::told_of_by(&proxy);
    gate.lets_go(2);
    assert_eq!(open.await.unwrap().status, 200);
    assert_eq!(proxy.client().get("/next").await.status, 200);
    assert_eq!(proxy.ends().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_cannot_start_changes_nothing() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&with_ports(&origin));
    proxy.rewrite("this is no configuration");
    proxy.hears("the policy in force stays");
    proxy.signal(Signal::USR2);
    proxy.hears("nothing was handed over and this process goes on");
    assert_eq!(proxy.client().get("/").await.status, 200);
    proxy.rewrite(&origin.config().replace("everything", "after"));
    proxy.hears("the policy was read");
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(origin.last().header("x-spillway-route"), "after");
}

/// The same command in a process that finds `socket` as systemd passes it: descriptor 3, announced to this process id.
fn activated(command: &Command, socket: TcpListener) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.stdin(OwnedFd::from(socket)).stdout(Stdio::null()).stderr(Stdio::piped());
    shell
}

#[tokio::test]
async fn a_socket_of_systemd_is_used() {
    let origin = Origin::saying("hello").await;
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // Whoever connects before the proxy is there waits in the socket's queue.
    let early = tokio::spawn(async move { Client::of(address).get("/early").await });
    let config = format!("[[listener]]\naddress = \"{address}\"\n{}", origin.config());
    let proxy = Proxy::started(&config, |command| activated(&command, socket));
    assert_eq!(proxy.address(), address);
    assert_eq!(early.await.unwrap().text(), "hello");
    assert_eq!(proxy.client().get("/").await.text(), "hello");
}
