//! What is typed: every table of the file with its keys and defaults. `config/spillway.toml` explains them.

use http::Method;
use ipnet::IpNet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::admission::JoinRate;
use super::capacity::Capacity;
use super::decode::At;
use super::endpoints::HostPattern;
use super::section::section;
use super::settings::{
    AdmitRate, CapacitySettings, LimitKey, LimitMode, LogFormat, ProofOfWork, Rate, RoomMode, RoomOrder, ServerUrl,
};
use super::text::{FilePath, Name};
use super::tokens::{AccessTarget, CheckTarget, CookieName, LogFilter, RoutePath};
use super::units::{Delay, Instant, Period, Share, Size};
use super::values::{ByName, Several, Whole};
use super::wording::Wording;

section! {
    /// The configuration of Spillway.
    struct File {
        /// The process.
        section server: Server,
        /// Diagnostics and the access log.
        section log: Log,
        /// Where traffic comes in; at least one.
        required listener: Several<Listener>,
        /// The operators' address.
        section admin: Admin,
        /// What is believed of, and allowed to, clients.
        section client: Client,
        /// Where requests go, by name; at least one.
        required origin: ByName<Origin>,
        /// Classes of requests, the most important first; at least one.
        required class: Several<Class>,
        /// Token buckets, by name.
        default limit: ByName<Limit> = ByName(Vec::new()),
        /// Waiting rooms, by name.
        default room: ByName<Room> = ByName(Vec::new()),
        /// Which requests belong together and what holds for them; at least one. The most specific wins.
        required route: Several<At<Route>>,
    }
    refused {
        campaign: "campaigns are not in this version yet: leave the table out and change the file when the time comes, it is reloaded without losing a request",
    }
}

section! {
    /// The process.
    struct Server {
        /// Worker threads; 0 is one per CPU. Needs a restart.
        default workers: Whole<0, 1024> = Whole(0),
        /// Directory of revisions, keys and overrides, relative to this file. Needs a restart.
        default state_dir: FilePath = FilePath("state".into()),
        /// How long open requests may take after TERM.
        default drain_timeout: Delay = Delay::secs(30),
        /// Client connections open at once, over all workers.
        default max_connections: Whole<1, 10_000_000> = Whole(20_000),
        /// Client connections open at once from one address (IPv6: one /64), trusted proxies excepted; 0 is no limit.
        default max_connections_per_client: Whole<0, 10_000_000> = Whole(1_000),
        /// TLS handshakes in progress at once, over all workers.
        default max_handshakes: Whole<1, 1_000_000> = Whole(2_000),
        /// Memory the process may have resident; without it what its cgroup has, or the machine.
        optional max_memory: Size<{ 1 << 20 }, { 1 << 50 }>,
    }
}

section! {
    /// Diagnostics and the access log.
    struct Log {
        /// What is written to stderr: off, error, warn, info, debug or trace, or levels by module.
        default level: LogFilter = LogFilter("info".into()),
        /// How it is written: text for people, json for programs.
        default format: LogFormat = LogFormat::Text,
        /// Where one JSON line per request goes: off, stdout, or a file relative to this one.
        default access: AccessTarget = AccessTarget(None),
    }
}

section! {
    /// Where traffic comes in.
    struct Listener {
        /// IP address and port. Needs a restart.
        required address: SocketAddr,
        /// Certificates, chosen by SNI, reread on reload; without them the address speaks cleartext HTTP/1.1.
        optional tls: Several<Certificate>,
        /// Networks whose connections begin with a PROXY protocol header, version 1 or 2.
        default proxy_protocol_from: Vec<IpNet> = Vec::new(),
    }
}

section! {
    /// A certificate and its key.
    struct Certificate {
        /// PEM file of the chain, leaf first, relative to this file.
        required certificate: FilePath,
        /// PEM file of the private key, relative to this file.
        required key: FilePath,
    }
}

