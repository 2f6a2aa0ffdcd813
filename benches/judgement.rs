//! What deciding on one request costs: `cargo bench --profile dist --bench judgement`.
//!
//! First the parts and the whole on one core, by criterion. Then the whole on one and on two threads, with the limit and
//! the seats shared and, as the measure of what the machine itself allows, each thread with its own. Last, ten
//! million addresses through one limit. `-- scaling` and `-- flood` run those alone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot be set up should stop")]

#[path = "judgement/flood.rs"]
mod flood;
#[path = "judgement/scaling.rs"]
mod scaling;
#[path = "judgement/shop.rs"]
mod shop;

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use http::Method;
use spillway::limit::Key;
use spillway::overload::Lane;

use self::shop::{Shop, Visitor};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
        .configure_from_args();
    parts(&mut criterion);
    whole(&mut criterion);
    criterion.final_summary();
    for (name, report) in [("scaling", scaling::report as fn()), ("flood", flood::report)] {
        if wanted(name) {
            report();
        }
    }
}

/// Whether this is `cargo bench` and not a test run, and the filter behind `--`, if there is one, names it.
fn wanted(name: &str) -> bool {
    let (options, filters): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    options.iter().any(|option| option == "--bench") && filters.iter().all(|filter| name.contains(&**filter))
}

fn parts(criterion: &mut Criterion) {
    let shop = Shop::new(1);
    let mut visitor = Visitor::new(0);
    criterion.bench_function("route", |bencher| {
        bencher.iter(|| shop.policy.route("shop.example", black_box("/product/4711"), &Method::GET));
    });
    criterion.bench_function("key of an address", |bencher| {
        bencher.iter(|| shop.hasher.ip(visitor.address()));
    });
    criterion.bench_function("peek", |bencher| {
        bencher.iter(|| {
            let key = shop.hasher.ip(visitor.address());
            shop.limiter.peek(key, visitor.now())
        });
    });
    criterion.bench_function("peek and commit", |bencher| {
        bencher.iter(|| {
            let (key, now) = (shop.hasher.ip(visitor.address()), visitor.now());
            (shop.limiter.peek(key, now), shop.limiter.commit(key, now))
        });
    });
    criterion.bench_function("refusal", |bencher| {
        let empty = shop.empty_limiter();
        bencher.iter(|| empty.peek(black_box(Key::GLOBAL), 0));
    });
    criterion.bench_function("seat", |bencher| {
        bencher.iter(|| visitor.hold(shop.seats.try_acquire(shop.slot, 0, Lane::Returning)));
    });
}

fn whole(criterion: &mut Criterion) {
    let shop = Shop::new(1);
    let mut visitor = Visitor::new(0);
    criterion.bench_function("judgement", |bencher| {
        bencher.iter(|| assert!(shop.judge(&mut visitor)));
    });
}
