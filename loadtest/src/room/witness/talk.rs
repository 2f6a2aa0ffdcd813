//! One connection of a browser, reduced to what a waiting room has to do with.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Where the status is of the room called `sale`.
pub(crate) const STATUS: &str = "/.spillway/room/sale";
/// The cookie it gives on cleartext connections.
const COOKIE: &str = "spillway-room-sale=";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A page of the shop.
    Page(&'static str),
    /// Where the holder of a ticket stands.
    Status,
    /// To give the place up.
    GiveUp,
}

/// A connection that is kept alive, and made anew after it broke.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// What matters of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether the room answered in place of the shop.
    pub(crate) waits: bool,
    /// The new value of the room's cookie, empty where it is taken away.
    pub(crate) cookie: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The beginning of what it says.
    pub(crate) fn words(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(200).collect()
    }
}

impl Talk {
    /// Asks as the client with this number, who holds `cookie`, and hears the whole answer.
    pub(crate) async fn ask(
        &mut self,
        address: SocketAddr,
        what: What,
        client: u32,
        cookie: Option<&str>,
    ) -> io::Result<Answer> {
        // Dropped on the way, the connection is of no more use.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        self.received.clear();
        stream.write_all(request(what, client, cookie).as_bytes()).await?;
        loop {
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some((answer, last)) = parse(&self.received)? {
                self.stream = Some(stream).filter(|_| !last);
                return Ok(answer);
            }
        }
    }
}

/// The bytes of a request.
pub(crate) fn request(what: What, client: u32, cookie: Option<&str>) -> String {
    let (method, path, accept, destination) = match what {
        What::Page(path) => ("GET", path, "text/html", "document"),
        What::Status => ("GET", STATUS, "application/json", "empty"),
        What::GiveUp => ("DELETE", STATUS, "application/json", "empty"),
    };
    let [_, a, b, c] = client.to_be_bytes();
    let cookie = cookie.map_or(String::new(), |cookie| format!("Cookie: {COOKIE}{cookie}\r\n"));
    format!(
        "{method} {path} HTTP/1.1\r\nHost: shop.example\r\nAccept: {accept}\r\nSec-Fetch-Dest: {destination}\r\n\
         X-Forwarded-For: 10.{a}.{b}.{c}\r\n{cookie}\r\n"
    )
}

/// A whole answer and whether it is the last of the connection, once it is there.
fn parse(received: &[u8]) -> io::Result<Option<(Answer, bool)>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(received.get(..end).unwrap_or_default());
    let fields = || head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let field =
        |name: &str| fields().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    let odd = || io::Error::new(ErrorKind::InvalidData, format!("an answer that is none: {head}"));
    let status = head.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(odd)?;
    let length = match status {
        204 | 304 => 0,
        _ => field("content-length").and_then(|length| length.parse().ok()).ok_or_else(odd)?,
    };
    let Some(body) = received.get(end + 4..).filter(|body| body.len() >= length) else { return Ok(None) };
    let cookies = fields().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let value = |cookie: &str| Some(cookie.trim().strip_prefix(COOKIE)?.split(';').next()?.to_owned());
    let answer = Answer {
        status,
        waits: field("x-spillway-waiting").is_some(),
        cookie: cookies.filter_map(|(_, cookie)| value(cookie)).last(),
        etag: field("etag").map(str::to_owned),
        body: body.to_vec(),
    };
    Ok(Some((answer, field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Spillway-Waiting: 1\r\nETag: W/\"1\"\r\n\
                    Set-Cookie: other=1\r\nset-cookie: spillway-room-sale=abc; Path=/; HttpOnly\r\n\r\nhi";
        for whole in 0..text.len() {
            assert!(parse(&text.as_bytes()[..whole]).unwrap().is_none(), "{whole}");
        }
        let (answer, last) = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!((answer.status, answer.waits, last), (200, true, false));
        assert_eq!((answer.cookie.as_deref(), answer.etag.as_deref()), (Some("abc"), Some("W/\"1\"")));
        assert_eq!(answer.body, b"hi");
    }

    #[test]
    fn an_answer_without_a_body_ends_with_its_head() {
        let (answer, last) = parse(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n").unwrap().unwrap();
        assert_eq!((answer.status, answer.waits, last), (304, false, true));
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "nobody knows where it ends");
        assert!(parse(b"nonsense that goes on\r\n\r\n").is_err());
    }
}
