//! `"30%"`, `"12.5%"`.

use std::fmt;

use super::split_number;
use crate::config::text::{Fault, Text};

/// A share in hundredths of a per cent, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct Share(u16);

impl Share {
    pub(in crate::config) const fn percent(percent: u8) -> Self {
        Self(percent as u16 * 100)
    }

    /// In hundredths of a per cent.
    pub(in crate::config) fn hundredths(self) -> u64 {
        self.0.into()
    }

    /// As a fraction, 0.0 – 1.0.
    pub(in crate::config) fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl Text for Share {
    const FORM: &'static str = "a share from \"0%\" to \"100%\", such as \"30%\" or \"12.5%\"";
    const PATTERN: &'static str = "^(100|[0-9]{1,2}([.][0-9]{1,2})?)%$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let number = text.strip_suffix('%').ok_or(Fault::Form)?;
        let (whole, hundredths) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(hundredths, 2) || !(digits(whole, 2) || number == "100") {
            return Err(Fault::Form);
        }
        let share = format!("{whole}{hundredths:0<2}");
        share.parse().map(Self).map_err(|_| Fault::Form)
    }

    fn meant(wrong: &str) -> Option<String> {
        let (number, unit) = split_number(wrong);
        let value: f64 = number.parse().ok()?;
        let meant = match unit {
            "" if value > 0.0 && value < 1.0 => format!("{:.2}%", value * 100.0),
            _ => format!("{number}%"),
        };
        let meant = meant.replace(".00%", "%");
        Self::parse(&meant).ok().map(|_| meant)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{}%", self.0 / 100),
            rest => write!(f, "{}.{rest:02}%", self.0 / 100),
        }
    }
}
