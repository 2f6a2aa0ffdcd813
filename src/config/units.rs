//! Durations, rates, shares, sizes and moments as they are typed.

mod duration;
mod instant;
mod rate;
mod share;
mod size;

pub(super) use duration::{Delay, Period};
pub(super) use instant::Instant;
pub(super) use share::Share;
pub(super) use size::Size;

/// The number at the beginning and what follows, without the space between.
fn split_number(text: &str) -> (&str, &str) {
    let text = text.trim();
    let ends = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, rest) = text.split_at(ends.unwrap_or(text.len()));
    (number, rest.trim_start())
}
