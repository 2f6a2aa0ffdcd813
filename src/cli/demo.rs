//! `spillway demo`: a shop, a crowd and the proxy between them, in one process.

mod console;
mod proxy;
mod scene;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::task::LocalSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::demo::shoppers::{Connections, Crowd, Habits};
use crate::demo::station::Model;
use crate::demo::storefront::Storefront;
use console::{Console, Said};
use proxy::Embedded;
use scene::Scene;

/// Arguments of `spillway demo`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Port of the shop (0: any)
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the admin address (0: any)
    #[arg(long, default_value_t = 9900)]
    admin_port: u16,
    /// How many times as many shoppers come during a surge
    #[arg(long, default_value = "10x", value_parser = factor, value_name = "TIMES")]
    surge: f64,
    /// End after this long, such as 60s, rather than with Ctrl-C
    #[arg(long = "for", value_parser = humantime::parse_duration, value_name = "TIME")]
    duration: Option<Duration>,
}

/// Runs the demo until Ctrl-C, or for as long as the arguments say.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    match perform(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("spillway demo: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn perform(args: &Args) -> Result<(), String> {
    let scene = Scene::new(args.surge);
    let shop_address = free_port(args.port, "--port")?;
    let admin_address = free_port(args.admin_port, "--admin-port")?;
    let storefront =
        Storefront::open((Ipv4Addr::LOCALHOST, 0).into(), Model::Retrograde.build(scene.database)).map_err(text)?;
    let place = Place::create().map_err(|error| format!("no place for the proxy's state: {error}"))?;
    let config = place.0.join("spillway.toml");
    std::fs::write(&config, scene.config(shop_address, admin_address, storefront.address())).map_err(text)?;
    let proxy = Embedded::start(config.clone()).map_err(text)?;
    let habits = Habits { thinking: scene::THINKING, ..Habits::default() };
    let crowd = Crowd::gather(shop_address, scene.timeline(), habits, fastrand::u64(..)).map_err(text)?;
    let mut console = Console::open(scene, shop_address, admin_address, &config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    LocalSet::new().block_on(&runtime, watch(&mut console, &crowd, admin_address, args.duration));
    // The shoppers first: none of them should meet a closed door.
    drop(crowd);
    drop(proxy);
    console.close();
    Ok(())
}

/// Prints a line a second until the time is over or the operator has seen enough.
async fn watch(console: &mut Console, crowd: &Crowd, admin: SocketAddr, duration: Option<Duration>) {
    const SECOND: Duration = Duration::from_secs(1);
    let metrics = Connections::new(admin);
    let mut seconds = interval_at(Instant::now() + SECOND, SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = tokio::time::sleep(duration.unwrap_or(Duration::MAX));
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(end, interrupted);
    loop {
        tokio::select! {
            biased;
            _ = &mut interrupted => return,
            _ = seconds.tick() => console.line(&crowd.take(), proxy_now(&metrics).await),
            () = &mut end => return,
        }
    }
}

/// What the proxy says of itself, if it does so within the second.
async fn proxy_now(metrics: &Connections) -> Option<Said> {
    let request = Request::get("/metrics").header("host", "localhost").body(Full::<Bytes>::default()).ok()?;
    let reply = timeout(Duration::from_millis(500), metrics.send(request)).await.ok()?.ok()?;
    Said::read(std::str::from_utf8(&reply.body).ok()?)
}

/// A loopback address nobody listens on at present.
fn free_port(port: u16, flag: &str) -> Result<SocketAddr, String> {
    let probed = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    probed.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} is in use by another program; choose one with {flag}")
        }
        _ => format!("port {port} cannot be used ({error}); choose one with {flag}"),
    })
}

fn factor(typed: &str) -> Result<f64, String> {
    let number = typed.strip_suffix(['x', '×']).unwrap_or(typed);
    match number.parse::<f64>() {
        Ok(factor) if (1.0..=100.0).contains(&factor) => Ok(factor),
        _ => Err("say how many times as many, from 1x to 100x".to_owned()),
    }
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// A directory of the demo's own, for configuration and state, under the system's place for such, gone at the end.
struct Place(PathBuf);

impl Place {
    fn create() -> io::Result<Self> {
        let name = format!("spillway-demo-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(name);
        // Fails where it exists: nobody else's directory is used, or removed.
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_may_carry_an_x() {
        assert_eq!(factor("10x"), Ok(10.0));
        assert_eq!(factor("2.5"), Ok(2.5));
        for wrong in ["", "x", "0x", "-3x", "NaN", "1000x"] {
            assert!(factor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_port_in_use_is_one_sentence_with_the_way_out() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let problem = free_port(port, "--port").unwrap_err();
        assert_eq!(problem, format!("port {port} is in use by another program; choose one with --port"));
    }

    #[test]
    fn the_directory_goes_with_the_demo() {
        let place = Place::create().unwrap();
        let path = place.0.clone();
        assert!(path.is_dir());
        drop(place);
        assert!(!path.exists());
    }
}
