//! An origin over one stretch of time, in numbers that can be compared with those of another.

use super::Seconds;
use super::books::Route;

/// Latencies of one route that ended in a stretch of time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    /// Good answers.
    pub(super) count: f64,
    latency: Seconds,
    squares: f64,
    failures: f64,
    failing: Seconds,
    /// Good ones that have a goal, and those of them that were past it.
    judged: f64,
    late: f64,
}

impl Sums {
    pub(super) fn good(&mut self, latency: Seconds, goal: Option<Seconds>) {
        if let Some(goal) = goal {
            self.judged += 1.0;
            self.late += f64::from(u8::from(latency > goal));
        }
        self.count += 1.0;
        self.latency += latency;
        self.squares += latency * latency;
    }

    pub(super) fn failed(&mut self, latency: Seconds) {
        self.failures += 1.0;
        self.failing += latency;
    }

    /// Mean latency of the good ones.
    pub(super) fn mean(&self) -> Option<Seconds> {
        (self.count > 0.0).then(|| self.latency / self.count)
    }

    /// Standard error of the mean.
    pub(super) fn error(&self) -> Seconds {
        if self.count < 2.0 {
            return f64::INFINITY;
        }
        let mean = self.latency / self.count;
        ((self.squares / self.count - mean * mean).max(0.0) / (self.count - 1.0)).sqrt()
    }

    /// Adds what happened at another time.
    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.latency += other.latency;
        self.squares += other.squares;
        self.failures += other.failures;
        self.failing += other.failing;
        self.judged += other.judged;
        self.late += other.late;
    }

    /// Variance of single latencies, relative to their mean squared.
    pub(super) fn relative_variance(&self) -> f64 {
        let mean = self.latency / self.count.max(1.0);
        if mean > 0.0 { self.scatter() / (self.count.max(1.0) * mean * mean) } else { 0.0 }
    }

    /// Sum of the squared distances from the mean.
    fn scatter(&self) -> f64 {
        (self.squares - self.latency * self.latency / self.count.max(1.0)).max(0.0)
    }

    /// Good and bad.
    pub(super) fn all(&self) -> f64 {
        self.count + self.failures
    }

    /// Share of bad ones.
    pub(super) fn failure_share(&self) -> f64 {
        if self.all() > 0.0 { self.failures / self.all() } else { 0.0 }
    }
}

/// An origin over a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Reading {
    /// How long the stretch was.
    pub(super) lasting: Seconds,
    /// Good answers of routes whose latency at rest is known.
    pub(super) samples: f64,
    /// Latency in times of that at rest, over the routes that agree with most.
    pub(super) ratio: f64,
    /// Its standard error, as far as readings differ from each other.
    pub(super) error: f64,
    /// Its standard error for want of knowing what is at rest, which all readings share.
    pub(super) doubt: f64,
    /// Mean number of requests at the origin, without those of stalled routes.
    pub(super) at_once: f64,
    /// Requests of routes that are much slower than the rest, beyond what these routes need at rest: something else
    /// than the origin holds them up.
    pub(super) stalled: f64,
    /// Age of the requests at the origin at the end, in times of what their routes take at rest; the median by work.
    pub(super) age: f64,
    /// Mean latency of the good answers, or the mean age where there was none.
    pub(super) latency: Seconds,
    /// What they would have taken at rest; 0 where nothing is known.
    pub(super) at_rest: Seconds,
    /// Share of the requests that failed, beyond what is usual.
    pub(super) failures: f64,
    /// How many failed, usual or not.
    pub(super) failed: f64,
    /// Mean number of requests at the origin that failed in the end.
    pub(super) failing: f64,
    /// Good answers of classes that have a goal, and those of them that were past it.
    pub(super) judged: f64,
    pub(super) late: f64,
}

/// A route that is this much slower or faster than most does not count as the origin's own pace.
const AGREEING: f64 = 1.5;
/// What a request is taken to need at rest where nothing is known, in seconds.
const UNKNOWN: f64 = 1.0;
/// Weight of a request that is there against the usual work of a second.
const UNUSUAL: f64 = 1e-3;
/// Ordinary ages that those of a route are taken together with.
const FEW_AGES: f64 = 2.0;
/// Fewest requests at once that can be called stalled.
const FEW: f64 = 2.0;

struct Line<'a> {
    route: &'a Route,
    sums: &'a Sums,
    presence: Seconds,
    at_rest: Seconds,
    ratio: Option<f64>,
    /// Age of what is there, in times of what it takes at rest.
    age: Option<f64>,
}

