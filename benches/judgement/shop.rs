//! A policy, one keyed limit and the seats of one origin, as a worker meets them.

use std::collections::VecDeque;
use std::fmt::Write;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use spillway::clock::Nanos;
use spillway::config::{self, settings::LimitSettings, settings::Rate};
use spillway::limit::{KeyHasher, Limiter};
use spillway::overload::{ClassShare, Lane, Seat, Seats, Slot};
use spillway::policy::Policy;

/// Addresses that come again and again; every worker sees all of them.
const ADDRESSES: u32 = 20_000;

/// Requests of one worker that are at the origin at once.
const IN_FLIGHT: usize = 32;

/// Routes beside those of a usual shop.
const MORE_ROUTES: usize = 50;

/// All that a judgement needs.
pub(crate) struct Shop {
    pub(crate) policy: Policy,
    pub(crate) hasher: KeyHasher,
    pub(crate) limiter: Limiter,
    pub(crate) seats: Arc<Seats>,
    pub(crate) slot: Slot,
    headers: HeaderMap,
}

impl Shop {
    pub(crate) fn new(workers: usize) -> Self {
        let settings = config::load(&policy_text(), Path::new(".")).unwrap();
        let policy = Policy::compile(Arc::new(settings), 1).unwrap();
        let seats = Arc::new(Seats::new(workers));
        let shares: Vec<ClassShare> = policy.settings.classes.iter().map(ClassShare::from).collect();
        let slots = seats.reconfigure(Some(200), &shares);
        Self {
            limiter: Limiter::new(&policy.settings.limits[0], 0),
            hasher: KeyHasher::random(),
            slot: *slots.last().unwrap(),
            seats,
            policy,
            headers: HeaderMap::new(),
        }
    }

    /// One whole judgement: route, key, room in the bucket, a seat, a token. Whether it was admitted.
    pub(crate) fn judge(&self, visitor: &mut Visitor) -> bool {
        let (address, now) = (visitor.address(), visitor.now());
        let host = black_box("shop.example");
        let Some(route) = self.policy.route(host, black_box(visitor.path()), &Method::GET) else { return false };
        let Some(&limit) = self.policy.settings.routes[route].limits.first() else { return false };
        let key = self.policy.limit_key(limit, address, &self.headers, &self.hasher);
        if !self.limiter.peek(key, now).is_allowed() {
            return false;
        }
        let seat = self.seats.try_acquire(self.slot, visitor.worker, Lane::Returning);
        let admitted = seat.is_some() && self.limiter.commit(key, now).is_allowed();
        visitor.hold(seat);
        admitted
    }

    /// A limit whose bucket is empty for a long time.
    pub(crate) fn empty_limiter(&self) -> Limiter {
        let rate = Rate { count: 1, per: Duration::from_secs(3_600) };
        let limiter = Limiter::new(&LimitSettings { rate, burst: 1, ..self.policy.settings.limits[0].clone() }, 0);
        while limiter.commit(spillway::limit::Key::GLOBAL, 0).is_allowed() {}
        limiter
    }
}

/// The requests of one worker.
pub(crate) struct Visitor {
    worker: usize,
    random: fastrand::Rng,
    now: Nanos,
    seats: VecDeque<Option<Seat>>,
}

impl Visitor {
    pub(crate) fn new(worker: usize) -> Self {
        let seats = (0..IN_FLIGHT).map(|_| None).collect();
        Self { worker, random: fastrand::Rng::with_seed(worker as u64), now: 0, seats }
    }

    /// Who comes next.
    pub(crate) fn address(&mut self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + self.random.u32(..ADDRESSES)))
    }

    /// A microsecond later than the last time.
    pub(crate) fn now(&mut self) -> Nanos {
        self.now += 1_000;
        self.now
    }

    /// A new seat is taken while the oldest is given back.
    pub(crate) fn hold(&mut self, seat: Option<Seat>) {
        self.seats.push_back(seat);
        self.seats.pop_front();
    }

    fn path(&mut self) -> &'static str {
        ["/product/4711", "/cart/add", "/assets/app.js", "/"][self.random.usize(..4)]
    }
}

fn policy_text() -> String {
    let mut text = String::from(
        r#"
        [[listener]]
        address = "127.0.0.1:0"
        [origin.storefront]
        servers = ["http://127.0.0.1:9000"]
        [[class]]
        name = "checkout"
        guaranteed = "30%"
        max_wait = "2s"
        [[class]]
        name = "browse"
        max_wait = "250ms"
        [limit.per-client]
        key = "client-ip"
        rate = "1000000/s"
        burst = 1000000
        "#,
    );
    let mut route = |name: &str, path: &str| {
        writeln!(text, "[[route]]\nname = \"{name}\"\npath = \"{path}\"").unwrap();
        writeln!(text, "class = \"browse\"\norigin = \"storefront\"\nlimits = [\"per-client\"]").unwrap();
    };
    for (name, path) in [("rest", "/{*rest}"), ("product", "/product/{id}"), ("cart", "/cart/{*rest}"), ("pay", "/pay")]
    {
        route(name, path);
    }
    for number in 0..MORE_ROUTES {
        route(&format!("page-{number}"), &format!("/page-{number}/{{*rest}}"));
    }
    text
}
