//! The binary under test, on ports the kernel chose.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::Client;

/// Longest time anything here is waited for; far beyond what a loaded machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running proxy; killed when dropped.
pub struct Proxy {
    child: Child,
    dir: Arc<TempDir>,
    lines: mpsc::Receiver<Value>,
    said: Mutex<Vec<Value>>,
    listeners: Vec<SocketAddr>,
    admin: SocketAddr,
}

impl Proxy {
    /// Starts with this configuration: `[server] state_dir`, `[admin]` and `[log]` are given by the harness, and a
    /// cleartext listener too unless the text has one. `DIR` in it becomes the directory of the configuration.
    pub fn with(config: &str) -> Self {
        Self::within(Arc::new(tempfile::tempdir().unwrap()), config)
    }

    /// The same in a directory that holds certificates or the state of an earlier run.
    pub fn within(dir: Arc<TempDir>, config: &str) -> Self {
        let command = command(&write_config(&dir, config));
        Self::run(dir, command)
    }

    /// The same, started by a command that is made of the one that would start it.
    pub fn started(config: &str, make: impl FnOnce(Command) -> Command) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let command = make(command(&write_config(&dir, config)));
        Self::run(dir, command)
    }

    fn run(dir: Arc<TempDir>, mut command: Command) -> Self {
        let mut child = command.spawn().expect("the proxy starts");
        let (sender, lines) = mpsc::channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut proxy = Self {
            child,
            dir,
            lines,
            said: Mutex::default(),
            listeners: Vec::new(),
            admin: ([127, 0, 0, 1], 0).into(),
        };
        let ready = proxy.hears("ready");
        let addresses = |key: &str| -> Vec<SocketAddr> {
            let text = ready[key].as_str().unwrap_or_else(|| panic!("no {key} in {ready}"));
            text.split_whitespace().map(|address| address.parse().unwrap()).collect()
        };
        proxy.listeners = addresses("listeners");
        proxy.admin = addresses("admin")[0];
        proxy
    }

    /// Starts, expecting it to refuse; gives its exit status and what it said.
    pub fn refuses(config: &str) -> (ExitStatus, String) {
        Self::refuses_within(&tempfile::tempdir().unwrap(), config)
    }

    /// The same in a directory where something keeps it from starting.
    pub fn refuses_within(dir: &TempDir, config: &str) -> (ExitStatus, String) {
        let output = command(&write_config(dir, config)).output().unwrap();
        (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Address of the first listener.
    pub fn address(&self) -> SocketAddr {
        self.listeners[0]
    }

    /// Address of a listener, in the order of the file.
    pub fn listener(&self, index: usize) -> SocketAddr {
        self.listeners[index]
    }

    /// A client of the first listener.
    pub fn client(&self) -> Client {
        Client::of(self.address())
    }

    /// A client of the admin address.
    pub fn admin(&self) -> Client {
        Client::of(self.admin)
    }

    /// The admin address.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Directory of the configuration and the state.
    pub fn dir(&self) -> Arc<TempDir> {
        Arc::clone(&self.dir)
    }

    /// The configuration file.
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("spillway.toml")
    }

    /// Replaces the configuration as an editor does, by renaming a new file over it.
    pub fn rewrite(&self, config: &str) {
        let new = self.dir.path().join("spillway.toml.new");
        std::fs::write(&new, whole_config(self.dir.path(), config)).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// What of a test's text ends up in the file.
    pub fn whole(&self, config: &str) -> String {
        whole_config(self.dir.path(), config)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for a log message that contains `words`, and gives it.
    pub fn hears(&self, words: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("never heard {words:?}; it said {:#?}", self.said.lock().unwrap());
            };
            self.said.lock().unwrap().push(line.clone());
            if message(&line).contains(words) {
                return line;
            }
        }
    }

    /// A log message that contains `words`, from before it was ready.
    pub fn heard(&self, words: &str) -> Value {
        let said = self.said.lock().unwrap();
        let found = said.iter().find(|line| message(line).contains(words));
        found.unwrap_or_else(|| panic!("it never said {words:?}, only {said:#?}")).clone()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended.
    pub fn ends(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it did not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The value of a metric with these labels, written as in `name{label="value"`, in any order; the sum if several have
    /// them.
    pub async fn metric(&self, series: &str) -> f64 {
        let page = self.admin().get("/metrics").await.text();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let wanted: Vec<_> = labels.trim_end_matches(['}', ',']).split_inclusive("\",").collect();
        let has = |labels: &str| wanted.iter().all(|label| labels.contains(label.trim_end_matches(',')));
        page.lines()
            .filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '))
            .filter(|(labels, _)| (labels.is_empty() || labels.starts_with('{')) && has(labels))
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum()
    }

    /// `GET /v1/status`.
    pub async fn status(&self) -> Value {
        self.admin().get("/v1/status").await.json()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn message(line: &Value) -> &str {
    line["message"].as_str().or(line.as_str()).unwrap_or_default()
}

fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
    command.args(["run", "--config"]).arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn write_config(dir: &TempDir, config: &str) -> PathBuf {
    let path = dir.path().join("spillway.toml");
    std::fs::write(&path, whole_config(dir.path(), config)).unwrap();
    path
}

/// The test's text with what every test needs and none is about.
fn whole_config(dir: &Path, config: &str) -> String {
    let config = config.replace("DIR", &dir.display().to_string());
    let mut whole = String::new();
    if !config.contains("[server]") {
        whole.push_str("[server]\nworkers = 2\nstate_dir = \"state\"\n");
    }
    if !config.contains("[admin]") {
        whole.push_str("[admin]\naddress = \"127.0.0.1:0\"\n");
    }
    if !config.contains("[log]") {
        whole.push_str("[log]\nformat = \"json\"\n");
    }
    if !config.contains("[[listener]]") {
        whole.push_str("[[listener]]\naddress = \"127.0.0.1:0\"\n");
    }
    whole + &config
}
