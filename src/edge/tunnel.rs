//! A connection that became a WebSocket: bytes both ways until either side ends or both fall silent.
//!
//! It holds no seat: seats stand for work of the origin, and a tunnel may be open for hours. It stays counted among the
//! connections of its client.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};

use super::connection::Connection;
use crate::telemetry::metrics::Protocol;

/// The origin may take this long to begin with its side after it has said 101.
const BEGIN: Duration = Duration::from_secs(10);
/// A tunnel silent in both directions for this long is closed; applications that keep one open say something sooner.
const SILENCE: Duration = Duration::from_secs(3600);

/// Joins both sides in a task of its own.
pub(crate) fn join(connection: &Rc<Connection>, client: OnUpgrade, origin: OnUpgrade) {
    let connection = Rc::clone(connection);
    let open = connection.worker.opened();
    let pinned = connection.worker.pin();
    let counted = pinned.listener_metrics(connection.listener).map(|metrics| metrics.connection(Protocol::Tunnel));
    drop(pinned);
    tokio::task::spawn_local(async move {
        let both = async { tokio::try_join!(client, origin) };
        match tokio::time::timeout(BEGIN, both).await {
            Ok(Ok((client, origin))) => carry(client, origin).await,
            Ok(Err(error)) => tracing::debug!(%error, "a tunnel could not be opened"),
            Err(_) => tracing::debug!("a tunnel was not opened in time"),
        }
        drop((counted, open, connection));
    });
}

async fn carry(client: Upgraded, origin: Upgraded) {
    let carried = Rc::new(Cell::new(0));
    let mut client = Side { io: TokioIo::new(client), carried: Rc::clone(&carried) };
    let mut origin = Side { io: TokioIo::new(origin), carried: Rc::clone(&carried) };
    tokio::select! {
        // However it ends, both sides are closed and nobody is left to tell.
        _ = copy_bidirectional(&mut client, &mut origin) => {}
        () = silence(&carried) => tracing::debug!("a silent tunnel was closed"),
    }
}

/// Ends when nothing was carried for [`SILENCE`].
async fn silence(carried: &Cell<u64>) {
    let mut before = None;
    while before != Some(carried.get()) {
        before = Some(carried.get());
        tokio::time::sleep(SILENCE).await;
    }
}

/// One side, which counts the bytes that come from it.
struct Side {
    io: TokioIo<Upgraded>,
    carried: Rc<Cell<u64>>,
}

impl AsyncRead for Side {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.carried.set(self.carried.get() + (buf.filled().len() - before) as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Side {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
