//! What a proxy says of its own limit.

use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use spillway::demo::exposition;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use super::subject::Limit;
use crate::stage::runtime;
use spillway::demo::shoppers::Connections;

/// Asks one proxy.
pub(crate) struct Probe {
    limit: Limit,
    runtime: Runtime,
    local: LocalSet,
    connections: Option<Connections>,
}

/// What it said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) limit: Option<f64>,
    /// The word for how the origin is doing.
    pub(crate) state: Option<String>,
}

/// An answer that takes longer is done without.
const PATIENCE: Duration = Duration::from_millis(100);

impl Probe {
    pub(crate) fn new(limit: Limit, admin: Option<SocketAddr>) -> Result<Self, String> {
        let connections = admin.map(Connections::new);
        Ok(Self { limit, runtime: runtime()?, local: LocalSet::new(), connections })
    }

    /// What the proxy says now; nothing, if it does not answer soon.
    pub(crate) fn read(&self) -> Reading {
        match self.limit {
            Limit::None => Reading::default(),
            Limit::Fixed(limit) => Reading { limit: Some(f64::from(limit)), state: None },
            Limit::Spillway => self.page("/metrics").map(|page| spillway_says(&page)).unwrap_or_default(),
            Limit::Envoy => {
                self.page("/stats?filter=concurrency_limit").map(|page| envoy_says(&page)).unwrap_or_default()
            }
        }
    }

    fn page(&self, path: &str) -> Option<String> {
        let request = Request::get(path).header("host", "localhost").body(http_body_util::Full::default()).ok()?;
        let answer =
            async { tokio::time::timeout(PATIENCE, self.connections.as_ref()?.send(request)).await.ok()?.ok() };
        let reply = self.local.block_on(&self.runtime, answer)?;
        String::from_utf8(reply.body.to_vec()).ok()
    }
}

fn spillway_says(page: &str) -> Reading {
    let state = page.lines().find_map(|line| {
        let labels = line.strip_prefix("spillway_capacity_state{")?.strip_suffix("} 1")?;
        labels.split(',').find_map(|label| label.strip_prefix("state=\"")?.strip_suffix('"'))
    });
    Reading { limit: exposition::sum(page, "spillway_capacity_limit"), state: state.map(str::to_owned) }
}

fn envoy_says(page: &str) -> Reading {
    let value = |line: &str| line.split_once("concurrency_limit: ").and_then(|(_, value)| value.trim().parse().ok());
    Reading { limit: page.lines().find_map(value), state: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spillway_tells_its_limit_and_the_state_that_is() {
        let page = "spillway_capacity_limit{origin=\"storefront\"} 38\n\
                    spillway_capacity_state{origin=\"storefront\",state=\"learning\"} 0\n\
                    spillway_capacity_state{origin=\"storefront\",state=\"steady\"} 1\n";
        assert_eq!(spillway_says(page), Reading { limit: Some(38.0), state: Some("steady".to_owned()) });
        assert_eq!(spillway_says(""), Reading::default());
    }

    #[test]
    fn envoy_tells_its_limit() {
        let page = "http.shop.adaptive_concurrency.gradient_controller.concurrency_limit: 41\n";
        assert_eq!(envoy_says(page).limit, Some(41.0));
        assert_eq!(envoy_says("nothing here\n").limit, None);
    }
}
