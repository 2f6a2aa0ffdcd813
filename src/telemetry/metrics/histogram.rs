//! Duration histograms with a bucket found in constant time.

use std::time::Duration;

use super::per_worker::Count;

/// Upper bounds in nanoseconds, inclusive. From half a millisecond (a refusal from memory is below it) to a minute
/// (longer than any sensible timeout), in steps of 2 to 3: enough to interpolate a p99 against a latency goal.
/// Each is at least twice the one before, which [`index`] relies on.
pub(super) const BOUNDS: [u64; 16] = [
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
    20_000_000_000,
    60_000_000_000,
];

/// A histogram with a single writer.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [Count; BOUNDS.len()],
    beyond: Count,
    sum: Count,
}

impl Histogram {
    /// Counts `duration`. Only the owning thread may call it.
    #[inline]
    pub(super) fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets.get(index(nanos)).unwrap_or(&self.beyond).add(1);
        self.sum.add(nanos);
    }
}

/// What several histograms counted together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    /// Per bound, not cumulated.
    pub(super) buckets: [u64; BOUNDS.len()],
    /// Past the last bound.
    pub(super) beyond: u64,
    /// Nanoseconds.
    pub(super) sum: u64,
}

impl Totals {
    /// Adds what `histogram` counted.
    pub(super) fn add(&mut self, histogram: &Histogram) {
        for (total, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *total += bucket.get();
        }
        self.beyond += histogram.beyond.get();
        self.sum = self.sum.wrapping_add(histogram.sum.get());
    }

    /// How many durations.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.beyond
    }
}

impl<'a> FromIterator<&'a Histogram> for Totals {
    fn from_iter<I: IntoIterator<Item = &'a Histogram>>(histograms: I) -> Self {
        let mut totals = Self::default();
        for histogram in histograms {
            totals.add(histogram);
        }
        totals
    }
}

/// The number of bounds below `nanos`, which is its bucket. The values of one bit length reach over at most one bound, so
/// one table look-up and one comparison find it.
#[inline]
fn index(nanos: u64) -> usize {
    let bits = (u64::BITS - nanos.leading_zeros()) as usize;
    let first = usize::from(*FIRST.get(bits).unwrap_or(&0));
    first + usize::from(BOUNDS.get(first).is_some_and(|bound| nanos > *bound))
}

/// For each bit length, the bucket of its smallest value.
static FIRST: [u8; 65] = first();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which checks it")]
const fn first() -> [u8; 65] {
    let mut table = [0; 65];
    let mut bits = 1;
    while bits < table.len() {
        let least = 1 << (bits - 1);
        let mut bucket = 0;
        while bucket < BOUNDS.len() && BOUNDS[bucket] < least {
            bucket += 1;
        }
        table[bits] = bucket as u8;
        bits += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(nanos: u64) -> usize {
        BOUNDS.iter().filter(|bound| **bound < nanos).count()
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        for bound in BOUNDS {
            for nanos in [bound - 1, bound, bound + 1] {
                assert_eq!(index(nanos), counted(nanos), "{nanos}");
            }
        }
        assert_eq!(index(0), 0);
        assert_eq!(index(u64::MAX), BOUNDS.len());
    }

    #[test]
    fn each_bound_is_at_least_twice_the_one_before() {
        assert!(BOUNDS.windows(2).all(|pair| pair[0] * 2 <= pair[1]));
    }

    #[test]
    fn a_minute_and_more_is_beyond_the_last_bound() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_secs(60));
        histogram.record(Duration::from_secs(61));
        let totals = Totals::from_iter([&histogram]);
        assert_eq!((totals.buckets[15], totals.beyond, totals.count()), (1, 1, 2));
        assert_eq!(totals.sum, 121_000_000_000);
    }

    proptest! {
        #[test]
        fn the_bucket_is_the_number_of_bounds_below(nanos: u64, shift in 0u32..64) {
            let nanos = nanos >> shift;
            prop_assert_eq!(index(nanos), counted(nanos));
        }
    }
}
