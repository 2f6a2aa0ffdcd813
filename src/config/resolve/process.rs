//! `[server]`, `[log]`, `[client]`.

use std::num::NonZero;
use std::thread::available_parallelism;

use super::files::Files;
use crate::config::file::{Client, Log, Server};
use crate::config::settings::{AccessLog, ClientSettings, LogSettings, ServerSettings};

pub(super) fn server(typed: &Server, files: Files<'_>) -> ServerSettings {
    let workers = match typed.workers.value.0 {
        0 => available_parallelism().map_or(1, NonZero::get),
        workers => workers as usize,
    };
    ServerSettings {
        workers,
        state_dir: files.locate(&typed.state_dir.value.0),
        drain_timeout: typed.drain_timeout.value.0,
        max_connections: typed.max_connections.value.0 as usize,
        max_connections_per_client: typed.max_connections_per_client.value.0 as usize,
        max_handshakes: typed.max_handshakes.value.0 as usize,
        max_memory: typed.max_memory.as_ref().map(|size| size.value.0),
    }
}

pub(super) fn log(typed: &Log, files: Files<'_>) -> LogSettings {
    LogSettings {
        level: typed.level.value.0.clone(),
        format: typed.format.value,
        access: typed.access.value.0.as_ref().map(|target| match target {
            AccessLog::Stdout => AccessLog::Stdout,
            AccessLog::File(path) => AccessLog::File(files.locate(path)),
        }),
    }
}

pub(super) fn client(typed: &Client) -> ClientSettings {
    let cookie = typed.shopper_cookie.as_ref();
    ClientSettings {
        trusted_proxies: typed.trusted_proxies.value.clone(),
        shopper_cookie: cookie.map(|name| name.value.0.clone()),
        header_timeout: typed.header_timeout.value.0,
        idle_timeout: typed.idle_timeout.value.0,
        body_timeout: typed.body_timeout.value.0,
        least_body_rate: typed.least_body_rate.value.0,
        // The largest accepted is far below the largest of any platform.
        max_uri: usize::try_from(typed.max_uri.value.0).unwrap_or(usize::MAX),
        max_body: typed.max_body.value.0,
    }
}
