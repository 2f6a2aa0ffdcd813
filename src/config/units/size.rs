//! `"64KiB"`, `"1MiB"`.

use std::fmt;

use super::split_number;
use crate::config::text::{Fault, Text};

/// A number of bytes from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct Size<const MIN: u64, const MAX: u64>(pub(in crate::config) u64);

/// Bytes of each unit, the largest first.
const SIZE_UNITS: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl<const MIN: u64, const MAX: u64> Text for Size<MIN, MAX> {
    const FORM: &'static str = "a size such as \"512B\", \"64KiB\", \"1MiB\" or \"2GiB\"";
    const PATTERN: &'static str = "^[0-9]+(B|KiB|MiB|GiB|TiB)$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let (unit, bytes) = SIZE_UNITS.iter().find(|(name, _)| text.ends_with(name)).ok_or(Fault::Form)?;
        let number = text.strip_suffix(unit).ok_or(Fault::Form)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::Form);
        }
        let number: u64 = number.parse().unwrap_or(u64::MAX);
        match number.checked_mul(*bytes) {
            Some(size) if (MIN..=MAX).contains(&size) => Ok(Self(size)),
            _ => Err(Fault::Reason(format!("must be from {} to {}", show_size(MIN), show_size(MAX)))),
        }
    }

    fn meant(wrong: &str) -> Option<String> {
        let (number, unit) = split_number(wrong);
        let unit = match unit.to_ascii_lowercase().as_str() {
            "" | "b" | "byte" | "bytes" => "B",
            "k" | "kb" | "kib" => "KiB",
            "m" | "mb" | "mib" => "MiB",
            "g" | "gb" | "gib" => "GiB",
            "t" | "tb" | "tib" => "TiB",
            _ => return None,
        };
        let meant = format!("{number}{unit}");
        Self::parse(&meant).ok().map(|_| meant)
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Size<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_size(self.0))
    }
}

/// In the largest unit that leaves no remainder.
fn show_size(bytes: u64) -> String {
    if bytes == 0 {
        return "0B".to_owned();
    }
    let whole = SIZE_UNITS.iter().find(|(_, unit)| bytes.is_multiple_of(*unit));
    whole.map_or_else(String::new, |(name, unit)| format!("{}{name}", bytes / unit))
}
