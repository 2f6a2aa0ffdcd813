//! What the configuration means: defaults filled in, names resolved to indexes, units parsed.
//!
//! Everything here is valid by construction; only [`super::resolve`] makes it from a file.

mod language;
mod room;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Method};
use ipnet::IpNet;

pub use self::language::Language;
pub use self::room::{AdmitRate, ProofOfWork, RoomIndex, RoomMode, RoomOrder, RoomSettings, Texts};

/// Index into [`Settings::classes`]; 0 is the most important.
pub type ClassIndex = usize;
/// Index into [`Settings::origins`].
pub type OriginIndex = usize;
/// Index into [`Settings::limits`].
pub type LimitIndex = usize;
/// Index into [`Settings::routes`].
pub type RouteIndex = usize;

/// One whole, valid configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Process-wide settings.
    pub server: ServerSettings,
    /// Logs.
    pub log: LogSettings,
    /// Where traffic comes in; at least one.
    pub listeners: Vec<ListenerSettings>,
    /// The operators' address.
    pub admin: AdminSettings,
    /// What is believed of, and allowed to, clients.
    pub client: ClientSettings,
    /// Origins, in the file's order.
    pub origins: Vec<OriginSettings>,
    /// Classes, most important first; at least one.
    pub classes: Vec<ClassSettings>,
    /// Token buckets, in the file's order.
    pub limits: Vec<LimitSettings>,
    /// Waiting rooms, in the file's order.
    pub rooms: Vec<RoomSettings>,
    /// Routes, in the file's order.
    pub routes: Vec<RouteSettings>,
}

/// `[server]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSettings {
    /// Worker threads, already resolved: at least 1.
    pub workers: usize,
    /// Where revisions, keys and overrides are kept.
    pub state_dir: PathBuf,
    /// How long open requests may take after TERM.
    pub drain_timeout: Duration,
    /// Client connections open at once, over all workers.
    pub max_connections: usize,
    /// Client connections open at once from one address (IPv6: one /64), trusted proxies excepted, over all workers;
    /// 0 is no limit.
    pub max_connections_per_client: usize,
    /// TLS handshakes in progress at once, over all workers.
    pub max_handshakes: usize,
    /// Bytes of resident memory the process may have, if that is less than its cgroup or the machine has.
    pub max_memory: Option<u64>,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSettings {
    /// A `tracing` filter such as `info` or `spillway=debug`.
    pub level: String,
    /// How diagnostics on stderr are written.
    pub format: LogFormat,
    /// Where the access log goes; `None` is off.
    pub access: Option<AccessLog>,
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// Standard output.
    Stdout,
    /// A file, reopened on USR1.
    File(PathBuf),
}

/// `[[listener]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSettings {
    /// Address to bind.
    pub address: SocketAddr,
    /// Certificates; empty is cleartext HTTP/1.1.
    pub tls: Vec<CertificateSettings>,
    /// Networks whose connections begin with a PROXY protocol header.
    pub proxy_protocol_from: Vec<IpNet>,
}

/// One certificate of a listener, chosen by SNI from the names inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSettings {
    /// PEM chain, leaf first.
    pub certificate: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AdminSettings {
    /// Address to bind.
    pub address: SocketAddr,
    /// Bearer token file; required unless the address is loopback.
    pub token_file: Option<PathBuf>,
}

/// `[client]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSettings {
    /// Whose `X-Forwarded-*` and `Forwarded` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Cookie that names a shopper, for `key = "shopper"`; without it the client address is used.
    pub shopper_cookie: Option<String>,
    /// A request head must be complete within this.
    pub header_timeout: Duration,
    /// A kept-alive connection with no request is closed after this.
    pub idle_timeout: Duration,
    /// The longest silence within a body, in either direction.
    pub body_timeout: Duration,
    /// Least average rate of a body in bytes a second, in either direction; 0 is none.
    pub least_body_rate: u64,
    /// Longest request target in bytes.
    pub max_uri: usize,
    /// Largest request body in bytes, unless the route says otherwise; 0 is unlimited.
    pub max_body: u64,
}

/// `[origin.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginSettings {
    /// Its name.
    pub name: String,
    /// Its servers; at least one.
    pub servers: Vec<ServerUrl>,
    /// Whether HTTP/2 is spoken to it (ALPN on https, prior knowledge on http).
    pub h2: bool,
    /// PEM roots instead of the system's, for https.
    pub ca_file: Option<PathBuf>,
    /// Active health check; `None` is none.
    pub health_check: Option<HealthCheckSettings>,
    /// Passive ejection.
    pub ejection: EjectionSettings,
    /// Time over which a returned server's share grows to its full size.
    pub slow_start: Duration,
    /// Limit for TCP connect and TLS handshake together.
    pub connect_timeout: Duration,
    /// Limit from the request sent to the response head received.
    pub response_timeout: Duration,
    /// Longest silence within a response body.
    pub body_timeout: Duration,
    /// Kept connections idle for longer are closed.
    pub idle_timeout: Duration,
    /// Connections open to one server, over all workers.
    pub max_connections: usize,
    /// Share of requests that may be retried, 0.0 – 1.0.
    pub retry_budget: f64,
    /// Requests at the origin at once.
    pub capacity: CapacitySettings,
}

