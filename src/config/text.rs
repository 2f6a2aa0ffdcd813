//! Values typed as text, each with a form of its own.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

/// A value typed as text; shown as it is typed.
pub(super) trait Text: Sized + fmt::Display {
    /// What is expected, to follow "expected".
    const FORM: &'static str;

    /// Regular expression of what [`Text::parse`] accepts, or of a little more.
    const PATTERN: &'static str;

    /// Reads it.
    fn parse(text: &str) -> Result<Self, Fault>;

    /// What was probably meant by a text that is wrong.
    fn meant(_wrong: &str) -> Option<String> {
        None
    }

    /// JSON Schema.
    fn schema() -> Json {
        json!({ "type": "string", "pattern": Self::PATTERN })
    }
}

/// Why a text is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not have the form.
    Form,
    /// It has the form, but this is wrong with it.
    Reason(String),
}

impl Fault {
    /// A [`Fault::Reason`].
    pub(super) fn reason(reason: impl Into<String>) -> Self {
        Self::Reason(reason.into())
    }
}

/// The sentence that offers `text` instead.
pub(super) fn did_you_mean(text: impl AsRef<str>) -> String {
    format!("did you mean {:?}?", text.as_ref())
}

/// The candidate that `word` was probably meant to be.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // One slip in three letters still looks like the word; more is a guess.
    let slips = word.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A name that becomes a metric label, a header value and a part of an address of the admin API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub(super) String);

impl Text for Name {
    const FORM: &'static str = "a name of up to 64 letters, digits, '-', '_' and '.'";
    const PATTERN: &'static str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if first && text.len() <= 64 && text.chars().all(inner) { Ok(Self(text.to_owned())) } else { Err(Fault::Form) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path of the file system, as typed.
#[derive(Debug, Clone)]
pub(super) struct FilePath(pub(super) PathBuf);

impl Text for FilePath {
    const FORM: &'static str = "a path";
    const PATTERN: &'static str = "^[^\\u0000]+$";

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() || text.contains('\0') {
            return Err(Fault::Form);
        }
        Ok(Self(PathBuf::from(text)))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// Gives an enum its words, each a value of the file.
macro_rules! words {
    ($type:ty, $form:literal, { $($word:literal => $value:path),+ $(,)? }) => {
        impl $crate::config::text::Text for $type {
            const FORM: &'static str = $form;
            const PATTERN: &'static str = concat!("^(", $($word, "|",)+ ")$");

            fn parse(text: &str) -> Result<Self, $crate::config::text::Fault> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err($crate::config::text::Fault::Form),
                }
            }

            fn meant(wrong: &str) -> Option<String> {
                let wrong = wrong.to_ascii_lowercase();
                $crate::config::text::nearest(&wrong, [$($word),+]).map(str::to_owned)
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),+] })
            }
        }

        /// As it is typed in the file.
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $($value => $word,)+
                })
            }
        }
    };
}
pub(super) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_guess_is_not_made() {
        let classes = ["checkout", "cart", "browse"];
        assert_eq!(nearest("chekcout", classes), Some("checkout"));
        assert_eq!(nearest("crat", classes), Some("cart"));
        assert_eq!(nearest("payment", classes), None);
        assert_eq!(nearest("", classes), None);
    }

    #[test]
    fn names_are_fit_for_labels_and_headers() {
        for good in ["pay", "per-client", "11.11", "a_b"] {
            assert_eq!(Name::parse(good), Ok(Name(good.into())), "{good}");
        }
        for bad in ["", "-a", "a b", "セール", "a\"b", &"x".repeat(65)] {
            assert_eq!(Name::parse(bad), Err(Fault::Form), "{bad}");
        }
    }
}
