//! https and HTTP/2.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::origin::Fault;

/// A certificate authority, as a `ca_file`.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    fn acceptor(&self, name: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate)];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What each request looked like: version and authority or host.
type Seen = Rc<std::cell::RefCell<Vec<String>>>;

async fn answer(request: http::Request<Incoming>, seen: Seen) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
    seen.borrow_mut().push(format!("{:?} {} {host:?}", request.version(), request.uri()));
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    Ok(Response::new(Full::new(Bytes::from_static(b"hello"))))
}

#[derive(Clone)]
struct Spawn;

impl<F: Future + 'static> hyper::rt::Executor<F> for Spawn {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

/// A hyper server: TLS if there is an acceptor, HTTP/2 if it was agreed on or there is no TLS.
async fn server(acceptor: Option<TlsAcceptor>) -> (Scripted, Seen, Rc<Cell<usize>>) {
    let (seen, resumed) = (Seen::default(), Rc::new(Cell::new(0)));
    let (log, count) = (Rc::clone(&seen), Rc::clone(&resumed));
    let server = Scripted::start(move |stream, _| {
        let (acceptor, log, count) = (acceptor.clone(), Rc::clone(&log), Rc::clone(&count));
        async move {
            let service = service_fn(|request| answer(request, Rc::clone(&log)));
            let Some(acceptor) = acceptor else {
                let builder = hyper::server::conn::http2::Builder::new(Spawn);
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                return;
            };
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let session = stream.get_ref().1;
            count.set(count.get() + usize::from(session.handshake_kind() == Some(rustls::HandshakeKind::Resumed)));
            if session.alpn_protocol() == Some(b"h2") {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let service = service_fn(|_| async {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"over h2"))))
                });
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            } else {
                let builder = hyper::server::conn::http1::Builder::new();
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        }
    })
    .await;
    (server, seen, resumed)
}

fn https(server: &Scripted, authority: &Authority) -> OriginSettings {
    let mut settings = settings(&[server.address]);
    settings.servers[0].tls = true;
    settings.ca_file = Some(authority.file.path().into());
    settings
}

async fn body(client: &OriginClient, origin: &Arc<Origin>, request: Request<RequestBody>) -> Bytes {
    read(send(client, origin, request).await.unwrap()).await.1
}

#[tokio::test(flavor = "local")]
async fn an_origin_is_believed_only_with_a_certificate_of_its_own_name() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (server, seen, _) = server(Some(authority.acceptor("127.0.0.1", &["http/1.1"]))).await;
    let client = OriginClient::new();
    let good = origin(&https(&server, &authority));
    assert_eq!(body(&client, &good, get("/a")).await, "hello");
    assert_eq!(*seen.borrow(), ["HTTP/1.1 /a Some(\"shop.example\")"]);

    let error = send(&client, &origin(&https(&server, &other)), get("/")).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Error, false));
    assert!(error.to_string().contains("certificate"), "{error}");

    let mut misnamed = https(&server, &authority);
    misnamed.servers[0].host = "127.0.0.2".into();
    let error = send(&client, &origin(&misnamed), get("/")).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Error, false), "{error}");
}

#[tokio::test(flavor = "local")]
async fn tls_sessions_resume_even_after_a_reload() {
    let authority = Authority::new();
    let (server, _, resumed) = server(Some(authority.acceptor("127.0.0.1", &["http/1.1"]))).await;
    let settings = https(&server, &authority);
    let (client, origin) = (OriginClient::new(), origin(&settings));
    assert_eq!(body(&client, &origin, get("/")).await, "hello");
    origin.reconfigure(Prepared::new(&settings, Some(&origin)).unwrap(), clock::now());
    let client = OriginClient::new();
    assert_eq!(body(&client, &origin, get("/")).await, "hello");
    assert_eq!(resumed.get(), 1);
}

#[tokio::test(flavor = "local")]
async fn h2_is_agreed_on_and_h1_is_good_enough() {
    let authority = Authority::new();
    for (offered, expected) in [(&["h2", "http/1.1"][..], "over h2"), (&["http/1.1"][..], "hello")] {
        let (server, _, _) = server(Some(authority.acceptor("127.0.0.1", offered))).await;
        let mut settings = https(&server, &authority);
        settings.h2 = true;
        let (client, origin) = (OriginClient::new(), origin(&settings));
        for _ in 0..3 {
            assert_eq!(body(&client, &origin, get("/")).await, expected);
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test(flavor = "local")]
async fn upgrades_go_over_h1_though_the_origin_speaks_h2() {
    let authority = Authority::new();
    let (server, _, _) = server(Some(authority.acceptor("127.0.0.1", &["h2", "http/1.1"]))).await;
    let mut settings = https(&server, &authority);
    settings.h2 = true;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let mut request = get("/");
    request.headers_mut().insert("connection", "upgrade".parse().unwrap());
    request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    assert_eq!(body(&client, &origin, request).await, "hello");
    assert_eq!(body(&client, &origin, get("/")).await, "over h2");
}

#[tokio::test(flavor = "local")]
async fn a_burst_of_requests_shares_one_h2_connection() {
    let (server, seen, _) = server(None).await;
    let mut settings = settings(&[server.address]);
    settings.h2 = true;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let requests = (0..50).map(|_| body(&client, &origin, get("/a?b")));
    for body in futures_util::future::join_all(requests).await {
        assert_eq!(body, "hello");
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(seen.borrow()[0], "HTTP/2.0 http://shop.example/a?b None");
    let status = origin.servers(clock::now()).remove(0);
    assert_eq!((status.in_flight, status.idle_connections), (0, 1));
}

#[tokio::test(flavor = "local")]
async fn a_body_is_sent_and_a_late_answer_is_late_over_h2_too() {
    let (server, _, _) = server(None).await;
    let mut settings = settings(&[server.address]);
    settings.h2 = true;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let upload = RequestBody::stream(Full::new(Bytes::from(vec![1; 300_000])));
    let request = Request::post("/").header("host", "shop.example").body(upload).unwrap();
    assert_eq!(body(&client, &origin, request).await, "hello");

    let silent = Scripted::start(|mut stream, _| async move {
        // Enough of HTTP/2 to begin with: empty settings.
        stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let mut settings = super::settings(&[silent.address]);
    (settings.h2, settings.response_timeout) = (true, Duration::from_millis(50));
    let origin = super::origin(&settings);
    let error = send(&client, &origin, get("/")).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Timeout, true));
}
