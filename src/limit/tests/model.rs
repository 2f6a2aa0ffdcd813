//! Random histories against an exact rational bucket.

use proptest::prelude::*;

use super::*;

/// Parts of a token in the model's arithmetic: divisible by every period that is drawn, in nanoseconds.
const TOKEN: i128 = 3_600 * SECOND as i128;
const CLIENTS: usize = 3;

/// A token is counted in 250,000 parts; so much less or more decides nothing.
const HAIR: i128 = TOKEN / 100_000;

#[derive(Debug, Clone)]
enum Step {
    Commit(usize),
    Peek(usize),
    Pass(u64),
    Change { count: u64, seconds: u64, burst: u32, max_keys: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = prop_oneof![Just(1_u64), Just(60), Just(3_600)];
    prop_oneof![
        6 => (0..CLIENTS).prop_map(Step::Commit),
        2 => (0..CLIENTS).prop_map(Step::Peek),
        3 => prop_oneof![0..SECOND, 0..100 * SECOND, Just(SECOND)].prop_map(Step::Pass),
        1 => (1..1_000_u64, seconds, 1..50_u32, 100..2_000_usize)
            .prop_map(|(count, seconds, burst, max_keys)| Step::Change { count, seconds, burst, max_keys }),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// What has been taken and not been earned back; below zero since it is full.
    debt: i128,
    /// The level of a bucket that forgets what it earns beyond its burst; a client has at least this.
    least: i128,
}

#[derive(Debug)]
struct Model {
    count: i128,
    seconds: i128,
    burst: i128,
    buckets: [Option<Bucket>; CLIENTS],
}

impl Model {
    fn pass(&mut self, nanos: u64) {
        let earned = i128::from(nanos) * self.count * (TOKEN / (self.seconds * i128::from(SECOND)));
        for bucket in self.buckets.iter_mut().flatten() {
            bucket.debt -= earned;
            bucket.least = (bucket.least + earned).min(self.burst * TOKEN);
        }
    }

    fn change(&mut self, count: u64, seconds: u64, burst: u32) {
        let larger = (i128::from(burst) - self.burst) * TOKEN;
        [self.count, self.seconds, self.burst] = [count.into(), seconds.into(), burst.into()];
        for bucket in self.buckets.iter_mut().flatten() {
            bucket.debt += larger;
            bucket.least = bucket.least.min(self.burst * TOKEN);
        }
    }

    fn level(&self, client: usize) -> i128 {
        self.burst * TOKEN - self.buckets[client].map_or(0, |bucket| bucket.debt.max(0))
    }

    fn commit(&mut self, client: usize) {
        let full = Bucket { debt: 0, least: self.burst * TOKEN };
        let bucket = self.buckets[client].get_or_insert(full);
        bucket.debt = bucket.debt.max(0) + TOKEN;
        bucket.least = (bucket.least - TOKEN).max(0);
    }

    fn check(&self, client: usize, verdict: Verdict) {
        let missing = TOKEN - self.level(client);
        if missing.abs() <= HAIR {
            return;
        }
        assert_eq!(verdict.is_allowed(), missing < 0, "{self:?}");
        match verdict {
            Verdict::Allowed { remaining } => {
                let after = -missing;
                assert!((after - HAIR..=after + HAIR).any_token_is(remaining), "{remaining} of {self:?}");
            }
            Verdict::Limited { retry_after } => {
                let per_nano = self.count * TOKEN / (self.seconds * i128::from(SECOND));
                let wait = retry_after.as_nanos() as i128 * per_nano;
                assert!((missing - HAIR..=missing + HAIR).contains(&wait), "{retry_after:?} of {self:?}");
            }
        }
    }
}

trait WholeTokens {
    fn any_token_is(&self, count: u32) -> bool;
}

impl WholeTokens for std::ops::RangeInclusive<i128> {
    fn any_token_is(&self, count: u32) -> bool {
        (self.start() / TOKEN..=self.end() / TOKEN).contains(&count.into())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_judged_as_by_the_model(steps in proptest::collection::vec(step(), 1..200)) {
        let hasher = KeyHasher::random();
        let clients: Vec<Key> = (0..CLIENTS as u64).map(|number| client(&hasher, number)).collect();
        let limiter = Limiter::new(&per_second(1, 5), 0);
        let mut model = Model { count: 1, seconds: 1, burst: 5, buckets: [None; CLIENTS] };
        let mut now = 0;
        for step in steps {
            match step {
                Step::Peek(of) => model.check(of, limiter.peek(clients[of], now)),
                Step::Commit(of) => {
                    let verdict = limiter.commit(clients[of], now);
                    model.check(of, verdict);
                    if verdict.is_allowed() {
                        model.commit(of);
                    }
                }
                Step::Pass(nanos) => {
                    now += nanos;
                    model.pass(nanos);
                }
                Step::Change { count, seconds, burst, max_keys } => {
                    let settings = limit(count, Duration::from_secs(seconds), burst);
                    limiter.reconfigure(&LimitSettings { max_keys, ..settings }, now);
                    model.change(count, seconds, burst);
                }
            }
            for (of, key) in clients.iter().enumerate() {
                let level = (limiter.tokens(*key, now) * TOKEN as f64) as i128;
                prop_assert!((level - model.level(of)).abs() <= HAIR, "{level} in {model:?}");
                let least = model.buckets[of].map_or(0, |bucket| bucket.least);
                prop_assert!(level >= least - HAIR, "{level} in {model:?}");
            }
        }
    }
}
