//! What a bucket holds, and what becomes of it when its limit changes.

use super::*;

#[test]
fn a_new_client_has_its_whole_burst_and_then_the_rate() {
    let limiter = Limiter::new(&per_second(20, 40), 7);
    assert_eq!(take(&limiter, Key::GLOBAL, 100, 7), 40);
    assert_eq!(take(&limiter, Key::GLOBAL, 100, 7 + SECOND), 20);
    assert_eq!(take(&limiter, Key::GLOBAL, 100, 7 + 100 * SECOND), 40);
}

#[test]
fn a_peek_takes_nothing_and_agrees_with_the_commit() {
    let limiter = Limiter::new(&per_second(1, 2), 0);
    for _ in 0..10 {
        assert_eq!(limiter.peek(Key::GLOBAL, 0), Verdict::Allowed { remaining: 1 });
    }
    assert_eq!(limiter.commit(Key::GLOBAL, 0), Verdict::Allowed { remaining: 1 });
    assert_eq!(limiter.commit(Key::GLOBAL, 0), Verdict::Allowed { remaining: 0 });
    let limited = Verdict::Limited { retry_after: Duration::from_secs(1) };
    assert_eq!(limiter.peek(Key::GLOBAL, 0), limited);
    assert_eq!(limiter.commit(Key::GLOBAL, 0), limited);
}

#[test]
fn retry_after_is_the_first_nanosecond_with_a_token() {
    let day = Duration::from_secs(86_400);
    for settings in [
        per_second(1, 1),
        per_second(3, 5),
        limit(5, Duration::from_secs(60), 5),
        limit(1, day, 1),
        per_second(999_983, 9),
    ] {
        for start in [0, 1, 12_345_678_901] {
            let limiter = Limiter::new(&settings, start);
            take(&limiter, Key::GLOBAL, settings.burst, start);
            let wait = retry_after(limiter.commit(Key::GLOBAL, start));
            let due = start + wait.as_nanos() as u64;
            assert!(!limiter.peek(Key::GLOBAL, due - 1).is_allowed(), "{settings:?}");
            assert!(limiter.peek(Key::GLOBAL, due).is_allowed(), "{settings:?}");
            let exact = settings.rate.per.as_nanos().div_ceil(u128::from(settings.rate.count));
            assert!((exact - exact / 10_000_000_000..=exact).contains(&wait.as_nanos()), "{settings:?} {wait:?}");
        }
    }
}

#[test]
fn a_changed_rate_holds_at_once_for_old_and_new_clients() {
    let hasher = KeyHasher::random();
    let [old, new] = [client(&hasher, 1), client(&hasher, 2)];
    let limiter = Limiter::new(&limit(1, Duration::from_secs(60), 5), 0);
    take(&limiter, old, 5, 0);
    assert_eq!(retry_after(limiter.peek(old, 30 * SECOND)), Duration::from_secs(30));

    limiter.reconfigure(&per_second(1, 5), 30 * SECOND);
    assert_eq!(limiter.tokens(old, 30 * SECOND), 0.5, "half a minute's worth was earned");
    assert_eq!(retry_after(limiter.peek(old, 30 * SECOND)), Duration::from_millis(500));
    assert_eq!(take(&limiter, new, 9, 30 * SECOND), 5);
    assert_eq!(take(&limiter, old, 9, 32 * SECOND), 2);
    assert_eq!(take(&limiter, new, 9, 32 * SECOND), 2);
}

#[test]
fn nobody_gets_a_fresh_burst_from_a_larger_one() {
    let limiter = Limiter::new(&per_second(1, 4), 0);
    take(&limiter, Key::GLOBAL, 3, 0);
    limiter.reconfigure(&per_second(1, 100), 0);
    assert_eq!(limiter.tokens(Key::GLOBAL, 0), 1.0);
    assert_eq!(take(&limiter, Key::GLOBAL, 200, 0), 1);
    assert_eq!(limiter.tokens(Key::GLOBAL, 60 * SECOND), 60.0, "but there is more room now");
    assert_eq!(limiter.tokens(Key::GLOBAL, 1_000 * SECOND), 100.0);
}

#[test]
fn a_smaller_burst_keeps_what_fits() {
    let hasher = KeyHasher::random();
    let limiter = Limiter::new(&per_second(1, 100), 0);
    let [poor, rich] = [client(&hasher, 1), client(&hasher, 2)];
    take(&limiter, poor, 98, 0);
    take(&limiter, rich, 10, 0);
    limiter.reconfigure(&per_second(1, 4), 0);
    assert_eq!((limiter.tokens(poor, 0), limiter.tokens(rich, 0)), (2.0, 4.0));
    assert_eq!(limiter.tokens(client(&hasher, 3), 0), 4.0);
}

