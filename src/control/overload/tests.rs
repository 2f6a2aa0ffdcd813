use std::collections::BTreeMap;
use std::path::Path;

use arc_swap::ArcSwap;
use tempfile::TempDir;

use super::*;
use crate::config;
use crate::edge::snapshot::RouteFinding;
use crate::edge::snapshot::{Adaptive, OriginHandle, Snapshot, SnapshotBuilder};
use crate::origin::{Origins, Resolver};
use crate::overload::{Baseline, Cause, Directive, Event, Finish, Lane, RouteTag, State, Window};
use crate::policy::journey::JourneyKeys;
use crate::room::keyring::Keyring;
use crate::telemetry::Metrics;

const SECOND: Nanos = 1_000_000_000;
const TICK: Nanos = SECOND / 10;

/// One more at once for each good answer; a failure is an overload, and a time-out a mistake of the governor's.
#[derive(Debug)]
struct Counting {
    bounds: Bounds,
    good: u32,
    state: State,
    known: BTreeMap<RouteTag, Duration>,
}

fn counting(bounds: Bounds, _now: Nanos) -> Box<dyn Governor> {
    Box::new(Counting { bounds, good: 0, state: State::Learning, known: BTreeMap::new() })
}

impl Governor for Counting {
    fn tick(&mut self, window: &Window<'_>) -> Directive {
        let mut cause = Cause::Start;
        for event in window.events {
            let Event::Ended { route, finish, latency, .. } = event else { continue };
            match finish {
                Finish::Good => {
                    (self.good, self.state, cause) = (self.good + 1, State::Steady, Cause::Gain);
                    self.known.insert(*route, *latency);
                }
                Finish::Failed => (self.state, cause) = (State::Overloaded, Cause::Errors),
                Finish::TimedOut => panic!("a mistake"),
                Finish::Gone => {}
            }
        }
        let limit = (self.bounds.min + self.good).min(self.bounds.max);
        Directive {
            limit,
            caps: Vec::new(),
            may_begin: 5.0,
            begin_rate: 5.0,
            pressed: false,
            shedding: false,
            state: self.state,
            cause,
        }
    }

    fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    fn baselines(&self) -> Vec<Baseline> {
        self.known.iter().map(|(&route, &latency)| Baseline { route, latency, ratio: Some(1.0) }).collect()
    }

    fn restore(&mut self, baselines: &[(RouteTag, Duration)]) {
        self.known.extend(baselines.iter().copied());
    }
}

/// A process without workers.
struct Process {
    shared: Arc<Shared>,
    builder: SnapshotBuilder,
    regulator: Regulator,
    state: StateDir,
    now: Nanos,
}

const ADAPTIVE: &str = r#"mode = "adaptive", min = 4, max = 100"#;

fn settings(shop: &str, routes: &[&str]) -> config::settings::Settings {
    let mut text = format!(
        r#"
        [server]
        workers = 2
        [[listener]]
        address = "127.0.0.1:0"
        [origin.shop]
        servers = ["http://127.0.0.1:9000"]
        capacity = {{ {shop} }}
        [origin.search]
        servers = ["http://127.0.0.1:9001"]
        capacity = {{ {ADAPTIVE} }}
        [[class]]
        name = "all"
        latency_goal = "1s"
        [[route]]
        name = "search"
        path = "/search"
        class = "all"
        origin = "search"
        "#
    );
    for route in routes {
        text += &format!("[[route]]\nname = \"{route}\"\npath = \"/{route}\"\nclass = \"all\"\norigin = \"shop\"\n");
    }
    config::load(&text, Path::new("/")).unwrap()
}