section! {
    /// The operators' address.
    struct Admin {
        /// IP address and port. Needs a restart.
        default address: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 9900)),
        /// File with the bearer token, relative to this file; required unless the address is loopback.
        optional token_file: FilePath,
    }
    refused {
        token: "a secret is not typed here: write it to a file, and the name of that to `token_file`",
    }
}

section! {
    /// What is believed of, and allowed to, clients.
    struct Client {
        /// Networks whose X-Forwarded-For, Forwarded and X-Forwarded-Proto are believed.
        default trusted_proxies: Vec<IpNet> = Vec::new(),
        /// Cookie that names a shopper, for limits with key = "shopper".
        optional shopper_cookie: CookieName,
        /// A request head must be complete within this.
        default header_timeout: Period = Period::secs(10),
        /// A kept-alive connection without a request is closed after this.
        default idle_timeout: Period = Period::secs(75),
        /// Longest silence within a body, in either direction.
        default body_timeout: Period = Period::secs(30),
        /// Least average rate of a body, per second, in either direction; 0B is none.
        default least_body_rate: Size<0, { 1 << 30 }> = Size(100),
        /// Longest request target.
        default max_uri: Size<64, { 32 << 10 }> = Size(8 << 10),
        /// Largest request body, unless the route says otherwise; 0B is unlimited.
        default max_body: Size<0, { 1 << 50 }> = Size(0),
    }
}

section! {
    /// Where requests go: one or more servers that do the same.
    struct Origin {
        /// URLs of the servers: scheme, host and port.
        required servers: Several<At<ServerUrl>>,
        /// Whether HTTP/2 is spoken to it: by ALPN on https, by prior knowledge on http.
        default h2: bool = false,
        /// PEM file of the roots that are trusted instead of the system's, relative to this file.
        optional ca_file: FilePath,
        /// Active health check; without it only real traffic tells.
        optional health_check: HealthCheck,
        /// When real traffic fails.
        section ejection: Ejection,
        /// Time over which the share of a server that came back grows to its full size.
        default slow_start: Delay = Delay::secs(10),
        /// Limit of TCP connect and TLS handshake together.
        default connect_timeout: Period = Period::secs(1),
        /// Limit from the request sent to the response head received.
        default response_timeout: Period = Period::secs(10),
        /// Longest silence within a response body.
        default body_timeout: Period = Period::secs(30),
        /// A connection kept for the next request is closed after this.
        default idle_timeout: Period = Period::secs(4),
        /// Connections open to one server, over all workers.
        default max_connections: Whole<1, 1_000_000> = Whole(1_000),
        /// Share of requests that may be retried.
        default retry_budget: Share = Share::percent(10),
        /// Requests at the origin at once.
        default capacity: Capacity = Capacity(CapacitySettings::Unlimited),
    }
}

section! {
    /// Active health check: GET of a path, healthy is any 2xx or 3xx.
    struct HealthCheck {
        /// Path asked for.
        required path: CheckTarget,
        /// Interval.
        default every: Period = Period::secs(2),
        /// Limit of one check.
        default timeout: Period = Period::secs(1),
        /// Good answers in a row that make a server healthy.
        default healthy_after: Whole<1, 100> = Whole(2),
        /// Bad answers in a row that make it unhealthy.
        default unhealthy_after: Whole<1, 100> = Whole(3),
    }
}

section! {
    /// When real traffic fails a server is left out for a while.
    struct Ejection {
        /// Failures in a row (connect errors, broken answers, 502, 503, 504) that eject a server; 0 is never.
        default failures: Whole<0, 1_000_000> = Whole(5),
        /// How long the first ejection lasts; doubles each time, up to 10m.
        default base: Period = Period::secs(10),
        /// Largest share of the servers that are out at once.
        default max_ejected: Share = Share::percent(50),
    }
}

