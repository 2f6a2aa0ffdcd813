//! What a client likes best, by its lists with quality values (RFC 9110, section 12.4.2).

use crate::config::settings::Language;

/// The language the client likes best among those there are words for; English otherwise.
pub(crate) fn language(languages: &[u8]) -> Language {
    let mut best = (0, Language::English);
    for (tag, weight) in items(languages) {
        if let Some(language) = Language::of_tag(tag).filter(|_| weight > best.0) {
            best = (weight, language);
        }
    }
    best.1
}

/// The items of a list with quality values, each with its weight in thousandths.
pub(crate) fn items(list: &[u8]) -> impl Iterator<Item = (&[u8], u16)> {
    list.split(|&byte| byte == b',').map(|item| {
        let mut parts = item.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
        (name, weight.map_or(1_000, thousandths))
    })
}

/// Reads a weight from `0` to `1.000`; 0 for what is none.
fn thousandths(weight: &[u8]) -> u16 {
    let Some((whole, fraction)) = weight.split_first() else { return 0 };
    let digits = fraction.strip_prefix(b".").unwrap_or_default();
    let fraction = [100, 10, 1].into_iter().zip(digits).filter(|(_, digit)| digit.is_ascii_digit());
    let fraction: u16 = fraction.map(|(place, digit)| place * u16::from(digit - b'0')).sum();
    if *whole == b'1' { 1_000 } else { fraction }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_best_liked_language_is_chosen() {
        for (tags, expected) in [
            ("ja", Language::Japanese),
            ("fr-FR, ja;q=0.5, en;q=0.8", Language::English),
            ("fr, de;q=0.9", Language::English),
            ("zh-TW,zh;q=0.9,en;q=0.8", Language::TraditionalChinese),
            ("zh-HK", Language::TraditionalChinese),
            ("zh-Hant-TW", Language::TraditionalChinese),
            ("zh-CN,zh;q=0.9", Language::SimplifiedChinese),
            ("zh", Language::SimplifiedChinese),
            ("ZH-hans-SG", Language::SimplifiedChinese),
            ("ko-KR, en;q=0.1", Language::Korean),
            ("en;q=0.2, ko ; q=0.3", Language::Korean),
            ("ja;q=0", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(language(tags.as_bytes()), expected, "{tags}");
        }
    }

    proptest! {
        #[test]
        fn no_list_is_too_odd(list in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = language(&list);
        }
    }
}
