//! What the admin API has, and what may be done with it.

use std::borrow::Cow;

use http::Method;
use percent_encoding::percent_decode_str;

use super::rooms::Action;
use crate::control::overrides::Target;

/// Something with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    /// `/`.
    Page,
    /// `/livez`.
    Alive,
    /// `/readyz`.
    Ready,
    /// `/metrics`.
    Metrics,
    /// `/v1/status`.
    Status,
    /// `/v1/policy`.
    Policy,
    /// `/v1/revisions`.
    Revisions,
    /// `/v1/revisions/N`.
    Revision(u64),
    /// `/v1/revisions/N/restore`.
    Restore(u64),
    /// `/v1/limits`.
    Limits,
    /// `/v1/origins`.
    Origins,
    /// `/v1/rooms`.
    Rooms,
    /// `/v1/limits/NAME`, `/v1/origins/NAME`, `/v1/origins/NAME/servers/ADDR`, `/v1/rooms/NAME`.
    Target(Target),
    /// `/v1/rooms/NAME/admit`, `/reset`, `/reopen`.
    Room(String, Action),
    /// `/v1/rooms/NAME/preview`.
    Preview(String),
    /// `/v1/keys/rotate`.
    RotateKeys,
    /// `/v1/explain`.
    Explain,
    /// `/v1/errors`.
    Errors,
}

impl Resource {
    /// The resource at `path`.
    pub(super) fn at(path: &str) -> Option<Self> {
        let segments: Vec<Cow<'_, str>> = path.strip_prefix('/')?.split('/').map(decoded).collect::<Option<_>>()?;
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        Some(match segments.as_slice() {
            [""] => Self::Page,
            ["livez"] => Self::Alive,
            ["readyz"] => Self::Ready,
            ["metrics"] => Self::Metrics,
            ["v1", rest @ ..] => return Self::in_v1(rest),
            _ => return None,
        })
    }

    /// The methods it answers to; HEAD goes with GET.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Policy => &[Method::GET, Method::HEAD, Method::PUT],
            Self::Restore(_) | Self::Room(..) | Self::Preview(_) | Self::RotateKeys | Self::Explain => &[Method::POST],
            Self::Target(_) => &[Method::GET, Method::HEAD, Method::PATCH, Method::DELETE],
            Self::Page
            | Self::Alive
            | Self::Ready
            | Self::Metrics
            | Self::Status
            | Self::Revisions
            | Self::Revision(_)
            | Self::Limits
            | Self::Origins
            | Self::Rooms
            | Self::Errors => &[Method::GET, Method::HEAD],
        }
    }

    /// Whether anybody may ask: balancers and orchestrators know neither name nor token.
    pub(super) fn is_public(&self) -> bool {
        matches!(self, Self::Alive | Self::Ready)
    }

    fn in_v1(segments: &[&str]) -> Option<Self> {
        Some(match segments {
            ["status"] => Self::Status,
            ["policy"] => Self::Policy,
            ["revisions"] => Self::Revisions,
            ["revisions", number] => Self::Revision(number.parse().ok()?),
            ["revisions", number, "restore"] => Self::Restore(number.parse().ok()?),
            ["limits"] => Self::Limits,
            ["limits", name] => Self::Target(Target::Limit((*name).to_owned())),
            ["origins"] => Self::Origins,
            ["origins", name] => Self::Target(Target::Origin((*name).to_owned())),
            ["origins", origin, "servers", server] => {
                Self::Target(Target::Server { origin: (*origin).to_owned(), server: (*server).to_owned() })
            }
            ["rooms"] => Self::Rooms,
            ["rooms", name] => Self::Target(Target::Room((*name).to_owned())),
            ["rooms", name, "admit"] => Self::Room((*name).to_owned(), Action::Admit),
            ["rooms", name, "reset"] => Self::Room((*name).to_owned(), Action::Reset),
            ["rooms", name, "reopen"] => Self::Room((*name).to_owned(), Action::Reopen),
            ["rooms", name, "preview"] => Self::Preview((*name).to_owned()),
            ["keys", "rotate"] => Self::RotateKeys,
            ["explain"] => Self::Explain,
            ["errors"] => Self::Errors,
            _ => return None,
        })
    }
}

fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_may_be_escaped() {
        let server =
            |server: &str| Some(Resource::Target(Target::Server { origin: "shop".into(), server: server.into() }));
        assert_eq!(Resource::at("/v1/origins/shop/servers/10.0.0.1:80"), server("10.0.0.1:80"));
        assert_eq!(Resource::at("/v1/origins/shop/servers/%5B::1%5D%3A80"), server("[::1]:80"));
    }

    #[test]
    fn anything_else_is_nothing() {
        let numbers = ["/v1/revisions/-1", "/v1/revisions/x/restore", "/v1/revisions/99999999999999999999"];
        let paths =
            ["", "livez", "/livez/", "//livez", "/v1", "/v1/", "/v2/status", "/v1/limits/a/b", "/v1/%ff", "/v1/x"];
        for path in numbers.into_iter().chain(paths) {
            assert_eq!(Resource::at(path), None, "{path}");
        }
    }
}
