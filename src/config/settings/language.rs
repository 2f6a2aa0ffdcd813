//! The languages in which shoppers are spoken to.

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
    /// Chinese in traditional characters.
    TraditionalChinese,
    /// Chinese in simplified characters.
    SimplifiedChinese,
    /// Korean.
    Korean,
}

impl Language {
    /// All of them; English, which is for everybody else, comes first.
    pub const ALL: [Self; 5] =
        [Self::English, Self::Japanese, Self::TraditionalChinese, Self::SimplifiedChinese, Self::Korean];

    /// Its tag, for `lang` and `Content-Language`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
            Self::TraditionalChinese => "zh-Hant",
            Self::SimplifiedChinese => "zh-Hans",
            Self::Korean => "ko",
        }
    }

    /// The language a tag such as `zh-Hant-TW` asks for, if there are words for it. Case does not matter.
    #[must_use]
    pub fn of_tag(tag: &[u8]) -> Option<Self> {
        let mut subtags = tag.split(|&byte| byte == b'-');
        let primary = subtags.next()?;
        let is = |language: &str| primary.eq_ignore_ascii_case(language.as_bytes());
        if is("zh") {
            return Some(Self::of_chinese(subtags));
        }
        let known = [("en", Self::English), ("ja", Self::Japanese), ("ko", Self::Korean)];
        known.into_iter().find(|(name, _)| is(name)).map(|(_, language)| language)
    }

    /// By script where it is given, else by where it is read.
    fn of_chinese<'a>(mut subtags: impl Iterator<Item = &'a [u8]>) -> Self {
        let decided = subtags.find_map(|subtag| {
            let is = |name: &&str| subtag.eq_ignore_ascii_case(name.as_bytes());
            if ["hant", "tw", "hk", "mo"].iter().any(is) {
                return Some(Self::TraditionalChinese);
            }
            ["hans", "cn", "sg"].iter().any(is).then_some(Self::SimplifiedChinese)
        });
        decided.unwrap_or(Self::SimplifiedChinese)
    }
}
