//! Histograms of spans that people wait: seconds to hours.

use super::per_worker::Count;

/// Upper bounds in seconds, inclusive. From what nobody minds to a working day, in steps of about 2, finer than the steps in
/// which a waiting page tells the time.
pub(super) const BOUNDS: [u64; 16] =
    [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800];

/// A histogram of whole seconds with a single writer.
#[derive(Debug, Default)]
pub(super) struct Spans {
    buckets: [Count; BOUNDS.len()],
    beyond: Count,
    sum: Count,
}

impl Spans {
    /// Counts a span. Only the owning thread may call it.
    pub(super) fn record(&self, seconds: u64) {
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        bucket.and_then(|bucket| self.buckets.get(bucket)).unwrap_or(&self.beyond).add(1);
        self.sum.add(seconds);
    }
}

/// What several histograms counted together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanTotals {
    /// Per bound, not cumulated.
    pub(super) buckets: [u64; BOUNDS.len()],
    /// Past the last bound.
    pub(super) beyond: u64,
    /// Seconds.
    pub(super) sum: u64,
}

impl<'a> FromIterator<&'a Spans> for SpanTotals {
    fn from_iter<I: IntoIterator<Item = &'a Spans>>(histograms: I) -> Self {
        let mut totals = Self::default();
        for spans in histograms {
            for (total, bucket) in totals.buckets.iter_mut().zip(&spans.buckets) {
                *total += bucket.get();
            }
            totals.beyond += spans.beyond.get();
            totals.sum = totals.sum.wrapping_add(spans.sum.get());
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket_and_a_night_to_none() {
        let spans = Spans::default();
        for seconds in [0, 1, 60, 61, 28_800, 28_801] {
            spans.record(seconds);
        }
        let totals = SpanTotals::from_iter([&spans, &spans]);
        let counted: Vec<_> = totals.buckets.iter().enumerate().filter(|(_, count)| **count > 0).collect();
        assert_eq!(counted, [(0, &4), (6, &2), (7, &2), (15, &2)]);
        assert_eq!((totals.beyond, totals.sum), (2, 2 * 57_723));
    }
}
