//! CPU per full TLS handshake.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::task::LocalSet;

use crate::origin::Origin;
use crate::peer::{Job, Proxy};
use crate::report::{Figure, Goal};
use crate::stage::{Stage, runtime};
use crate::tls::Client;

/// Handshakes at once.
const AT_ONCE: usize = 16;

/// CPU per TLS 1.3 handshake with ECDSA P-256 and X25519, without resumption.
pub(crate) fn handshake(stage: &Stage) -> Result<Figure, String> {
    let origin = Origin::start()?;
    let tls = Some(stage.certificate.clone());
    let job = Job { tls, ..Job::generous(origin.address, stage.options.proxy_core) };
    let client = Client::new()?;
    let [rows] = stage.proxies(&job, |proxy| {
        shake(&client, proxy.address, Duration::from_millis(500))?;
        Ok([cost(&client, proxy, stage.measured_for())?])
    });
    let name = "CPU per full TLS 1.3 handshake".to_owned();
    let notes = vec!["the goal is against nginx; HAProxy is shown beside it".to_owned()];
    Ok(Figure { name, unit: "µs", rows, goal: Goal::TimesNginx(0.6), notes })
}

fn cost(client: &Client, proxy: &Proxy, lasting: Duration) -> Result<f64, String> {
    let before = proxy.program.cpu();
    let handshakes = shake(client, proxy.address, lasting)?;
    let used = proxy.program.cpu().saturating_sub(before);
    let each = used.as_secs_f64() * 1e6 / handshakes.max(1) as f64;
    eprintln!("    {each:.0} µs, {:.0} handshakes/s", handshakes as f64 / lasting.as_secs_f64());
    Ok(each)
}

/// Shakes hands for a while and says how often.
fn shake(client: &Client, address: SocketAddr, lasting: Duration) -> Result<u64, String> {
    let end = Instant::now() + lasting;
    let shaken = Rc::new(Cell::new(0_u64));
    let tasks: Vec<_> = (0..AT_ONCE).map(|_| hand(client.clone(), address, end, Rc::clone(&shaken))).collect();
    LocalSet::new().block_on(&runtime()?, async {
        let hands: Vec<_> = tasks.into_iter().map(tokio::task::spawn_local).collect();
        for hand in hands {
            hand.await.map_err(|error| error.to_string())??;
        }
        Ok(shaken.get())
    })
}

async fn hand(client: Client, address: SocketAddr, end: Instant, shaken: Rc<Cell<u64>>) -> Result<(), String> {
    while Instant::now() < end {
        let mut stream = client.connect(address).await?;
        shaken.set(shaken.get() + 1);
        // The other side may have gone first.
        let _ = stream.shutdown().await;
    }
    Ok(())
}
