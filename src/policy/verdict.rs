//! The words of a judgement: what became of a request, and why. Metrics, logs, refusals and `explain` all use these.

use serde::Serialize;

/// What became of a request; the `outcome` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The origin answered it.
    Forwarded,
    /// A limit refused it.
    Limited,
    /// It was refused for want of capacity.
    Shed,
    /// It was given a place in a waiting room.
    Waiting,
    /// It could not be served: a malformed request, or an origin that did not answer.
    Failed,
}

impl Outcome {
    /// Every outcome, in the order of [`Outcome::index`].
    pub const ALL: [Self; 5] = [Self::Forwarded, Self::Limited, Self::Shed, Self::Waiting, Self::Failed];

    /// The word used in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Limited => "limited",
            Self::Shed => "shed",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }

    /// Position in [`Outcome::ALL`], for tables of counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Why a request was not simply forwarded; the `reason` label and `X-Spillway-Reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing stood in its way.
    None,
    /// A token bucket was empty.
    Limit,
    /// The origin was full and its queue too, or the proxy itself was saturated.
    Capacity,
    /// It waited for a seat: admitted then, or refused after waiting in vain.
    Wait,
    /// It is in the line of a waiting room.
    WaitingRoom,
    /// No server of the origin is healthy.
    OriginDown,
    /// The origin broke the exchange.
    OriginError,
    /// The origin did not answer in time.
    OriginTimeout,
    /// The request itself is at fault.
    Request,
    /// The proxy is leaving.
    Draining,
}

impl Reason {
    /// Every reason, in the order of [`Reason::index`].
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Limit,
        Self::Capacity,
        Self::Wait,
        Self::WaitingRoom,
        Self::OriginDown,
        Self::OriginError,
        Self::OriginTimeout,
        Self::Request,
        Self::Draining,
    ];

    /// The word used in metrics, logs and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Limit => "limit",
            Self::Capacity => "capacity",
            Self::Wait => "wait",
            Self::WaitingRoom => "waiting-room",
            Self::OriginDown => "origin-down",
            Self::OriginError => "origin-error",
            Self::OriginTimeout => "origin-timeout",
            Self::Request => "request",
            Self::Draining => "draining",
        }
    }

    /// Position in [`Reason::ALL`], for tables of counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// What a request that ends for this reason counts as.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::None => Outcome::Forwarded,
            Self::Limit => Outcome::Limited,
            Self::Capacity | Self::Wait | Self::Draining => Outcome::Shed,
            Self::WaitingRoom => Outcome::Waiting,
            Self::OriginDown | Self::OriginError | Self::OriginTimeout | Self::Request => Outcome::Failed,
        }
    }
}

/// What one judge said; the `decision` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Let it through.
    Admit,
    /// Turn it away.
    Refuse,
}

impl Decision {
    /// Every decision, in the order of [`Decision::index`].
    pub const ALL: [Self; 2] = [Self::Admit, Self::Refuse];

    /// The word used in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Refuse => "refuse",
        }
    }

    /// Position in [`Decision::ALL`], for tables of counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Whether a decision took effect; the `mode` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It did.
    Enforce,
    /// It was only counted.
    Shadow,
}

impl Mode {
    /// Every mode, in the order of [`Mode::index`].
    pub const ALL: [Self; 2] = [Self::Enforce, Self::Shadow];

    /// The word used in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }

    /// Position in [`Mode::ALL`], for tables of counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_the_position_and_the_words_are_those_of_serde() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), index);
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index);
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for (index, decision) in Decision::ALL.into_iter().enumerate() {
            assert_eq!(decision.index(), index);
            assert_eq!(serde_json::to_value(decision).unwrap(), decision.as_str());
        }
        for (index, mode) in Mode::ALL.into_iter().enumerate() {
            assert_eq!(mode.index(), index);
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
        }
    }
}
