//! Spillway and its peers, each configured for the same job.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::certificate::Files;
use crate::process::{Core, Program};

/// A proxy that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Spillway,
    Nginx,
    Haproxy,
}

/// What a proxy is to do.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Where requests go.
    pub(crate) origin: SocketAddr,
    /// Cores it runs on.
    pub(crate) cores: Vec<Core>,
    /// Worker threads or processes.
    pub(crate) workers: usize,
    /// Requests at the origin at once.
    pub(crate) seats: u32,
    /// Requests a minute that one client may make,
    pub(crate) rate: u32,
    /// and how many at once.
    pub(crate) burst: u32,
    /// TLS with h2 and h1, or cleartext h1.
    pub(crate) tls: Option<Files>,
}

impl Job {
    /// A job in which nobody reaches a limit.
    pub(crate) fn generous(origin: SocketAddr, core: Core) -> Self {
        Self { origin, cores: vec![core], workers: 1, seats: 512, rate: 60_000_000, burst: 100_000, tls: None }
    }
}

/// A proxy at work.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) program: Program,
    /// Where clients come in.
    pub(crate) address: SocketAddr,
    /// Spillway's admin address; nobody listens there for the others.
    pub(crate) admin: SocketAddr,
    /// Its configuration file.
    pub(crate) config: PathBuf,
}

/// How long a proxy may take until it listens.
const START: Duration = Duration::from_secs(10);

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::Spillway, Self::Nginx, Self::Haproxy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Spillway => "spillway",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// Where the program is, or what to do to have it.
    pub(crate) fn program(self, spillway: Option<&Path>) -> Result<PathBuf, String> {
        match self {
            Self::Spillway => spillway.map(Path::to_path_buf).ok_or_else(|| "no binary was built or given".to_owned()),
            Self::Nginx | Self::Haproxy => find(self.name()),
        }
    }

    /// Starts it in `directory` and waits until it listens.
    pub(crate) fn start(self, job: &Job, directory: &Path, spillway: Option<&Path>) -> Result<Proxy, String> {
        let program = self.program(spillway)?;
        let (address, admin) = (free_address()?, free_address()?);
        let directory = directory.join(self.name());
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let config = directory.join(self.file());
        let text = self.configured(job, address, admin, &directory);
        fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
        let mut proxy = self.launch(&program, &job.cores, &config, address, admin)?;
        proxy.wait_until_listening()?;
        Ok(proxy)
    }

    /// Starts it with a configuration in the directory of that file.
    pub(crate) fn launch(
        self,
        program: &Path,
        cores: &[Core],
        config: &Path,
        address: SocketAddr,
        admin: SocketAddr,
    ) -> Result<Proxy, String> {
        let directory = config.parent().unwrap_or(Path::new("."));
        let mut command = Command::new(program);
        command.current_dir(directory);
        match self {
            Self::Spillway => command.args(["run", "--config"]).arg(config),
            Self::Nginx => command.arg("-p").arg(directory).arg("-c").arg(config),
            Self::Haproxy => command.args(["-db", "-f"]).arg(config),
        };
        Proxy::run(&command, cores, config, address, admin)
    }

    /// Its configuration for `job`.
    pub(crate) fn configured(self, job: &Job, address: SocketAddr, admin: SocketAddr, directory: &Path) -> String {
        let (listen, tls) = match &job.tls {
            None => (address.to_string(), String::new()),
            Some(files) => self.with_tls(address, files),
        };
        self.template()
            .replace("WORKERS", &job.workers.to_string())
            .replace("LISTEN", &listen)
            .replace("TLS", &tls)
            .replace("ADMIN", &admin.to_string())
            .replace("ORIGIN", &job.origin.to_string())
            .replace("SEATS", &job.seats.to_string())
            .replace("RATE", &job.rate.to_string())
            .replace("BURST", &job.burst.to_string())
            .replace("DIR", &directory.display().to_string())
    }

    fn with_tls(self, address: SocketAddr, files: &Files) -> (String, String) {
        let (certificate, key, both) = (files.certificate.display(), files.key.display(), files.both.display());
        match self {
            Self::Spillway => {
                (address.to_string(), format!("tls = [ {{ certificate = \"{certificate}\", key = \"{key}\" }} ]"))
            }
            Self::Nginx => (
                format!("{address} ssl http2"),
                format!(
                    "ssl_certificate {certificate}; ssl_certificate_key {key}; \
                     ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X25519;"
                ),
            ),
            Self::Haproxy => (address.to_string(), format!("ssl crt {both} alpn h2,http/1.1 curves X25519")),
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Spillway => include_str!("../peers/spillway.toml"),
            Self::Nginx => include_str!("../peers/nginx.conf"),
            Self::Haproxy => include_str!("../peers/haproxy.cfg"),
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Spillway => "spillway.toml",
            Self::Nginx => "nginx.conf",
            Self::Haproxy => "haproxy.cfg",
        }
    }
}

