//! More addresses than the table has room for.

use super::*;

const ACTIVE: u64 = 500;
const ONE_SHOT_PER_ROUND: u64 = 10_000;
const ROUNDS: u64 = 40;

/// Room for a twentieth of the addresses that come.
fn crowded() -> LimitSettings {
    LimitSettings { max_keys: 20_000, ..limit(10, Duration::from_secs(60), 20) }
}

/// New addresses, one request each.
fn flood(limiter: &Limiter, hasher: &KeyHasher, round: u64) {
    for number in 0..ONE_SHOT_PER_ROUND {
        let stranger = client(hasher, ACTIVE + round * ONE_SHOT_PER_ROUND + number);
        assert!(limiter.commit(stranger, round * SECOND).is_allowed());
    }
}

#[test]
fn one_shot_addresses_do_not_disturb_the_active_ones() {
    let hasher = KeyHasher::random();
    let [flooded, calm] = [0, 1].map(|_| Limiter::new(&crowded(), 0));
    let mut refused = 0;
    for round in 0..ROUNDS {
        flood(&flooded, &hasher, round);
        for number in 0..3 * ACTIVE {
            let key = client(&hasher, number / 3);
            let verdict = flooded.commit(key, round * SECOND);
            assert_eq!(verdict, calm.commit(key, round * SECOND), "round {round}");
            refused += u64::from(!verdict.is_allowed());
        }
    }
    assert!(refused > 0, "the active ones were never at their limit");
    assert!(flooded.evictions() > 0);
    assert_eq!(calm.evictions(), 0);
}

#[test]
fn a_flood_refuses_nobody_who_stays_within_the_rate() {
    let hasher = KeyHasher::random();
    let limiter = Limiter::new(&LimitSettings { burst: 1, ..crowded() }, 0);
    for round in 0..ROUNDS {
        flood(&limiter, &hasher, round);
        if round.is_multiple_of(6) {
            let keys = (0..ACTIVE).map(|number| client(&hasher, number));
            assert_eq!(keys.map(|key| take(&limiter, key, 1, round * SECOND)).sum::<u32>(), ACTIVE as u32);
        }
    }
}

#[test]
fn a_bucket_that_is_full_again_makes_room_without_an_eviction() {
    let hasher = KeyHasher::random();
    let limiter = Limiter::new(&LimitSettings { max_keys: 64, ..per_second(1_000, 1) }, 0);
    for number in 0..10_000 {
        assert!(limiter.commit(client(&hasher, number), number * SECOND).is_allowed());
    }
    assert_eq!(limiter.evictions(), 0);
    assert_eq!(limiter.keys(10_000 * SECOND), 0);
}

#[test]
fn the_bucket_that_owes_least_makes_room() {
    let hasher = KeyHasher::random();
    let limiter = Limiter::new(&LimitSettings { max_keys: 8, ..per_second(1, 100) }, 0);
    for number in 0..8 {
        take(&limiter, client(&hasher, number), 10 + number as u32, 0);
    }
    take(&limiter, client(&hasher, 8), 50, 0);
    let owed: Vec<f64> = (0..9).map(|number| 100.0 - limiter.tokens(client(&hasher, number), 0)).collect();
    assert_eq!(owed, [0.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 50.0]);
    assert_eq!(limiter.evictions(), 1);
}

#[test]
fn the_number_of_keys_is_bounded_and_sampled_when_the_table_is_large() {
    let hasher = KeyHasher::random();
    let large = Limiter::new(&LimitSettings { max_keys: 1_000_000, ..per_second(1, 10) }, 0);
    for number in 0..100_000 {
        assert!(large.commit(client(&hasher, number), 0).is_allowed());
    }
    let keys = large.keys(0);
    assert!((95_000..105_000).contains(&keys), "{keys}");
    let small = Limiter::new(&LimitSettings { max_keys: 100, ..per_second(1, 10) }, 0);
    for number in 0..10_000 {
        assert!(small.commit(client(&hasher, number), 0).is_allowed());
    }
    assert_eq!(small.keys(0), 104, "all slots of 13 sets");
}
