//! An HTTP/2 client that shows streams, trailers and the end of the connection.

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::{HeaderMap, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Answer, PATIENCE};

/// One connection.
pub struct H2 {
    sender: SendRequest<Bytes>,
    end: JoinHandle<Result<(), h2::Error>>,
}

impl H2 {
    /// Speaks HTTP/2 over `stream`.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        Self { sender, end: tokio::spawn(connection) }
    }

    /// Sends a request without a body.
    pub async fn send(&mut self, request: Request<()>) -> Answer {
        let (answer, _) = self.begin(request, true).await.unwrap();
        answer_of(answer).await.0
    }

    /// Sends a request with a body and trailers; gives the answer's trailers too.
    pub async fn exchange(&mut self, request: Request<()>, body: &str, trailers: HeaderMap) -> (Answer, HeaderMap) {
        let (answer, mut stream) = self.begin(request, false).await.unwrap();
        stream.send_data(Bytes::copy_from_slice(body.as_bytes()), false).unwrap();
        stream.send_trailers(trailers).unwrap();
        answer_of(answer).await
    }

    /// Sends the head of a request.
    pub async fn begin(
        &mut self,
        request: Request<()>,
        whole: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut sender = self.sender.clone().ready().await?;
        sender.send_request(request, whole)
    }

    /// Waits until the proxy ends the connection, and gives the reason it gave.
    pub async fn ends(self) -> Option<Reason> {
        drop(self.sender);
        let end = timeout(PATIENCE, self.end).await.expect("the connection ends").unwrap();
        end.err().and_then(|error| error.reason())
    }
}

/// `GET` of a path of a host.
pub fn get(host: &str, path: &str) -> Request<()> {
    Request::get(format!("https://{host}{path}")).body(()).unwrap()
}

async fn answer_of(answer: ResponseFuture) -> (Answer, HeaderMap) {
    timeout(PATIENCE, whole(answer)).await.expect("an answer in time")
}

async fn whole(answer: ResponseFuture) -> (Answer, HeaderMap) {
    let (parts, mut incoming) = answer.await.unwrap().into_parts();
    let mut body = Vec::new();
    while let Some(data) = incoming.data().await {
        let data = data.unwrap();
        incoming.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    let trailers = incoming.trailers().await.unwrap().unwrap_or_default();
    (Answer { status: parts.status, headers: parts.headers, body: body.into() }, trailers)
}
