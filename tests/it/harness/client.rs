//! Clients: a well-behaved one, and one that sends any bytes.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::proxy::PATIENCE;

/// A client of one address; a connection for each request.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    address: SocketAddr,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header's value, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    /// A client of this address.
    pub fn of(address: SocketAddr) -> Self {
        Self { address }
    }

    /// `GET` a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, "")).await
    }

    /// Any method with a body.
    pub async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(request(method, path, body)).await
    }

    /// Sends a request on a connection of its own.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// The same, where no answer is a possible result.
    pub async fn try_send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
        if !request.headers().contains_key("host") {
            let host = self.address.to_string().parse().unwrap();
            request.headers_mut().insert("host", host);
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        let exchange = async { whole(sender.send_request(request).await?).await };
        timeout(PATIENCE, exchange).await.expect("an answer in time")
    }

    /// Sends these bytes and gives everything that comes back until the proxy closes the connection.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.open().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        let mut back = Vec::new();
        // A reset after an answer is an end too.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut back)).await.expect("the connection is closed");
        String::from_utf8_lossy(&back).into_owned()
    }

    /// A bare connection.
    pub async fn open(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// A request with a body.
pub fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(path).body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// Reads an answer to its end.
pub async fn whole<B>(response: Response<B>) -> Result<Answer, B::Error>
where
    B: http_body::Body<Data = Bytes>,
{
    let (parts, body) = response.into_parts();
    Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
}
