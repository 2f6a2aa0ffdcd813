//! Memory per idle TLS connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tokio_rustls::client::TlsStream;

use crate::origin::{Origin, SMALL};
use crate::peer::{Job, Proxy};
use crate::report::{Figure, Goal};
use crate::stage::{Stage, runtime};
use crate::tls::Client;

/// Options of `idle-memory`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Connections held open
    #[arg(long, default_value_t = 5000)]
    pub(crate) connections: u32,
}

/// Handshakes at once.
const AT_ONCE: usize = 32;

/// Until buffers of the last requests have been given back.
const SETTLE: Duration = Duration::from_secs(2);

const REQUEST: &[u8] = b"GET /1k HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 10.1.0.1\r\n\r\n";

/// Resident memory that each kept-alive TLS connection adds which has made one request.
pub(crate) fn idle_memory(stage: &Stage, options: Options) -> Result<Figure, String> {
    let origin = Origin::start()?;
    let tls = Some(stage.certificate.clone());
    let job = Job { tls, ..Job::generous(origin.address, stage.options.proxy_core) };
    let client = Client::new()?;
    let [rows] = stage.proxies(&job, |proxy| Ok([each(&client, proxy, options.connections)?]));
    let name = "memory per idle TLS connection, h1".to_owned();
    let notes = vec![format!("resident memory of the processes; {} connections", options.connections)];
    Ok(Figure { name, unit: "KiB", rows, goal: Goal::TimesNginx(1.0), notes })
}

fn each(client: &Client, proxy: &Proxy, connections: u32) -> Result<f64, String> {
    LocalSet::new().block_on(&runtime()?, async {
        // The first ones pay for what is shared.
        let first = hold(client, proxy.address, 100).await?;
        let before = proxy.program.resident();
        let held = hold(client, proxy.address, connections).await?;
        tokio::time::sleep(SETTLE).await;
        let grown = proxy.program.resident().saturating_sub(before);
        let each = grown as f64 / 1024.0 / held.len() as f64;
        eprintln!("    {each:.1} KiB for each of {}", held.len());
        drop(first);
        Ok(each)
    })
}

async fn hold(client: &Client, address: SocketAddr, connections: u32) -> Result<Vec<TlsStream<TcpStream>>, String> {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (client, gate) = (client.clone(), Arc::clone(&gate));
            tokio::task::spawn_local(async move {
                let _turn = gate.acquire().await.map_err(|error| error.to_string())?;
                open(&client, address).await
            })
        })
        .collect();
    let mut held = Vec::with_capacity(tasks.len());
    for task in tasks {
        held.push(task.await.map_err(|error| error.to_string())??);
    }
    Ok(held)
}

/// A connection that has made one request and read the whole answer.
async fn open(client: &Client, address: SocketAddr) -> Result<TlsStream<TcpStream>, String> {
    let mut stream = client.connect(address).await?;
    stream.write_all(REQUEST).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::with_capacity(2048);
    while !is_whole(&answer) {
        if stream.read_buf(&mut answer).await.map_err(|error| error.to_string())? == 0 {
            return Err(format!("closed after {}", String::from_utf8_lossy(&answer)));
        }
    }
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(stream),
        false => Err(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// Whether the head and all of the origin's small body are there.
fn is_whole(answer: &[u8]) -> bool {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    head.is_some_and(|end| answer.len() >= end + 4 + SMALL)
}
