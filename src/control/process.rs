//! The life of a process that is ready to serve, until it has left.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::actor::Policies;
use super::handover::{self, HandoverError, Predecessor, Program};
use super::lifecycle::Lifecycle;
use super::logs::ProcessLogs;
use super::overload::Overload;
use super::priority;
use super::reload::Reloader;
use super::revision::Source;
use super::rooms::Rooms;
use super::signals::Request;
use super::sockets::Sockets;
use super::systemd;
use super::templates;
use super::watch::Watch;
use crate::edge::worker::Phase;

/// How long a new process may take to become ready.
const SUCCESSION: Duration = Duration::from_secs(30);
/// How long the process before this one may take to let go of what only one may do.
const PARTING: Duration = Duration::from_secs(10);
/// How long the last writes of the waiting rooms may take.
const LAST_WRITES: Duration = Duration::from_secs(10);
/// How long workers, and those writes, may take to end when told to at once. How long what was learnt of origins may take
/// to be written, which is worth no more.
const STOPPING: Duration = Duration::from_secs(2);

/// A process whose workers accept connections.
#[derive(Debug)]
pub struct Process {
    /// Where it is in its life.
    pub lifecycle: Lifecycle,
    /// What changes its policy.
    pub policies: Policies,
    /// The configuration file to be watched; `None` is none.
    pub config: Option<PathBuf>,
    /// Every listening socket, of which the workers have duplicates.
    pub sockets: Sockets,
    /// The threads of the workers.
    pub workers: Vec<JoinHandle<()>>,
    /// Its logs.
    pub logs: ProcessLogs,
    /// What a new process is started from; `None` where sockets are not handed over.
    pub program: Option<Program>,
    /// The process that handed its sockets to this one.
    pub predecessor: Option<Predecessor>,
    /// The waiting rooms; `None` where there are none.
    pub rooms: Option<Rooms>,
    /// What protects the origins; `None` where nothing does.
    pub overload: Option<Overload>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every open request was finished.
    Finished,
    /// Requests were still open at `drain_timeout`, and were cut off.
    TimedOut,
    /// It was told to end at once.
    Interrupted,
    /// Nobody asked for it: the workers ended by themselves.
    Failed,
}

impl Process {
    /// Says that it is ready, then does what `requests` ask for until one of them ends it. The file is watched meanwhile, and
    /// the calling thread, which is the operators', comes before the workers.
    pub async fn run(self, mut requests: mpsc::Receiver<Request>) -> Ending {
        let Self { lifecycle, policies, config, sockets, workers, logs, program, predecessor, rooms, overload } = self;
        let _watch = config.and_then(|path| watch(&path, &policies));
        let templates = tokio::spawn(templates::follow(policies.clone()));
        priority::raise();
        serve(&lifecycle, &policies, predecessor, rooms.as_ref());
        let (rooms, overload) = (rooms.as_ref(), overload.as_ref());
        let running =
            Running { policies: &policies, logs: &logs, sockets: Arc::new(sockets), program, rooms, overload };
        let phase = tokio::select! {
            phase = running.until_left(&mut requests) => phase,
            () = one_ended(&workers) => {
                // Its sockets would go on taking connections that nobody answers.
                tracing::error!("a worker ended by itself; the process ends, to be started anew");
                finish(rooms, overload, LAST_WRITES).await;
                return Ending::Failed;
            }
        };
        templates.abort();
        let drain_timeout = policies.in_force().settings.server.drain_timeout;
        // The sockets are closed by now unless another process has them, so no connection waits in vain to be accepted.
        let ending = leave(&lifecycle, phase, &mut requests, all_ended(workers), drain_timeout).await;
        let patience = if ending == Ending::Interrupted { STOPPING } else { LAST_WRITES };
        finish(rooms, overload, patience).await;
        ending
    }
}

/// What a running process needs to answer requests of the operator.
struct Running<'a> {
    policies: &'a Policies,
    logs: &'a ProcessLogs,
    sockets: Arc<Sockets>,
    program: Option<Program>,
    rooms: Option<&'a Rooms>,
    overload: Option<&'a Overload>,
}

impl Running<'_> {
    /// Answers requests until one of them changes the phase, and closes the sockets.
    async fn until_left(self, requests: &mut mpsc::Receiver<Request>) -> Phase {
        let mut succession: Option<oneshot::Receiver<Result<u32, HandoverError>>> = None;
        loop {
            tokio::select! {
                request = next(requests) => match request {
                    Request::Reload => reload(self.policies),
                    Request::ReopenLogs => self.logs.reopen(),
                    Request::HandOver if succession.is_none() => succession = self.hand_over().await,
                    Request::HandOver => tracing::warn!("a new process is being started already"),
                    Request::Drain => return Phase::Draining,
                    Request::Stop => return Phase::Stopped,
                },
                outcome = answer(&mut succession) => {
                    succession = None;
                    match outcome {
                        Ok(pid) => {
                            tracing::info!(pid, "a new process serves; this one finishes its requests");
                            systemd::succeeded_by(pid);
                            return Phase::HandingOver;
                        }
                        Err(error) => {
                            tracing::error!("nothing was handed over and this process goes on: {error}");
                            self.take_back();
                        }
                    }
                }
            }
        }
    }

    async fn hand_over(&self) -> Option<oneshot::Receiver<Result<u32, HandoverError>>> {
        let Some(program) = self.program.clone() else {
            tracing::error!("this process does not hand its sockets over");
            return None;
        };
        // A change that is being made is finished first; nothing to do if that failed.
        let _ = self.policies.ask(|reloader, _| reloader.freeze()).await;
        if let Some(rooms) = self.rooms
            && let Err(error) = rooms.leave().await
        {
            tracing::error!("nothing was handed over and this process goes on: {error}");
            self.policies.tell(Reloader::thaw);
            return None;
        }
        if let Some(overload) = self.overload {
            overload.leave(STOPPING).await;
        }
        tracing::info!("starting a new process");
        let (tell, outcome) = oneshot::channel();
        let (sockets, rooms) = (Arc::clone(&self.sockets), self.rooms.cloned());
        aside("spillway-handover", move || {
            let let_go = || rooms.iter().for_each(Rooms::seal);
            // An error means that this process is leaving for another reason.
            let _ = tell.send(handover::hand_over(&program, sockets.all(), SUCCESSION, let_go));
        });
        Some(outcome)
    }

    /// Goes on after a handover that failed.
    fn take_back(&self) {
        if let Some(rooms) = self.rooms {
            rooms.resume();
        }
        if let Some(overload) = self.overload {
            overload.resume();
        }
        self.policies.tell(Reloader::thaw);
    }
}

