//! An HTTP/1.1 connection on which the test says every byte.

use memchr::memmem::find;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Client, PATIENCE};

/// A connection, cleartext or TLS.
pub struct Wire<S = TcpStream> {
    stream: S,
    unread: Vec<u8>,
}

impl Wire {
    /// A new connection to the proxy.
    pub async fn to(client: Client) -> Self {
        Self::over(client.open().await)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Speaks over `stream`.
    pub fn over(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Sends bytes.
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Hears a head, with the empty line that ends it.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                return self.take(end + 4);
            }
            self.read().await;
        }
    }

    /// Hears an answer that has a `Content-Length`: its head, and its body.
    pub async fn answer(&mut self) -> (String, String) {
        let head = self.head().await;
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        let length: usize = length.unwrap_or_else(|| panic!("no length in {head}"));
        (head, self.bytes(length).await)
    }

    /// Hears this many bytes.
    pub async fn bytes(&mut self, count: usize) -> String {
        while self.unread.len() < count {
            self.read().await;
        }
        self.take(count)
    }

    /// Hears everything until the proxy closes the connection.
    pub async fn rest(&mut self) -> String {
        // A reset is an end too.
        let _ = timeout(PATIENCE, self.stream.read_to_end(&mut self.unread)).await.expect("the connection is closed");
        self.take(self.unread.len())
    }

    async fn read(&mut self) {
        let count = timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await.expect("bytes in time").unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&self.unread));
    }

    fn take(&mut self, count: usize) -> String {
        let taken: Vec<u8> = self.unread.drain(..count).collect();
        String::from_utf8_lossy(&taken).into_owned()
    }
}
