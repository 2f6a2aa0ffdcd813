//! The page under construction, in the `prometheus` crate's terms.

use std::collections::HashMap;

use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::family::{Family, Kind};
use super::histogram::{self, Totals};
use super::spans::{self, SpanTotals};

/// Families with their samples.
#[derive(Debug, Default)]
pub(super) struct Page {
    families: HashMap<&'static str, MetricFamily, ahash::RandomState>,
}

impl Page {
    /// Adds a sample of a counter.
    pub(super) fn counter(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        let mut counter = Counter::default();
        counter.set_value(value);
        let mut metric = Metric::from_label(pairs(family, labels));
        metric.set_counter(counter);
        self.add(family, metric);
    }

    /// Adds a sample of a gauge.
    pub(super) fn gauge(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = Metric::from_label(pairs(family, labels));
        metric.set_gauge(gauge);
        self.add(family, metric);
    }

    /// Adds a sample of the family's own kind, counter or gauge.
    pub(super) fn value(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        match family.kind {
            Kind::Counter => self.counter(family, labels, value),
            Kind::Gauge | Kind::Histogram | Kind::Spans => self.gauge(family, labels, value),
        }
    }

    /// Adds a histogram, unless it is empty.
    pub(super) fn histogram(&mut self, family: &'static Family, labels: &[&str], totals: &Totals) {
        if totals.count() > 0 {
            let buckets = histogram::BOUNDS.iter().map(|bound| *bound as f64 / 1e9).zip(totals.buckets);
            self.buckets(family, labels, buckets, totals.beyond, totals.sum as f64 / 1e9);
        }
    }

    /// Adds a histogram of long spans, even if it is empty: an alert on its rate needs a beginning.
    pub(super) fn spans(&mut self, family: &'static Family, labels: &[&str], totals: &SpanTotals) {
        let buckets = spans::BOUNDS.iter().map(|bound| *bound as f64).zip(totals.buckets);
        self.buckets(family, labels, buckets, totals.beyond, totals.sum as f64);
    }

    /// What was added.
    pub(super) fn into_families(self) -> Vec<MetricFamily> {
        self.families.into_values().collect()
    }

    /// Adds a histogram given as bounds in seconds with what was counted up to each, what was counted past the last, and the
    /// sum of all in seconds.
    fn buckets(
        &mut self,
        family: &'static Family,
        labels: &[&str],
        buckets: impl Iterator<Item = (f64, u64)>,
        beyond: u64,
        sum: f64,
    ) {
        let mut cumulative = 0;
        let bucket = |(bound, count)| {
            cumulative += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(cumulative);
            bucket
        };
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.map(bucket).collect());
        histogram.set_sample_count(cumulative + beyond);
        histogram.set_sample_sum(sum);
        let mut metric = Metric::from_label(pairs(family, labels));
        metric.set_histogram(histogram);
        self.add(family, metric);
    }

    fn add(&mut self, family: &'static Family, metric: Metric) {
        let entry = self.families.entry(family.name).or_insert_with(|| head(family));
        entry.mut_metric().push(metric);
    }
}

fn head(family: &Family) -> MetricFamily {
    let mut head = MetricFamily::default();
    head.set_name(family.name.to_owned());
    head.set_help(family.help.to_owned());
    head.set_field_type(match family.kind {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge => MetricType::GAUGE,
        Kind::Histogram | Kind::Spans => MetricType::HISTOGRAM,
    });
    head
}

fn pairs(family: &Family, values: &[&str]) -> Vec<LabelPair> {
    debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
    let pair = |(name, value): (&&str, &&str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    family.labels.iter().zip(values).map(pair).collect()
}
