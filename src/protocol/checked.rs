//! `Checked`: the stream as hyper sees it: only bytes that passed the strict check, and only writes that are somebody's.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::StatusCode;
use hyper::rt::ReadBufCursor;

use super::{framing::Place, head::Head, link::Link};
use crate::transport::Stream;

/// Sums shorter than this are joined before they are written: one copy of a few hundred bytes costs less than the
/// system's gathering of two buffers.
const JOINED: usize = 1024;

pub(super) struct Checked {
    stream: Stream,
    link: Rc<Link>,
    /// Read before, and checked then: what hyper gave back when it was let go, or may not see yet.
    front: Bytes,
    joined: Vec<u8>,
    /// A head, and what was joined to it: hyper knows it as written, so it goes before anything else. Of it so many
    /// bytes have been.
    owed: Vec<u8>,
    written: usize,
}

impl Checked {
    pub(super) fn new(stream: Stream, link: Rc<Link>, front: Bytes) -> Self {
        Self {
            stream,
            link,
            front,
            joined: Vec::new(),
            owed: Vec::new(),
            written: 0,
        }
    }

    /// What hyper has not seen of what was read.
    pub(super) fn into_front(self) -> Bytes {
        self.front
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

    /// Whether a read would show hyper the end of the request, or on a connection that closes, where nothing more is
    /// wanted, anything at all.
    fn is_held(&self) -> bool {
        !self.front.is_empty() || self.link.closes_when_idle() || self.link.refusal().is_some()
    }

    fn on_outcome(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &outcome {
            Poll::Ready(_) => self.link.on_written(),
            Poll::Pending => self.link.on_write_blocked(),
        }
        outcome
    }

    /// Writes what is owed.
    fn poll_owed(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.owed.get(self.written..) {
            let outcome = self.stream.poll_write(cx, rest);
            self.written += ready!(self.on_outcome(outcome))?;
        }
        if self.written > 0 {
            self.written = 0;
            self.link.shared.recycle(std::mem::take(&mut self.owed));
        }
        Poll::Ready(Ok(()))
    }

    /// Writes `head` in place of hyper's, which `slices` begin with; gives how many bytes of `slices` that was.
    fn write_head(
        &mut self,
        cx: &Context<'_>,
        head: Head,
        slices: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        let Some((framed, body)) = slices.split_first() else {
            return Ok(0);
        };
        let mut bytes = head.complete(framed);
        let rest: usize = body.iter().map(|slice| slice.len()).sum();
        let is_joined = bytes.len() + rest <= JOINED;
        let outcome = if is_joined {
            for slice in body {
                bytes.extend_from_slice(slice);
            }
            self.stream.poll_write(cx, &bytes)
        } else {
            let mut all = Vec::with_capacity(slices.len());
            all.push(IoSlice::new(&bytes));
            all.extend(body.iter().map(|slice| IoSlice::new(slice)));
            self.stream.poll_write_vectored(cx, &all)
        };
        let written = match self.on_outcome(outcome) {
            Poll::Ready(written) => written?,
            Poll::Pending => 0,
        };
        let beyond = written.saturating_sub(bytes.len());
        if written < bytes.len() {
            self.owed = bytes;
            self.written = written;
        } else {
            self.link.shared.recycle(bytes);
        }
        Ok(framed.len() + if is_joined { rest } else { beyond })
    }
}

impl hyper::rt::Read for Checked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_held() && self.link.unwritten.holds() {
            return Poll::Pending;
        }
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
            // Held back, or the end of what the peer sends.
            Poll::Ready(Ok((_, 0))) if link.unwritten.holds() => Poll::Pending,
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
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_owed(cx))?;
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
        let this = &mut *self;
        if slices.first().is_some_and(|first| this.is_refusal(first)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        ready!(this.poll_owed(cx))?;
        if let Some(head) = this.link.take_head() {
            return Poll::Ready(this.write_head(cx, head, slices));
        }
        let outcome = match slices {
            [only] => this.stream.poll_write(cx, only),
            _ if slices.iter().map(|slice| slice.len()).sum::<usize>() <= JOINED => {
                this.joined.clear();
                for slice in slices {
                    this.joined.extend_from_slice(slice);
                }
                this.stream.poll_write(cx, &this.joined)
            }
            _ => this.stream.poll_write_vectored(cx, slices),
        };
        this.on_outcome(outcome)
    }
}
