//! `capacity = { mode = "adaptive", min = 4, max = 1000 }`: a table whose keys depend on its mode.

use serde_json::{Value as Json, json};

use super::decode::{Decode, Typed, Value, mismatch, place_of};
use super::problem::{Place, Problems};
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
    /// As many requests at once as the origin is found to do best with.
    struct Adaptive {
        /// Kind of capacity.
        required mode: AdaptiveMode,
        /// Requests at the origin at once, at least, over all servers: what it gets when it is stuck.
        default min: Whole<1, 1_000_000> = Whole(4),
        /// Requests at the origin at once, at most, over all servers.
        default max: Whole<1, 1_000_000> = Whole(1_000),
        /// false counts what would have been refused, and refuses nothing.
        default enforce: bool = true,
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
pub(super) enum AdaptiveMode {
    Adaptive,
}

words!(AdaptiveMode, "\"adaptive\"", { "adaptive" => AdaptiveMode::Adaptive });

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
            Some("adaptive") => adaptive(&Adaptive::decode(value, problems)?, problems).map(Self),
            other => {
                let meant = other.and_then(|mode| nearest(mode, ["adaptive", "fixed", "unlimited"]));
                let message = "expected \"adaptive\", \"fixed\" or \"unlimited\"";
                problems.add(place_of(mode), message, meant.map(did_you_mean));
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "oneOf": [Adaptive::schema(), Fixed::schema(), Unlimited::schema()] })
    }
}

fn adaptive(typed: &Adaptive, problems: &mut Problems<'_>) -> Option<CapacitySettings> {
    let AdaptiveMode::Adaptive = typed.mode.as_ref()?.value;
    let (min, max) = (typed.min.value.0, typed.max.value.0);
    if min > max {
        let (place, message, instead) = match typed.max.place {
            Place::Absent(..) => (
                typed.min.place,
                format!("{min} at least is more than {max} at most, which is what max is unless given"),
                format!("give max, too, or a min of {max} or less"),
            ),
            place => (
                place,
                format!("{max} at most is less than {min}, which is the least that min asks for"),
                format!("write a max of {min} or more, or a min of {max} or less"),
            ),
        };
        problems.add(place, message, instead);
        return None;
    }
    Some(CapacitySettings::Adaptive { min, max, enforce: typed.enforce.value })
}

impl Typed for Capacity {
    fn typed(&self) -> Json {
        match self.0 {
            CapacitySettings::Unlimited => json!({ "mode": "unlimited" }),
            CapacitySettings::Fixed { limit } => json!({ "mode": "fixed", "limit": limit }),
            CapacitySettings::Adaptive { min, max, enforce } => {
                json!({ "mode": "adaptive", "min": min, "max": max, "enforce": enforce })
            }
        }
    }
}
