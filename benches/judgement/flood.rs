//! Ten million addresses that come once, and a thousand that keep coming.

use std::time::{Duration, Instant};

use spillway::config::settings::{LimitKey, LimitMode, LimitSettings, Rate};
use spillway::limit::{Key, KeyHasher, Limiter};

const ONE_SHOT: u64 = 10_000_000;
const ACTIVE: u64 = 1_000;
const ROUNDS: u64 = 100;
const SECOND: u64 = 1_000_000_000;

/// Prints how the active ones fared beside the same requests without a flood.
pub(crate) fn report() {
    let settings = LimitSettings {
        name: "flooded".into(),
        key: LimitKey::ClientIp,
        rate: Rate { count: 5, per: Duration::from_secs(60) },
        burst: 20,
        mode: LimitMode::Enforce,
        max_keys: 1_000_000,
    };
    let hasher = KeyHasher::random();
    let [flooded, calm] = [0, 1].map(|_| Limiter::new(&settings, 0));
    let key = |number: u64| -> Key { hasher.bytes(0, &number.to_le_bytes()) };
    let before = resident();
    let mut spent = Duration::ZERO;
    let (mut judged, mut wrong) = (0, 0);
    for round in 0..ROUNDS {
        let began = Instant::now();
        for number in 0..ONE_SHOT / ROUNDS {
            let stranger = key(ACTIVE + round * (ONE_SHOT / ROUNDS) + number);
            assert!(flooded.commit(stranger, round * SECOND).is_allowed());
        }
        spent += began.elapsed();
        for active in (0..3 * ACTIVE).map(|number| key(number / 3)) {
            judged += 1;
            wrong += u32::from(flooded.commit(active, round * SECOND) != calm.commit(active, round * SECOND));
        }
    }
    let each = spent.as_nanos() as f64 / ONE_SHOT as f64;
    println!("\nten million addresses through one limit of {} keys", settings.max_keys);
    println!("  a new address                   {each:6.0} ns");
    println!("  active clients judged wrongly   {wrong:6} of {judged}");
    println!("  evictions                       {:6}", flooded.evictions());
    println!("  memory before, after            {before:6.1}, {:.1} MiB", resident());
}

/// Resident memory of this process in MiB; 0 where /proc does not tell.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|line| line.split(' ').nth(1)?.parse::<f64>().ok());
    pages.unwrap_or(0.0) * 4.0 / 1024.0
}