/// One server of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    /// Whether https.
    pub tls: bool,
    /// Host name or address literal (IPv6 without brackets).
    pub host: String,
    /// Port.
    pub port: u16,
}

/// `capacity = { … }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapacitySettings {
    /// No limit.
    Unlimited,
    /// A fixed number of requests at once.
    Fixed {
        /// How many; at least 1.
        limit: u32,
    },
    /// As many at once as are found to be best.
    Adaptive {
        /// Never fewer; at least 1.
        min: u32,
        /// Never more; at least `min`.
        max: u32,
        /// Whether the limit refuses anything; if not, what it would have refused is counted.
        enforce: bool,
    },
}

/// `health_check = { … }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheckSettings {
    /// Path asked for with GET.
    pub path: String,
    /// Interval.
    pub every: Duration,
    /// Limit of one check.
    pub timeout: Duration,
    /// Good answers in a row that make a server healthy.
    pub healthy_after: u32,
    /// Bad answers in a row that make it unhealthy.
    pub unhealthy_after: u32,
}

/// `ejection = { … }`: when real traffic fails.
#[derive(Debug, Clone, PartialEq)]
pub struct EjectionSettings {
    /// Failures in a row (connect errors, broken answers, 502 – 504) that eject a server; 0 is never.
    pub failures: u32,
    /// How long the first ejection lasts; it doubles each time, up to ten minutes.
    pub base: Duration,
    /// Largest share of the servers out at once, 0.0 – 1.0.
    pub max_ejected: f64,
}

/// `[[class]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSettings {
    /// Its name.
    pub name: String,
    /// Share of an origin's capacity it gets when it wants it, 0.0 – 1.0.
    pub guaranteed: f64,
    /// How long a request may wait for a seat.
    pub max_wait: Duration,
    /// How many may wait at once, per origin.
    pub max_waiting: usize,
    /// Past this latency the class is in trouble.
    pub latency_goal: Option<Duration>,
}

/// `[limit.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitSettings {
    /// Its name.
    pub name: String,
    /// What has a bucket of its own.
    pub key: LimitKey,
    /// Sustained rate.
    pub rate: Rate,
    /// Size of the bucket, at least 1.
    pub burst: u32,
    /// Whether it refuses.
    pub mode: LimitMode,
    /// Buckets held at once; memory is about 16 bytes each.
    pub max_keys: usize,
}

/// A sustained rate: `count` events every `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events, at least 1.
    pub count: u64,
    /// Period, not zero.
    pub per: Duration,
}

impl Rate {
    /// Events a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.per.as_secs_f64()
    }
}

/// What a token bucket is kept for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitKey {
    /// One bucket for everybody.
    Global,
    /// The client's address (IPv6: its /64).
    ClientIp,
    /// The value of a header; requests without it share a bucket with their client address.
    Header(HeaderName),
    /// The value of a cookie; without it as for `Header`.
    Cookie(String),
    /// The shopper (`client.shopper_cookie`), else the client address.
    Shopper,
}

/// Whether a limit acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitMode {
    /// Refuses.
    Enforce,
    /// Counts what it would have refused.
    Shadow,
    /// Is not evaluated.
    Off,
}

/// `[[route]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteSettings {
    /// Its name.
    pub name: String,
    /// Line of the file it begins at, from 1; `explain` shows it.
    pub line: usize,
    /// Lower-case host without port, `*.example.com`, or any host.
    pub host: Option<String>,
    /// Path pattern in matchit syntax.
    pub path: String,
    /// Methods; empty is any.
    pub methods: Vec<Method>,
    /// Its class.
    pub class: ClassIndex,
    /// Its origin.
    pub origin: OriginIndex,
    /// Limits, all of which must allow.
    pub limits: Vec<LimitIndex>,
    /// The waiting room before it.
    pub room: Option<RoomIndex>,
    /// The room in which a 2xx or 3xx answer here ends the shopper's stay.
    pub completes: Option<RoomIndex>,
    /// From here on this shopper's requests count as this route's class.
    pub journey: bool,
    /// Largest request body in bytes; 0 is unlimited.
    pub max_body: u64,
    /// Instead of the origin's `response_timeout`.
    pub response_timeout: Option<Duration>,
}
