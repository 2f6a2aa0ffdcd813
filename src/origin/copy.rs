//! A copy of the request head last written on a connection, so that the request can be sent again if it breaks.
//!
//! hyper consumes the request. Keeping the bytes as they are written costs one copy of a few hundred bytes into a
//! buffer that stays with the connection; they are read only in the rare case that there is a retry.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Uri};

use super::body::RequestBody;

/// Headers read back at most; a head with more is not sent again.
const MAX_HEADERS: usize = 256;

/// What was written first since [`HeadCopy::begin`]. Shared by the connection and its byte stream, on one thread.
#[derive(Debug, Default)]
pub(super) struct HeadCopy {
    wanted: AtomicBool,
    bytes: Mutex<Vec<u8>>,
}

impl HeadCopy {
    /// The next write holds a head; whether it is `wanted`.
    pub(super) fn begin(&self, wanted: bool) {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    /// This is being written.
    pub(super) fn written<'a>(&self, slices: impl Iterator<Item = &'a [u8]>) {
        if self.wanted.load(Ordering::Relaxed) {
            self.wanted.store(false, Ordering::Relaxed);
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            slices.for_each(|slice| bytes.extend_from_slice(slice));
        }
    }

    /// The request that was written, if it was wanted.
    pub(super) fn request(&self) -> Option<Request<RequestBody>> {
        let bytes = Bytes::copy_from_slice(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        parse(&bytes)
    }
}

/// Whether a request may be sent twice.
pub(super) fn may_repeat(request: &Request<RequestBody>) -> bool {
    request.body().is_empty() && request.method().is_idempotent()
}

fn parse(bytes: &Bytes) -> Option<Request<RequestBody>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    if !head.parse(bytes).ok()?.is_complete() {
        return None;
    }
    let mut request = Request::new(RequestBody::empty());
    *request.method_mut() = Method::from_bytes(head.method?.as_bytes()).ok()?;
    *request.uri_mut() = Uri::from_maybe_shared(bytes.slice_ref(head.path?.as_bytes())).ok()?;
    for header in head.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        request.headers_mut().append(name, HeaderValue::from_maybe_shared(bytes.slice_ref(header.value)).ok()?);
    }
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_write_is_read_back() {
        let copy = HeadCopy::default();
        copy.begin(true);
        let parts: [&[u8]; 2] =
            [b"GET /a?b=c HTTP/1.1\r\nhost: shop.example\r\ncookie: a=1\r\n", b"cookie: b=2\r\n\r\n"];
        copy.written(parts.into_iter());
        copy.written(std::iter::once(&b"more"[..]));
        let request = copy.request().unwrap();
        assert_eq!((request.method(), request.uri().to_string()), (&Method::GET, "/a?b=c".to_owned()));
        let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(request.headers()["host"], "shop.example");
    }

    #[test]
    fn what_is_not_wanted_is_not_kept() {
        let copy = HeadCopy::default();
        let head = || std::iter::once(&b"GET / HTTP/1.1\r\n\r\n"[..]);
        copy.begin(true);
        copy.written(head());
        copy.begin(false);
        copy.written(head());
        assert!(copy.request().is_none());
    }

    #[test]
    fn only_what_changes_nothing_more_may_be_repeated() {
        let repeats = |method: Method, body| {
            let mut request = Request::new(body);
            *request.method_mut() = method;
            may_repeat(&request)
        };
        assert!(repeats(Method::GET, RequestBody::empty()));
        assert!(!repeats(Method::POST, RequestBody::empty()));
        assert!(!repeats(Method::PUT, RequestBody::stream(http_body_util::Full::new(Bytes::from_static(b"x")))));
    }
}
