//! The client's socket as hyper sees it: cleartext or TLS, reporting to [`Activity`] what passes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::frames::FrameMeter;
use super::parser_answer;
use crate::origin::gather;

/// Cleartext or TLS.
#[derive(Debug)]
pub(crate) enum Transport {
    /// TCP as it is.
    Plain(TcpStream),
    /// TLS over TCP; boxed, since its state is large and the enum is moved.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A client's socket.
#[derive(Debug)]
pub(crate) struct Socket {
    transport: Transport,
    activity: Arc<Activity>,
    meter: Option<Box<FrameMeter>>,
    sent: u64,
    /// What goes out in place of an answer of hyper's parser.
    instead: Option<Bytes>,
}

impl Socket {
    /// A socket that speaks HTTP/1.
    pub(crate) fn h1(transport: Transport, activity: Arc<Activity>) -> Self {
        Self { transport, activity, meter: None, sent: 0, instead: None }
    }

    /// A socket that speaks HTTP/2 and is held to a budget of frames.
    pub(crate) fn h2(transport: Transport, activity: Arc<Activity>) -> Self {
        Self { meter: Some(Box::default()), ..Self::h1(transport, activity) }
    }

    fn saw(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.meter.is_none() {
            // On HTTP/2 bytes need not be the beginning of a request.
            self.activity.received();
        }
        if let Some(meter) = &mut self.meter {
            meter
                .received(bytes, self.activity.age_seconds(), self.sent)
                .map_err(|flood| io::Error::new(io::ErrorKind::InvalidData, flood))?;
        }
        Ok(())
    }
}

impl Transport {
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }
}

impl Socket {
    /// Whether hyper's parser is answering by itself, which it does in its own words.
    fn is_parser_answer(&mut self, bytes: &[u8]) -> bool {
        if self.instead.is_none() && self.meter.is_none() && !self.activity.is_busy() {
            self.instead = parser_answer::in_our_words(bytes);
        }
        self.instead.is_some()
    }

    fn took(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.activity.wrote(written.is_pending());
        if let Poll::Ready(Ok(count)) = written {
            self.sent += count as u64;
        }
        written
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        while let Some(instead) = self.instead.as_mut().filter(Buf::has_remaining) {
            let count = ready!(self.transport.poll_write(cx, instead))?;
            instead.advance(count);
        }
        Poll::Ready(Ok(length))
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        })?;
        Poll::Ready(self.saw(buf.filled().get(before..).unwrap_or_default()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_parser_answer(buf) {
            return self.poll_instead(cx, buf.len());
        }
        let written = self.transport.poll_write(cx, buf);
        self.took(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = bufs
            && self.is_parser_answer(only)
        {
            return self.poll_instead(cx, only.len());
        }
        let written = match &mut self.transport {
            Transport::Plain(stream) => gather::poll_write(stream, cx, bufs),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, bufs),
        };
        self.took(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
