//! An origin that answers what the test says and remembers what it saw.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

/// Body of an origin's answer.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A request as the origin saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
}

impl Seen {
    /// A header's value, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An origin on a port the kernel chose; ends with the test's runtime.
pub struct Origin {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Origin {
    /// Answers every request with 200 and these bytes.
    pub async fn saying(bytes: &'static str) -> Self {
        Self::answering(move |_| async move { answer(bytes) }).await
    }

    /// Answers every request with what `handler` makes of it.
    pub async fn answering<H, F>(handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self::serving(false, handler).await
    }

    /// The same over HTTP/2 without TLS.
    pub async fn answering_h2<H, F>(handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self::serving(true, handler).await
    }

    async fn serving<H, F>(h2: bool, handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remember = Arc::clone(&seen);
        let address = each_connection(move |stream| {
            let (handler, remember) = (handler.clone(), Arc::clone(&remember));
            let service = service_fn(move |request: Request<Incoming>| {
                remember.lock().unwrap().push(Seen {
                    method: request.method().to_string(),
                    target: request.uri().path_and_query().map_or("*", |target| target.as_str()).to_owned(),
                    headers: request.headers().clone(),
                });
                let answer = handler(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            async move {
                let stream = TokioIo::new(stream);
                if h2 {
                    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
                } else {
                    let _ = http1::Builder::new().serve_connection(stream, service).with_upgrades().await;
                }
            }
        })
        .await;
        Self { address, seen }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, for `servers`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything it saw so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The last request it saw.
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("the origin saw a request")
    }

    /// A configuration with this origin behind one route for everything.
    pub fn config(&self) -> String {
        self.config_with("")
    }

    /// The same with more keys for the origin.
    pub fn config_with(&self, keys: &str) -> String {
        config(&[self.address], keys)
    }
}

/// Does with every connection what `handler` says, until the test's runtime ends; gives the address.
pub async fn each_connection<H, F>(handler: H) -> SocketAddr
where
    H: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handler(stream));
        }
    });
    address
}

/// A configuration with one origin of these servers behind one route for everything.
pub fn config(servers: &[SocketAddr], keys: &str) -> String {
    let servers: Vec<_> = servers.iter().map(|server| format!("http://{server}")).collect();
    format!(
        r#"
[origin.shop]
servers = {servers:?}
{keys}
[[class]]
name = "browse"
[[route]]
name = "everything"
path = "/{{*rest}}"
class = "browse"
origin = "shop"
"#
    )
}

/// A 200 with these bytes.
pub fn answer(bytes: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(bytes.into()).boxed_unsync())
}

/// A 200 that gives a request's body back.
pub async fn echo(request: Request<Incoming>) -> Response<Body> {
    // A body that broke off is answered too; whether anybody reads it is the test's affair.
    answer(request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default())
}
