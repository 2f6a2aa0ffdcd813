//! The names a request goes by in logs and traces.

use http::{HeaderMap, HeaderName, HeaderValue};

/// `x-request-id`.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// `traceparent` of W3C Trace Context.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// `tracestate` of W3C Trace Context.
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Longer ones are not worth carrying through every log line.
const MAX_REQUEST_ID: usize = 128;

/// A request's identity, in `X-Request-Id`, logs and refusals.
#[derive(Debug, Clone)]
pub struct RequestId(Id);

#[derive(Debug, Clone)]
enum Id {
    Kept(HeaderValue),
    Made([u8; 32]),
}

impl RequestId {
    /// Keeps what a trusted peer sent, if it is short and harmless; else makes one of `random`, in hexadecimal.
    #[must_use]
    pub fn new(headers: &HeaderMap, trusted_peer: bool, random: u128) -> Self {
        let kept = trusted_peer.then(|| headers.get(X_REQUEST_ID)).flatten();
        match kept.filter(|id| is_sane(id.as_bytes())) {
            Some(id) => Self(Id::Kept(id.clone())),
            None => Self(Id::Made(hexadecimal(random))),
        }
    }

    /// Its text: ASCII without quotes, spaces or controls, at most 128 bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Id::Kept(id) => id.as_bytes(),
            Id::Made(id) => id,
        }
    }

    /// Whether it came with the request.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.0, Id::Kept(_))
    }
}

fn is_sane(id: &[u8]) -> bool {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(byte);
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(harmless)
}

/// Whether a `traceparent` may be passed on (W3C Trace Context, section 3.2).
pub(super) fn is_traceparent(value: &[u8]) -> bool {
    let Some((version, rest)) = field(value, 2) else { return false };
    let Some((trace, rest)) = field(rest, 32) else { return false };
    let Some((parent, flags)) = field(rest, 16) else { return false };
    let flags_end = match flags {
        [_, _] => true,
        // A later version may add fields; the present one may not.
        [_, _, b'-', ..] => version != b"00",
        _ => false,
    };
    let zero = |digits: &[u8]| digits.iter().all(|&digit| digit == b'0');
    flags_end && flags.iter().take(2).all(is_hex) && version != b"ff" && !zero(trace) && !zero(parent)
}

/// `width` lower-case hexadecimal digits and the hyphen after them.
fn field(value: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (digits, rest) = value.split_at_checked(width)?;
    let rest = rest.strip_prefix(b"-")?;
    digits.iter().all(is_hex).then_some((digits, rest))
}

fn is_hex(digit: &u8) -> bool {
    matches!(digit, b'0'..=b'9' | b'a'..=b'f')
}

/// Writes a `traceparent` that begins a trace. It is not marked as sampled: whether a trace is recorded is the origin's
/// to decide, and a surge is no time to record every one.
pub(super) fn write_traceparent(random: u128, text: &mut Vec<u8>) {
    // Neither identifier may be zero.
    let trace = random | 1;
    let parent = (random >> 64) as u64 ^ random as u64 | 1;
    text.extend_from_slice(b"00-");
    text.extend_from_slice(&hexadecimal(trace));
    text.push(b'-');
    text.extend_from_slice(hexadecimal(u128::from(parent)).get(16..).unwrap_or_default());
    text.extend_from_slice(b"-00");
}

/// Eight digits at a time: spread the nibbles over the bytes of a word, then turn all of them into digits at once.
fn hexadecimal(number: u128) -> [u8; 32] {
    let mut text = [0; 32];
    let (words, _) = text.as_chunks_mut::<8>();
    for (word, shift) in words.iter_mut().zip([96, 64, 32, 0]) {
        *word = eight_digits((number >> shift) as u32).to_be_bytes();
    }
    text
}

fn eight_digits(number: u32) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut nibbles = u64::from(number);
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // A nibble above nine carries into the fifth bit when six is added.
    let letters = (nibbles + 6 * ONES) >> 4 & ONES;
    nibbles + u64::from(b'0') * ONES + letters * u64::from(b'a' - b'0' - 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(trusted: bool, sent: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static(sent));
        RequestId::new(&headers, trusted, 0xabc).as_str().to_owned()
    }

    #[test]
    fn only_a_trusted_peer_names_a_request_and_only_sanely() {
        let made = "00000000000000000000000000000abc";
        assert_eq!(id(true, "req-1"), "req-1");
        assert_eq!(id(false, "req-1"), made);
        assert_eq!(id(true, ""), made);
        assert_eq!(id(true, "a b"), made);
        assert_eq!(id(true, "<script>"), made);
        assert_eq!(RequestId::new(&HeaderMap::new(), true, 0xabc).as_str(), made);
    }

    #[test]
    fn valid_traces_are_told_from_invalid() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = "00f067aa0ba902b7";
        let zeros = "0".repeat(32);
        for (value, valid) in [
            (format!("00-{trace}-{parent}-01"), true),
            (format!("01-{trace}-{parent}-01-more"), true),
            (format!("00-{trace}-{parent}-01-more"), false),
            (format!("01-{trace}-{parent}-01more"), false),
            (format!("ff-{trace}-{parent}-01"), false),
            (format!("00-{zeros}-{parent}-01"), false),
            (format!("00-{trace}-{}-01", &zeros[..16]), false),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), false),
            (format!("00-{trace}-{parent}-0"), false),
            (format!("00-{trace}-{parent}"), false),
            (String::new(), false),
        ] {
            assert_eq!(is_traceparent(value.as_bytes()), valid, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_made_is_valid(random: u128) {
            let mut text = Vec::new();
            write_traceparent(random, &mut text);
            prop_assert!(is_traceparent(&text));
        }

        #[test]
        fn no_trace_is_too_odd(value in proptest::collection::vec(any::<u8>(), 0..70)) {
            let _ = is_traceparent(&value);
        }
    }
}
