//! Spillway's admin API, as far as it is needed here.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use spillway::demo::shoppers::{Connections, Reply};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::stage::runtime;

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one admin address.
pub(crate) struct Admin {
    runtime: Runtime,
    local: LocalSet,
    connections: Connections,
}

impl Admin {
    pub(crate) fn new(address: SocketAddr) -> Result<Self, String> {
        Ok(Self { runtime: runtime()?, local: LocalSet::new(), connections: Connections::new(address) })
    }

    /// Puts a policy in force and says how long that took.
    pub(crate) fn put_policy(&self, policy: &Bytes) -> Result<Duration, String> {
        let began = Instant::now();
        let request = Request::put("/v1/policy").header("content-type", "application/toml");
        let reply = self.send(request, policy.clone())?;
        match reply.status.is_success() {
            true => Ok(began.elapsed()),
            false => Err(format!("PUT /v1/policy: {} {}", reply.status, String::from_utf8_lossy(&reply.body))),
        }
    }

    /// Changes what the JSON says.
    pub(crate) fn patch(&self, path: &str, json: &str) -> Result<(), String> {
        let request = Request::patch(path).header("content-type", "application/json");
        let reply = self.send(request, Bytes::copy_from_slice(json.as_bytes()))?;
        match reply.status.is_success() {
            true => Ok(()),
            false => Err(format!("PATCH {path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body))),
        }
    }

    fn send(&self, request: http::request::Builder, body: Bytes) -> Result<Reply, String> {
        let request = request.header("host", "127.0.0.1").body(Full::new(body)).map_err(|error| error.to_string())?;
        let sent = async { tokio::time::timeout(PATIENCE, self.connections.send(request)).await };
        match self.local.block_on(&self.runtime, sent) {
            Ok(reply) => reply.map_err(|error| format!("admin API: {error}")),
            Err(_) => Err("the admin API does not answer".to_owned()),
        }
    }
}
