//! One kept-alive connection of the open-loop client.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

/// A connection with at most one request on it.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    asked: Option<Instant>,
    received: Vec<u8>,
    answers: u32,
}

/// What was heard on a line.
#[derive(Debug)]
pub(super) enum News {
    /// Not a whole answer yet.
    Nothing,
    /// A whole answer to the request that should have left at `intended`.
    Answer {
        status: u16,
        intended: Instant,
        /// The other side closes the connection after it.
        last: bool,
    },
    /// The connection is of no more use.
    Closed {
        /// While an answer was owed.
        asked: bool,
        why: String,
    },
}

impl Line {
    pub(super) fn connect(target: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, asked: None, received: Vec::with_capacity(4096), answers: 0 })
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Answers so far.
    pub(super) fn answers(&self) -> u32 {
        self.answers
    }

    /// Sends a request, which fits into any socket buffer.
    pub(super) fn ask(&mut self, request: &[u8], intended: Instant) -> io::Result<()> {
        self.stream.write_all(request)?;
        self.asked = Some(intended);
        Ok(())
    }

    /// Reads what is there.
    pub(super) fn listen(&mut self) -> News {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.closed("closed before the answer".to_owned()),
            Ok(length) => {
                self.received.extend(chunk.iter().take(length));
                self.answer()
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => News::Nothing,
            Err(error) => self.closed(error.to_string()),
        }
    }

    fn answer(&mut self) -> News {
        let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") else { return News::Nothing };
        let head = String::from_utf8_lossy(self.received.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let Some(status) = head.get(9..12).and_then(|digits| digits.parse().ok()) else {
            return self.closed(format!("not an answer: {head}"));
        };
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let Some(length) = field("content-length:").and_then(|length| length.parse::<usize>().ok()) else {
            return self.closed(format!("an answer without a length, status {status}"));
        };
        let whole = end + 4 + length;
        if self.received.len() < whole {
            return News::Nothing;
        }
        let last = field("connection:") == Some("close");
        self.received.drain(..whole);
        self.answers += 1;
        match self.asked.take() {
            Some(intended) => News::Answer { status, intended, last },
            None => self.closed("an answer nobody asked for".to_owned()),
        }
    }

    fn closed(&self, why: String) -> News {
        News::Closed { asked: self.asked.is_some(), why }
    }
}
