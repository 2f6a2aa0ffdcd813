//! The PROXY protocol header (versions 1 and 2) in front of a connection from a listed network.
//!
//! Source: HAProxy's `proxy-protocol.txt`. Exactly the header is consumed, so that TLS or HTTP begins at the next byte.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ppp::{HeaderResult, v1, v2};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Bytes that both versions have at least, and that tell them apart.
const SIGNATURE: usize = 12;
/// Longest version 1 header, CRLF included.
const LONGEST_V1: usize = 107;
/// Longest version 2 header that is read: addresses and a few TLVs.
const LONGEST_V2: usize = 16 + 4096;

/// Reads the header and returns the client it names, or `None` where it names none (`LOCAL`, `UNKNOWN`, a health
/// check of the balancer), when the peer itself is the client.
///
/// # Errors
/// When the connection ends within the header or begins with something else.
pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut header = vec![0; SIGNATURE];
    stream.read_exact(&mut header).await?;
    if header == v2::PROTOCOL_PREFIX {
        read_v2_rest(stream, &mut header).await?;
    } else if header.starts_with(b"PROXY ") {
        read_v1_rest(stream, &mut header).await?;
    } else {
        return Err(malformed("no PROXY protocol header"));
    }
    source(&header)
}

async fn read_v2_rest(stream: &mut TcpStream, header: &mut Vec<u8>) -> io::Result<()> {
    let mut rest = [0; 4];
    stream.read_exact(&mut rest).await?;
    header.extend_from_slice(&rest);
    let [_, _, high, low] = rest;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let whole = header.len() + length;
    if whole > LONGEST_V2 {
        return Err(malformed("PROXY protocol header too long"));
    }
    let mut addresses = vec![0; length];
    stream.read_exact(&mut addresses).await?;
    header.append(&mut addresses);
    Ok(())
}

async fn read_v1_rest(stream: &mut TcpStream, header: &mut Vec<u8>) -> io::Result<()> {
    while !header.ends_with(b"\r\n") {
        let mut seen = [0; LONGEST_V1];
        let room = LONGEST_V1.saturating_sub(header.len());
        let Some(window) = seen.get_mut(..room).filter(|window| !window.is_empty()) else {
            return Err(malformed("PROXY protocol header too long"));
        };
        // Looked at before it is taken: what follows the line belongs to TLS or HTTP.
        let count = stream.peek(window).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let visible = window.get(..count).unwrap_or_default();
        let take = memchr::memchr(b'\n', visible).map_or(count, |end| end + 1);
        let mut line = vec![0; take];
        stream.read_exact(&mut line).await?;
        header.append(&mut line);
    }
    Ok(())
}

fn source(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Unknown => None,
            v1::Addresses::Tcp4(ip) => Some((IpAddr::V4(ip.source_address), ip.source_port).into()),
            v1::Addresses::Tcp6(ip) => Some((IpAddr::V6(ip.source_address), ip.source_port).into()),
        }),
        HeaderResult::V2(Ok(header)) if header.command == v2::Command::Local => Ok(None),
        HeaderResult::V2(Ok(header)) => Ok(match header.addresses {
            v2::Addresses::IPv4(ip) => Some((IpAddr::V4(ip.source_address), ip.source_port).into()),
            v2::Addresses::IPv6(ip) => Some((IpAddr::V6(ip.source_address), ip.source_port).into()),
            v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
        }),
        HeaderResult::V1(Err(error)) => Err(malformed(error)),
        HeaderResult::V2(Err(error)) => Err(malformed(error)),
    }
}

fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn after(sent: &[u8]) -> (io::Result<Option<SocketAddr>>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(sent).await.unwrap();
        client.shutdown().await.unwrap();
        let result = read(&mut server).await;
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await.unwrap();
        (result, rest)
    }

    #[tokio::test]
    async fn version_1_names_the_client_and_leaves_the_rest() {
        let (client, rest) = after(b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\nGET /\n").await;
        assert_eq!(client.unwrap(), Some("192.0.2.7:5000".parse().unwrap()));
        assert_eq!(rest, b"GET /\n");
    }

    #[tokio::test]
    async fn version_2_names_the_client_and_leaves_the_rest() {
        let mut sent = v2::PROTOCOL_PREFIX.to_vec();
        sent.extend([0x21, 0x11, 0, 12, 192, 0, 2, 7, 198, 51, 100, 1, 0x13, 0x88, 1, 187]);
        sent.extend(b"GET /");
        let (client, rest) = after(&sent).await;
        assert_eq!(client.unwrap(), Some("192.0.2.7:5000".parse().unwrap()));
        assert_eq!(rest, b"GET /");
    }

    #[tokio::test]
    async fn local_and_unknown_name_nobody() {
        let mut sent = v2::PROTOCOL_PREFIX.to_vec();
        sent.extend([0x20, 0, 0, 0]);
        assert_eq!(after(&sent).await.0.unwrap(), None);
        assert_eq!(after(b"PROXY UNKNOWN\r\n").await.0.unwrap(), None);
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        for sent in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"PROXY", b"PROXY TCP4 x y z\r\n", &endless] {
            assert!(after(sent).await.0.is_err(), "{sent:?}");
        }
    }
}
