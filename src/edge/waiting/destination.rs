//! Where a shopper may be sent.

/// Whether a browser that is sent there stays on this host, comes out where it is sent, and is in the shop, not at the
/// proxy's own paths.
///
/// Browsers take `//host` and `/\host` for another host, and drop control bytes and what is around them.
pub(super) fn is_local(to: &[u8]) -> bool {
    let rooted = matches!(to, [b'/'] | [b'/', b'!'..=b'.' | b'0'..=b'[' | b']'..=b'~', ..]);
    rooted && to.iter().all(|byte| matches!(byte, b'!'..=b'~') && *byte != b'\\') && !to.starts_with(b"/.spillway")
}
