//! `capacity = { mode = "fixed", limit = 200 }`: a table whose keys depend on its mode.

use serde_json::{Value as Json, json};

use super::decode::{Decode, Typed, Value, mismatch, place_of};
use super::problem::Problems;
use super::section::section;
use super::settings::CapacitySettings;
use super::text::{did_you_mean, nearest, words};
use super::values::Whole;

/// How many requests may be at an origin at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity(pub(super) CapacitySettings);

section! {
    /// A fixed number of requests at once.
    struct Fixed {
        /// Kind of capacity.
        required mode: FixedMode,
        /// Requests at the origin at once, over all servers.
        required limit: Whole<1, 1_000_000>,
    }
}

section! {
    /// As many requests at once as come.
    struct Unlimited {
        /// Kind of capacity.
        required mode: UnlimitedMode,
    }
}

#[derive(Debug)]
pub(super) enum FixedMode {
    Fixed,
}

words!(FixedMode, "\"fixed\"", { "fixed" => FixedMode::Fixed });

#[derive(Debug)]
pub(super) enum UnlimitedMode {
    Unlimited,
}

words!(UnlimitedMode, "\"unlimited\"", { "unlimited" => UnlimitedMode::Unlimited });

impl Decode for Capacity {
    fn decode(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let form = "a table such as { mode = \"fixed\", limit = 200 }";
        let Some(table) = value.get_ref().as_table() else {
            mismatch(value, form, None, problems);
            return None;
        };
        let Some(mode) = table.get("mode") else {
            problems.add(place_of(value).absent("mode"), "missing", None);
            return None;
        };
        match mode.get_ref().as_str() {
            Some("fixed") => {
                let typed = Fixed::decode(value, problems)?;
                let (FixedMode::Fixed, limit) = (typed.mode?.value, typed.limit?.value.0);
                Some(Self(CapacitySettings::Fixed { limit }))
            }
            Some("unlimited") => {
                let UnlimitedMode::Unlimited = Unlimited::decode(value, problems)?.mode?.value;
                Some(Self(CapacitySettings::Unlimited))
            }
            Some("adaptive") => {
                let message = "adaptive capacity is not in this version yet: \
                    give the number of requests that the origin bears at once";
                let instead = "write { mode = \"fixed\", limit = 200 } with your own number";
                problems.add(place_of(mode), message, instead.to_owned());
                None
            }
            other => {
                let meant = other.and_then(|mode| nearest(mode, ["fixed", "unlimited"]));
                let message = "expected \"fixed\" or \"unlimited\"";
                problems.add(place_of(mode), message, meant.map(did_you_mean));
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "oneOf": [Fixed::schema(), Unlimited::schema()] })
    }
}

impl Typed for Capacity {
    fn typed(&self) -> Json {
        match self.0 {
            CapacitySettings::Unlimited => json!({ "mode": "unlimited" }),
            CapacitySettings::Fixed { limit } => json!({ "mode": "fixed", "limit": limit }),
        }
    }
}
