//! Accepting connections on one worker's own socket.

use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::connection;
use super::worker::{Phase, Worker};
use crate::origin::is_exhausted;

/// How long accepting rests when connections are refused as fast as they come, or none can be accepted: long enough not
/// to spin, short enough that nobody notices once there is room.
const REST: Duration = Duration::from_millis(20);

/// Accepts until the worker leaves its running phase.
///
/// Connections already in the queue by then are still taken, unless the sockets live on in another process.
pub(crate) async fn accept(worker: Rc<Worker>, listener: usize, socket: TcpListener) {
    let mut phase = worker.phase();
    let mut exhausted = false;
    loop {
        if worker.crowd().is_tiring() {
            tokio::time::sleep(REST).await;
            worker.crowd().rested();
            if *phase.borrow() != Phase::Running {
                break;
            }
            continue;
        }
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = phase.wait_for(|phase| *phase != Phase::Running) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                exhausted = false;
                begin(&worker, listener, stream, peer);
            }
            Err(error) if is_exhausted(&error) => {
                if !std::mem::replace(&mut exhausted, true) {
                    tracing::warn!(%error, "cannot accept connections; raise the limit of open files (ulimit -n)");
                }
                tokio::time::sleep(REST * 5).await;
            }
            // It concerns the one connection that was not accepted.
            Err(_) => {}
        }
    }
    if *phase.borrow() == Phase::Draining {
        take_queued(&worker, listener, &socket).await;
    }
}

fn begin(worker: &Rc<Worker>, listener: usize, stream: TcpStream, peer: SocketAddr) {
    tokio::task::spawn_local(connection::serve(Rc::clone(worker), listener, stream, peer));
}

/// Closing a socket resets what waits in its queue, so the queue is emptied first.
async fn take_queued(worker: &Rc<Worker>, listener: usize, socket: &TcpListener) {
    // Unconstrained: a task's budget would look like an empty queue.
    tokio::task::coop::unconstrained(std::future::poll_fn(|cx| {
        while let Poll::Ready(accepted) = socket.poll_accept(cx) {
            match accepted {
                Ok((stream, peer)) => begin(worker, listener, stream, peer),
                Err(error) if is_exhausted(&error) => break,
                Err(_) => {}
            }
        }
        Poll::Ready(())
    }))
    .await;
}