section! {
    /// A class of requests; the order in the file is the order of importance.
    struct Class {
        /// Its name.
        required name: Name,
        /// Share of an origin's capacity that it gets when it wants it; lent when it does not.
        default guaranteed: Share = Share::percent(0),
        /// How long a request may wait for a seat.
        default max_wait: Delay = Delay::millis(250),
        /// How many may wait at once, per origin.
        default max_waiting: Whole<0, 1_000_000> = Whole(1_000),
        /// Past this latency the class is in trouble.
        optional latency_goal: Period,
    }
}

section! {
    /// A token bucket, or one for each value of its key.
    struct Limit {
        /// What has a bucket of its own: client-ip, header:NAME, cookie:NAME, shopper or global.
        required key: LimitKey,
        /// Sustained rate.
        required rate: Rate,
        /// Requests that may come at once after a pause.
        required burst: Whole<1, 1_000_000_000>,
        /// enforce refuses, shadow counts what it would have refused, off does nothing.
        default mode: LimitMode = LimitMode::Enforce,
        /// Buckets held at once; memory is about 16 bytes each.
        default max_keys: Whole<1, 100_000_000> = Whole(1_000_000),
    }
}

section! {
    /// A waiting room: who may be inside at once, and how the others wait.
    struct Room {
        /// off lets everybody in, auto forms a line when the room is full, always sends everybody through it, paused
        /// lets nobody in and keeps the places, closed lets nobody in and gives no place.
        default mode: RoomMode = RoomMode::Auto,
        /// Shoppers inside at once; never more.
        required active_shoppers: Whole<1, 10_000_000>,
        /// How fast shoppers are let in, within the cap: a rate, or auto, which follows the origin's headroom.
        default admit_rate: AdmitRate = AdmitRate::Auto,
        /// Idle time after which an admitted shopper's place is free again, 1s to 8h.
        default session: Period = Period::secs(600),
        /// How long a called turn is held, 1s to 1h.
        default claim: Period = Period::secs(120),
        /// Who is called first: arrival, who came first; lottery, drawn by lot among those who wait.
        default order: RoomOrder = RoomOrder::Arrival,
        /// Before this moment the room is a lobby; everyone in it is shuffled when it opens.
        optional opens: Instant,
        /// What the waiting page is headed with.
        optional title: Wording<60>,
        /// Words to those who wait.
        optional message: Wording<240>,
        /// File of a page instead of the built-in one, relative to this file.
        optional template: FilePath,
        /// Places given to one client address (IPv6: its /64), sustained; off is no limit.
        default joins_per_client: JoinRate = JoinRate(Some(Rate { count: 300, per: Duration::from_secs(60) })),
        /// Places given to one client address at once after a pause.
        default joins_burst: Whole<1, 1_000_000> = Whole(300),
        /// Whether newcomers are asked for a proof of work: off, auto (under pressure) or always.
        default proof_of_work: ProofOfWork = ProofOfWork::Off,
        /// Whether a place is good only in the network it was given to (IPv4: /24, IPv6: /48).
        default bind_network: bool = false,
    }
}

section! {
    /// Which requests belong together and what holds for them.
    struct Route {
        /// Its name.
        required name: Name,
        /// Host without port, or *. and the end of one; without it any host.
        optional host: HostPattern,
        /// Path; {name} stands for one segment, {*name} for the rest.
        required path: RoutePath,
        /// Methods; without it any.
        optional methods: Several<Method>,
        /// Name of its class.
        required class: Name,
        /// Name of its origin.
        required origin: Name,
        /// Names of the limits that must all allow.
        default limits: Vec<At<Name>> = Vec::new(),
        /// Name of the waiting room before it.
        optional room: Name,
        /// Name of the room in which a 2xx or 3xx answer here ends the shopper's stay and frees the place.
        optional completes: Name,
        /// From here on this shopper's requests count as this route's class.
        default journey: bool = false,
        /// Largest request body, instead of the client's; 0B is unlimited.
        optional max_body: Size<0, { 1 << 50 }>,
        /// Instead of the origin's.
        optional response_timeout: Period,
    }
}
