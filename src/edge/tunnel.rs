//! A connection that became a WebSocket: bytes both ways until either side ends or both fall silent.
//!
//! It holds no seat: seats stand for work of the origin, and a tunnel may be open for hours.

use std::rc::Rc;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::connection::Connection;
use crate::telemetry::metrics::Protocol;

/// The origin may take this long to begin with its side after it has said 101.
const BEGIN: Duration = Duration::from_secs(10);

/// Joins both sides in a task of its own.
pub(crate) fn join(connection: &Rc<Connection>, client: OnUpgrade, origin: OnUpgrade) {
    let worker = &connection.worker;
    let open = worker.opened();
    let pinned = worker.pin();
    let counted = pinned.listener_metrics(connection.listener).map(|metrics| metrics.connection(Protocol::Tunnel));
    tokio::task::spawn_local(async move {
        let both = async { tokio::try_join!(client, origin) };
        match tokio::time::timeout(BEGIN, both).await {
            Ok(Ok((client, origin))) => {
                let (mut client, mut origin) = (TokioIo::new(client), TokioIo::new(origin));
                // However it ends, both sides are closed and nobody is left to tell.
                let _ = copy_bidirectional(&mut client, &mut origin).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "a tunnel could not be opened"),
            Err(_) => tracing::debug!("a tunnel was not opened in time"),
        }
        drop((counted, open));
    });
}
