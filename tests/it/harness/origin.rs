//! An origin that answers what the test says and remembers what it saw.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

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

/// An HTTP/1 origin on a port the kernel chose; ends with the test's runtime.
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remember = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (handler, remember) = (handler.clone(), Arc::clone(&remember));
                let service = service_fn(move |request: Request<Incoming>| {
                    remember.lock().unwrap().push(Seen {
                        method: request.method().to_string(),
                        target: request.uri().to_string(),
                        headers: request.headers().clone(),
                    });
                    let answer = handler(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
                tokio::spawn(async move { drop(serving.await) });
            }
        });
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
        format!(
            r#"
[origin.shop]
servers = ["{}"]
[[class]]
name = "browse"
[[route]]
name = "everything"
path = "/{{*rest}}"
class = "browse"
origin = "shop"
"#,
            self.url()
        )
    }
}

/// A 200 with these bytes.
pub fn answer(bytes: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(bytes.into()).boxed_unsync())
}
