//! Signals, and what each asks for.

use std::io;

use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;

/// What a signal asks of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// HUP: read the configuration file again.
    Reload,
    /// TERM, QUIT: finish open requests, then end.
    Drain,
    /// INT: end at once.
    Stop,
    /// USR1: reopen log files.
    ReopenLogs,
    /// USR2: hand the sockets to a new process.
    HandOver,
}

/// The signals of this process. From its creation on none of them ends the process by itself.
#[derive(Debug)]
struct Signals {
    hangup: unix::Signal,
    terminate: unix::Signal,
    quit: unix::Signal,
    interrupt: unix::Signal,
    user1: unix::Signal,
    user2: unix::Signal,
}

impl Signals {
    /// Listens. Call it inside of a runtime.
    ///
    /// # Errors
    /// A handler cannot be installed.
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: unix::signal(SignalKind::hangup())?,
            terminate: unix::signal(SignalKind::terminate())?,
            quit: unix::signal(SignalKind::quit())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            user1: unix::signal(SignalKind::user_defined1())?,
            user2: unix::signal(SignalKind::user_defined2())?,
        })
    }

    /// The next request. Of several at once the one that ends the process soonest comes first. Cancel safe.
    async fn next(&mut self) -> Request {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Request::Stop,
            _ = self.terminate.recv() => Request::Drain,
            _ = self.quit.recv() => Request::Drain,
            _ = self.user2.recv() => Request::HandOver,
            _ = self.hangup.recv() => Request::Reload,
            _ = self.user1.recv() => Request::ReopenLogs,
        }
    }
}

/// Passes every signal of this process on as what it asks for. Call it inside of a runtime.
///
/// # Errors
/// A handler cannot be installed.
pub fn requests() -> io::Result<mpsc::Receiver<Request>> {
    let mut signals = Signals::listen()?;
    let (pass_on, requests) = mpsc::channel(16);
    tokio::spawn(async move { while pass_on.send(signals.next().await).await.is_ok() {} });
    Ok(requests)
}
