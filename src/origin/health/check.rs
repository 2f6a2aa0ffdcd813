//! Asking servers whether they are well, on a connection of its own each time.

use std::future;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{HOST, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::clock;
use crate::config::settings::{HealthCheckSettings, OriginSettings};
use crate::origin::error::is_exhausted;
use crate::origin::live::{Origin, Table};
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
        let result = match tokio::time::timeout(check.timeout, ask(table, server, check)).await {
            Ok(Ok(status)) if status.is_success() || status.is_redirection() => Ok(()),
            Ok(Ok(status)) => Err(format!("it answered {status}")),
            // It was not asked.
            Ok(Err(error)) if is_exhausted(&error) => continue,
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it did not answer in time".to_owned()),
        };
        observe(origin, server, check, &result);
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

/// One check: connect, ask, read the status.
async fn ask(table: &Table, server: &Server, check: &HealthCheckSettings) -> io::Result<StatusCode> {
    let h2 = table.settings.h2;
    let stream = Stream::connect(server.address(), table.tls_for(server, h2)?, None).await?;
    let h2 = h2 && (stream.agreed_on_h2() || !server.url().tls);
    let request = request(server, check, h2).map_err(io::Error::other)?;
    let status = if h2 { over_h2(stream, request).await } else { over_h1(stream, request).await };
    status.map_err(io::Error::other)
}

async fn over_h1(stream: Stream, request: Request<Empty<Bytes>>) -> hyper::Result<StatusCode> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut answer = pin!(sender.send_request(request));
    // The connection may end in the very step that brings the answer.
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    Ok(answer?.status())
}

async fn over_h2(stream: Stream, request: Request<Empty<Bytes>>) -> hyper::Result<StatusCode> {
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let mut answer = pin!(sender.send_request(request));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    Ok(answer?.status())
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