impl Reading {
    /// Reads the routes; each with the time that its requests have spent at the origin within the stretch.
    pub(super) fn of<'a>(
        routes: impl Iterator<Item = (&'a Route, &'a Sums, Seconds)>,
        now: Seconds,
        lasting: Seconds,
    ) -> Self {
        let mut reading = Self { lasting, ratio: 1.0, ..Self::default() };
        let lasting = lasting.max(1e-3);
        let mut lines = Vec::new();
        let (mut bad, mut all) = (0.0, 0.0);
        let (mut latency, mut good) = (0.0, 0.0);
        let (mut ages, mut there) = (0.0, 0.0);
        for (route, sums, presence) in routes {
            let routine = route.baseline.map_or(0.0, |baseline| baseline.failures);
            // Weighted by what is usual: a route that never works tells nothing of the others.
            let share = (sums.failure_share() - routine).max(0.0);
            if sums.all() > 0.0 {
                bad += route.usual * share;
                all += route.usual;
            }
            reading.failing += sums.failing / lasting;
            reading.failed += sums.failures;
            (reading.judged, reading.late) = (reading.judged + sums.judged, reading.late + sums.late);
            (latency, good) = (latency + sums.latency, good + sums.count);
            (ages, there) = (ages + route.age(now), there + f64::from(route.in_flight));
            match route.baseline {
                Some(baseline) => lines.push(Line::of(route, sums, presence, baseline.latency, now)),
                None => reading.at_once += presence / lasting,
            }
        }
        reading.failures = if all > 0.0 { bad / all } else { reading.failed / (reading.failed + good).max(1.0) };
        reading.latency = if good > 0.0 { latency / good } else { ages / there.max(1.0) };
        reading.compare(&lines, lasting);
        if lines.is_empty() {
            // Nobody knows what is usual; nobody waits for this long either.
            reading.age = ages / there.max(1.0) / UNKNOWN;
        }
        reading
    }

    fn compare(&mut self, lines: &[Line<'_>], lasting: Seconds) {
        let weight = |line: &Line<'_>| line.sums.count * line.at_rest;
        let usual = median(lines.iter().filter_map(|line| Some((line.ratio?, weight(line))))).unwrap_or(1.0);
        // Weighted by what is usual: a route that is held up has more of its requests there than others. Where nothing is
        // usual yet, what is there counts.
        let weigh = |line: &Line<'_>| line.route.usual + UNUSUAL * f64::from(line.route.in_flight) * line.at_rest;
        self.age = median(lines.iter().map(|line| (line.age.unwrap_or(0.0), weigh(line)))).unwrap_or(0.0);
        let (mut latency, mut rest, mut scatter, mut doubt) = (0.0, 0.0, 0.0, 0.0);
        let agrees =
            |line: &Line<'_>| line.ratio.is_some_and(|ratio| (usual / AGREEING..=usual * AGREEING).contains(&ratio));
        for line in lines.iter().filter(|line| agrees(line)) {
            latency += line.sums.latency;
            rest += weight(line);
            self.samples += line.sums.count;
        }
        if rest > 0.0 {
            self.ratio = latency / rest;
            self.at_rest = rest / self.samples;
        }
        for line in lines {
            let at_once = line.presence / lasting;
            let own = line.pace(usual, self.age);
            // What this route would have at the origin at the pace of the others.
            let needed = at_once * (self.ratio.max(1.0) / own).min(1.0);
            let stalled = if own > usual.max(1.0) * AGREEING * 2.0 && at_once > FEW { at_once - needed } else { 0.0 };
            self.stalled += stalled;
            self.at_once += at_once - stalled;
            if agrees(line) {
                scatter += line.sums.scatter();
                doubt += (weight(line) * line.route.baseline.map_or(0.0, |baseline| baseline.error())).powi(2);
            }
        }
        self.error = if rest > 0.0 { scatter.sqrt() / rest } else { f64::INFINITY };
        // What they are compared with is not known exactly either. That is the same doubt in every reading.
        self.doubt = if rest > 0.0 { self.ratio * doubt.sqrt() / rest } else { 0.0 };
    }
}

impl<'a> Line<'a> {
    fn of(route: &'a Route, sums: &'a Sums, presence: Seconds, at_rest: Seconds, now: Seconds) -> Self {
        let at_rest = at_rest.max(1e-6);
        let ratio = sums.mean().map(|mean| mean / at_rest);
        let there = f64::from(route.in_flight);
        // Few ages say little: they are taken together with some that are as usual.
        let age = (there > 0.0).then(|| (route.age(now) / at_rest + FEW_AGES) / (there + FEW_AGES));
        Self { route, sums, presence, at_rest, ratio, age }
    }

    /// How much slower than at rest the route is, as far as its answers or the lack of them tell.
    fn pace(&self, usual: f64, usual_age: f64) -> f64 {
        let aged = self.age.filter(|age| *age > 3.0 * usual_age.max(1.0)).unwrap_or(0.0);
        self.ratio.unwrap_or(usual).max(aged).max(1e-3)
    }
}

/// The value that half of the weight is below.
fn median(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let mut values: Vec<(f64, f64)> = values.filter(|(_, weight)| *weight > 0.0).collect();
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    values
        .iter()
        .find(|(_, weight)| {
            sum += weight;
            sum >= half
        })
        .map(|(value, _)| *value)
}