impl Process {
    fn start(dir: &TempDir, shop: &str, routes: &[&str]) -> Self {
        let origins = Origins::new(tokio::runtime::Handle::current(), Resolver::system().unwrap());
        let metrics = Metrics::new(2);
        let mut builder = SnapshotBuilder::new(metrics, Arc::new(origins), JourneyKeys::new(&[7; 32]), 2).unwrap();
        let snapshot = builder.build(settings(shop, routes), 1, 0).unwrap();
        let keyring = Arc::new(ArcSwap::from_pointee(Keyring::generate([1; 32])));
        let shared = Shared::new(Arc::new(ArcSwap::from_pointee(snapshot)), keyring);
        let state = StateDir::open(dir.path()).unwrap();
        let scribe = Scribe::start(state.clone()).unwrap();
        let regulator = Regulator::new(Arc::clone(&shared), counting, baselines::load(&state), scribe);
        Self { shared, builder, regulator, state, now: 0 }
    }

    fn reload(&mut self, shop: &str, routes: &[&str]) {
        let snapshot = self.builder.build(settings(shop, routes), 2, self.now).unwrap();
        self.shared.live.store(Arc::new(snapshot));
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.live.load_full()
    }

    fn round(&mut self) {
        self.now += TICK;
        self.regulator.round(self.now);
    }

    /// Requests of a route that all end so, each having taken `millis`.
    fn answers(&self, route: &str, count: usize, finish: Finish, millis: u64) {
        let snapshot = self.snapshot();
        let index = snapshot.policy.settings.routes.iter().position(|settings| settings.name == route).unwrap();
        let (handle, tag) = (snapshot.origin_of(index).unwrap(), snapshot.route_tag(index).unwrap());
        for _ in 0..count {
            let flight = adaptive(handle).feed.begin(1, tag, handle.slots[0], self.now).unwrap();
            flight.end(finish, self.now + millis * 1_000_000);
        }
    }

    fn limit(&self, origin: usize) -> Option<u32> {
        self.snapshot().origins[origin].seats.limit()
    }
}

fn adaptive(handle: &OriginHandle) -> &Adaptive {
    handle.adaptive.as_ref().unwrap()
}

#[tokio::test]
async fn limits_follow_what_happens_and_everybody_can_see_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&dir, ADAPTIVE, &["pay", "cart"]);
    assert_eq!((process.limit(0), process.limit(1)), (Some(4), Some(4)));
    process.round();
    process.answers("pay", 6, Finish::Good, 80);
    process.round();
    assert_eq!((process.limit(0), process.limit(1)), (Some(10), Some(4)));
    let first = process.now;
    (0..9).for_each(|_| process.round());
    let snapshot = process.snapshot();
    let finding = adaptive(&snapshot.origins[0]).finding().unwrap();
    assert_eq!((finding.directive.limit, finding.directive.state, finding.since), (10, State::Steady, first));
    let pay = RouteFinding { route: "pay".into(), latency: Duration::from_millis(80), ratio: Some(1.0) };
    assert_eq!(*finding.routes, [pay]);
    let decisions: Vec<_> = adaptive(&snapshot.origins[0]).decisions().filter(|(_, count)| *count > 0).collect();
    assert_eq!(decisions, [(Cause::Start, 1), (Cause::Gain, 1)]);
}

#[tokio::test]
async fn in_shadow_the_limit_is_shown_and_nothing_is_held_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&dir, &format!("{ADAPTIVE}, enforce = false"), &["pay"]);
    process.answers("pay", 2, Finish::Good, 80);
    process.round();
    let snapshot = process.snapshot();
    assert_eq!(adaptive(&snapshot.origins[0]).finding().unwrap().directive.limit, 6);
    let seats = &snapshot.origins[0].seats;
    let slot = snapshot.origins[0].slots[0];
    let taken: Vec<_> = (0..20).map(|_| seats.try_acquire(slot, 0, Lane::Returning)).collect();
    assert!(taken.iter().all(Option::is_some));
}

