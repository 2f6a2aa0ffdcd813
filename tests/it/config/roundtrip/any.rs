//! Any valid settings that need no file beside them.

mod room;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use spillway::config::settings::*;

pub(super) fn settings() -> impl Strategy<Value = Settings> {
    let process = (server(), log(), client());
    let policy = (vec(origin(), 1..4), classes(), vec(limit(), 0..4), vec(room::room(), 0..3));
    (process, listeners(), policy, vec(route(), 1..6)).prop_map(|(process, listeners, policy, mut routes)| {
        let (server, log, client) = process;
        let (mut origins, classes, mut limits, mut rooms) = policy;
        name(&mut origins, |origin, name| origin.name = name);
        name(&mut limits, |limit, name| limit.name = name);
        name(&mut rooms, |room, name| room.name = name);
        name(&mut routes, |route, name| route.name = name);
        for route in &mut routes {
            route.class %= classes.len();
            route.origin %= origins.len();
            route.limits.retain(|limit| *limit < limits.len());
            route.room = route.room.filter(|room| *room < rooms.len());
        }
        let entered: Vec<_> = routes.iter().filter_map(|route| route.room).collect();
        for route in &mut routes {
            route.completes = route.completes.filter(|room| entered.contains(room));
        }
        let admin = AdminSettings { address: SocketAddr::from(([127, 0, 0, 1], 9900)), token_file: None };
        Settings { server, log, listeners, admin, client, origins, classes, limits, rooms, routes }
    })
}

fn name<T>(items: &mut [T], set: impl Fn(&mut T, String)) {
    for (index, item) in items.iter_mut().enumerate() {
        set(item, format!("the.{index}-th_one"));
    }
}

fn server() -> impl Strategy<Value = ServerSettings> {
    let counts = (1..=1024_usize, 1..=10_000_000_usize, 0..=10_000_000_usize, 1..=1_000_000_usize);
    let memory = option::of(1_u64 << 20..=1 << 50);
    (counts, path(), delay(), memory).prop_map(|(counts, state_dir, drain_timeout, max_memory)| ServerSettings {
        workers: counts.0,
        state_dir,
        drain_timeout,
        max_connections: counts.1,
        max_connections_per_client: counts.2,
        max_handshakes: counts.3,
        max_memory,
    })
}

fn log() -> impl Strategy<Value = LogSettings> {
    let access = prop_oneof![Just(None), Just(Some(AccessLog::Stdout)), path().prop_map(|p| Some(AccessLog::File(p)))];
    let level = select(vec!["off", "info", "warn,spillway::edge=trace"]);
    (level, select(vec![LogFormat::Text, LogFormat::Json]), access).prop_map(|(level, format, access)| LogSettings {
        level: level.to_owned(),
        format,
        access,
    })
}

fn client() -> impl Strategy<Value = ClientSettings> {
    let timeouts = (period(), period(), period());
    let sizes = (0..=1_u64 << 30, 64..=32_usize << 10, 0..=1_u64 << 50);
    (networks(), option::of(cookie()), timeouts, sizes).prop_map(
        |(trusted_proxies, shopper_cookie, timeouts, sizes)| ClientSettings {
            trusted_proxies,
            shopper_cookie,
            header_timeout: timeouts.0,
            idle_timeout: timeouts.1,
            body_timeout: timeouts.2,
            least_body_rate: sizes.0,
            max_uri: sizes.1,
            max_body: sizes.2,
        },
    )
}

fn listeners() -> impl Strategy<Value = Vec<ListenerSettings>> {
    let address = (any::<bool>(), 1..=255_u8).prop_map(|(v6, last)| match v6 {
        true => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)], 443)),
        false => SocketAddr::from(([10, 0, 0, last], 443)),
    });
    let listener = (address, networks()).prop_map(|(address, proxy_protocol_from)| ListenerSettings {
        address,
        tls: Vec::new(),
        proxy_protocol_from,
    });
    vec(listener, 1..4).prop_map(|mut listeners| {
        listeners.sort_by_key(|listener| listener.address);
        listeners.dedup_by_key(|listener| listener.address);
        listeners
    })
}

fn origin() -> impl Strategy<Value = OriginSettings> {
    let servers = vec(server_url(), 1..4).prop_map(|mut servers| {
        servers.sort_by_key(ToString::to_string);
        servers.dedup();
        servers
    });
    let timeouts = (delay(), period(), period(), period(), period());
    let numbers = (1..=1_000_000_usize, share(), capacity());
    let checks = (option::of(health_check()), ejection());
    (servers, any::<bool>(), checks, timeouts, numbers).prop_map(|(servers, h2, checks, timeouts, numbers)| {
        OriginSettings {
            name: String::new(),
            servers,
            h2,
            ca_file: None,
            health_check: checks.0,
            ejection: checks.1,
            slow_start: timeouts.0,
            connect_timeout: timeouts.1,
            response_timeout: timeouts.2,
            body_timeout: timeouts.3,
            idle_timeout: timeouts.4,
            max_connections: numbers.0,
            retry_budget: numbers.1,
            capacity: numbers.2,
        }
    })
}

fn server_url() -> impl Strategy<Value = ServerUrl> {
    let host = prop_oneof!["[a-z][a-z0-9-]{0,10}(\\.[a-z]{1,5})?", Just("10.1.2.3".into()), Just("2001:db8::1".into())];
    (any::<bool>(), host, 1..=u16::MAX).prop_map(|(tls, host, port)| ServerUrl { tls, host, port })
}

