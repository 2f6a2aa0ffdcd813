//! Ten million client addresses through one keyed limit.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use spillway::config::settings::{LimitKey, LimitMode, LimitSettings, Rate};
use spillway::limit::{KeyHasher, Limiter};

use crate::origin::Origin;
use crate::peer::{Job, Peer};
use crate::process::own_resident;
use crate::report::{Figure, Goal, Row};
use crate::stage::Stage;
use crate::wrk::{Ask, Protocol};

/// Options of `ten-million-keys`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Addresses that come once
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) keys: u32,
}

/// Clients that keep coming all the time.
const ACTIVE: u32 = 1000;

/// Addresses through a running proxy; wrk holds a request for each in memory.
const OVER_HTTP: u32 = 100_000;

/// Simulated time that all of it takes.
const LASTING: Duration = Duration::from_secs(100);

/// The hardest kind: a bucket takes minutes to be full again, so that each address would want one for itself.
const RATE: Rate = Rate { count: 5, per: Duration::from_secs(60) };
const BURST: u32 = 5;

/// Memory of the limit under a flood of addresses, and whether those who keep coming still get exactly what is theirs.
pub(crate) fn ten_million_keys(stage: &Stage, options: Options) -> Result<Vec<Figure>, String> {
    let flood = Flood::run(options.keys);
    let own = |value| vec![Row::measured(Peer::Spillway.name(), vec![value])];
    let notes = vec![
        format!("{} addresses once each, {ACTIVE} active ones beside them; {BURST} at once, 5/min", options.keys),
        format!("{} buckets given up, {:.0} ns per address", flood.evictions, flood.nanos),
    ];
    let memory = Figure {
        name: "memory of a limit".to_owned(),
        unit: "MiB",
        rows: own(flood.grown as f64 / f64::from(1 << 20)),
        goal: Goal::AtMost(32.0),
        notes: notes.clone(),
    };
    let accuracy = Figure {
        name: "requests of active addresses judged otherwise than alone".to_owned(),
        unit: "%",
        rows: own(flood.misjudged * 100.0),
        goal: Goal::AtMost(0.1),
        notes,
    };
    Ok(vec![memory, accuracy, over_http(stage)?])
}

struct Flood {
    grown: u64,
    misjudged: f64,
    evictions: u64,
    nanos: f64,
}

impl Flood {
    fn run(keys: u32) -> Self {
        let settings = LimitSettings {
            name: "login".to_owned(),
            key: LimitKey::ClientIp,
            rate: RATE,
            burst: BURST,
            mode: LimitMode::Enforce,
            max_keys: 1_000_000,
        };
        // The same limit with nobody else around, to compare with.
        let alone = Limiter::new(&LimitSettings { max_keys: 100 * ACTIVE as usize, ..settings.clone() }, 0);
        let before = own_resident();
        let (limiter, hasher) = (Limiter::new(&settings, 0), KeyHasher::random());
        let step = LASTING.as_nanos() as u64 / u64::from(keys.max(1));
        // Each active address comes once a second.
        let between = (keys / (LASTING.as_secs() as u32 * ACTIVE)).max(1);
        let (mut asked, mut misjudged) = (0_u32, 0_u32);
        let began = Instant::now();
        for n in 0..keys {
            let now = u64::from(n) * step;
            let _ = black_box(limiter.commit(hasher.ip(address(11 << 24, n)), now));
            if n % between == 0 {
                let active = hasher.ip(address(10 << 24, (n / between) % ACTIVE));
                asked += 1;
                let agreed = limiter.commit(active, now).is_allowed() == alone.commit(active, now).is_allowed();
                misjudged += u32::from(!agreed);
            }
        }
        let nanos = began.elapsed().as_nanos() as f64 / f64::from(keys.max(1));
        let (grown, misjudged) =
            (own_resident().saturating_sub(before), f64::from(misjudged) / f64::from(asked.max(1)));
        Self { grown, misjudged, evictions: limiter.evictions(), nanos }
    }
}

fn address(network: u32, host: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(network + host))
}

/// Memory that a running proxy adds for a flood of addresses.
fn over_http(stage: &Stage) -> Result<Figure, String> {
    let origin = Origin::start()?;
    let job = Job { rate: 5, burst: 5, ..Job::generous(origin.address, stage.options.proxy_core) };
    let [rows] = stage.proxies(&job, |proxy| {
        let lasting = Duration::from_secs(1);
        let ask = Ask { address: proxy.address, path: "/1k", protocol: Protocol::Http1, clients: 1, lasting };
        ask.ask()?;
        let before = proxy.program.resident();
        Ask { clients: OVER_HTTP, lasting: stage.measured_for(), ..ask }.ask()?;
        Ok([proxy.program.resident().saturating_sub(before) as f64 / f64::from(1 << 20)])
    });
    let name = format!("memory added by {OVER_HTTP} addresses over HTTP");
    Ok(Figure { name, unit: "MiB", rows, goal: Goal::AtMost(32.0), notes: Vec::new() })
}
