//! The style and the script of the page, without what is only there to be read, and the policies that name them.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// What is inside of the `<style>` of the built-in page.
pub(super) static STYLE: LazyLock<String> = LazyLock::new(|| slim_style(include_str!("page.css")));

/// What the script of a page has to do; the answer carries no more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Ask, and show what is heard.
    Live,
    /// As [`Script::Live`], and count down.
    Lobby,
    /// As [`Script::Live`], and check a draw.
    Draw,
    /// Solve a challenge.
    Challenge,
    /// Ask for the page again after a while.
    Again,
    /// Nothing.
    Still,
}

impl Script {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 6] = [Self::Live, Self::Lobby, Self::Draw, Self::Challenge, Self::Again, Self::Still];

    /// What is inside of the `<script>`.
    pub(super) fn text(self) -> &'static str {
        &self.asset().text
    }

    /// The policy of the built-in page: nothing but this script and the style, and calls of this host.
    pub(super) fn policy(self) -> HeaderValue {
        self.asset().standard.clone()
    }

    /// The policy of an operator's page: no script but this one; styles, pictures and fonts from wherever it says.
    pub(super) fn own_policy(self) -> HeaderValue {
        self.asset().own.clone()
    }

    fn asset(self) -> &'static Asset {
        static ASSETS: LazyLock<[Asset; 6]> = LazyLock::new(|| {
            let common = include_str!("script/common.js");
            let live = include_str!("script/live.js");
            let sha256 = include_str!("script/sha256.js");
            [
                Asset::of(&[common, live]),
                Asset::of(&[common, live, include_str!("script/lobby.js")]),
                Asset::of(&[common, live, sha256, include_str!("script/draw.js")]),
                Asset::of(&[common, sha256, include_str!("script/puzzle.js")]),
                Asset::of(&[common, include_str!("script/again.js")]),
                Asset::of(&[common]),
            ]
        });
        let [live, lobby, draw, challenge, again, still] = &*ASSETS;
        match self {
            Self::Live => live,
            Self::Lobby => lobby,
            Self::Draw => draw,
            Self::Challenge => challenge,
            Self::Again => again,
            Self::Still => still,
        }
    }
}

struct Asset {
    text: String,
    standard: HeaderValue,
    own: HeaderValue,
}

impl Asset {
    fn of(parts: &[&str]) -> Self {
        let text = format!("(()=>{{'use strict';\n{}}})();", slim_script(&parts.concat()));
        let script = source(&text);
        let around = "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";
        let standard =
            format!("default-src 'none'; script-src {script}; style-src {}; img-src 'self'; {around}", source(&STYLE));
        let own = format!(
            "default-src 'none'; script-src {script}; style-src 'self' 'unsafe-inline' https:; \
             img-src 'self' data: https:; font-src 'self' data: https:; {around}"
        );
        Self { standard: header(&standard), own: header(&own), text }
    }
}

/// A source expression that names a text by its hash.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

/// Every text here is visible ASCII; what were not would forbid everything.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// A style sheet without line breaks and the spaces of its indentation.
fn slim_style(text: &str) -> String {
    let text: String = text.lines().map(str::trim).collect();
    text.replace(": ", ":").replace(" {", "{").replace(", ", ",").replace(";}", "}").replace(" > ", ">")
}

/// A script without comments of whole lines and the spaces that nothing needs.
///
/// Its sources keep to what this can tell apart: strings in single quotes on one line, no templates, no space or quote in a
/// regular expression, a statement's end wherever a line may end one.
fn slim_script(text: &str) -> String {
    let mut slim = String::with_capacity(text.len());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        push_slim(&mut slim, line);
        // After these a line goes on anyway.
        if !slim.ends_with(['{', '(', '[', ',', ';']) {
            slim.push('\n');
        }
    }
    slim
}

fn push_slim(slim: &mut String, line: &str) {
    let mut quoted = false;
    let mut last = '\n';
    let mut rest = line.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter == '\'' && last != '\\' {
            quoted = !quoted;
        }
        let needed = |next: char| (is_word(last) && is_word(next)) || (last == next && matches!(next, '+' | '-'));
        if letter != ' ' || quoted || rest.peek().is_some_and(|next| needed(*next)) {
            slim.push(letter);
            last = letter;
        }
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_keeps_what_it_means() {
        let script =
            "// Why.\nconst a = b + +c, d = 'it\\'s  { here }';\nif (a) {\n  return x\n}\nlet e =\n  typeof f;\n";
        let expected = "const a=b+ +c,d='it\\'s  { here }';if(a){return x\n}\nlet e=\ntypeof f;";
        assert_eq!(slim_script(script), expected);
    }

    #[test]
    fn a_style_keeps_what_it_means() {
        let style = "a > b, c :hover {\n  margin: 0 auto;\n  color: red;\n}\n";
        assert_eq!(slim_style(style), "a>b,c :hover{margin:0 auto;color:red}");
    }

    #[test]
    fn a_hidden_tab_says_so() {
        for script in [Script::Live, Script::Lobby, Script::Draw] {
            assert!(script.text().contains("scene.status+(document.hidden?'?hidden=1':'')"));
        }
    }

    #[test]
    fn nothing_in_an_asset_ends_its_element() {
        for script in Script::ALL {
            assert!(!script.text().contains("</") && !script.text().contains("<!--"));
            assert!(script.text().is_ascii());
        }
        assert!(!STYLE.contains('<') && STYLE.is_ascii());
    }
}
