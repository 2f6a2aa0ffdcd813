//! HTTP/2 frames by hand, for clients that no library lets one be.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::PATIENCE;

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const CONTINUATION: u8 = 0x9;

pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const ACK: u8 = 0x1;

/// What a client says first: the preface and its settings.
pub fn hello() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, b"")].concat()
}

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET /` of a host over https, as HPACK.
pub fn get(host: &str) -> Vec<u8> {
    let length = u8::try_from(host.len()).unwrap();
    [&[0x82, 0x87, 0x84, 0x41, length][..], host.as_bytes()].concat()
}

/// A frame that came in.
#[derive(Debug)]
pub struct Heard {
    pub kind: u8,
    pub flags: u8,
    pub payload: Vec<u8>,
}

/// The next frame; `None` when the connection has ended.
pub async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Option<Heard> {
    let reading = async {
        let mut header = [0; 9];
        stream.read_exact(&mut header).await.ok()?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.ok()?;
        Some(Heard { kind: header[3], flags: header[4], payload })
    };
    timeout(PATIENCE, reading).await.expect("a frame or an end in time")
}

/// Everything until the connection has ended.
pub async fn hear_all(stream: &mut (impl AsyncRead + Unpin)) -> Vec<Heard> {
    let mut heard = Vec::new();
    while let Some(frame) = hear(stream).await {
        heard.push(frame);
    }
    heard
}
