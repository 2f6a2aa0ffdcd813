//! JSON appended by hand.

/// Appends a decimal number.
pub(super) fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends the last three decimal digits of `number`.
pub(super) fn three_digits(out: &mut Vec<u8>, number: u32) {
    for digit in [number / 100, number / 10, number] {
        out.push(b'0' + (digit % 10) as u8);
    }
}

/// Appends a string of at most `most` bytes before escaping; a longer one is cut and ends in `…`. What is not UTF-8
/// becomes U+FFFD. Escaped beyond what JSON demands: DEL, C1 controls and Unicode's line ends, which terminals and
/// viewers act upon.
pub(super) fn string(out: &mut Vec<u8>, text: &[u8], most: usize) {
    out.push(b'"');
    match text.split_at_checked(most).filter(|(_, cut)| !cut.is_empty()) {
        None => escaped(out, text),
        Some((kept, _)) => {
            escaped(out, whole_characters(kept));
            out.extend_from_slice("…".as_bytes());
        }
    }
    out.push(b'"');
}

/// Appends a string, or `null`.
pub(super) fn optional_string(out: &mut Vec<u8>, text: Option<&[u8]>, most: usize) {
    match text {
        Some(text) => string(out, text, most),
        None => out.extend_from_slice(b"null"),
    }
}

fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    match text.split_at_checked(plain_prefix(text)) {
        Some((plain, rest)) => {
            out.extend_from_slice(plain);
            if !rest.is_empty() {
                escape_rest(out, rest);
            }
        }
        None => escape_rest(out, text),
    }
}

#[cold]
fn escape_rest(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            escape(out, character);
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escape(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
            out.extend_from_slice(b"\\u");
            for shift in [12, 8, 4, 0] {
                let digit = char::from_digit(u32::from(character) >> shift & 0xf, 16);
                out.push(digit.unwrap_or('0') as u8);
            }
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// `text` without a last character that was cut through.
fn whole_characters(text: &[u8]) -> &[u8] {
    let tail = text.iter().rev().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let lead = text.len().saturating_sub(tail + 1);
    match text.get(lead..) {
        Some(last) if last.first().is_some_and(|byte| *byte >= 0xc0) && std::str::from_utf8(last).is_err() => {
            text.get(..lead).unwrap_or(text)
        }
        _ => text,
    }
}

/// The length of the longest prefix that stands for itself: printable ASCII but the quote and the backslash. Looks at eight
/// bytes at a time.
fn plain_prefix(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks::<8>();
    let plain = words.iter().take_while(|word| all_plain(u64::from_ne_bytes(**word))).count() * 8;
    let rest = text.get(plain..).unwrap_or_default();
    plain + rest.iter().take_while(|byte| is_plain(**byte)).count()
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Whether [`is_plain`] holds for all eight bytes. A borrow or carry between bytes can only begin at one that is not.
fn all_plain(word: u64) -> bool {
    let control = word.wrapping_sub(ONES * 0x20);
    let delete = word.wrapping_add(ONES);
    let special =
        (control | delete | zero_bytes(word ^ (ONES * u64::from(b'"'))) | zero_bytes(word ^ (ONES * u64::from(b'\\'))))
            | word;
    special & (ONES * 0x80) == 0
}

/// High bits at the bytes that are zero, and perhaps at bytes above one.
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}

const ONES: u64 = 0x0101_0101_0101_0101;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &[u8], most: usize) -> String {
        let mut out = Vec::new();
        string(&mut out, text, most);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_terminals_act_upon_is_escaped() {
        assert_eq!(shown("a\"\\\n\x1b\x7f\u{9b}\u{2028}é".as_bytes(), 99), r#""a\"\\\u000a\u001b\u007f\u009b\u2028é""#);
    }

    #[test]
    fn a_long_string_is_cut_between_characters() {
        assert_eq!(shown(b"abcdef", 6), "\"abcdef\"");
        assert_eq!(shown(b"abcdef", 5), "\"abcde…\"");
        assert_eq!(shown("セール".as_bytes(), 5), "\"セ…\"");
        assert_eq!(shown("セール".as_bytes(), 6), "\"セー…\"");
        assert_eq!(shown("😀😀".as_bytes(), 7), "\"😀…\"");
    }

    #[test]
    fn every_byte_is_seen_at_every_place() {
        for place in 0..8 {
            for byte in 0..=255 {
                let mut word = *b"GET /pay";
                word[place] = byte;
                assert_eq!(all_plain(u64::from_ne_bytes(word)), is_plain(byte), "{byte:#x} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_read_back_as_their_lossy_text(text: Vec<u8>) {
            let line = shown(&text, usize::MAX);
            prop_assert!(line.bytes().all(|byte| byte >= 0x20 && byte != 0x7f));
            let read: String = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&text));
        }

        #[test]
        fn words_are_plain_when_all_their_bytes_are(word: [u8; 8]) {
            prop_assert_eq!(all_plain(u64::from_ne_bytes(word)), word.iter().all(|byte| is_plain(*byte)));
        }

        #[test]
        fn a_cut_string_is_a_prefix(text: String, most in 0usize..40) {
            let read: String = serde_json::from_str(&shown(text.as_bytes(), most)).unwrap();
            let kept = read.strip_suffix('…').filter(|_| text.len() > most).unwrap_or(&read);
            prop_assert!(text.starts_with(kept));
            prop_assert!(kept.len() + 3 >= most.min(text.len()));
        }
    }
}
