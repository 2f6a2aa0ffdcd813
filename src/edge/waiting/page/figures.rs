//! Numbers in words.

use super::words::Phrases;
use crate::room::view::Estimate;

/// A number with its thousands apart, as all five languages write it.
pub(super) fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(13);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A phrase with its numbers in.
pub(super) fn filled(phrase: &str, numbers: &[(&str, &str)]) -> String {
    numbers.iter().fold(phrase.to_owned(), |text, (name, number)| text.replace(name, number))
}

/// Past so many minutes an estimate is told in steps of five, and past so many in half hours: nobody knows it better.
const FIVES: u32 = 20;
const HALF_HOURS: u32 = 100;

/// How long it will take, as a range. The page's script says the same of the same numbers.
pub(super) fn wait(phrases: &Phrases, estimate: Estimate) -> String {
    let (Some(likely), Some(late)) = (estimate.likely, estimate.late) else { return phrases.wait_unknown.to_owned() };
    if late <= 60 {
        return phrases.wait_soon.to_owned();
    }
    let least = (likely.saturating_add(30) / 60).max(1);
    let most = late.div_ceil(60).max(least);
    if most >= HALF_HOURS {
        let halves = |halves: u32| {
            if halves.is_multiple_of(2) { format!("{}", halves / 2) } else { format!("{}.5", halves / 2) }
        };
        let least = ((least + 15) / 30).max(1);
        let most = most.div_ceil(30).max(least);
        return range((phrases.wait_hours, phrases.wait_hours_range), &halves(least), &halves(most));
    }
    let (least, most) = match (least, most) {
        (least, most) if most <= FIVES => (least, most),
        (least @ ..10, most) => (least, most.next_multiple_of(5)),
        (least, most) => (least / 5 * 5, most.next_multiple_of(5)),
    };
    range((phrases.wait_minutes, phrases.wait_minutes_range), &least.to_string(), &most.to_string())
}

fn range((one, several): (&str, &str), least: &str, most: &str) -> String {
    if least == most { filled(one, &[("{a}", least)]) } else { filled(several, &[("{a}", least), ("{b}", most)]) }
}

/// Bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Language;
    use crate::edge::waiting::page::words::phrases;

    #[test]
    fn thousands_are_apart() {
        let written = [0, 7, 812, 1_000, 40_123, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "7", "812", "1,000", "40,123", "1,234,567"]);
    }

    #[test]
    fn a_wait_is_a_range_that_is_no_finer_than_what_is_known() {
        let english = phrases(Language::English);
        let seconds = |likely, late| wait(english, Estimate { likely: Some(likely), late: Some(late) });
        for (likely, late, expected) in [
            (1, 40, "less than a minute"),
            (20, 60, "less than a minute"),
            (20, 61, "about 1 to 2 min"),
            (95, 140, "about 2 to 3 min"),
            (170, 175, "about 3 min"),
            (590, 1_190, "about 10 to 20 min"),
            (300, 1_500, "about 5 to 25 min"),
            (1_400, 1_900, "about 20 to 35 min"),
            (5_000, 5_900, "about 80 to 100 min"),
            (5_000, 6_000, "about 1.5 to 2 h"),
            (600, 80_000, "about 0.5 to 22.5 h"),
            (7_200, 7_200, "about 2 h"),
            (u32::MAX, u32::MAX, "about 1193046.5 h"),
        ] {
            assert_eq!(seconds(likely, late), expected, "{likely} {late}");
        }
        for unknown in [(None, None), (Some(5), None), (None, Some(5))] {
            let estimate = Estimate { likely: unknown.0, late: unknown.1 };
            assert_eq!(wait(english, estimate), "hard to tell yet");
        }
    }
}