#[tokio::test]
async fn what_was_learnt_outlasts_reloads_and_times_of_another_capacity() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&dir, ADAPTIVE, &["pay"]);
    process.answers("pay", 20, Finish::Good, 80);
    process.round();
    assert_eq!(process.limit(0), Some(24));
    process.reload(r#"mode = "adaptive", min = 2, max = 20"#, &["cart", "pay"]);
    assert_eq!(process.limit(0), Some(20));
    process.round();
    assert_eq!(process.limit(0), Some(20));
    process.reload(r#"mode = "fixed", limit = 7"#, &["cart", "pay"]);
    assert_eq!(process.limit(0), Some(7));
    assert!(process.snapshot().origins[0].adaptive.is_none());
    // A round with the snapshot before may still be under way.
    process.snapshot().origins[0].seats.set_limit(Some(20));
    process.round();
    assert_eq!(process.limit(0), Some(7));
    process.reload(r#"mode = "adaptive", min = 2, max = 50"#, &["cart", "pay"]);
    process.answers("cart", 1, Finish::Good, 30);
    process.round();
    assert_eq!(process.limit(0), Some(23));
    let routes = adaptive(&process.snapshot().origins[0]).finding().unwrap().routes.clone();
    let names: Vec<_> = routes.iter().map(|finding| finding.route.as_str()).collect();
    assert_eq!(names, ["cart", "pay"]);
}

#[tokio::test]
async fn a_governor_that_fails_begins_anew_with_what_it_knew_and_others_do_not_notice() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&dir, ADAPTIVE, &["pay"]);
    process.answers("pay", 5, Finish::Good, 80);
    process.round();
    process.answers("pay", 1, Finish::TimedOut, 80);
    process.answers("search", 3, Finish::Good, 10);
    process.round();
    assert_eq!((process.limit(0), process.limit(1)), (Some(9), Some(7)));
    process.round();
    assert_eq!(process.limit(0), Some(4));
    let finding = adaptive(&process.snapshot().origins[0]).finding().unwrap();
    assert_eq!(finding.routes.len(), 1);
}

#[tokio::test]
async fn what_was_learnt_of_routes_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = Process::start(&dir, ADAPTIVE, &["pay", "cart"]);
    before.answers("pay", 1, Finish::Good, 80);
    before.answers("cart", 1, Finish::Good, 20);
    before.round();
    let (written, done) = oneshot::channel();
    before.regulator.answer(Job::Leave(written));
    done.await.unwrap();
    let mut after = Process::start(&dir, ADAPTIVE, &["other", "cart", "pay"]);
    after.round();
    let finding = adaptive(&after.snapshot().origins[0]).finding().unwrap();
    let known: Vec<_> = finding.routes.iter().map(|route| (route.route.as_str(), route.latency.as_millis())).collect();
    assert_eq!(known, [("cart", 20), ("pay", 80)]);
}

#[tokio::test]
async fn once_a_minute_it_is_written_unless_another_process_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&dir, ADAPTIVE, &["pay"]);
    process.answers("pay", 1, Finish::Good, 80);
    process.round();
    let (written, done) = oneshot::channel();
    process.regulator.answer(Job::Leave(written));
    done.await.unwrap();
    process.state.remove(baselines::FILE).unwrap();
    process.now += 61 * SECOND;
    process.answers("pay", 1, Finish::Good, 90);
    process.round();
    process.regulator.answer(Job::Resume);
    assert_eq!(process.state.read(baselines::FILE).unwrap(), None);
    process.round();
    while process.state.read(baselines::FILE).unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    let kept = baselines::load(&process.state);
    assert_eq!(kept["shop"]["pay"], 0.09);
}

#[tokio::test]
async fn the_thread_runs_by_itself_and_writes_before_it_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(&dir, ADAPTIVE, &["pay"]);
    let overload = Overload::start(Arc::clone(&process.shared), process.state.clone(), counting).unwrap();
    process.answers("pay", 3, Finish::Good, 80);
    while process.limit(0) != Some(7) {
        tokio::task::yield_now().await;
    }
    overload.leave(Duration::from_secs(60)).await;
    assert_eq!(baselines::load(&process.state)["shop"]["pay"], 0.08);
}
