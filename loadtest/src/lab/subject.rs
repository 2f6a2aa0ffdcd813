//! Who stands before the shop, each as somebody would set it up who knows what the shop does best with; Spillway that
//! adapts is told nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peer::{Job, Peer, Proxy, find, free_address};
use crate::stage::Stage;

/// Somebody, or nobody, between shoppers and shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Subject {
    /// Shoppers meet the shop
    Direct,
    /// Spillway, adaptive capacity
    Spillway,
    /// Spillway, adaptive capacity and a waiting room
    SpillwayRoom,
    /// Spillway, fixed capacity, tuned by hand
    SpillwayFixed,
    /// nginx, max_conns tuned by hand
    Nginx,
    /// HAProxy, maxconn tuned by hand, priority classes, queue timeout
    Haproxy,
    /// Envoy, adaptive concurrency, the latency at rest given by hand
    EnvoyAdaptive,
    /// Envoy, admission control, circuit breakers tuned by hand
    EnvoyAdmission,
}

/// Where a limit in force can be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    /// There is none.
    None,
    /// It never changes.
    Fixed(u32),
    /// On Spillway's page of metrics.
    Spillway,
    /// Among Envoy's statistics.
    Envoy,
}

impl Subject {
    /// Every subject, in the order of the report.
    pub(crate) const ALL: [Self; 8] = [
        Self::Spillway,
        Self::SpillwayRoom,
        Self::SpillwayFixed,
        Self::Haproxy,
        Self::Nginx,
        Self::EnvoyAdaptive,
        Self::EnvoyAdmission,
        Self::Direct,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "no proxy",
            Self::Spillway => "Spillway",
            Self::SpillwayRoom => "Spillway, room",
            Self::SpillwayFixed => "Spillway, fixed",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::EnvoyAdaptive => "Envoy, adaptive",
            Self::EnvoyAdmission => "Envoy, admission",
        }
    }

    /// Whether it learns what the shop can do, and keeps that.
    pub(crate) fn learns(self) -> bool {
        matches!(self, Self::Spillway | Self::SpillwayRoom)
    }

    pub(crate) fn needs_spillway(self) -> bool {
        matches!(self, Self::Spillway | Self::SpillwayRoom | Self::SpillwayFixed)
    }

    pub(crate) fn limit(self, job: &Job) -> Limit {
        match self {
            Self::Direct => Limit::None,
            Self::Spillway | Self::SpillwayRoom | Self::SpillwayFixed => Limit::Spillway,
            Self::Nginx | Self::Haproxy | Self::EnvoyAdmission => Limit::Fixed(job.seats),
            Self::EnvoyAdaptive => Limit::Envoy,
        }
    }

    /// Why it cannot be measured, if so.
    pub(crate) fn missing(self, stage: &Stage) -> Option<String> {
        match self {
            Self::Direct => None,
            Self::Spillway | Self::SpillwayRoom | Self::SpillwayFixed => stage.spillway().err(),
            Self::Nginx | Self::Haproxy => find(self.program_name()).err(),
            Self::EnvoyAdaptive | Self::EnvoyAdmission => envoy().err(),
        }
    }

    /// Starts it, and waits until it listens; `None` where there is nobody to start.
    pub(crate) fn start(self, stage: &Stage, job: &Job) -> Result<Option<Proxy>, String> {
        match self {
            Self::Direct => Ok(None),
            Self::Nginx => stage.start(Peer::Nginx, job).map(Some),
            Self::Haproxy => stage.start(Peer::Haproxy, job).map(Some),
            Self::Spillway | Self::SpillwayRoom | Self::SpillwayFixed => {
                let place = self.place(stage, job)?;
                let proxy =
                    Peer::Spillway.launch(stage.spillway()?, &job.cores, &place.config, place.address, place.admin)?;
                listening(proxy)
            }
            Self::EnvoyAdaptive | Self::EnvoyAdmission => {
                let place = self.place(stage, job)?;
                let mut command = Command::new(envoy()?);
                command.current_dir(&place.directory).arg("-c").arg(&place.config);
                command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]);
                listening(Proxy::run(&command, &job.cores, &place.config, place.address, place.admin)?)
            }
        }
    }

    /// Writes its configuration into a fresh directory: nothing that it learned in another run is there.
    fn place(self, stage: &Stage, job: &Job) -> Result<Place, String> {
        let (address, admin) = (free_address()?, free_address()?);
        let directory = stage.directory().join(format!("{self:?}-{}", address.port()));
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let config = directory.join(if self.needs_spillway() { "spillway.toml" } else { "envoy.yaml" });
        let text = self.configured(job, address, admin);
        fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
        Ok(Place { directory, config, address, admin })
    }

    fn configured(self, job: &Job, address: SocketAddr, admin: SocketAddr) -> String {
        let room = matches!(self, Self::SpillwayRoom);
        let capacity = match self {
            Self::SpillwayFixed => format!("{{ mode = \"fixed\", limit = {} }}", job.seats),
            _ => "{ mode = \"adaptive\" }".to_owned(),
        };
        let only_with_room = |text: &str| if room { text.to_owned() } else { String::new() };
        self.template()
            .replace("WORKERS", &job.workers.to_string())
            .replace("LISTEN_HOST", &address.ip().to_string())
            .replace("LISTEN_PORT", &address.port().to_string())
            .replace("ADMIN_HOST", &admin.ip().to_string())
            .replace("ADMIN_PORT", &admin.port().to_string())
            .replace("ORIGIN_HOST", &job.origin.ip().to_string())
            .replace("ORIGIN_PORT", &job.origin.port().to_string())
            .replace("LISTEN", &address.to_string())
            .replace("ADMIN", &admin.to_string())
            .replace("ORIGIN", &job.origin.to_string())
            .replace("CAPACITY", &capacity)
            .replace("SEATS", &job.seats.to_string())
            .replace("RATE", &job.rate.to_string())
            .replace("BURST", &job.burst.to_string())
            .replace("ROOM", &only_with_room(ROOM))
            .replace("INSIDE", &only_with_room("room = \"sale\""))
            .replace("COMPLETES", &only_with_room("completes = \"sale\""))
    }

    fn template(self) -> &'static str {
        match self {
            Self::EnvoyAdaptive => include_str!("../../peers/envoy-adaptive.yaml"),
            Self::EnvoyAdmission => include_str!("../../peers/envoy-admission.yaml"),
            _ => include_str!("../../peers/lab.toml"),
        }
    }

    fn program_name(self) -> &'static str {
        if self == Self::Nginx { "nginx" } else { "haproxy" }
    }
}

