//! One client connection: PROXY protocol, TLS, then HTTP until it ends.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::activity::{Activity, Inspected, Order, Patience};
use super::crowd;
use super::gate::{Closed, Entered};
use super::hygiene;
use super::local::LocalExecutor;
use super::patrol::Watch;
use super::proxy_protocol;
use super::refuse;
use super::roster::Listed;
use super::socket::{Socket, Transport};
use super::stack::Entry;
use super::worker::{Pinned, Worker};
use crate::telemetry::faults::{Fault, request_line};
use crate::telemetry::metrics::{HandshakeResult, ListenerMetrics, Protocol, TlsVersion};

/// A handshake, and before it a PROXY protocol header, must be over within this.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a request head.
const MAX_HEAD: usize = 32 << 10;
/// Bytes hyper holds of one HTTP/1 connection.
const MAX_BUFFER: usize = 64 << 10;

/// What is known of a connection, for every request on it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The worker it lives on.
    pub(crate) worker: Rc<Worker>,
    /// What it is doing.
    pub(crate) activity: Arc<Activity>,
    /// Index of the listener it came in on.
    pub(crate) listener: usize,
    /// What is true of every request on it.
    pub(crate) facts: hygiene::Connection,
    /// Its place among the connections that may be open; a tunnel keeps it.
    #[expect(dead_code, reason = "held for its drop")]
    pub(crate) entered: Entered,
    /// Version of TLS; `None` on cleartext.
    pub(crate) tls: Option<TlsVersion>,
    /// Whether it speaks HTTP/2.
    pub(crate) h2: bool,
}

impl Connection {
    /// Counts a breach of protocol and keeps it for the operator; `request` is its method and target, if it got that far.
    pub(crate) fn fault(&self, kind: &'static str, request: Option<(&str, &str)>) {
        let pinned = self.worker.pin();
        pinned.metrics.protocol_error(kind);
        let Some(listener) = pinned.policy.settings.listeners.get(self.listener) else {
            return;
        };
        self.worker.faults().record(Fault {
            unix_millis: self.worker.unix_seconds() * 1000,
            kind,
            client: self.facts.peer(),
            listener: listener.address,
            request: request.map(|(method, target)| request_line(method, target)),
        });
    }
}

/// Serves one accepted connection to its end. Errors end it and are counted; nobody waits for them.
pub(crate) async fn serve(worker: Rc<Worker>, listener: usize, mut stream: TcpStream, peer: SocketAddr) {
    let _open = worker.opened();
    let pinned = worker.pin();
    let Some(settings) = pinned.policy.settings.listeners.get(listener) else {
        return;
    };
    let Some(metrics) = pinned.listener_metrics(listener) else {
        return;
    };
    let mut open = metrics.connection(Protocol::Handshake);
    // Small answers must not wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    let proxied = settings.proxy_protocol_from.iter().any(|network| network.contains(&peer.ip().to_canonical()));
    let mut client = peer;
    if proxied {
        match timeout(HANDSHAKE_TIMEOUT, proxy_protocol::read(&mut stream)).await {
            Ok(Ok(named)) => client = named.unwrap_or(peer),
            Ok(Err(_)) | Err(_) => {
                pinned.metrics.protocol_error("proxy_protocol");
                return;
            }
        }
    }
    let tls = pinned.tls(listener);
    let entered = match crowd::enter(&worker, &pinned, client.ip()).await {
        Ok(entered) => entered,
        Err(Closed::Client) => return,
        Err(Closed::Full) => {
            metrics.refused();
            return crowd::refuse(&worker, stream, tls.is_some()).await;
        }
    };
    let Some(tls) = tls else {
        open.speaks(Protocol::H1);
        let facts = hygiene::Connection::new(client.ip(), false, None);
        return Arrival { worker, pinned, listener, facts, entered, tls: None }.http1(Transport::Plain(stream)).await;
    };
    let acceptor = TlsAcceptor::from(Arc::clone(&tls.config));
    let Some(stream) = handshake(&worker, acceptor, stream, metrics).await else {
        return;
    };
    let (_, session) = stream.get_ref();
    let facts = hygiene::Connection::new(client.ip(), true, session.server_name());
    let tls = Some(version(session.protocol_version()));
    let h2 = session.alpn_protocol() == Some(b"h2");
    let transport = Transport::Tls(Box::new(stream));
    let arrival = Arrival { worker, pinned, listener, facts, entered, tls };
    if h2 {
        open.speaks(Protocol::H2);
        arrival.http2(transport).await;
    } else {
        open.speaks(Protocol::H1);
        arrival.http1(transport).await;
    }
}

async fn handshake(
    worker: &Worker,
    acceptor: TlsAcceptor,
    stream: TcpStream,
    metrics: &ListenerMetrics,
) -> Option<TlsStream<TcpStream>> {
    // Waiting for a place counts towards the time a handshake may take.
    let handshake = async {
        let _place = worker.handshake_place().await;
        acceptor.accept(stream).await
    };
    match timeout(HANDSHAKE_TIMEOUT, handshake).await {
        Ok(Ok(stream)) => {
            metrics.handshake(HandshakeResult::Ok, version(stream.get_ref().1.protocol_version()));
            Some(stream)
        }
        Ok(Err(_)) => {
            metrics.handshake(HandshakeResult::Failed, TlsVersion::Unknown);
            None
        }
        Err(_) => {
            metrics.handshake(HandshakeResult::Timeout, TlsVersion::Unknown);
            None
        }
    }
}

fn version(version: Option<rustls::ProtocolVersion>) -> TlsVersion {
    match version {
        Some(rustls::ProtocolVersion::TLSv1_3) => TlsVersion::V13,
        Some(rustls::ProtocolVersion::TLSv1_2) => TlsVersion::V12,
        _ => TlsVersion::Unknown,
    }
}

