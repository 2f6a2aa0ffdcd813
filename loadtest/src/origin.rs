//! The origin of the CPU measurements: answers at once, from memory, and costs as little as possible.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use spillway::demo::background::{Background, Stop};

/// Length of most bodies.
pub(crate) const SMALL: usize = 1024;

/// Length of the body at `/64k`.
const LARGE: usize = 64 * 1024;

/// An origin on a thread of its own. Answers `GET /64k` with 64 KiB and anything else with 1 KiB.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    _thread: Background,
}

impl Origin {
    pub(crate) fn start() -> Result<Self, String> {
        Self::open().map_err(|error| format!("origin: {error}"))
    }

    fn open() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let thread = Background::start("origin", move |stop| serve(listener, stop))?;
        Ok(Self { address, _thread: thread })
    }
}

struct Answers {
    small: Vec<u8>,
    large: Vec<u8>,
}

async fn serve(listener: std::net::TcpListener, mut stop: Stop) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let answers = Rc::new(Answers { small: answer(SMALL), large: answer(LARGE) });
    let connections = LocalSet::new();
    let accept = async {
        while let Ok((stream, _)) = listener.accept().await {
            let answers = Rc::clone(&answers);
            tokio::task::spawn_local(async move { converse(stream, &answers).await });
        }
    };
    tokio::select! {
        () = connections.run_until(accept) => {}
        _ = &mut stop => {}
    }
}

/// Answers requests without a body, one after the other.
async fn converse(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    while stream.read_buf(&mut buffer).await? > 0 {
        while let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let answer = if buffer.starts_with(b"GET /64k") { &answers.large } else { &answers.small };
            stream.write_all(answer).await?;
            buffer.drain(..end + 4);
        }
    }
    Ok(())
}

fn answer(length: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
    let mut answer = head.into_bytes();
    answer.resize(answer.len() + length, b'.');
    answer
}