/// A line forms while the shop has no room for more; how fast it moves is measured, so that the cap is far away.
const ROOM: &str = r#"[room.sale]
mode = "auto"
active_shoppers = 5000
admit_rate = "auto"
session = "60s"
claim = "10s"
joins_per_client = "off""#;

/// Where a proxy's files are and where it is to listen.
struct Place {
    directory: PathBuf,
    config: PathBuf,
    address: SocketAddr,
    admin: SocketAddr,
}

fn listening(mut proxy: Proxy) -> Result<Option<Proxy>, String> {
    proxy.wait_until_listening()?;
    Ok(Some(proxy))
}

/// Cargo's target directory, where this program lies two levels below.
pub(crate) fn target() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    own.ancestors().nth(2).map(Path::to_path_buf).ok_or_else(|| "not in Cargo's target directory".to_owned())
}

/// Where `install.sh` has put Envoy: beside what Cargo builds.
fn envoy() -> Result<PathBuf, String> {
    let path = target()?.join("peers/envoy");
    if path.is_file() { Ok(path) } else { Err("not installed: loadtest/peers/install.sh".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        (std::net::Ipv4Addr::LOCALHOST, port).into()
    }

    fn written() -> [Subject; 5] {
        use Subject::{EnvoyAdaptive, EnvoyAdmission, Spillway, SpillwayFixed, SpillwayRoom};
        [Spillway, SpillwayRoom, SpillwayFixed, EnvoyAdaptive, EnvoyAdmission]
    }

    #[test]
    fn every_placeholder_of_a_template_is_filled_in() {
        let job = Job { seats: 40, ..Job::generous(address(3), 0) };
        for subject in written() {
            let text = subject.configured(&job, address(1), address(2));
            let code: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            let shouts =
                |word: &str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            let unfilled: Vec<&str> = code
                .iter()
                .flat_map(|line| line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_'))
                .filter(|word| shouts(word) && !["STATIC", "POST"].contains(word))
                .collect();
            assert!(unfilled.is_empty(), "{subject:?}: {unfilled:?}");
        }
    }

    #[test]
    fn spillways_configurations_are_good_ones() {
        let job = Job { seats: 40, ..Job::generous(address(3), 0) };
        for subject in written().into_iter().filter(|subject| subject.needs_spillway()) {
            let text = subject.configured(&job, address(1), address(2));
            let settings = spillway::config::load(&text, Path::new("/nowhere")).unwrap();
            assert_eq!(settings.rooms.len(), usize::from(subject == Subject::SpillwayRoom));
        }
    }
}
