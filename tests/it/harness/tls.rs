//! Certificates made for a test, and clients that trust them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{H2, Proxy, Wire};

/// A certificate authority of the test's own.
pub struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        // A certificate with the name of its issuer is taken for self-signed.
        params.distinguished_name.push(rcgen::DnType::CommonName, "Authority of a test");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: rcgen::Issuer::new(params, key), certificate }
    }

    /// Writes `NAME.pem` and `NAME.key` into `dir`, valid for `names`.
    pub fn issue(&self, dir: &Path, name: &str, names: &[&str]) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// The authority's own certificate, for `ca_file`.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Connects with TLS, offering `alpn`.
    pub async fn connect(&self, stream: TcpStream, name: &str, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Connects with TLS and speaks HTTP/1.1.
    pub async fn h1(&self, address: SocketAddr, name: &str) -> Wire<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await.unwrap();
        Wire::over(self.connect(stream, name, &["http/1.1"]).await.unwrap())
    }

    /// Connects with TLS and speaks HTTP/2.
    pub async fn h2(&self, address: SocketAddr, name: &str) -> H2 {
        H2::over(self.h2_bytes(address, name).await).await
    }

    /// Connects with TLS, agrees on HTTP/2 and leaves what is said to the test.
    pub async fn h2_bytes(&self, address: SocketAddr, name: &str) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address).await.unwrap();
        let stream = self.connect(stream, name, &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        stream
    }
}

/// The name of the proxy of [`proxy`].
pub const SHOP: &str = "shop.test";

/// A proxy with one TLS listener for [`SHOP`], and the authority its clients trust.
pub fn proxy(config: &str) -> (Proxy, Authority) {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let authority = Authority::new();
    authority.issue(dir.path(), "shop", &[SHOP]);
    let listener = r#"
[[listener]]
address = "127.0.0.1:0"
tls = [{ certificate = "shop.pem", key = "shop.key" }]
"#;
    (Proxy::within(dir, &format!("{config}{listener}")), authority)
}

/// What an origin accepts TLS with: `NAME.pem` and `NAME.key` of `dir`.
pub fn acceptor(dir: &Path, name: &str) -> tokio_rustls::TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(dir.join(format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join(format!("{name}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()).into()
}
