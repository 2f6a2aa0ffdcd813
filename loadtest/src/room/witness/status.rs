//! The status of a place, as the page gets it.

use serde::Deserialize;

/// What is read of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Status {
    pub(crate) state: State,
    pub(crate) poll_after_ms: u64,
    pub(crate) message: Option<String>,
}

/// The states of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Lobby,
    Waiting,
    Called,
    Inside,
    Paused,
    Closed,
}

impl Status {
    /// Reads the body of an answer.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}
