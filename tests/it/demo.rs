//! `spillway demo`, as a newcomer runs it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::harness::Client;

/// A running demo; ended with the test.
struct Demo {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Demo {
    fn start(duration: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
        command.args(["demo", "--port", "0", "--admin-port", "0", "--for", duration]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next line that contains `words`.
    fn says(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it never said {words:?}");
            if line.contains(words) {
                return line;
            }
        }
    }

    fn address(&mut self, of: &str) -> SocketAddr {
        let line = self.says(of);
        line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_newcomer_sees_the_shop_the_figures_and_the_summary() {
    let mut demo = Demo::start("4s");
    let (shop, admin) = (demo.address("the shop "), demo.address("the metrics "));
    let page = Client::of(shop).get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Round teapot"));
    let metrics = Client::of(admin).get("/metrics").await.text();
    assert!(metrics.contains("spillway_capacity_state{origin=\"storefront\",state=\"learning\"} 1"), "{metrics}");
    // A line a second: shoppers are served, and the seats are those of the proxy, which begins with ten.
    let line = demo.says("/10 ");
    assert!(line.trim_end().chars().count() <= 80, "{line}");
    let summary = demo.says("shoppers came");
    assert!(!summary.starts_with("0 "), "{summary}");
    let mut rest = String::new();
    demo.lines.read_to_string(&mut rest).unwrap();
    assert!(demo.process.wait().unwrap().success());
}

#[test]
fn a_port_in_use_ends_it_with_a_suggestion_before_anything_is_started() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
    let output = command.args(["demo", "--admin-port", "0", "--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, format!("spillway demo: port {port} is in use by another program; choose one with --port\n"));
}
