//! A byte stream to a server: TCP, or TLS over it. It counts as one of the server's connections while it exists,
//! whoever owns it.

use std::io::{self, IoSlice};
use std::iter;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::copy::HeadCopy;
use super::gather;
use super::server::Slot;

/// An established stream.
#[derive(Debug)]
pub(super) struct Stream {
    io: Io,
    copy: Arc<HeadCopy>,
    /// Counts the connection; health checks have none.
    _slot: Option<Slot>,
}

#[derive(Debug)]
enum Io {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Connects, and shakes hands if there is a TLS configuration. The caller bounds the time.
    pub(super) async fn connect(
        address: SocketAddr,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        slot: Option<Slot>,
    ) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let io = match tls {
            None => Io::Tcp(tcp),
            Some((config, name)) => Io::Tls(Box::new(TlsConnector::from(config).connect(name, tcp).await?)),
        };
        Ok(Self { io, copy: Arc::default(), _slot: slot })
    }

    /// The copy of the request head written last.
    pub(super) fn copy(&self) -> Arc<HeadCopy> {
        Arc::clone(&self.copy)
    }

    /// Whether both sides agreed on HTTP/2 in the TLS handshake.
    pub(super) fn agreed_on_h2(&self) -> bool {
        match &self.io {
            Io::Tcp(_) => false,
            Io::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

macro_rules! io {
    ($this:ident, $io:ident => $call:expr) => {
        match &mut $this.get_mut().io {
            Io::Tcp(tcp) => {
                let $io = Pin::new(tcp);
                $call
            }
            Io::Tls(tls) => {
                let $io = Pin::new(tls.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        io!(self, io => io.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.copy.written(iter::once(bytes));
        io!(self, io => io.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        io!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        io!(self, io => io.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.copy.written(slices.iter().map(|slice| &**slice));
        io!(self, io => gather::poll_write(io.get_mut(), cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Tcp(tcp) => tcp.is_write_vectored(),
            Io::Tls(tls) => tls.is_write_vectored(),
        }
    }
}
