//! The admin API: what operators, their tools and Prometheus ask of a running proxy.
//!
//! Lives on the control thread, away from the workers, so that it answers while they are saturated. It reads what is in
//! force from where it is published and never waits for a change under way; changes go to [`crate::control::actor`]. Every
//! request passes `guard` first; `resource` says what there is, `api` what is done.

mod answer;
mod api;
mod explain;
mod fields;
mod guard;
mod overrides;
mod policy;
mod resource;
mod rooms;
mod status;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::control::actor::Policies;
use crate::control::lifecycle::Lifecycle;
use crate::control::rooms::Rooms;
use crate::edge::worker::{Phase, Shared};
use crate::telemetry::{Faults, Metrics};
use guard::Guard;

/// Connections at once; further ones wait in the queue of the socket.
const CONNECTIONS: usize = 128;
/// A head must be complete within this, and a connection that asks nothing is closed after it.
const HEAD: Duration = Duration::from_secs(10);
/// No connection lives longer: a client that reads nothing must not hold its place for ever.
const LIFETIME: Duration = Duration::from_secs(600);
/// The pause when the process is out of file descriptors.
const REST: Duration = Duration::from_millis(100);

/// What the admin API shows and changes.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where the process is in its life.
    pub lifecycle: Lifecycle,
    /// What is in force, and where changes are asked for.
    pub policies: Policies,
    /// What the workers share.
    pub shared: Arc<Shared>,
    /// Every metric.
    pub metrics: Metrics,
    /// The last malformed requests.
    pub faults: Arc<Faults>,
    /// The waiting rooms.
    pub rooms: Rooms,
}

/// Answers on `socket` until the process has left or handed it over. Call it inside of the control thread's runtime, and
/// have the future polled there.
///
/// # Errors
/// The socket cannot be registered with the runtime.
pub fn serve(admin: Admin, socket: std::net::TcpListener) -> io::Result<impl Future<Output = ()> + Send> {
    socket.set_nonblocking(true)?;
    let socket = TcpListener::from_std(socket)?;
    let settings = admin.policies.in_force().settings.admin.clone();
    let guard = Guard::new(settings.address, settings.token_file);
    Ok(accept(Arc::new(Site { admin, guard }), socket))
}

/// The API and who may use it.
#[derive(Debug)]
struct Site {
    admin: Admin,
    guard: Guard,
}

async fn accept(site: Arc<Site>, socket: TcpListener) {
    let mut phases = site.admin.lifecycle.subscribe();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = over(&mut phases) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let site = Arc::clone(&site);
                connections.spawn(async move {
                    connection(site, stream, peer).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the admin address");
                tokio::time::sleep(REST).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

/// A draining process still tells how it goes; one that has handed over leaves the address to the next.
async fn over(phases: &mut watch::Receiver<Phase>) {
    // An error means that nobody can change the phase any more, which is the end too.
    let _ = phases.wait_for(|phase| matches!(phase, Phase::HandingOver | Phase::Stopped)).await;
}

async fn connection(site: Arc<Site>, stream: TcpStream, peer: SocketAddr) {
    let mut phases = site.admin.lifecycle.subscribe();
    let answer = service_fn(|request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(api::answer(&site, request, peer).await) }
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_headers(64)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), answer)
    );
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = tokio::time::sleep(LIFETIME) => return,
        () = over(&mut phases) => {
            serving.as_mut().graceful_shutdown();
            tokio::time::timeout(HEAD, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection to the admin address broke off");
    }
}