#[test]
fn any_number_of_reloads_loses_no_time() {
    let day = Duration::from_secs(86_400);
    let [once_a_day, twice_a_day] = [limit(1, day, 1), limit(2, day, 1)];
    let limiter = Limiter::new(&once_a_day, 0);
    take(&limiter, Key::GLOBAL, 1, 0);
    // Half of the time at each rate: a token takes two thirds of a day.
    let due = 57_600 * SECOND;
    for step in 1..10_000 {
        let settings = if step % 2 == 0 { &once_a_day } else { &twice_a_day };
        limiter.reconfigure(settings, due / 10_000 * step);
    }
    assert!(!limiter.peek(Key::GLOBAL, due - SECOND).is_allowed());
    assert!(limiter.peek(Key::GLOBAL, due).is_allowed());
}

#[test]
fn the_fastest_and_the_slowest_rate_last_for_years() {
    const YEAR: u64 = 365 * 86_400 * SECOND;
    let fast = Limiter::new(&per_second(Limiter::MAX_RATE, u32::MAX), 0);
    assert_eq!(take(&fast, Key::GLOBAL, 10, 2 * YEAR), 10);
    assert_eq!(fast.tokens(Key::GLOBAL, 2 * YEAR + 1_000), f64::from(u32::MAX) - 9.0);
    assert!(fast.commit(Key::GLOBAL, u64::MAX).is_allowed(), "virtual time has stopped");
    let absurd = Limiter::new(&limit(u64::MAX, Duration::from_nanos(1), 1), 0);
    assert_eq!(absurd.rate(), 1e6);
    let slow = Limiter::new(&limit(1, Duration::from_secs(86_400), 1), 0);
    take(&slow, Key::GLOBAL, 1, YEAR);
    let wait = retry_after(slow.peek(Key::GLOBAL, YEAR));
    assert_eq!(wait.as_millis().next_multiple_of(1_000), 86_400_000, "{wait:?}");
    let never = Limiter::new(&limit(1, Duration::MAX, 1), 0);
    take(&never, Key::GLOBAL, 1, YEAR);
    assert!(retry_after(never.peek(Key::GLOBAL, 2 * YEAR)) > Duration::from_nanos(YEAR));
}

#[test]
fn a_table_of_another_size_takes_the_buckets_over() {
    let hasher = KeyHasher::random();
    let small = per_second(1, 10);
    let limiter = Limiter::new(&small, 0);
    for number in 0..100 {
        take(&limiter, client(&hasher, number), 5, 0);
    }
    limiter.reconfigure(&LimitSettings { max_keys: 4_000, ..small.clone() }, SECOND);
    assert_eq!(limiter.keys(SECOND), 100);
    assert!((0..100).all(|number| limiter.tokens(client(&hasher, number), SECOND) == 6.0));
}

#[test]
fn a_limit_that_counts_something_else_begins_anew() {
    let by_address = per_second(1, 3);
    let limiter = Limiter::new(&by_address, 0);
    take(&limiter, Key::GLOBAL, 3, 0);
    limiter.reconfigure(&LimitSettings { key: LimitKey::Global, ..by_address }, 0);
    assert_eq!(take(&limiter, Key::GLOBAL, 9, 0), 3);
}

#[test]
fn a_clock_read_before_the_change_is_used_after_it() {
    let limiter = Limiter::new(&per_second(1, 1), 10 * SECOND);
    take(&limiter, Key::GLOBAL, 1, 10 * SECOND);
    limiter.reconfigure(&per_second(2, 1), 20 * SECOND);
    assert!(limiter.commit(Key::GLOBAL, 19 * SECOND).is_allowed());
    assert_eq!(retry_after(limiter.commit(Key::GLOBAL, 19 * SECOND)), Duration::from_millis(1_500));
}

#[test]
fn keys_counts_the_buckets_that_are_not_full() {
    let hasher = KeyHasher::random();
    let limiter = Limiter::new(&per_second(1, 10), 0);
    for number in 0..50 {
        take(&limiter, client(&hasher, number), if number < 20 { 1 } else { 5 }, 0);
    }
    assert_eq!([0, 1, 4, 5].map(|second| limiter.keys(second * SECOND)), [50, 30, 30, 0]);
}

#[test]
fn what_headers_say() {
    let limiter = Limiter::new(&limit(5, Duration::from_secs(60), 10), 0);
    assert_eq!((limiter.burst(), limiter.window()), (10, Duration::from_secs(120)));
    assert_eq!(limiter.commit(Key::GLOBAL, 0).remaining(), 9);
}

#[test]
fn clients_are_told_apart_as_the_network_does() {
    let hasher = KeyHasher::random();
    let key = |address: &str| hasher.ip(address.parse().unwrap());
    assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
    assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    assert_ne!(hasher.bytes(1, b"a"), hasher.bytes(2, b"a"));
    assert_eq!(hasher.clone().bytes(1, b"a"), hasher.bytes(1, b"a"));
    assert_ne!(KeyHasher::random().bytes(1, b"a"), hasher.bytes(1, b"a"), "another process");
}