impl Proxy {
    /// Starts `command`, whose configuration is in that file; what it says goes to a file beside.
    pub(crate) fn run(
        command: &Command,
        cores: &[Core],
        config: &Path,
        address: SocketAddr,
        admin: SocketAddr,
    ) -> Result<Self, String> {
        let log = File::create(config.with_file_name("stderr.log"));
        let program = log.and_then(|file| Program::start(command, cores, file.into()));
        let program = program.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        Ok(Self { program, address, admin, config: config.to_owned() })
    }

    /// Waits until it listens; else tells what it said.
    pub(crate) fn wait_until_listening(&mut self) -> Result<(), String> {
        self.listens().map_err(|problem| format!("{} {problem}\n{}", self.config.display(), self.said()))
    }

    /// What it said since it was started.
    pub(crate) fn said(&self) -> String {
        let said = fs::read_to_string(self.config.with_file_name("stderr.log")).unwrap_or_default();
        said.trim_end().to_owned()
    }

    fn listens(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START;
        while TcpStream::connect(self.address).is_err() {
            if self.program.ended() {
                return Err("ended by itself:".to_owned());
            }
            if Instant::now() > deadline {
                return Err(format!("does not listen on {}:", self.address));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// Finds an installed program, or says how to get it.
pub(crate) fn find(name: &str) -> Result<PathBuf, String> {
    let package = match name {
        "h2load" => "nghttp2-client",
        other => other,
    };
    let directories = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&directories)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("{name} is not installed: apt-get install {package}"))
}

/// A loopback address that was free just now.
pub(crate) fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map_err(|error| format!("no port is free: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACEHOLDERS: [&str; 9] = ["WORKERS", "LISTEN", "TLS ", "ADMIN", "ORIGIN", "SEATS", "RATE", "BURST", "DIR/"];

    fn address(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn every_placeholder_of_a_template_is_filled_in() {
        let directory = tempfile::tempdir().unwrap();
        let tls = Files::write(directory.path()).unwrap();
        for tls in [None, Some(tls)] {
            let job = Job { tls, ..Job::generous(address(3), 0) };
            for peer in Peer::ALL {
                let text = peer.configured(&job, address(1), address(2), directory.path());
                assert!(text.contains("127.0.0.1:1") && text.contains("127.0.0.1:3"), "{text}");
                for placeholder in PLACEHOLDERS {
                    assert!(!text.contains(placeholder), "{placeholder} in {text}");
                }
            }
        }
    }

    #[test]
    fn spillways_configuration_is_a_good_one() {
        let directory = tempfile::tempdir().unwrap();
        let tls = Some(Files::write(directory.path()).unwrap());
        let job = Job { tls, ..Job::generous(address(3), 0) };
        let text = Peer::Spillway.configured(&job, address(1), address(2), directory.path());
        let settings = spillway::config::load(&text, directory.path()).unwrap();
        assert_eq!((settings.server.workers, settings.listeners[0].tls.len()), (1, 1));
    }
}
