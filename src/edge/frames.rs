//! Counts the HTTP/2 frames that cost their sender nothing, so that floods of them end the connection.
//!
//! hyper answers every SETTINGS and PING there is; this looks at frame headers as they pass and keeps a budget that
//! grows with time, with requests and with what was sent to the client, so that honest use never meets it.

/// Length of the client's connection preface.
const PREFACE: usize = 24;
/// Length of a frame header.
const HEADER: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const WINDOW_UPDATE: u8 = 0x8;
const END_STREAM: u8 = 0x1;
const PADDED: u8 = 0x8;

/// SETTINGS, PING, PRIORITY, CONTINUATION, empty DATA and unknown frames at once…
const CONTROL_BURST: u64 = 200;
/// …how many more a second, and…
const CONTROL_PER_SECOND: u64 = 20;
/// …how many more a request.
const CONTROL_PER_REQUEST: u64 = 2;

/// RST_STREAM and WINDOW_UPDATE at once…
const FLOW_BURST: u64 = 1000;
/// …how many more a second…
const FLOW_PER_SECOND: u64 = 100;
/// …a request…
const FLOW_PER_REQUEST: u64 = 4;
/// …and for each this many bytes sent to the client, which must be acknowledged.
const FLOW_PER_BYTES_SENT: u64 = 512;

/// The budget of one HTTP/2 connection.
#[derive(Debug, Default)]
pub(crate) struct FrameMeter {
    preface_seen: usize,
    header: [u8; HEADER],
    header_seen: usize,
    payload_left: usize,
    requests: u64,
    control: u64,
    flow: u64,
}

/// A connection spent its budget.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client floods the connection with HTTP/2 control frames")]
pub(crate) struct Flood;

impl FrameMeter {
    /// Looks at bytes received, on a connection `seconds` old to which `sent` bytes have gone.
    ///
    /// # Errors
    /// [`Flood`] once the budget is spent.
    pub(crate) fn received(&mut self, mut bytes: &[u8], seconds: u64, sent: u64) -> Result<(), Flood> {
        while !bytes.is_empty() {
            if self.preface_seen < PREFACE {
                let count = bytes.len().min(PREFACE - self.preface_seen);
                self.preface_seen += count;
                bytes = bytes.get(count..).unwrap_or_default();
            } else if self.payload_left > 0 {
                let count = bytes.len().min(self.payload_left);
                self.payload_left -= count;
                bytes = bytes.get(count..).unwrap_or_default();
            } else {
                bytes = self.header_bytes(bytes);
            }
        }
        let control = CONTROL_BURST + CONTROL_PER_SECOND * seconds + CONTROL_PER_REQUEST * self.requests;
        let flow =
            FLOW_BURST + FLOW_PER_SECOND * seconds + FLOW_PER_REQUEST * self.requests + sent / FLOW_PER_BYTES_SENT;
        if self.control > control || self.flow > flow {
            return Err(Flood);
        }
        Ok(())
    }

    fn header_bytes<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let count = bytes.len().min(HEADER - self.header_seen);
        let (taken, rest) = bytes.split_at(count);
        for (slot, byte) in self.header.iter_mut().skip(self.header_seen).zip(taken) {
            *slot = *byte;
        }
        self.header_seen += count;
        if self.header_seen == HEADER {
            self.header_seen = 0;
            self.frame();
        }
        rest
    }

    fn frame(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.header;
        // Padding is at most 256 bytes, so a longer frame carries something.
        let least = if flags & PADDED == 0 { 0 } else { 256 };
        let length = u32::from_be_bytes([0, high, middle, low]);
        self.payload_left = length as usize;
        match kind {
            HEADERS => self.requests += 1,
            DATA if length > least || flags & END_STREAM != 0 => {}
            RST_STREAM | WINDOW_UPDATE => self.flow += 1,
            _ => self.control += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let mut bytes = (payload as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, 0, 0, 0, 0, 1]);
        bytes.extend(vec![0xAA; payload]);
        bytes
    }

    fn connection(frames: impl IntoIterator<Item = (u8, usize)>) -> Vec<u8> {
        let mut bytes = vec![b'P'; PREFACE];
        for (kind, payload) in frames {
            bytes.extend(frame(kind, payload));
        }
        bytes
    }

    #[test]
    fn a_ping_flood_is_a_flood_and_time_earns_more() {
        let pings = connection(std::iter::repeat_n((0x6, 8), 201));
        assert_eq!(FrameMeter::default().received(&pings, 0, 0), Err(Flood));
        assert_eq!(FrameMeter::default().received(&pings, 1, 0), Ok(()));
    }

    #[test]
    fn requests_and_downloads_never_meet_it() {
        let requests = connection((0..10_000).flat_map(|_| [(HEADERS, 40), (DATA, 16_384)]));
        assert_eq!(FrameMeter::default().received(&requests, 0, 0), Ok(()));
        let updates = connection(std::iter::repeat_n((WINDOW_UPDATE, 4), 50_000));
        assert_eq!(FrameMeter::default().received(&updates, 0, 50_000 * 512), Ok(()));
        assert_eq!(FrameMeter::default().received(&updates, 0, 0), Err(Flood));
    }

    proptest! {
        #[test]
        fn counts_the_same_however_the_bytes_are_cut(
            frames in proptest::collection::vec((0u8..12, 0usize..50), 0..60),
            cuts in proptest::collection::vec(1usize..40, 1..200),
        ) {
            let bytes = connection(frames);
            let mut whole = FrameMeter::default();
            let _ = whole.received(&bytes, 0, 0);
            let mut cut = FrameMeter::default();
            let (mut rest, mut sizes) = (bytes.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                let _ = cut.received(now, 0, 0);
                rest = later;
            }
            prop_assert_eq!((whole.requests, whole.control, whole.flow), (cut.requests, cut.control, cut.flow));
        }
    }
}
