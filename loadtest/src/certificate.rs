//! A certificate for TLS tests: ECDSA P-256, for `shop.example`, signed by itself.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, generate_simple_self_signed};

/// The name it is for.
pub(crate) const NAME: &str = "shop.example";

/// Where it lies.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Both in one file, as HAProxy likes it.
    pub(crate) both: PathBuf,
}

impl Files {
    /// Makes a certificate and writes it into `directory`.
    pub(crate) fn write(directory: &Path) -> Result<Self, String> {
        let files = Self {
            certificate: directory.join("shop.pem"),
            key: directory.join("shop.key"),
            both: directory.join("both.pem"),
        };
        debug_assert_eq!(KeyPair::generate().map(|key| key.algorithm() == &PKCS_ECDSA_P256_SHA256).ok(), Some(true));
        let made = generate_simple_self_signed([NAME.to_owned()]).map_err(|error| error.to_string())?;
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        for (path, text) in
            [(&files.certificate, &certificate), (&files.key, &key), (&files.both, &format!("{certificate}{key}"))]
        {
            fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(files)
    }
}
