//! `[[listener]]`, `[admin]`: addresses that must not get into each other's way.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::files::Files;
use crate::config::decode::At;
use crate::config::file::{Admin, Certificate, Listener};
use crate::config::problem::Problems;
use crate::config::settings::{AdminSettings, CertificateSettings, ListenerSettings};
use crate::config::values::Several;

pub(super) fn admin(typed: &Admin, files: Files<'_>, problems: &mut Problems<'_>) -> AdminSettings {
    let address = &typed.address;
    let token_file = typed.token_file.as_ref();
    if token_file.is_none() && !address.value.ip().is_loopback() {
        let message = "token_file is required where the address is not loopback: \
            whoever reaches it can change the policy";
        let instead = format!("use \"127.0.0.1:{}\", or add token_file", address.value.port());
        problems.add(address.place, message, instead);
    }
    AdminSettings { address: address.value, token_file: token_file.map(|path| files.readable(path, problems)) }
}

pub(super) fn all(
    typed: Option<&At<Several<Listener>>>,
    admin: &AdminSettings,
    files: Files<'_>,
    problems: &mut Problems<'_>,
) -> Vec<ListenerSettings> {
    let Some(typed) = typed else {
        return Vec::new();
    };
    let mut taken = HashMap::new();
    let mut listeners = Vec::with_capacity(typed.value.0.len());
    for listener in &typed.value.0 {
        let address = listener.address.as_ref();
        if let Some(address) = address {
            check_free(address, admin.address, &mut taken, problems);
        }
        let tls = certificates(listener, files, problems);
        listeners.extend(address.map(|address| ListenerSettings {
            address: address.value,
            tls,
            proxy_protocol_from: listener.proxy_protocol_from.value.clone(),
        }));
    }
    listeners
}

/// Port 0 is never taken: the kernel gives another each time.
fn check_free(
    address: &At<SocketAddr>,
    admin: SocketAddr,
    taken: &mut HashMap<SocketAddr, usize>,
    problems: &mut Problems<'_>,
) {
    if address.value.port() == 0 {
        return;
    }
    if let Some(line) = taken.insert(address.value, problems.line(address.place)) {
        let message = format!("line {line} listens on {} already", address.value);
        problems.add(address.place, message, None);
    }
    if overlap(address.value, admin) {
        let message = format!("the admin address {admin} has the same port");
        problems.add(address.place, message, None);
    }
}

/// Whether binding both would fail, or would serve one where the other is meant.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let unspecified = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && (a.ip() == b.ip() || unspecified)
}

fn certificates(listener: &Listener, files: Files<'_>, problems: &mut Problems<'_>) -> Vec<CertificateSettings> {
    let Some(tls) = &listener.tls else {
        return Vec::new();
    };
    let read = |certificate| certificate_settings(certificate, files, problems);
    tls.value.0.iter().filter_map(read).collect()
}

fn certificate_settings(
    typed: &Certificate,
    files: Files<'_>,
    problems: &mut Problems<'_>,
) -> Option<CertificateSettings> {
    let certificate = typed.certificate.as_ref().map(|path| files.readable(path, problems));
    let key = typed.key.as_ref().map(|path| files.readable(path, problems));
    Some(CertificateSettings { certificate: certificate?, key: key? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_takes_the_port_everywhere() {
        let overlaps = |a: &str, b: &str| overlap(a.parse().unwrap(), b.parse().unwrap());
        assert!(overlaps("127.0.0.1:9900", "127.0.0.1:9900"));
        assert!(overlaps("0.0.0.0:9900", "127.0.0.1:9900"));
        assert!(overlaps("[::]:9900", "127.0.0.1:9900"));
        assert!(!overlaps("10.0.0.1:9900", "127.0.0.1:9900"));
        assert!(!overlaps("0.0.0.0:80", "127.0.0.1:9900"));
    }
}
