//! How heads, slots and pages are written down: compact, and told apart by version.
//!
//! Numbers are little-endian. What does not read back whole is refused, never guessed at.

use crate::room::store::{DrawRecord, Head, Page, SlotRecord};

/// What the encodings below are called together.
const VERSION: u8 = 1;

const SOLD_OUT: u8 = 1;
const LOBBY: u8 = 2;

/// The words of a bitmap.
const WORDS: usize = 64;

/// A head: version, epoch, leased, issued, flags, the lobby if there is one, then the draws.
pub(super) fn head(head: &Head) -> Vec<u8> {
    let mut out = vec![VERSION];
    for number in [head.epoch, head.leased, head.issued] {
        out.extend(number.to_le_bytes());
    }
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(flag(head.sold_out, SOLD_OUT) | flag(head.lobby.is_some(), LOBBY));
    if let Some((start, seed)) = &head.lobby {
        out.extend(start.to_le_bytes());
        out.extend(seed);
    }
    for draw in &head.draws {
        out.extend(draw.start.to_le_bytes());
        out.extend(draw.size.to_le_bytes());
        out.extend(draw.seed);
    }
    out
}

/// Reads what [`head`] wrote.
pub(super) fn read_head(bytes: &[u8]) -> Option<Head> {
    let mut rest = Bytes(bytes);
    if rest.byte()? != VERSION {
        return None;
    }
    let (epoch, leased, issued) = (rest.u32()?, rest.u32()?, rest.u32()?);
    let flags = rest.byte()?;
    if flags & !(SOLD_OUT | LOBBY) != 0 {
        return None;
    }
    let lobby = if flags & LOBBY != 0 { Some((rest.u32()?, rest.array()?)) } else { None };
    let mut draws = Vec::new();
    while !rest.0.is_empty() {
        draws.push(DrawRecord { start: rest.u32()?, size: rest.u32()?, seed: rest.array()? });
    }
    Some(Head { epoch, leased, issued, sold_out: flags & SOLD_OUT != 0, lobby, draws })
}

/// Set for an open slot; no number is as high.
const OPEN: u32 = 1 << 31;

/// A slot; `None` for one that is free, which is not kept.
pub(super) fn slot(slot: SlotRecord) -> Option<u32> {
    match slot {
        SlotRecord::Free => None,
        SlotRecord::Open(floor) => Some(OPEN | floor),
        SlotRecord::Taken(number) => Some(number),
    }
}

/// Reads what [`slot`] wrote.
pub(super) fn read_slot(value: u32) -> SlotRecord {
    if value & OPEN != 0 { SlotRecord::Open(value & !OPEN) } else { SlotRecord::Taken(value) }
}

/// A page: version, then both bitmaps; `None` for an empty page, which is not kept.
pub(super) fn page(page: &Page) -> Option<Vec<u8>> {
    if *page == Page::default() {
        return None;
    }
    let mut out = vec![VERSION];
    for bits in [&page.waiting, &page.finished] {
        bitmap(bits, &mut out);
    }
    Some(out)
}

/// Reads what [`page`] wrote.
pub(super) fn read_page(bytes: &[u8]) -> Option<Page> {
    let mut rest = Bytes(bytes);
    if rest.byte()? != VERSION {
        return None;
    }
    let page = Page { waiting: rest.bitmap()?, finished: rest.bitmap()? };
    rest.0.is_empty().then_some(page)
}

/// Most words of a line are all ones or all zeros: which are is told by a bit for each, and only the others follow.
fn bitmap(bits: &[u64; WORDS], out: &mut Vec<u8>) {
    let marks = |is: fn(u64) -> bool| {
        bits.iter().enumerate().fold(0u64, |marks, (index, word)| marks | (u64::from(is(*word)) << index))
    };
    out.extend(marks(|word| word == u64::MAX).to_le_bytes());
    out.extend(marks(is_mixed).to_le_bytes());
    for word in bits.iter().filter(|word| is_mixed(**word)) {
        out.extend(word.to_le_bytes());
    }
}

