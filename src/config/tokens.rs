//! Words of HTTP and of the log as they are typed.

use std::fmt;
use std::path::PathBuf;

use http::{HeaderName, Method};

use super::settings::{AccessLog, LimitKey, LimitMode, LogFormat};
use super::text::{Fault, Text, nearest, words};

words!(LogFormat, "\"text\" or \"json\"", {
    "text" => LogFormat::Text,
    "json" => LogFormat::Json,
});

words!(LimitMode, "\"enforce\", \"shadow\" or \"off\"", {
    "enforce" => LimitMode::Enforce,
    "shadow" => LimitMode::Shadow,
    "off" => LimitMode::Off,
});

/// A request method in upper case.
impl Text for Method {
    const FORM: &'static str = "a request method in capitals, such as \"GET\" or \"POST\"";
    const PATTERN: &'static str = "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE)$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let known = METHODS.iter().find(|method| method.as_str() == text);
        known.cloned().ok_or(Fault::Form)
    }

    fn meant(wrong: &str) -> Option<String> {
        let wrong = wrong.to_ascii_uppercase();
        nearest(&wrong, METHODS.iter().map(Method::as_str)).map(str::to_owned)
    }
}

/// Extensions are left out so that a slip is not taken for one; a route without methods takes them all.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
];

impl Text for LimitKey {
    const FORM: &'static str = "\"client-ip\", \"header:NAME\", \"cookie:NAME\", \"shopper\" or \"global\"";
    const PATTERN: &'static str = "^(client-ip|shopper|global|(header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]+)$";

    fn parse(text: &str) -> Result<Self, Fault> {
        match text.split_once(':') {
            None if text == "client-ip" => Ok(Self::ClientIp),
            None if text == "shopper" => Ok(Self::Shopper),
            None if text == "global" => Ok(Self::Global),
            Some(("header", name)) => name
                .parse()
                .map(Self::Header)
                .map_err(|_| Fault::Reason(format!("{name:?} is not the name of a header"))),
            Some(("cookie", name)) => CookieName::parse(name)
                .map(|name| Self::Cookie(name.0))
                .map_err(|_| Fault::Reason(format!("{name:?} is not the name of a cookie"))),
            _ => Err(Fault::Form),
        }
    }

    fn meant(wrong: &str) -> Option<String> {
        let lower = wrong.to_ascii_lowercase();
        if let "ip" | "client" | "address" | "remote-addr" | "client_ip" = lower.as_str() {
            return Some("client-ip".to_owned());
        }
        if let Some((kind, name)) = wrong.split_once(['=', ':']) {
            let kind = nearest(&kind.to_ascii_lowercase(), ["header", "cookie"])?.to_owned();
            let meant = format!("{kind}:{}", name.trim());
            return Self::parse(&meant).ok().map(|_| meant);
        }
        nearest(&lower, ["client-ip", "shopper", "global"]).map(str::to_owned)
    }
}

/// As it is typed.
impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::ClientIp => f.write_str("client-ip"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Shopper => f.write_str("shopper"),
        }
    }
}

/// The name of a cookie: an HTTP token.
#[derive(Debug, Clone)]
pub(super) struct CookieName(pub(super) String);

impl Text for CookieName {
    const FORM: &'static str = "the name of a cookie";
    const PATTERN: &'static str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

    fn parse(text: &str) -> Result<Self, Fault> {
        // Both are tokens, except that header names are compared without regard to case.
        match HeaderName::from_bytes(text.as_bytes()) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(Fault::Form),
        }
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path that a request can have after it was normalised; its `{…}` are the business of the router.
#[derive(Debug, Clone)]
pub(super) struct RoutePath(pub(super) String);

impl Text for RoutePath {
    const FORM: &'static str = "a path such as \"/login\" or \"/pay/{*rest}\"";
    const PATTERN: &'static str = "^/[^?#\\s]*$";

    fn parse(text: &str) -> Result<Self, Fault> {
        if !text.starts_with('/') {
            return Err(Fault::reason("a path begins with \"/\""));
        }
        if text.contains(['?', '#']) {
            return Err(Fault::reason("a route is chosen by the path alone, without \"?\" or \"#\""));
        }
        if text.contains(char::is_whitespace) {
            return Err(Fault::Form);
        }
        if text.replace("{*", "").contains('*') {
            return Err(Fault::reason("\"*\" is written \"{*rest}\", for the rest of the path"));
        }
        if text.contains("//") || text.split('/').any(|part| part == "." || part == "..") {
            return Err(Fault::reason("no request has this path: \"//\", \"/./\" and \"/../\" are resolved first"));
        }
        Ok(Self(text.to_owned()))
    }

    fn meant(wrong: &str) -> Option<String> {
        let path = wrong.split(['?', '#']).next()?;
        let path = match path.strip_suffix('*') {
            Some(stem) => format!("{}/{{*rest}}", stem.trim_end_matches('/')),
            None => path.to_owned(),
        };
        let meant = if path.starts_with('/') { path } else { format!("/{path}") };
        Self::parse(&meant).ok().map(|_| meant)
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a health check asks for: a path, with a query where wanted.
#[derive(Debug, Clone)]
pub(super) struct CheckTarget(pub(super) String);

impl Text for CheckTarget {
    const FORM: &'static str = "a path such as \"/healthz\"";
    const PATTERN: &'static str = "^/[!-\"$-~]*$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let visible = |b: u8| b.is_ascii_graphic() && b != b'#';
        if text.starts_with('/') && text.bytes().all(visible) { Ok(Self(text.to_owned())) } else { Err(Fault::Form) }
    }

    fn meant(wrong: &str) -> Option<String> {
        let meant = format!("/{wrong}");
        Self::parse(&meant).ok().map(|_| meant)
    }
}

impl fmt::Display for CheckTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A filter of diagnostics: a level, or `module=level` by module.
#[derive(Debug, Clone)]
pub(super) struct LogFilter(pub(super) String);

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl Text for LogFilter {
    const FORM: &'static str = "a level such as \"info\", or levels by module such as \"info,spillway::origin=debug\"";
    const PATTERN: &'static str = "^([A-Za-z0-9_:]+=)?(off|error|warn|info|debug|trace)\
        (,([A-Za-z0-9_:]+=)?(off|error|warn|info|debug|trace))*$";

    fn parse(text: &str) -> Result<Self, Fault> {
        let module = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let directive = |text: &str| match text.split_once('=') {
            Some((name, level)) => !name.is_empty() && name.chars().all(module) && LEVELS.contains(&level),
            None => LEVELS.contains(&text),
        };
        if text.split(',').all(directive) { Ok(Self(text.to_owned())) } else { Err(Fault::Form) }
    }

    fn meant(wrong: &str) -> Option<String> {
        nearest(&wrong.to_ascii_lowercase(), LEVELS).map(str::to_owned)
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the access log goes, as typed.
#[derive(Debug, Clone)]
pub(super) struct AccessTarget(pub(super) Option<AccessLog>);

impl Text for AccessTarget {
    const FORM: &'static str = "\"off\", \"stdout\" or the path of a file";
    const PATTERN: &'static str = "^[^\\u0000]+$";

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "off" => Ok(Self(None)),
            "stdout" => Ok(Self(Some(AccessLog::Stdout))),
            path if path.is_empty() || path.contains('\0') => Err(Fault::Form),
            path => Ok(Self(Some(AccessLog::File(PathBuf::from(path))))),
        }
    }
}

impl fmt::Display for AccessTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("off"),
            Some(AccessLog::Stdout) => f.write_str("stdout"),
            Some(AccessLog::File(path)) => path.display().fmt(f),
        }
    }
}
