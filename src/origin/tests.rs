//! The client against real sockets, and the small harness these tests share.

mod answers;
mod failures;
mod limits;
mod load;
mod names;
mod servers;
mod tls;
mod uploads;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Exchange, Origin, OriginClient, OriginError, Prepared, RequestBody};
use crate::clock;
use crate::config::settings::{CapacitySettings, EjectionSettings, HealthCheckSettings, OriginSettings, ServerUrl};

/// Settings with short limits for these servers.
pub(super) fn settings(servers: &[SocketAddr]) -> OriginSettings {
    let url = |address: &SocketAddr| ServerUrl { tls: false, host: address.ip().to_string(), port: address.port() };
    OriginSettings {
        name: "storefront".into(),
        servers: servers.iter().map(url).collect(),
        h2: false,
        ca_file: None,
        health_check: None,
        ejection: EjectionSettings { failures: 0, base: Duration::from_secs(30), max_ejected: 0.5 },
        slow_start: Duration::ZERO,
        connect_timeout: Duration::from_secs(1),
        response_timeout: Duration::from_secs(5),
        body_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(60),
        max_connections: 100,
        retry_budget: 0.2,
        capacity: CapacitySettings::Unlimited,
    }
}

pub(super) fn health_check(every: Duration) -> HealthCheckSettings {
    HealthCheckSettings {
        path: "/healthz".into(),
        every,
        timeout: Duration::from_secs(1),
        healthy_after: 1,
        unhealthy_after: 1,
    }
}

pub(super) fn origin(settings: &OriginSettings) -> Arc<Origin> {
    Origin::new(Prepared::new(settings, None).unwrap(), clock::now())
}

pub(super) fn get(path: &str) -> Request<RequestBody> {
    Request::get(path).header("host", "shop.example").body(RequestBody::empty()).unwrap()
}

pub(super) async fn send(
    client: &OriginClient,
    origin: &Arc<Origin>,
    request: Request<RequestBody>,
) -> Result<Exchange, OriginError> {
    client.send(origin, request, clock::now(), None).await
}

/// The status and the whole body.
pub(super) async fn read(exchange: Exchange) -> (StatusCode, Bytes) {
    let (parts, body) = exchange.response.into_parts();
    (parts.status, body.collect().await.unwrap().to_bytes())
}

/// Waits until something that other tasks bring about is so.
pub(super) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let holds = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), holds).await.is_ok(), "never: {what}");
}

/// Returns after the runtime has looked at its sockets several times (it does at least every 61 polls).
pub(super) async fn polled() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

/// An address where nobody listens.
pub(super) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// A server that runs a script on each connection, and counts them.
pub(super) struct Scripted {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Scripted {
    /// Runs `script` with each connection and its number, from 0.
    pub(super) async fn start<F, S>(script: S) -> Self
    where
        S: Fn(TcpStream, usize) -> F + 'static,
        F: Future<Output = ()> + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicUsize::new(0));
        let (counted, ending) = (Arc::clone(&connections), Arc::clone(&ended));
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let (script, ending) = (script(stream, number), Arc::clone(&ending));
                tokio::task::spawn_local(async move {
                    script.await;
                    ending.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, connections, ended }
    }

    /// Connections whose script has ended.
    pub(super) fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }

    /// Connections accepted so far.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads one request head; `None` at the end of the connection.
pub(super) async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

/// The least answer with a body.
pub(super) const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// Answers every request with `answer`.
pub(super) async fn answer_all(mut stream: TcpStream, answer: &'static [u8]) {
    while read_head(&mut stream).await.is_some() {
        stream.write_all(answer).await.unwrap();
    }
}
