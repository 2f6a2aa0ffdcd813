//! Kept-alive connections to one address, as many as there are requests at once.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Sender = SendRequest<Full<Bytes>>;

/// Connections of one thread to one address.
#[derive(Debug)]
pub struct Connections {
    target: SocketAddr,
    idle: RefCell<Vec<Sender>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(target: SocketAddr) -> Self {
        Self { target, idle: RefCell::default() }
    }

    /// Sends a request and reads the whole answer; call it within a `LocalSet`. Dropping the future drops the connection,
    /// as a person does who closes the page.
    ///
    /// # Errors
    /// When the connection cannot be made or breaks.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> io::Result<Reply> {
        let mut request = request;
        while let Some(sender) = self.idle_sender().await {
            match self.exchange(sender, request).await {
                Ok(reply) => return Ok(reply),
                // Closed by the other side while it was idle: the request comes back unsent.
                Err(Failure { unsent: Some(unsent), .. }) => request = *unsent,
                Err(failure) => return Err(failure.error),
            }
        }
        let sender = self.connect().await?;
        self.exchange(sender, request).await.map_err(|failure| failure.error)
    }

    async fn exchange(&self, mut sender: Sender, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        let answer = sender.try_send_request(request).await.map_err(|mut failure| Failure {
            unsent: failure.take_message().map(Box::new),
            error: io::Error::other(failure.into_error()),
        })?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| Failure { unsent: None, error: io::Error::other(error) })?;
        self.idle.borrow_mut().push(sender);
        Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    async fn idle_sender(&self) -> Option<Sender> {
        loop {
            let mut sender = self.idle.borrow_mut().pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> io::Result<Sender> {
        let stream = TcpStream::connect(self.target).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::task::spawn_local(async move {
            // How it ended, the sender is told.
            let _ = connection.await;
        });
        Ok(sender)
    }
}

struct Failure {
    unsent: Option<Box<Request<Full<Bytes>>>>,
    error: io::Error,
}
