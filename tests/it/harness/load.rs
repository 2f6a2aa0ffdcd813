//! Clients that ask again and again, and miss nothing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::client::{request, whole};
use super::wait::until;

type Sender = SendRequest<Full<bytes::Bytes>>;

/// Clients at work.
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    served: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Load {
    /// Begins: half of the clients keep their connections until the proxy says that it closes them, the others ask each time
    /// on a new one.
    pub fn on(address: SocketAddr, clients: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let client = |index| tokio::spawn(ask(address, index % 2 == 0, Arc::clone(&shared)));
        let clients = (0..clients).map(client).collect();
        Self { shared, clients }
    }

    /// Requests answered with 200 so far.
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }

    /// Waits until this many more are answered.
    pub async fn goes_on(&self, more: u64) {
        let goal = self.served() + more;
        until("the load goes on", async || (self.served() >= goal).then_some(())).await;
    }

    /// Ends, giving how many were answered with 200 and what happened to the others.
    pub async fn ends(self) -> (u64, Vec<String>) {
        self.shared.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        let failures = std::mem::take(&mut *self.shared.failures.lock().unwrap());
        (self.shared.served.load(Ordering::Relaxed), failures)
    }
}

async fn ask(address: SocketAddr, keeps: bool, shared: Arc<Shared>) {
    let mut kept: Option<Sender> = None;
    while !shared.over.load(Ordering::Relaxed) {
        match once(address, &mut kept).await {
            Ok(()) => drop(shared.served.fetch_add(1, Ordering::Relaxed)),
            Err(failure) => {
                shared.failures.lock().unwrap().push(failure);
                kept = None;
            }
        }
        if !keeps {
            kept = None;
        }
    }
}

async fn once(address: SocketAddr, kept: &mut Option<Sender>) -> Result<(), String> {
    let mut sender = match kept.take() {
        Some(sender) => sender,
        None => connect(address).await?,
    };
    let mut asked = request("GET", "/load", "");
    asked.headers_mut().insert("host", "shop.example".parse().unwrap());
    let response = sender.send_request(asked).await.map_err(|error| format!("no answer: {error:?}"))?;
    let answer = whole(response).await.map_err(|error| format!("half an answer: {error:?}"))?;
    if answer.status != 200 {
        return Err(format!("{answer:?}"));
    }
    if answer.header("connection") != "close" {
        sender.ready().await.map_err(|error| format!("the connection ended unannounced: {error:?}"))?;
        *kept = Some(sender);
    }
    Ok(())
}

async fn connect(address: SocketAddr) -> Result<Sender, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| format!("refused: {error}"))?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}
