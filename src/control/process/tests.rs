use std::net::{SocketAddr, TcpStream};

use tempfile::TempDir;
use tokio::task::JoinHandle as Task;

use super::*;
use crate::control::fixture::{begin, policy, write};
use crate::control::handover::tests::successor;
use crate::telemetry::{AccessLog, Metrics};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A running process and the test's hands on it.
struct Run {
    dir: TempDir,
    lifecycle: Lifecycle,
    policies: Policies,
    requests: mpsc::Sender<Request>,
    address: SocketAddr,
    ending: Task<Ending>,
}

impl Run {
    /// `worker` is given the phases and says what a worker does.
    fn start(program: Option<Program>, worker: impl FnOnce(&Lifecycle) + Send + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, &policy("10/s").replace("workers = 2", "workers = 2\ndrain_timeout = \"300ms\""));
        let policies = Policies::start(begin(&dir).0).unwrap();
        let lifecycle = Lifecycle::begin();
        let sockets = Sockets::open(&[LOCAL], LOCAL, 1, Vec::new()).unwrap();
        let address = sockets.addresses()[0];
        let own = lifecycle.clone();
        let process = Process {
            lifecycle: lifecycle.clone(),
            policies: policies.clone(),
            config: Some(dir.path().join("shop.toml")),
            sockets,
            workers: vec![thread::spawn(move || worker(&own))],
            logs: ProcessLogs::new(None, AccessLog::start(None, &Metrics::new(1)).unwrap()),
            program,
            predecessor: None,
            rooms: None,
            overload: None,
        };
        let (requests, inbox) = mpsc::channel(4);
        let ending = tokio::spawn(process.run(inbox));
        Self { dir, lifecycle, policies, requests, address, ending }
    }

    async fn ask(&self, request: Request) {
        self.requests.send(request).await.unwrap();
    }

    /// Waits until the rate of the limit in force is `rate`.
    async fn rate(&self, rate: f64) {
        while self.policies.in_force().settings.limits[0].rate.per_second() != rate {
            self.policies.ask(|_, _| ()).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> Ending {
        tokio::time::timeout(Duration::from_secs(30), self.ending).await.unwrap().unwrap()
    }
}

/// A worker whose last request ends as soon as it may.
fn diligent(lifecycle: &Lifecycle) {
    wait_for(lifecycle, |phase| phase != Phase::Running);
    assert!(!lifecycle.is_ready(), "told to leave before readiness was gone");
}

/// A worker with a request that does not end.
fn busy(lifecycle: &Lifecycle) {
    wait_for(lifecycle, |phase| phase == Phase::Stopped);
}

fn wait_for(lifecycle: &Lifecycle, wanted: impl Fn(Phase) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut phases = lifecycle.subscribe();
    runtime.block_on(async { phases.wait_for(|phase| wanted(*phase)).await.unwrap() });
}

#[tokio::test]
async fn draining_ends_when_the_requests_have() {
    let run = Run::start(None, diligent);
    run.ask(Request::Drain).await;
    let (lifecycle, address) = (run.lifecycle.clone(), run.address);
    assert_eq!(run.end().await, Ending::Finished);
    assert_eq!(lifecycle.word(), "draining");
    // A process another test is just starting may still hold a copy for a moment.
    while TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn draining_is_cut_off_at_its_limit() {
    let run = Run::start(None, busy);
    run.ask(Request::Drain).await;
    assert_eq!(run.end().await, Ending::TimedOut);
}

#[tokio::test]
async fn an_interrupt_ends_at_once_even_while_draining() {
    let run = Run::start(None, busy);
    run.ask(Request::Drain).await;
    run.ask(Request::Stop).await;
    assert_eq!(run.end().await, Ending::Interrupted);
}

#[tokio::test]
async fn workers_that_end_by_themselves_are_a_failure() {
    let run = Run::start(None, |_| {});
    assert_eq!(run.end().await, Ending::Failed);
}

#[tokio::test]
async fn the_file_is_read_again_on_hup_and_when_it_changes() {
    let run = Run::start(None, diligent);
    write(&run.dir, &policy("20/s"));
    run.ask(Request::Reload).await;
    run.rate(20.0).await;
    write(&run.dir, &policy("30/s"));
    run.rate(30.0).await;
    run.ask(Request::Drain).await;
    assert_eq!(run.end().await, Ending::Finished);
}

#[tokio::test]
async fn a_failed_handover_changes_nothing() {
    let run = Run::start(Some(successor("ends")), diligent);
    run.ask(Request::HandOver).await;
    write(&run.dir, &policy("20/s"));
    run.rate(20.0).await;
    assert!(run.lifecycle.is_ready());
    assert!(TcpStream::connect(run.address).is_ok());
    run.ask(Request::Drain).await;
    assert_eq!(run.end().await, Ending::Finished);
}

#[tokio::test]
async fn after_a_handover_the_old_process_finishes_and_the_sockets_live_on() {
    let run = Run::start(Some(successor("answers")), diligent);
    let mut client = TcpStream::connect(run.address).unwrap();
    run.ask(Request::HandOver).await;
    let lifecycle = run.lifecycle.clone();
    assert_eq!(run.end().await, Ending::Finished);
    assert_eq!(lifecycle.word(), "handing-over");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut client, &mut answer).unwrap();
    assert_eq!(answer, "from the new process");
}
