//! Asking servers whether they are well, on a connection of its own each time.

use std::future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{HOST, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use memchr::memmem;
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::config::settings::{HealthCheckSettings, OriginSettings};
use crate::origin::error::is_exhausted;
use crate::origin::live::{Origin, Table};
use crate::origin::load::{self, LOAD, Report};
use crate::origin::server::{AdminState, Server, authority};
use crate::origin::stream::Stream;

/// Keeps checking the servers of `origin`, as they change; never ends.
pub(in crate::origin) async fn keep(origin: &Arc<Origin>, settings: &OriginSettings) {
    let Some(check) = &settings.health_check else {
        return future::pending().await;
    };
    loop {
        let table = origin.table();
        tokio::select! {
            () = origin.servers_changed.notified() => {}
            _ = join_all(table.servers.iter().map(|server| keep_server(origin, &table, server, check))) => {
                origin.servers_changed.notified().await;
            }
        }
    }
}

async fn keep_server(origin: &Origin, table: &Table, server: &Server, check: &HealthCheckSettings) {
    let mut interval = tokio::time::interval(check.every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if server.admin() == AdminState::Down {
            continue;
        }
        let deadline = Instant::now() + check.timeout;
        let result = match timeout_at(deadline, ask(table, server, check, deadline)).await {
            Ok(Ok(reply)) if reply.status.is_success() || reply.status.is_redirection() => {
                take(origin, reply.report);
                Ok(())
            }
            Ok(Ok(reply)) => Err(format!("it answered {}", reply.status)),
            // It was not asked.
            Ok(Err(error)) if is_exhausted(&error) => continue,
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it did not answer in time".to_owned()),
        };
        observe(origin, server, check, &result);
    }
}

/// Takes a report of load. What is none is what most health checks get.
fn take(origin: &Origin, report: Report) {
    if report != Report::Silent {
        let used = origin.report(report, clock::now());
        origin.reports.count(used);
    }
}

fn observe(origin: &Origin, server: &Server, check: &HealthCheckSettings, result: &Result<(), String>) {
    let health = &mut server.standing().health;
    let Some(healthy) = health.observe(result.is_ok(), check.healthy_after, check.unhealthy_after) else {
        return;
    };
    server.set_healthy(healthy, clock::now());
    match result {
        Ok(()) => tracing::info!(origin = origin.name(), server = server.name(), "server is healthy again"),
        Err(why) => tracing::warn!(origin = origin.name(), server = server.name(), why, "server is unhealthy"),
    }
}

/// What a check got.
struct Reply {
    status: StatusCode,
    report: Report,
}

/// The part of `deadline` that a body is not given: the answer counts whether or not its body comes.
const MARGIN: Duration = Duration::from_millis(50);

/// One check: connect, ask, read the status, and what it says of its load.
async fn ask(table: &Table, server: &Server, check: &HealthCheckSettings, deadline: Instant) -> io::Result<Reply> {
    let h2 = table.settings.h2;
    let stream = Stream::connect(server.address(), table.tls_for(server, h2)?, None).await?;
    let h2 = h2 && (stream.agreed_on_h2() || !server.url().tls);
    let request = request(server, check, h2).map_err(io::Error::other)?;
    let reply = if h2 { over_h2(stream, request, deadline).await } else { over_h1(stream, request, deadline).await };
    reply.map_err(io::Error::other)
}

async fn over_h1(stream: Stream, request: Request<Empty<Bytes>>, deadline: Instant) -> hyper::Result<Reply> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut reply = pin!(async { read(sender.send_request(request).await?, deadline).await });
    // The connection may end in the very step that brings the answer.
    let reply = tokio::select! {
        biased;
        reply = &mut reply => reply,
        _ = connection => reply.await,
    };
    reply
}

async fn over_h2(stream: Stream, request: Request<Empty<Bytes>>, deadline: Instant) -> hyper::Result<Reply> {
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let mut reply = pin!(async { read(sender.send_request(request).await?, deadline).await });
    let reply = tokio::select! {
        biased;
        reply = &mut reply => reply,
        _ = connection => reply.await,
    };
    reply
}

/// Reads an answer as far as it is of use.
async fn read(response: Response<Incoming>, deadline: Instant) -> hyper::Result<Reply> {
    let (head, body) = response.into_parts();
    if let Some(report) = head.headers.get(LOAD) {
        return Ok(Reply { status: head.status, report: load::read(report.as_bytes()) });
    }
    let body = timeout_at(deadline - MARGIN, Limited::new(body, load::LONGEST).collect()).await;
    // A body that is long, late or broken off is no report, and the status holds.
    let report = body.ok().and_then(Result::ok).map_or(Report::Silent, |body| of_body(&body.to_bytes()));
    Ok(Reply { status: head.status, report })
}

/// Anything may be in the body of a health check; only what speaks of load is held to its form.
fn of_body(body: &[u8]) -> Report {
    let speaks =
        [&b"utilization"[..], b"Utilization", b"db_pool"].iter().any(|word| memmem::find(body, word).is_some());
    if speaks { load::read(body) } else { Report::Silent }
}

fn request(server: &Server, check: &HealthCheckSettings, h2: bool) -> http::Result<Request<Empty<Bytes>>> {
    let authority = authority(server.url());
    let builder =
        Request::get(check.path.as_str()).header(USER_AGENT, HeaderValue::from_static("spillway-health-check"));
    if !h2 {
        return builder.header(HOST, authority).body(Empty::new());
    }
    let scheme = if server.url().tls { Scheme::HTTPS } else { Scheme::HTTP };
    let uri =
        Uri::builder().scheme(scheme).authority(Authority::try_from(authority)?).path_and_query(check.path.as_str());
    builder.uri(uri.build()?).body(Empty::new())
}
