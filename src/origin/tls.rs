//! TLS towards an origin: whom it must prove to be, and what is remembered between connections.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::settings::OriginSettings;

/// TLS client configurations of one origin. Sessions resume as long as the same value is used.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    /// Offers HTTP/2 if the origin is to be spoken to in it.
    pub(super) any: Arc<ClientConfig>,
    /// Offers HTTP/1.1 only: for upgrades, which HTTP/2 does not carry to origins.
    pub(super) h1: Arc<ClientConfig>,
    /// Content of `ca_file`, to see whether it changed.
    pem: Option<Arc<[u8]>>,
    h2: bool,
}

impl Tls {
    /// The configurations for `settings`; `previous` is kept, with its sessions, if it would be the same.
    ///
    /// # Errors
    /// Says which key is wrong and why: a `ca_file` that cannot be read or holds no usable certificate, or a system
    /// without roots.
    pub(super) fn new(settings: &OriginSettings, previous: Option<&Self>) -> Result<Self, String> {
        let pem = settings.ca_file.as_ref().map(|path| read(&settings.name, path)).transpose()?;
        if let Some(previous) = previous
            && previous.pem == pem
            && previous.h2 == settings.h2
        {
            return Ok(previous.clone());
        }
        let roots = match &pem {
            Some(pem) => file_roots(pem).map_err(|why| format!("origin.{}.ca_file: {why}", settings.name))?,
            None => system_roots().map_err(|why| format!("origin.{}.servers: {why}", settings.name))?,
        };
        let h1 = config(roots)?;
        let any = if settings.h2 {
            let mut any = h1.clone();
            any.alpn_protocols.insert(0, b"h2".to_vec());
            Arc::new(any)
        } else {
            Arc::new(h1.clone())
        };
        Ok(Self { any, h1: Arc::new(h1), pem, h2: settings.h2 })
    }
}

fn read(origin: &str, path: &std::path::Path) -> Result<Arc<[u8]>, String> {
    let read = std::fs::read(path);
    read.map(Into::into).map_err(|error| format!("origin.{origin}.ca_file: cannot read {}: {error}", path.display()))
}

fn config(roots: RootCertStore) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn file_roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("not PEM: {error:?}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate in it cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate".into());
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(roots);
    }
    let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
    Err(format!("https needs the system's root certificates and there are none{why}; set ca_file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert_eq!(file_roots(b"hello").unwrap_err(), "it holds no certificate");
        let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        assert!(file_roots(broken).unwrap_err().starts_with("not PEM"));
    }
}
