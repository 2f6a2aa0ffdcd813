//! One request to the admin API at a time.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use std::{fmt, fs, io};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer must be complete within this; the slowest is a change that the disk takes its time with.
const PATIENCE: Duration = Duration::from_secs(30);
const HTTP: u16 = 80;

/// What stands as it is in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the admin API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base(Authority);

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "expected an address such as http://127.0.0.1:9900";
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let parts = whole.parse::<Uri>().map_err(|_| form.to_owned())?.into_parts();
        if parts.scheme.is_some_and(|scheme| scheme != http::uri::Scheme::HTTP) {
            return Err("the admin address speaks http only".to_owned());
        }
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(format!("{form}, without a path"));
        }
        parts.authority.filter(|authority| !authority.as_str().contains('@')).map(Self).ok_or_else(|| form.to_owned())
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

/// Asks the proxy.
#[derive(Debug)]
pub(super) struct Client {
    base: Base,
    token: Option<HeaderValue>,
}

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// Nobody answers there.
    #[error("cannot reach the proxy at {base}: {source}. Is it running, and is this its [admin] address?")]
    Unreachable {
        /// Where.
        base: Base,
        /// Why.
        source: io::Error,
    },
    /// It does not answer as the admin API would.
    #[error("no answer from {base}: {reason}. Is this the [admin] address of a Spillway proxy?")]
    Silent {
        /// Where.
        base: Base,
        /// Why.
        reason: String,
    },
    /// It wants a token, or another one.
    #[error("{0} wants the token of its [admin] token_file; give that file with --token-file")]
    Token(Base),
    /// It says no.
    #[error("{0}")]
    Refused(String),
    /// The token cannot be read.
    #[error("cannot use the token in {}: {reason}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Client {
    /// A client of the API at `base`.
    ///
    /// # Errors
    /// The token cannot be read.
    pub(super) fn new(base: &Base, token_file: Option<&Path>) -> Result<Self, ClientError> {
        let token = token_file.map(token).transpose()?;
        Ok(Self { base: base.clone(), token })
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// There is no answer, or it is no.
    pub(super) async fn get(&self, path: &str) -> Result<Json, ClientError> {
        self.ask(Method::GET, path, &Json::Null).await
    }

    /// Has something done; a body of null is none.
    ///
    /// # Errors
    /// There is no answer, or it is no.
    pub(super) async fn ask(&self, method: Method, path: &str, body: &Json) -> Result<Json, ClientError> {
        let answer = self.text(method, path, body).await?;
        serde_json::from_str(&answer).map_err(|error| self.silent(&error))
    }

    /// The same where the answer is not JSON.
    ///
    /// # Errors
    /// There is no answer, or it is no.
    pub(super) async fn text(&self, method: Method, path: &str, body: &Json) -> Result<String, ClientError> {
        let request = self.request(method, path, body).map_err(|error| self.silent(&error))?;
        let exchange = timeout(PATIENCE, self.exchange(request)).await;
        let answer = exchange.map_err(|_| self.silent(&format!("none within {PATIENCE:?}")))??;
        let (status, body) = (answer.status(), String::from_utf8_lossy(answer.body()).into_owned());
        if status.is_success() {
            return Ok(body);
        }
        Err(match status {
            StatusCode::UNAUTHORIZED => ClientError::Token(self.base.clone()),
            status => ClientError::Refused(refusal(&body).unwrap_or_else(|| format!("the proxy answered {status}"))),
        })
    }

    fn request(&self, method: Method, path: &str, body: &Json) -> Result<Request<Full<Bytes>>, http::Error> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.base.0.as_str());
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        request.body(Full::new(Bytes::from(body)))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, ClientError> {
        let address = (self.base.0.host().trim_matches(['[', ']']), self.base.0.port_u16().unwrap_or(HTTP));
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|source| ClientError::Unreachable { base: self.base.clone(), source })?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.silent(&error))?;
        let answer = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            Ok::<_, hyper::Error>(Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        // The connection has ended when the answer has; an error of it is one of the answer too.
        let driving = tokio::spawn(connection);
        let answer = answer.await.map_err(|error| self.silent(&error));
        driving.abort();
        answer
    }

    fn silent(&self, reason: &dyn fmt::Display) -> ClientError {
        ClientError::Silent { base: self.base.clone(), reason: reason.to_string() }
    }
}

/// A name as a segment of a path.
pub(super) fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

fn token(path: &Path) -> Result<HeaderValue, ClientError> {
    let wrong = |reason: String| ClientError::TokenFile { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    if text.trim().is_empty() {
        return Err(wrong("the file is empty".to_owned()));
    }
    let mut token = HeaderValue::try_from(format!("Bearer {}", text.trim()))
        .map_err(|_| wrong("it has characters that no token has".to_owned()))?;
    token.set_sensitive(true);
    Ok(token)
}

/// What a problem answer says, a line for each mistake.
fn refusal(body: &str) -> Option<String> {
    let problem: Json = serde_json::from_str(body).ok()?;
    let mistakes = problem.get("problems").and_then(Json::as_array).filter(|mistakes| !mistakes.is_empty());
    let Some(mistakes) = mistakes else { return problem.get("detail")?.as_str().map(str::to_owned) };
    let text = |mistake: &Json, key: &str| mistake.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let line = |mistake: &Json| {
        let [key, message, suggestion] = ["key", "message", "suggestion"].map(|key| text(mistake, key));
        let key = if key.is_empty() { key } else { format!("{key}: ") };
        let suggestion = if suggestion.is_empty() { suggestion } else { format!(" ({suggestion})") };
        format!("{key}{message}{suggestion}")
    };
    Some(mistakes.iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_without_a_path_or_just_an_address() {
        for (typed, meant) in [
            ("http://127.0.0.1:9900", "http://127.0.0.1:9900"),
            ("http://localhost:9900/", "http://localhost:9900"),
            ("[::1]:9900", "http://[::1]:9900"),
            ("admin.internal", "http://admin.internal"),
        ] {
            assert_eq!(typed.parse::<Base>().map(|base| base.to_string()).as_deref(), Ok(meant), "{typed}");
        }
        for typed in ["", "https://127.0.0.1:9900", "http://h/v1", "http://me:secret@h", "http://", "a b"] {
            assert!(typed.parse::<Base>().is_err(), "{typed}");
        }
    }

    #[test]
    fn names_are_one_segment_whatever_they_are() {
        assert_eq!(segment("sale-2.x_~"), "sale-2.x_~");
        assert_eq!(segment("a/../b?c"), "a%2F..%2Fb%3Fc");
    }

    #[test]
    fn every_mistake_is_a_line() {
        let body = r#"{"detail": "x", "problems": [{"key": "room.sale.mode", "message": "no", "suggestion": "did you mean \"auto\"?"},
            {"key": "", "message": "nothing is set", "suggestion": null}]}"#;
        assert_eq!(refusal(body).unwrap(), "room.sale.mode: no (did you mean \"auto\"?)\nnothing is set");
        assert_eq!(refusal(r#"{"detail": "gone"}"#).as_deref(), Some("gone"));
        assert_eq!(refusal("<html>"), None);
    }
}
