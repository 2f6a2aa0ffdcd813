//! Handing the listening sockets to a new process, so that a binary is replaced without a connection refused.
//!
//! The old process starts the new one with one end of a socket pair as its standard input and sends the listening
//! sockets through it (`SCM_RIGHTS`). Both then hold the same sockets and the same queues of waiting connections; the
//! old one stops accepting only after the new one has said that it is ready, and the new one changes what both have, such
//! as the lines of waiting rooms, only after the old one has closed its end in answer. A pair that only the two processes
//! hold needs no path, no permissions and no way to tell a stranger from a successor.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

/// Tells a process that its standard input carries listening sockets.
const VARIABLE: &str = "SPILLWAY_HANDOVER";

/// Sockets in one message; the kernel takes at most 253.
const BATCH: usize = 64;

/// How long the old process may take to send what it has already decided to send.
const SENDING: Duration = Duration::from_secs(5);

const SOCKETS: &[u8] = b"sockets 1";
const END: &[u8] = b"end";
const READY: &[u8] = b"ready";

/// How this process was started, so that it can be started again from whatever is installed there by then.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

/// Why the sockets stay where they are.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// The process is the init of a container.
    #[error("process 1 cannot hand over: its container ends with it; start a second container instead")]
    Init,
    /// The new process cannot be started.
    #[error("cannot start {}: {source}", path.display())]
    Start {
        /// What was to be started.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The new process ended or closed the channel; its own diagnostics say why.
    #[error("the new process ended before it was ready")]
    Ended,
    /// The new process took too long.
    #[error("the new process was not ready within {0:?} and was stopped")]
    Late(Duration),
    /// The channel between the two failed.
    #[error("the channel between the old and the new process failed: {0}")]
    Channel(#[from] io::Error),
}

/// The process before this one, which goes on accepting until it is told otherwise.
#[derive(Debug)]
pub struct Predecessor {
    channel: OwnedFd,
}

impl Program {
    /// The program and arguments of this process. Call it before anything changes the working directory.
    ///
    /// # Errors
    /// The path of the executable cannot be told.
    pub fn current() -> io::Result<Self> {
        let mut arguments = std::env::args_os();
        let typed = arguments.next().map(PathBuf::from);
        // The path as typed follows a symbolic link to the next version; a bare name was found through PATH.
        let path = match typed.filter(|path| path.components().count() > 1) {
            Some(path) => std::path::absolute(path)?,
            None => std::env::current_exe()?,
        };
        Ok(Self { path, arguments: arguments.collect() })
    }
}

/// The end of the time in which both processes serve.
#[derive(Debug)]
pub struct Parting {
    channel: OwnedFd,
}

/// Starts the program anew, gives it the sockets and waits until it is ready, for at most `patience`. Blocks.
/// Returns the id of the new process. `let_go` gives up what only one of the two may do, before the new one begins with it.
///
/// # Errors
/// Whatever kept the new process from becoming ready; it has been stopped, and nothing has changed in this one.
pub fn hand_over<'a>(
    program: &Program,
    sockets: impl IntoIterator<Item = &'a TcpListener>,
    patience: Duration,
    let_go: impl FnOnce(),
) -> Result<u32, HandoverError> {
    if std::process::id() == 1 {
        return Err(HandoverError::Init);
    }
    let (ours, theirs) = channel()?;
    let mut successor = start(program, theirs)?;
    let outcome = send(&ours, sockets).and_then(|()| wait_ready(&ours, patience));
    match outcome {
        Ok(()) => {
            let_go();
            // Closing our end tells the other process so.
            drop(ours);
            Ok(successor.id())
        }
        Err(error) => {
            // First of all, so that it never takes our end for given up.
            stop(&mut successor);
            Err(error)
        }
    }
}

/// The sockets given by the process that started this one, if it is handing over. Call it once, first of all.
///
/// # Errors
/// The sockets were announced and cannot be received.
pub fn predecessor() -> Result<Option<(Predecessor, Vec<TcpListener>)>, HandoverError> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(None);
    }
    let channel = io::stdin().as_fd().try_clone_to_owned()?;
    let sockets = receive(&channel)?;
    Ok(Some((Predecessor { channel }, sockets)))
}

