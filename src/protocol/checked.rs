//! `Checked`: the stream as hyper sees it: only bytes that passed the strict check, and only writes that are somebody's.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;
use hyper::rt::ReadBufCursor;

use super::{framing::Place, link::Link};
use crate::transport::Stream;

/// hyper answers an HTTP/1.0 request with that version; a server announces its own (RFC 9110, section 6.2), as uvicorn
/// does.
const OLD_VERSION: &[u8] = b"HTTP/1.0 ";
const OWN_VERSION: &[u8] = b"HTTP/1.1 ";

/// Sums shorter than this are joined before they are written: one copy of a few hundred bytes costs less than the
/// system's gathering of two buffers.
const JOINED: usize = 1024;

pub(super) struct Checked {
    stream: Stream,
    link: Rc<Link>,
    /// Read before, and checked then: what hyper gave back when it was let go.
    front: Bytes,
    joined: Vec<u8>,
}

impl Checked {
    pub(super) fn new(stream: Stream, link: Rc<Link>, front: Bytes) -> Self {
        Self {
            stream,
            link,
            front,
            joined: Vec::new(),
        }
    }

    /// A write while no response is owed is hyper's own refusal, an empty page: the driver says it in our words.
    fn is_refusal(&self, bytes: &[u8]) -> bool {
        if self.link.is_unflushed() {
            return false;
        }
        let status = bytes
            .get(9..12)
            .and_then(|status| StatusCode::from_bytes(status).ok());
        match status {
            Some(status) if status.is_client_error() => {
                self.link.on_swallowed(status);
                true
            }
            _ => false,
        }
    }

    /// The beginning of a response to an HTTP/1.0 request, with our version; the rest of `first` follows it.
    fn raised<'a>(&self, first: &'a [u8]) -> Option<&'a [u8]> {
        let rest = first.strip_prefix(OLD_VERSION)?;
        self.link.is_head_due().then_some(rest)
    }

    fn on_outcome(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &outcome {
            Poll::Ready(_) => self.link.on_written(),
            Poll::Pending => self.link.on_write_blocked(),
        }
        outcome
    }
}

impl hyper::rt::Read for Checked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.front.is_empty() {
            let length = self.front.len().min(buffer.remaining());
            buffer.put_slice(&self.front.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if let Some(outcome) = refused(&self.link) {
            return outcome;
        }
        let this = &mut *self;
        let link = &this.link;
        let outcome = this
            .stream
            .poll_read(cx, buffer, |bytes| link.on_read(bytes));
        this.front = link.take_escaped();
        match outcome {
            Poll::Ready(Ok((read, 0))) if read > 0 => refused(link).unwrap_or(Poll::Pending),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// What hyper gets instead of bytes once the peer has been refused. A faulty head stays pending: the exchange under way
/// is finished first, an error would kill it. A faulty body is an error of that body.
fn refused(link: &Link) -> Option<Poll<io::Result<()>>> {
    link.refusal().map(|refusal| match refusal.place {
        Place::Head => Poll::Pending,
        Place::Body => Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
    })
}

impl hyper::rt::Write for Checked {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_refusal(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        self.on_outcome(self.stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.on_flushed();
        Poll::Ready(Ok(()))
    }

    /// The driver ends the stream itself, after its last words.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if slices.first().is_some_and(|first| self.is_refusal(first)) {
            return Poll::Ready(Ok(total));
        }
        if let Some(rest) = slices.first().and_then(|first| self.raised(first)) {
            // Such a peer's connection ends with this response: one more write costs nothing.
            let outcome = self
                .stream
                .poll_write_vectored(cx, &[IoSlice::new(OWN_VERSION), IoSlice::new(rest)]);
            return self.on_outcome(outcome);
        }
        let outcome = match slices {
            [only] => self.stream.poll_write(cx, only),
            _ if total <= JOINED => {
                let this = &mut *self;
                this.joined.clear();
                for slice in slices {
                    this.joined.extend_from_slice(slice);
                }
                this.stream.poll_write(cx, &this.joined)
            }
            _ => self.stream.poll_write_vectored(cx, slices),
        };
        self.on_outcome(outcome)
    }
}
