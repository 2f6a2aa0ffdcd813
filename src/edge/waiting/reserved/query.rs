//! The query of a reserved path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::config::settings::Language;
use crate::edge::waiting::destination::is_local;

/// Longer destinations are not gone to.
const LONGEST_DESTINATION: usize = 4096;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a>(pub(super) &'a str);

impl<'a> Query<'a> {
    /// The first value of a name, decoded.
    pub(super) fn get(self, name: &str) -> Option<Cow<'a, [u8]>> {
        let mut pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| percent_decode_str(value).into())
    }

    /// Where the shopper was going (`to`): a path of this host with its query, and of the shop, not of the proxy.
    pub(super) fn destination(self) -> Option<String> {
        let to = self.get("to")?;
        (to.len() <= LONGEST_DESTINATION && is_local(&to)).then(|| String::from_utf8(to.into_owned()).ok()).flatten()
    }

    /// The language the page is to be in (`lang`).
    pub(super) fn language(self) -> Option<Language> {
        Language::of_tag(&self.get("lang")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_path_of_this_host_is_gone_to() {
        for (query, expected) in [
            ("to=/", Some("/")),
            ("to=%2Fitem%3Fsize%3D40%26color%3Dred", Some("/item?size=40&color=red")),
            ("lang=ja&to=/item", Some("/item")),
            ("to=/item?next=//elsewhere", Some("/item?next=//elsewhere")),
            ("to=//elsewhere", None),
            ("to=%2F%2Felsewhere", None),
            ("to=/%5Celsewhere", None),
            ("to=/a%5Cb", None),
            ("to=/%09/elsewhere", None),
            ("to=/%0d%0aset-cookie:x", None),
            ("to=/a%20b", None),
            ("to=https://elsewhere", None),
            ("to=item", None),
            ("to=/.spillway/room/sale/wait", None),
            ("to=/%E3%82%BB", None),
            ("to=/%25E3%2582%25BB", Some("/%E3%82%BB")),
            ("to=", None),
            ("to", None),
            ("", None),
        ] {
            assert_eq!(Query(query).destination().as_deref(), expected, "{query}");
        }
        assert_eq!(Query(&format!("to=/{}", "a".repeat(LONGEST_DESTINATION))).destination(), None);
    }

    #[test]
    fn the_first_of_a_name_counts() {
        assert_eq!(Query("a=1&ab=2&a=3").get("a").as_deref(), Some(&b"1"[..]));
        assert_eq!(Query("lang=zh-Hant").language(), Some(Language::TraditionalChinese));
        assert_eq!(Query("lang=xx").language(), None);
    }

    proptest! {
        #[test]
        fn no_query_is_too_odd(query in "(to=|[&=%a-f0-9/\\\\.]|%2[fF5]|%5C){0,30}") {
            if let Some(to) = Query(&query).destination() {
                prop_assert!(to.starts_with('/') && !to.starts_with("//") && !to.contains('\\'));
                prop_assert!(http::HeaderValue::try_from(&to).is_ok());
            }
        }
    }
}
