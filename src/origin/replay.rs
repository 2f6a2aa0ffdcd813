//! A compact copy of a request's head, so that the request can be sent again after its connection broke.
//!
//! hyper consumes the request. Copying the header bytes into one reused buffer costs a third of cloning the map, and
//! almost no copy is ever read.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};

use super::body::RequestBody;

/// Copy of the head of a request that has no body.
#[derive(Debug)]
pub(super) struct Replay {
    method: Method,
    uri: Uri,
    headers: Vec<u8>,
}

impl Replay {
    /// Copies a request that may be sent twice (an idempotent method, no body); `buffer` gives its room.
    pub(super) fn of(request: &Request<RequestBody>, mut buffer: Vec<u8>) -> Result<Self, Vec<u8>> {
        if !request.body().is_empty() || !request.method().is_idempotent() {
            return Err(buffer);
        }
        buffer.clear();
        for (name, value) in request.headers() {
            put(&mut buffer, name.as_str().as_bytes());
            put(&mut buffer, value.as_bytes());
        }
        Ok(Self { method: request.method().clone(), uri: request.uri().clone(), headers: buffer })
    }

    /// The request again.
    pub(super) fn request(&self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::empty());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers();
        request
    }

    /// Gives the buffer back.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.headers
    }

    fn headers(&self) -> HeaderMap {
        let bytes = Bytes::copy_from_slice(&self.headers);
        let mut rest = bytes.clone();
        let mut headers = HeaderMap::new();
        while let (Some(name), Some(value)) = (take(&mut rest), take(&mut rest)) {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&name), HeaderValue::from_maybe_shared(value)) {
                headers.append(name, value);
            }
        }
        headers
    }
}

/// Length, then bytes. Header lengths are bounded far below 4 GiB by the size of a head.
fn put(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    buffer.extend_from_slice(bytes);
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    let (length, _) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    (rest.len() >= 4 + length).then(|| {
        drop(rest.split_to(4));
        rest.split_to(length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_is_the_request() {
        let mut request = Request::get("/a?b=c").body(RequestBody::empty()).unwrap();
        for (name, value) in [("host", "shop.example"), ("cookie", "a=1"), ("cookie", "b=2"), ("x-empty", "")] {
            request.headers_mut().append(name, HeaderValue::from_static(value));
        }
        let copy = Replay::of(&request, Vec::new()).unwrap().request();
        assert_eq!(copy.method(), request.method());
        assert_eq!(copy.uri(), request.uri());
        assert_eq!(copy.headers(), request.headers());
    }

    #[test]
    fn what_may_not_be_sent_twice_is_not_copied() {
        let post = Request::post("/pay").body(RequestBody::empty()).unwrap();
        assert!(Replay::of(&post, Vec::new()).is_err());
        let body = http_body_util::Full::new(Bytes::from_static(b"x"));
        let put = Request::put("/cart").body(RequestBody::stream(body)).unwrap();
        assert!(Replay::of(&put, Vec::new()).is_err());
    }
}