fn is_mixed(word: u64) -> bool {
    word != 0 && word != u64::MAX
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn bitmap(&mut self) -> Option<[u64; WORDS]> {
        let (full, mixed) = (self.u64()?, self.u64()?);
        if full & mixed != 0 {
            return None;
        }
        let mut bits = [0; WORDS];
        for (index, word) in bits.iter_mut().enumerate() {
            *word = match (full >> index & 1, mixed >> index & 1) {
                (1, _) => u64::MAX,
                (_, 1) => self.u64().filter(|word| is_mixed(*word))?,
                _ => 0,
            };
        }
        Some(bits)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    pub(in crate::control::rooms) fn any_head() -> impl Strategy<Value = Head> {
        let draw = (any::<u32>(), any::<u32>(), any::<[u8; 32]>());
        let draws = vec(draw.prop_map(|(start, size, seed)| DrawRecord { start, size, seed }), 0..4);
        let numbers = any::<(u32, u32, u32)>();
        (numbers, any::<bool>(), any::<Option<(u32, [u8; 32])>>(), draws).prop_map(
            |((epoch, leased, issued), sold_out, lobby, draws)| Head { epoch, leased, issued, sold_out, lobby, draws },
        )
    }

    pub(in crate::control::rooms) fn any_page() -> impl Strategy<Value = Page> {
        let word = prop_oneof![3 => Just(0), 3 => Just(u64::MAX), 1 => any::<u64>()];
        let words = move || vec(word.clone(), WORDS).prop_map(|words| <[u64; WORDS]>::try_from(words).unwrap());
        (words(), words()).prop_map(|(waiting, finished)| Page { waiting, finished })
    }

    proptest! {
        #[test]
        fn heads_read_back(wanted in any_head()) {
            prop_assert_eq!(read_head(&head(&wanted)), Some(wanted));
        }

        #[test]
        fn pages_read_back(wanted in any_page()) {
            match page(&wanted) {
                Some(bytes) => prop_assert_eq!(read_page(&bytes), Some(wanted)),
                None => prop_assert_eq!(wanted, Page::default()),
            }
        }

        #[test]
        fn parts_of_a_head_are_refused_or_are_one_with_fewer_draws(wanted in any_head(), cut in 0usize..200) {
            let bytes = head(&wanted);
            let cut = cut.min(bytes.len() - 1);
            if let Some(read) = read_head(&bytes[..cut]) {
                prop_assert!(read.draws.len() < wanted.draws.len());
            }
        }

        #[test]
        fn parts_of_a_page_are_refused(wanted in any_page(), cut in 0usize..1100) {
            let bytes = page(&wanted).unwrap_or_else(|| vec![VERSION]);
            prop_assert_eq!(read_page(&bytes[..cut.min(bytes.len() - 1)]), None);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..1200)) {
            if let Some(read) = read_page(&bytes) {
                prop_assert!(read == Page::default() || page(&read) == Some(bytes.clone()));
            }
            if let Some(read) = read_head(&bytes) {
                prop_assert_eq!(head(&read), bytes);
            }
        }
    }

    #[test]
    fn a_line_without_gaps_takes_a_few_bytes_a_page() {
        let full = Page { waiting: [u64::MAX; WORDS], finished: [0; WORDS] };
        assert_eq!(page(&full).map(|bytes| bytes.len()), Some(33));
    }

    #[test]
    fn slots_read_back() {
        for wanted in
            [SlotRecord::Open(0), SlotRecord::Open(1 << 30), SlotRecord::Taken(0), SlotRecord::Taken((1 << 30) - 1)]
        {
            assert_eq!(slot(wanted).map(read_slot), Some(wanted));
        }
        assert_eq!(slot(SlotRecord::Free), None);
    }
}
