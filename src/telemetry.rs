//! What operators see of the running proxy: [`metrics`] for Prometheus, [`logs`] for diagnostics and the [`access`] log.
//!
//! Sits below `origin`, `edge` and `control` and imports none of them: handles are handed out here and written there;
//! values that live elsewhere (seats, tokens, pools) are read at scrape through [`metrics::GaugeSource`].

pub mod access;
pub mod faults;
pub mod logs;
pub mod machine;
pub mod metrics;

pub use access::{AccessLog, AccessRecord, AccessWriter};
pub use faults::Faults;
pub use logs::Logs;
pub use metrics::Metrics;
