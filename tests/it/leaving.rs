//! The process ends, or another takes its place.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::harness::load::Load;
use crate::harness::origin::answer;
use crate::harness::{Origin, Proxy};

/// An origin whose answers begin when asked and end when `finish` is notified; `begun` tells of each.
async fn slow_origin() -> (Origin, Arc<Notify>, Arc<Notify>) {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&finish));
    let origin = Origin::answering(move |_| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            tell.notify_one();
            let late = futures_util::stream::once(async move {
                wait.notified().await;
                Ok(Frame::data(Bytes::from_static(b"to the end")))
            });
            answer("").map(|_| StreamBody::new(late).boxed_unsync())
        }
    });
    (origin.await, begun, finish)
}

/// A process that the proxy under test has started.
struct Successor(Pid);

impl Successor {
    fn of(proxy: &Proxy) -> Self {
        let pid = proxy.hears("a new process serves")["pid"].as_i64().unwrap();
        Self(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap())
    }

    fn pid(&self) -> u64 {
        u64::from(self.0.as_raw_nonzero().get().unsigned_abs())
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

#[tokio::test]
async fn term_finishes_open_requests_and_takes_no_more() {
    let (origin, begun, finish) = slow_origin().await;
    let mut proxy = Proxy::with(&origin.config());
    let client = proxy.client();
    let open = tokio::spawn(async move { client.get("/").await });
    begun.notified().await;
    proxy.signal(Signal::TERM);
    proxy.hears("finishing open requests");
    assert_eq!(proxy.admin().get("/readyz").await.status, 503);
    assert_eq!(proxy.status().await["phase"], "draining");
    while TcpStream::connect(proxy.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    finish.notify_one();
    let answer = open.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "to the end"));
    assert!(proxy.ends().success());
}

#[tokio::test]
async fn draining_ends_at_its_limit() {
    let (origin, begun, _finish) = slow_origin().await;
    let server = "[server]\nworkers = 2\nstate_dir = \"state\"\ndrain_timeout = \"200ms\"\n";
    let mut proxy = Proxy::with(&format!("{server}{}", origin.config()));
    let client = proxy.client();
    let open = tokio::spawn(async move { client.try_send(crate::harness::client::request("GET", "/", "")).await });
    begun.notified().await;
    proxy.signal(Signal::TERM);
    proxy.ends();
    assert!(open.await.unwrap().is_err(), "the answer was cut off, and looks whole");
}

#[tokio::test]
async fn int_ends_at_once() {
    let (origin, begun, _finish) = slow_origin().await;
    let mut proxy = Proxy::with(&origin.config());
    let client = proxy.client();
    let open = tokio::spawn(async move { client.try_send(crate::harness::client::request("GET", "/", "")).await });
    begun.notified().await;
    let asked = std::time::Instant::now();
    proxy.signal(Signal::INT);
    proxy.ends();
    assert!(asked.elapsed() < Duration::from_secs(10), "it waited for its requests");
    assert!(open.await.unwrap().is_err());
}

#[tokio::test]
async fn usr1_opens_the_access_log_anew() {
    let origin = Origin::saying("hello").await;
    let log = "[log]\nformat = \"json\"\naccess = \"DIR/access.log\"\n";
    let proxy = Proxy::with(&format!("{log}{}", origin.config()));
    let (current, rotated) = (proxy.dir().path().join("access.log"), proxy.dir().path().join("access.log.1"));
    std::fs::rename(&current, &rotated).unwrap();
    proxy.signal(Signal::USR1);
    let written = || std::fs::read_to_string(&current).is_ok_and(|text| text.contains("\"route\":\"everything\""));
    while !written() {
        assert_eq!(proxy.client().get("/").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usr2_replaces_the_process_and_fails_no_request() {
    let origin = Origin::saying("hello").await;
    let mut proxy = Proxy::with(&origin.config());
    let load = Load::on(proxy.address());
    load.answered(100);
    proxy.signal(Signal::USR2);
    let successor = Successor::of(&proxy);
    proxy.ends();
    load.answered(200);
    load.ends_without_failure();
    let status = proxy.status().await;
    assert_eq!((status["pid"].as_u64(), status["ready"].as_bool()), (Some(successor.pid()), Some(true)));
}

#[tokio::test]
async fn usr2_to_a_process_that_cannot_be_replaced_changes_nothing() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    proxy.rewrite("not a configuration");
    proxy.hears("the policy in force stays");
    proxy.signal(Signal::USR2);
    let why = proxy.hears("nothing was handed over");
    assert!(why["message"].as_str().unwrap().contains("ended before it was ready"), "{why}");
    assert_eq!(proxy.client().get("/").await.status, 200);
    assert_eq!(proxy.status().await["pid"].as_u64(), Some(u64::from(proxy.pid())));
}