fn serve(lifecycle: &Lifecycle, policies: &Policies, predecessor: Option<Predecessor>, rooms: Option<&Rooms>) {
    lifecycle.serve();
    systemd::ready(policies.in_force().revision.number);
    let Some(predecessor) = predecessor else { return };
    let parting = predecessor.ready();
    if let Err(error) = &parting {
        tracing::warn!(%error, "the process before this one is gone");
    }
    if let Some(rooms) = rooms.cloned() {
        aside("spillway-parting", move || {
            if parting.is_ok_and(|parting| !parting.is_over(PARTING)) {
                tracing::warn!("the process before this one has not let go of the waiting rooms in time");
            }
            rooms.begin();
        });
    }
}

async fn finish(rooms: Option<&Rooms>, overload: Option<&Overload>, patience: Duration) {
    if let Some(rooms) = rooms {
        rooms.finish(patience).await;
    }
    if let Some(overload) = overload {
        overload.leave(STOPPING).await;
    }
}

/// Finishes the open requests, for at most `patience`.
async fn leave(
    lifecycle: &Lifecycle,
    phase: Phase,
    requests: &mut mpsc::Receiver<Request>,
    mut workers: oneshot::Receiver<()>,
    patience: Duration,
) -> Ending {
    lifecycle.enter(phase);
    let mut ending = Ending::Interrupted;
    if phase != Phase::Stopped {
        tracing::info!(?patience, "finishing open requests");
        if phase == Phase::Draining {
            systemd::stopping();
        }
        ending = tokio::select! {
            _ = &mut workers => return Ending::Finished,
            () = tokio::time::sleep(patience) => Ending::TimedOut,
            () = stop(requests) => Ending::Interrupted,
        };
        lifecycle.enter(Phase::Stopped);
    }
    if tokio::time::timeout(STOPPING, workers).await.is_err() {
        tracing::warn!("a worker did not stop in time");
    }
    ending
}

fn reload(policies: &Policies) {
    systemd::reloading();
    policies.tell(|reloader, now| {
        // What comes of it is in the log and in the status.
        let _ = reloader.reread(Source::Hup, now);
        systemd::ready(reloader.in_force().load().revision.number);
    });
}

fn watch(path: &Path, policies: &Policies) -> Option<Watch> {
    let reread = |reloader: &mut Reloader, now| {
        // What comes of it is in the log and in the status.
        let _ = reloader.reread(Source::File, now);
    };
    let changing = policies.clone();
    let watch = Watch::start(path, move || changing.tell(reread));
    // It may have changed since it was read at the start.
    policies.tell(reread);
    watch
        .inspect_err(|error| tracing::error!(%error, "changes of the configuration file go unnoticed; use SIGHUP"))
        .ok()
}

/// How often it is seen whether a worker has ended by itself.
const WORKER_CHECK: Duration = Duration::from_millis(250);

/// Completes when any worker has ended.
async fn one_ended(workers: &[JoinHandle<()>]) {
    while !workers.iter().any(JoinHandle::is_finished) {
        tokio::time::sleep(WORKER_CHECK).await;
    }
}

/// Completes when every worker has ended.
fn all_ended(workers: Vec<JoinHandle<()>>) -> oneshot::Receiver<()> {
    let (tell, ended) = oneshot::channel();
    aside("spillway-workers", move || {
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker has panicked");
            }
        }
        // An error means that nobody waits any more.
        let _ = tell.send(());
    });
    ended
}

/// Runs what blocks on a thread that nobody waits for when the process ends.
fn aside(name: &str, work: impl FnOnce() + Send + 'static) {
    let work = move || {
        priority::restore();
        work();
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::error!(%error, name, "cannot start a thread");
    }
}

async fn next(requests: &mut mpsc::Receiver<Request>) -> Request {
    match requests.recv().await {
        Some(request) => request,
        None => std::future::pending().await,
    }
}

async fn stop(requests: &mut mpsc::Receiver<Request>) {
    while next(requests).await != Request::Stop {}
}

async fn answer(succession: &mut Option<oneshot::Receiver<Result<u32, HandoverError>>>) -> Result<u32, HandoverError> {
    match succession {
        Some(outcome) => outcome.await.unwrap_or(Err(HandoverError::Ended)),
        None => std::future::pending().await,
    }
}