fn activity(worker: &Worker, pinned: &Pinned) -> Arc<Activity> {
    let client = &pinned.policy.settings.client;
    let patience = Patience { head: client.header_timeout, idle: client.idle_timeout, unread: client.body_timeout };
    Arc::new(Activity::new(worker.patrol().clock().clone(), patience))
}

/// A connection on which HTTP is about to begin.
struct Arrival {
    worker: Rc<Worker>,
    pinned: Rc<Pinned>,
    listener: usize,
    facts: hygiene::Connection,
    entered: Entered,
    tls: Option<TlsVersion>,
}

/// What keeps a connection known to its worker while it lasts.
struct Known {
    activity: Arc<Activity>,
    _listed: Listed,
    _watch: Watch,
}

impl Arrival {
    /// Makes the connection known. The revision is not kept: each request pins its own, and a connection may stay for
    /// hours.
    fn begin(self, h2: bool) -> (Rc<Connection>, Known) {
        let Self { worker, pinned, listener, facts, entered, tls } = self;
        let activity = activity(&worker, &pinned);
        let known = Known {
            activity: Arc::clone(&activity),
            _listed: worker.list(&activity),
            _watch: worker.patrol().watch(Rc::new(Inspected(Arc::clone(&activity)))),
        };
        (Rc::new(Connection { worker, activity, listener, facts, entered, tls, h2 }), known)
    }

    async fn http1(self, transport: Transport) {
        let (connection, known) = self.begin(false);
        serve_http1(connection, &known, transport).await;
    }

    async fn http2(self, transport: Transport) {
        let (connection, known) = self.begin(true);
        serve_http2(connection, &known, transport).await;
    }
}

async fn serve_http1(connection: Rc<Connection>, known: &Known, transport: Transport) {
    let activity = &known.activity;
    let socket = Socket::h1(transport, Arc::clone(activity));
    // hyper takes 100 header fields unless told otherwise; told, even the same number, it parses into a slower store.
    let mut http = http1::Builder::new()
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(socket), Entry::new(Rc::clone(&connection)))
        .with_upgrades();
    let mut closing = false;
    let mut registered = false;
    let end = poll_fn(|cx| {
        // A task keeps its waker.
        if !std::mem::replace(&mut registered, true) {
            activity.register(cx.waker());
        }
        match activity.ordered() {
            // To finish is said by the next answer, see `stack`.
            Order::Serve | Order::Finish => {}
            Order::Close => {
                if !std::mem::replace(&mut closing, true) {
                    Pin::new(&mut http).graceful_shutdown();
                }
            }
            Order::HeadTimeout => return Poll::Ready(End::HeadTimeout),
            Order::Abort => return Poll::Ready(End::Aborted),
        }
        Pin::new(&mut http).poll(cx).map(End::Done)
    })
    .await;
    match end {
        End::Done(Ok(())) | End::Aborted => {}
        End::Done(Err(error)) => connection.fault(h1_error_kind(&error), None),
        End::HeadTimeout => {
            connection.fault("head_timeout", None);
            if let Some(parts) = http.into_parts() {
                let _ = timeout(HANDSHAKE_TIMEOUT, say_timeout(parts.io.into_inner())).await;
            }
        }
    }
}

/// How a connection ended.
enum End {
    Done(hyper::Result<()>),
    HeadTimeout,
    Aborted,
}

async fn say_timeout(mut socket: Socket) -> io::Result<()> {
    socket.write_all(&refuse::raw(http::StatusCode::REQUEST_TIMEOUT, fastrand::u128(..))).await?;
    socket.shutdown().await
}

fn h1_error_kind(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        "head_too_large"
    } else if error.is_parse() {
        "malformed_head"
    } else if error.is_incomplete_message() {
        "incomplete"
    } else if error.is_user() || error.is_body_write_aborted() {
        "answer_aborted"
    } else {
        "connection"
    }
}

async fn serve_http2(connection: Rc<Connection>, known: &Known, transport: Transport) {
    let activity = &known.activity;
    let socket = Socket::h2(transport, Arc::clone(activity));
    let mut http = h2_builder().serve_connection(TokioIo::new(socket), Entry::new(Rc::clone(&connection)));
    let mut closing = false;
    let mut registered = false;
    let end = poll_fn(|cx| {
        // A task keeps its waker.
        if !std::mem::replace(&mut registered, true) {
            activity.register(cx.waker());
        }
        match activity.ordered() {
            Order::Serve => {}
            Order::Finish | Order::Close => {
                if !std::mem::replace(&mut closing, true) {
                    Pin::new(&mut http).graceful_shutdown();
                }
            }
            // An HTTP/2 connection is in its first head until its first request: there is nobody to tell.
            Order::HeadTimeout | Order::Abort => return Poll::Ready(End::Aborted),
        }
        Pin::new(&mut http).poll(cx).map(End::Done)
    })
    .await;
    if let End::Done(Err(error)) = end {
        connection.fault(h2_error_kind(&error), None);
    }
}

fn h2_builder() -> http2::Builder<LocalExecutor> {
    let mut builder = http2::Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .initial_stream_window_size(64 << 10)
        .initial_connection_window_size(1 << 20)
        .max_header_list_size(MAX_HEAD as u32)
        .max_frame_size(16 << 10)
        .max_pending_accept_reset_streams(64)
        .max_local_error_reset_streams(128)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_send_buf_size(64 << 10);
    builder
}

fn h2_error_kind(error: &hyper::Error) -> &'static str {
    let flood = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::InvalidData);
    if flood {
        "h2_flood"
    } else if error.is_timeout() {
        "h2_keep_alive"
    } else {
        "h2_protocol"
    }
}
