//! `"20/s"`, `"600/min"`.

use std::fmt;
use std::time::Duration;

use super::split_number;
use crate::config::settings::Rate;
use crate::config::text::{Fault, Text};

/// Seconds of each unit of a rate.
const RATE_UNITS: [(&str, u64); 4] = [("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400)];

/// A bucket keeps time in parts of a token, which lasts for years at this rate.
const MOST_PER_SECOND: u64 = 1_000_000;

impl Text for Rate {
    const FORM: &'static str = "a rate such as \"20/s\", \"600/min\", \"5/h\" or \"100/d\"";
    const PATTERN: &'static str = "^[1-9][0-9]{0,8}/(s|min|h|d)$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let (count, unit) = text.split_once('/').ok_or(Fault::Form)?;
        let (_, secs) = RATE_UNITS.iter().find(|(name, _)| *name == unit).ok_or(Fault::Form)?;
        if count.is_empty() || !count.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::Form);
        }
        if count.trim_start_matches('0').is_empty() {
            return Err(Fault::reason(
                "must be more than zero; to close a route to everybody, take it out of the file",
            ));
        }
        if count.starts_with('0') {
            return Err(Fault::Form);
        }
        match count.parse::<u64>() {
            Ok(count) if count > MOST_PER_SECOND.saturating_mul(*secs) => {
                Err(Fault::reason("must be at most 1000000 a second"))
            }
            Ok(count) if count < 1_000_000_000 => Ok(Self { count, per: Duration::from_secs(*secs) }),
            _ => Err(Fault::reason("must be less than 1000000000 a unit of time")),
        }
    }

    fn meant(wrong: &str) -> Option<String> {
        let (count, unit) = split_number(wrong);
        let per = ["/", "per ", "a ", "p"].iter().find_map(|per| unit.strip_prefix(per));
        let unit = per.unwrap_or(unit).trim();
        let unit = match unit.to_ascii_lowercase().as_str() {
            "" | "s" | "sec" | "second" => "s",
            "m" | "min" | "minute" => "min",
            "h" | "hr" | "hour" => "h",
            "d" | "day" => "d",
            _ => return None,
        };
        let meant = format!("{count}/{unit}");
        Self::parse(&meant).ok().map(|_| meant)
    }
}

/// As it is typed, such as `600/min`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = RATE_UNITS.iter().find(|(_, secs)| self.per == Duration::from_secs(*secs));
        match unit {
            Some((name, _)) => write!(f, "{}/{name}", self.count),
            None => write!(f, "{}/{:?}", self.count, self.per),
        }
    }
}
