//! Vectored writes without the kernel's price for them, where that is cheaper.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// Up to this many bytes are copied together: importing a vector costs the kernel more than copying a small message.
const SMALL: usize = 4096;

thread_local! {
    static TOGETHER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(SMALL));
}

/// Writes `bufs` to `stream`: as one buffer where they are one, or small.
pub(crate) fn poll_write<S>(stream: &mut S, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>>
where
    S: AsyncWrite + Unpin,
{
    let stream = Pin::new(stream);
    if let [only] = bufs {
        return stream.poll_write(cx, only);
    }
    if bufs.iter().map(|buf| buf.len()).sum::<usize>() > SMALL {
        return stream.poll_write_vectored(cx, bufs);
    }
    TOGETHER.with_borrow_mut(|together| {
        together.clear();
        bufs.iter().for_each(|buf| together.extend_from_slice(buf));
        stream.poll_write(cx, together)
    })
}
