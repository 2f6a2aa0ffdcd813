//! Clients that do not stop asking, each request on a connection of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Client;
use super::client::request;
use super::proxy::PATIENCE;

/// Clients at once.
const CLIENTS: usize = 8;

/// Requests without pause until it is ended, on a thread that no test blocks.
pub struct Load {
    count: Arc<Count>,
    clients: JoinHandle<()>,
}

#[derive(Default)]
struct Count {
    answered: AtomicUsize,
    failed: AtomicUsize,
    over: AtomicBool,
}

impl Load {
    /// Begins.
    pub fn on(address: SocketAddr) -> Self {
        let count = Arc::new(Count::default());
        let shared = Arc::clone(&count);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clients = std::thread::spawn(move || runtime.block_on(ask(address, &shared)));
        Self { count, clients }
    }

    /// Waits until so many more requests were answered, or one was not.
    pub fn answered(&self, more: usize) {
        let goal = self.count.answered.load(SeqCst) + more;
        let end = Instant::now() + PATIENCE;
        while self.count.answered.load(SeqCst) < goal && self.count.failed.load(SeqCst) == 0 {
            assert!(Instant::now() < end, "no more answers");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends, if every connection was accepted and every request answered with 200.
    pub fn ends_without_failure(self) {
        self.count.over.store(true, SeqCst);
        self.clients.join().expect("a connection was not accepted");
        assert_eq!(self.count.failed.load(SeqCst), 0);
    }
}

async fn ask(address: SocketAddr, count: &Arc<Count>) {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let count = Arc::clone(count);
        clients.spawn(async move {
            while !count.over.load(SeqCst) {
                let answer = Client::of(address).try_send(request("GET", "/", "")).await;
                let good = answer.is_ok_and(|answer| answer.status == 200);
                let which = if good { &count.answered } else { &count.failed };
                which.fetch_add(1, SeqCst);
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.expect("a connection was not accepted");
    }
}
