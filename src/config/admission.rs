//! Words of waiting rooms as they are typed.

use std::fmt;

use super::settings::{AdmitRate, ProofOfWork, Rate, RoomMode, RoomOrder};
use super::text::{Fault, Text, nearest, words};

words!(RoomMode, "\"off\", \"auto\", \"always\", \"paused\" or \"closed\"", {
    "off" => RoomMode::Off,
    "auto" => RoomMode::Auto,
    "always" => RoomMode::Always,
    "paused" => RoomMode::Paused,
    "closed" => RoomMode::Closed,
});

words!(RoomOrder, "\"arrival\" or \"lottery\"", {
    "arrival" => RoomOrder::Arrival,
    "lottery" => RoomOrder::Lottery,
});

words!(ProofOfWork, "\"off\", \"auto\" or \"always\"", {
    "off" => ProofOfWork::Off,
    "auto" => ProofOfWork::Auto,
    "always" => ProofOfWork::Always,
});

impl Text for AdmitRate {
    const FORM: &'static str = "\"auto\" or a rate such as \"20/s\" or \"600/min\"";
    const PATTERN: &'static str = "^(auto|[1-9][0-9]{0,8}/(s|min|h|d))$";

    fn parse(text: &str) -> Result<Self, Fault> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        rate(text, "must be more than zero; to let nobody in, write mode = \"paused\"").map(Self::Fixed)
    }

    fn meant(wrong: &str) -> Option<String> {
        Rate::meant(wrong).or_else(|| nearest(&wrong.to_ascii_lowercase(), ["auto"]).map(str::to_owned))
    }
}

/// As it is typed.
impl fmt::Display for AdmitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(rate) => rate.fmt(f),
        }
    }
}

/// How often one client may be given a place, or as often as it likes.
#[derive(Debug, Clone, Copy)]
pub(super) struct JoinRate(pub(super) Option<Rate>);

impl Text for JoinRate {
    const FORM: &'static str = "\"off\" or a rate such as \"300/min\"";
    const PATTERN: &'static str = "^(off|[1-9][0-9]{0,8}/(s|min|h|d))$";

    fn parse(text: &str) -> Result<Self, Fault> {
        if text == "off" {
            return Ok(Self(None));
        }
        rate(text, "must be more than zero; \"off\" is no limit").map(|rate| Self(Some(rate)))
    }

    fn meant(wrong: &str) -> Option<String> {
        Rate::meant(wrong).or_else(|| nearest(&wrong.to_ascii_lowercase(), ["off"]).map(str::to_owned))
    }
}

/// As it is typed.
impl fmt::Display for JoinRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("off"),
            Some(rate) => rate.fmt(f),
        }
    }
}

/// A rate; `zero` is what is said about one that is zero.
fn rate(text: &str, zero: &'static str) -> Result<Rate, Fault> {
    Rate::parse(text).map_err(|fault| match text.split_once('/') {
        Some((count, _)) if matches!(fault, Fault::Reason(_)) && count.bytes().all(|b| b == b'0') => {
            Fault::reason(zero)
        }
        _ => fault,
    })
}