impl Predecessor {
    /// Tells it to stop accepting and to drain. Call it when this process answers requests.
    ///
    /// # Errors
    /// It is gone; then this process is the only one already.
    pub fn ready(self) -> io::Result<Parting> {
        rustix::net::send(&self.channel, READY, SendFlags::NOSIGNAL)?;
        Ok(Parting { channel: self.channel })
    }
}

impl Parting {
    /// Waits until the old process has let go of what only one may do, for at most `patience`; whether it has. Blocks.
    #[must_use]
    pub fn is_over(self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        // Nothing more is ever sent; whatever is not the passing of time is the end.
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if sockopt::set_socket_timeout(&self.channel, Timeout::Recv, Some(left)).is_err() {
                return true;
            }
            match rustix::net::recv(&self.channel, &mut [0; 16][..], RecvFlags::empty()) {
                Ok((0, _)) => return true,
                Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return true,
            }
        }
        false
    }
}

fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

fn start(program: &Program, stdin: OwnedFd) -> Result<Child, HandoverError> {
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).env(VARIABLE, "stdin").stdin(Stdio::from(stdin));
    command.spawn().map_err(|source| HandoverError::Start { path: program.path.clone(), source })
}

fn stop(successor: &mut Child) {
    // Both fail only when it has already ended.
    let _ = successor.kill();
    let _ = successor.wait();
}

fn send<'a>(channel: &OwnedFd, sockets: impl IntoIterator<Item = &'a TcpListener>) -> Result<(), HandoverError> {
    sockopt::set_socket_timeout(channel, Timeout::Send, Some(SENDING)).map_err(io::Error::from)?;
    let sockets: Vec<BorrowedFd<'_>> = sockets.into_iter().map(AsFd::as_fd).collect();
    for batch in sockets.chunks(BATCH) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        rights.push(SendAncillaryMessage::ScmRights(batch));
        let sent = rustix::net::sendmsg(channel, &[IoSlice::new(SOCKETS)], &mut rights, SendFlags::NOSIGNAL);
        sent.map_err(lost)?;
    }
    rustix::net::send(channel, END, SendFlags::NOSIGNAL).map_err(lost)?;
    Ok(())
}

fn wait_ready(channel: &OwnedFd, patience: Duration) -> Result<(), HandoverError> {
    sockopt::set_socket_timeout(channel, Timeout::Recv, Some(patience)).map_err(io::Error::from)?;
    let mut word = [0; 16];
    match rustix::net::recv(channel, &mut word[..], RecvFlags::empty()) {
        Ok((length, _)) if word.get(..length) == Some(READY) => Ok(()),
        Ok(_) => Err(HandoverError::Ended),
        Err(Errno::AGAIN) => Err(HandoverError::Late(patience)),
        Err(error) => Err(lost(error)),
    }
}

fn receive(channel: &OwnedFd) -> Result<Vec<TcpListener>, HandoverError> {
    sockopt::set_socket_timeout(channel, Timeout::Recv, Some(SENDING)).map_err(io::Error::from)?;
    let mut sockets = Vec::new();
    loop {
        let mut word = [0; 16];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut rights = RecvAncillaryBuffer::new(&mut space);
        let got =
            rustix::net::recvmsg(channel, &mut [IoSliceMut::new(&mut word)], &mut rights, RecvFlags::CMSG_CLOEXEC)
                .map_err(lost)?;
        for message in rights.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                sockets.extend(received.map(TcpListener::from));
            }
        }
        match word.get(..got.bytes) {
            Some(SOCKETS) => {}
            Some(END) => return Ok(sockets),
            Some([]) => return Err(HandoverError::Ended),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "not a message of this version").into()),
        }
    }
}