fn capacity() -> impl Strategy<Value = CapacitySettings> {
    let fixed = (1..=1_000_000_u32).prop_map(|limit| CapacitySettings::Fixed { limit });
    let bounds = (1..=1_000_000_u32).prop_flat_map(|max| (1..=max, Just(max)));
    let adaptive =
        (bounds, any::<bool>()).prop_map(|((min, max), enforce)| CapacitySettings::Adaptive { min, max, enforce });
    prop_oneof![Just(CapacitySettings::Unlimited), fixed, adaptive]
}

fn health_check() -> impl Strategy<Value = HealthCheckSettings> {
    let path = "/[a-z]{0,9}(\\?[a-z]=1)?";
    (path, period(), period(), 1..=100_u32, 1..=100_u32).prop_map(
        |(path, every, timeout, healthy_after, unhealthy_after)| HealthCheckSettings {
            path,
            every,
            timeout,
            healthy_after,
            unhealthy_after,
        },
    )
}

fn ejection() -> impl Strategy<Value = EjectionSettings> {
    (0..=1_000_000_u32, period(), share()).prop_map(|(failures, base, max_ejected)| EjectionSettings {
        failures,
        base,
        max_ejected,
    })
}

/// Up to four classes, none with more than a quarter guaranteed.
fn classes() -> impl Strategy<Value = Vec<ClassSettings>> {
    let guaranteed = (0..=2_500_u16).prop_map(|hundredths| f64::from(hundredths) / 10_000.0);
    let class = (guaranteed, delay(), 0..=1_000_000_usize, option::of(period())).prop_map(
        |(guaranteed, max_wait, max_waiting, latency_goal)| ClassSettings {
            name: String::new(),
            guaranteed,
            max_wait,
            max_waiting,
            latency_goal,
        },
    );
    vec(class, 1..=4).prop_map(|mut classes| {
        name(&mut classes, |class, name| class.name = name);
        classes
    })
}

fn limit() -> impl Strategy<Value = LimitSettings> {
    let header = "[a-z][a-z0-9-]{0,8}".prop_map(|name| LimitKey::Header(name.parse().unwrap()));
    let words = select(vec![LimitKey::Global, LimitKey::ClientIp, LimitKey::Shopper]);
    let key = prop_oneof![words, header, cookie().prop_map(LimitKey::Cookie)];
    let mode = select(vec![LimitMode::Enforce, LimitMode::Shadow, LimitMode::Off]);
    (key, rate(), 1..=1_000_000_000_u32, mode, 1..=100_000_000_usize).prop_map(|(key, rate, burst, mode, max_keys)| {
        LimitSettings { name: String::new(), key, rate, burst, mode, max_keys }
    })
}

fn rate() -> impl Strategy<Value = Rate> {
    let per = select(vec![1, 60, 3_600, 86_400]);
    (1..1_000_000_000_u64, per).prop_map(|(count, secs)| {
        // At most a million a second.
        Rate { count: count.min(1_000_000 * secs), per: Duration::from_secs(secs) }
    })
}

fn route() -> impl Strategy<Value = RouteSettings> {
    let methods = subsequence(vec![Method::GET, Method::POST, Method::DELETE], 0..=3);
    let host = option::of("(\\*\\.)?[a-z]{1,8}(\\.[a-z]{1,8}){0,2}");
    let place = (host, "(/[a-z]{1,8}){0,2}/(\\{\\*rest\\})?", methods);
    let rooms = (option::of(0..3_usize), option::of(0..3_usize));
    let references = (0..4_usize, 0..4_usize, subsequence(vec![0, 1, 2, 3], 0..=4), rooms);
    let bounds = (0..=1_u64 << 50, option::of(period()));
    (place, references, any::<bool>(), bounds).prop_map(|(place, references, journey, bounds)| RouteSettings {
        name: String::new(),
        line: 0,
        host: place.0,
        path: place.1,
        methods: place.2,
        class: references.0,
        origin: references.1,
        limits: references.2,
        room: references.3.0,
        completes: references.3.1,
        journey,
        max_body: bounds.0,
        response_timeout: bounds.1,
    })
}

fn networks() -> impl Strategy<Value = Vec<ipnet::IpNet>> {
    let network = prop_oneof![
        (any::<std::net::Ipv4Addr>(), 0..=32_u8).prop_map(|(ip, bits)| ipnet::Ipv4Net::new(ip, bits).unwrap().into()),
        (any::<std::net::Ipv6Addr>(), 0..=128_u8).prop_map(|(ip, bits)| ipnet::Ipv6Net::new(ip, bits).unwrap().into()),
    ];
    vec(network.prop_map(|network: ipnet::IpNet| network.trunc()), 0..3)
}

fn cookie() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_.-]{0,8}"
}

fn path() -> impl Strategy<Value = PathBuf> {
    "(/|\\.\\./)?[a-z \"\\\\]{1,6}x(\\.log)?".prop_map(PathBuf::from)
}

fn share() -> impl Strategy<Value = f64> {
    (0..=10_000_u16).prop_map(|hundredths| f64::from(hundredths) / 10_000.0)
}

const LONGEST_MILLIS: u64 = 30 * 86_400_000;

fn delay() -> impl Strategy<Value = Duration> {
    (0..=LONGEST_MILLIS).prop_map(Duration::from_millis)
}

fn period() -> impl Strategy<Value = Duration> {
    (1..=LONGEST_MILLIS).prop_map(Duration::from_millis)
}
