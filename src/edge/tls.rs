//! Certificates and the TLS configuration of a listener.
//!
//! Read whole when a policy is built and exchanged with it, so a reload never touches a connection that is open.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::config::Problem;
use crate::config::settings::{CertificateSettings, ListenerSettings};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The chain is not readable PEM.
    #[error("certificate {file} cannot be read: {source}")]
    Chain {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// The file holds no certificate.
    #[error("certificate {0} holds no certificate")]
    Empty(String),
    /// The key is not readable PEM.
    #[error("key {file} cannot be read: {source}")]
    Key {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// The key is of a kind that cannot be used.
    #[error("key {file} cannot be used: {source}")]
    KeyKind {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// Key and certificate do not belong together.
    #[error("key {key} does not match certificate {certificate}")]
    Mismatch {
        /// The key's file.
        key: String,
        /// The certificate's file.
        certificate: String,
    },
    /// The leaf is not a certificate.
    #[error("certificate {0} is not a valid X.509 certificate")]
    Parse(String),
}

/// One certificate, ready to sign, with what the resolver and the metrics need of it.
#[derive(Debug)]
struct Certificate {
    file: String,
    names: Vec<String>,
    expires: i64,
    key: Arc<CertifiedKey>,
}

/// The TLS side of one listener.
#[derive(Debug, Clone)]
pub struct ListenerTls {
    /// What new handshakes use.
    pub config: Arc<ServerConfig>,
    /// File name and expiry (seconds since the epoch) of each certificate.
    pub expiries: Vec<(String, i64)>,
}

/// Builds the configuration of a listener, or `None` for cleartext.
///
/// # Errors
/// Every certificate that cannot be used, each with the key path of its entry.
pub fn load(
    index: usize,
    listener: &ListenerSettings,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<Option<ListenerTls>, Vec<Problem>> {
    let mut certificates = Vec::new();
    let mut problems = Vec::new();
    for (entry, settings) in listener.tls.iter().enumerate() {
        match read(settings) {
            Ok(certificate) => certificates.push(certificate),
            Err(error) => problems.push(problem(format!("listener[{index}].tls[{entry}]"), error.to_string())),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if certificates.is_empty() {
        return Ok(None);
    }
    let expiries = certificates.iter().map(|certificate| (certificate.file.clone(), certificate.expires)).collect();
    let config = server_config(Resolver::new(certificates), tickets)
        .map_err(|error| vec![problem(format!("listener[{index}].tls"), error.to_string())])?;
    Ok(Some(ListenerTls { config: Arc::new(config), expiries }))
}

/// The producer of session tickets; kept over reloads so that sessions can be resumed, rotating its keys by itself.
///
/// # Errors
/// When the system gives no random numbers.
pub fn tickets() -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    aws_lc_rs::Ticketer::new()
}

fn server_config(resolver: Resolver, tickets: &Arc<dyn ProducesTickets>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Tickets carry the session with the client: nothing is stored, and workers share it for nothing.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Arc::clone(tickets);
    config.send_tls13_tickets = 1;
    Ok(config)
}

fn problem(key: String, message: String) -> Problem {
    Problem { line: 0, column: 0, key, message, suggestion: None }
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn read(settings: &CertificateSettings) -> Result<Certificate, CertificateError> {
    let file = shown(&settings.certificate);
    let key_file = shown(&settings.key);
    let chain = CertificateDer::pem_file_iter(&settings.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| CertificateError::Chain { file: file.clone(), source })?;
    let leaf = chain.first().ok_or_else(|| CertificateError::Empty(file.clone()))?;
    let (names, expires) = describe(leaf).ok_or_else(|| CertificateError::Parse(file.clone()))?;
    let key = PrivateKeyDer::from_pem_file(&settings.key)
        .map_err(|source| CertificateError::Key { file: key_file.clone(), source })?;
    let key = aws_lc_rs::sign::any_supported_type(&key)
        .map_err(|source| CertificateError::KeyKind { file: key_file.clone(), source })?;
    let key = CertifiedKey::new(chain, key);
    if key.keys_match().is_err() {
        return Err(CertificateError::Mismatch { key: key_file, certificate: file });
    }
    Ok(Certificate { file, names, expires, key: Arc::new(key) })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The DNS names of a leaf and when it expires.
fn describe(leaf: &CertificateDer<'_>) -> Option<(Vec<String>, i64)> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let mut names = Vec::new();
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        for name in &alternatives.value.general_names {
            if let GeneralName::DNSName(name) = name {
                names.push(name.to_ascii_lowercase());
            }
        }
    }
    Some((names, certificate.validity().not_after.timestamp()))
}

/// Chooses by SNI: the exact name, then a wildcard for its first label, then the first certificate of the file.
struct Resolver {
    exact: HashMap<String, Arc<CertifiedKey>>,
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    first: Option<Arc<CertifiedKey>>,
}

impl Resolver {
    fn new(certificates: Vec<Certificate>) -> Self {
        let mut resolver = Self {
            exact: HashMap::new(),
            wildcard: HashMap::new(),
            first: certificates.first().map(|certificate| Arc::clone(&certificate.key)),
        };
        for certificate in certificates {
            for name in certificate.names {
                let (names, name) = match name.strip_prefix("*.") {
                    Some(suffix) => (&mut resolver.wildcard, suffix.to_owned()),
                    None => (&mut resolver.exact, name),
                };
                names.entry(name).or_insert_with(|| Arc::clone(&certificate.key));
            }
        }
        resolver
    }

    fn choose(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        // rustls hands the name over in lower case.
        let by_name = name.and_then(|name| {
            let suffix = || name.split_once('.').map(|(_, suffix)| suffix);
            self.exact.get(name).or_else(|| suffix().and_then(|suffix| self.wildcard.get(suffix)))
        });
        by_name.or(self.first.as_ref()).cloned()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("names", &(self.exact.len() + self.wildcard.len())).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name())
    }
}
