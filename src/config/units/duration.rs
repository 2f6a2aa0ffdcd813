//! `"250ms"`, `"1m30s"`.

use std::fmt;
use std::time::Duration;

use super::split_number;
use crate::config::text::{Fault, Text};

/// A duration that may be zero.
pub(in crate::config) type Delay = Length<true>;
/// A duration that may not.
pub(in crate::config) type Period = Length<false>;

/// A duration up to [`LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct Length<const MAY_BE_ZERO: bool>(pub(in crate::config) Duration);

/// Longer is a slip of the unit, and sums with the clock stay far from overflow.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// Milliseconds of each unit, the longest first.
const TIME_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl<const MAY_BE_ZERO: bool> Length<MAY_BE_ZERO> {
    pub(in crate::config) const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    pub(in crate::config) const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl<const MAY_BE_ZERO: bool> Text for Length<MAY_BE_ZERO> {
    const FORM: &'static str = "a duration such as \"250ms\", \"2s\", \"15m\", \"1h\" or \"1m30s\"";
    const PATTERN: &'static str = if MAY_BE_ZERO {
        "^([0-9]+(ms|s|m|h|d))+$"
    } else {
        "^(?:[0-9]+(?:ms|s|m|h|d))*0*[1-9][0-9]*(?:ms|s|m|h|d)(?:[0-9]+(?:ms|s|m|h|d))*$"
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        let millis = parse_millis(text).ok_or(Fault::Form)?;
        let length = Duration::from_millis(millis);
        if length > LONGEST {
            Err(Fault::reason("must be at most 30d"))
        } else if length.is_zero() && !MAY_BE_ZERO {
            Err(Fault::reason("must be more than zero"))
        } else {
            Ok(Self(length))
        }
    }

    fn meant(wrong: &str) -> Option<String> {
        let (number, unit) = split_number(wrong);
        let number: f64 = number.parse().ok()?;
        let unit = match unit.to_ascii_lowercase().as_str() {
            "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "ms" | "msec" | "millis" | "milliseconds" => "ms",
            "m" | "min" | "mins" | "minute" | "minutes" => "m",
            "h" | "hr" | "hour" | "hours" => "h",
            "d" | "day" | "days" => "d",
            _ => return None,
        };
        let (_, millis) = TIME_UNITS.iter().find(|(name, _)| *name == unit)?;
        let meant = Duration::try_from_secs_f64(number * *millis as f64 / 1e3).ok()?;
        let meant = show_duration(meant);
        Self::parse(&meant).ok().map(|_| meant)
    }
}

impl<const MAY_BE_ZERO: bool> fmt::Display for Length<MAY_BE_ZERO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_duration(self.0))
    }
}

/// The sum of its parts; saturates.
fn parse_millis(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    loop {
        let number_ends = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(number_ends);
        if number.is_empty() {
            return None;
        }
        let unit_ends = after.find(|c: char| c.is_ascii_digit());
        let (unit, tail) = after.split_at(unit_ends.unwrap_or(after.len()));
        let (_, millis) = TIME_UNITS.iter().find(|(name, _)| *name == unit)?;
        let number = number.parse().unwrap_or(u64::MAX);
        sum = sum.saturating_add(number.saturating_mul(*millis));
        if tail.is_empty() {
            return Some(sum);
        }
        rest = tail;
    }
}

/// In the longest unit that leaves no remainder.
fn show_duration(length: Duration) -> String {
    let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    let whole = TIME_UNITS.iter().find(|(_, unit)| millis.is_multiple_of(*unit));
    whole.map_or_else(String::new, |(name, unit)| format!("{}{name}", millis / unit))
}