fn lost(error: Errno) -> HandoverError {
    match error {
        Errno::PIPE | Errno::CONNRESET => HandoverError::Ended,
        error => HandoverError::Channel(error.into()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    /// Part a test binary plays when a test below starts it as the new process.
    const PART: &str = "SPILLWAY_TEST_PART";

    fn listener() -> (SocketAddr, TcpListener) {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        (socket.local_addr().unwrap(), socket)
    }

    /// This test binary, running only [`the_new_process`] in the part given.
    pub(in crate::control) fn successor(part: &str) -> Program {
        let script = format!(
            "{PART}={part} exec {} --exact control::handover::tests::the_new_process --nocapture",
            std::env::current_exe().unwrap().display()
        );
        Program { path: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
    }

    #[test]
    fn the_new_process() {
        let Ok(part) = std::env::var(PART) else { return };
        let (predecessor, sockets) = predecessor().unwrap().unwrap();
        match part.as_str() {
            "answers" => {
                assert!(predecessor.ready().unwrap().is_over(Duration::from_secs(20)));
                let (mut connection, _) = sockets[0].accept().unwrap();
                connection.write_all(b"from the new process").unwrap();
            }
            "hangs" => drop(sockets[0].accept()),
            _ => {}
        }
    }

    #[test]
    fn a_connection_made_before_the_handover_is_answered_by_the_new_process() {
        let (address, socket) = listener();
        let mut waiting = TcpStream::connect(address).unwrap();
        let mut let_go = false;
        hand_over(&successor("answers"), [&socket], Duration::from_secs(20), || let_go = true).unwrap();
        assert!(let_go);
        drop(socket);
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "from the new process");
    }

    #[test]
    fn a_new_process_that_ends_is_reported_and_the_socket_still_works() {
        let (address, socket) = listener();
        let error = hand_over(&successor("ends"), [&socket], Duration::from_secs(20), || panic!("let go")).unwrap_err();
        assert!(matches!(error, HandoverError::Ended), "{error}");
        let _client = TcpStream::connect(address).unwrap();
        assert!(socket.accept().is_ok());
    }

    #[test]
    fn a_new_process_that_is_not_ready_in_time_is_stopped() {
        let (_, socket) = listener();
        let error =
            hand_over(&successor("hangs"), [&socket], Duration::from_millis(300), || panic!("let go")).unwrap_err();
        assert!(matches!(error, HandoverError::Late(_)), "{error}");
    }

    #[test]
    fn a_program_that_is_gone_is_named() {
        let program = Program { path: "/nowhere/spillway".into(), arguments: Vec::new() };
        let error = hand_over(&program, [], Duration::from_secs(1), || ()).unwrap_err();
        assert!(error.to_string().starts_with("cannot start /nowhere/spillway: "), "{error}");
    }

    #[test]
    fn the_new_process_waits_until_the_old_one_has_let_go() {
        let (ours, theirs) = channel().unwrap();
        let parting = Predecessor { channel: theirs.try_clone().unwrap() }.ready().unwrap();
        assert!(!parting.is_over(Duration::from_millis(20)));
        drop(ours);
        assert!(Parting { channel: theirs }.is_over(Duration::from_secs(20)));
    }

    #[test]
    fn more_sockets_than_fit_one_message_all_arrive() {
        let (ours, theirs) = channel().unwrap();
        let (addresses, sockets): (Vec<_>, Vec<_>) = (0..BATCH * 2 + 3).map(|_| listener()).unzip();
        send(&ours, &sockets).unwrap();
        let received = receive(&theirs).unwrap();
        let arrived: Vec<_> = received.iter().map(|socket| socket.local_addr().unwrap()).collect();
        assert_eq!(arrived, addresses);
    }

    #[test]
    fn anything_else_on_the_channel_is_refused() {
        let (ours, theirs) = channel().unwrap();
        rustix::net::send(&ours, b"sockets 99", SendFlags::empty()).unwrap();
        assert!(matches!(receive(&theirs), Err(HandoverError::Channel(_))));
        drop(ours);
        assert!(matches!(receive(&theirs), Err(HandoverError::Ended)));
    }
}
