//! Waiting for a condition, with a bound.

use std::time::{Duration, Instant};

use super::Proxy;
use super::proxy::PATIENCE;

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `condition` gives something.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(LOOK).await;
    }
}

impl Proxy {
    /// Waits until the sum of a metric's series is `value`.
    pub async fn shows(&self, series: &str, value: f64) {
        let what = format!("{series} is {value}");
        until(&what, async || ((self.metric(series).await - value).abs() < 1e-9).then_some(())).await;
    }
}
