//! `Stream`: TCP or Unix as one type, which clones and reads as one. Knows nothing of what flows through it.

use std::{
    io::{self, IoSlice},
    net::Shutdown,
    task::{Context, Poll},
};

use hyper::rt::ReadBufCursor;
use mio::net::{TcpStream, UnixStream};

use crate::runtime::{Readiness, Source};

/// An open connection; clones are the same connection, which closes with the last of them.
#[derive(Clone)]
pub(crate) enum Stream {
    Tcp(Source<TcpStream>),
    Unix(Source<UnixStream>),
}

macro_rules! on_source {
    ($stream:expr, $source:ident => $body:expr) => {
        match $stream {
            Stream::Tcp($source) => $body,
            Stream::Unix($source) => $body,
        }
    };
}

impl Stream {
    pub(crate) fn readiness(&self) -> &Readiness {
        on_source!(self, source => source.readiness())
    }

    /// See [`Source::poll_read`].
    pub(crate) fn poll_read(
        &self,
        cx: &Context<'_>,
        buffer: ReadBufCursor<'_>,
        inspect: impl FnOnce(&[u8]) -> usize,
    ) -> Poll<io::Result<(usize, usize)>> {
        on_source!(self, source => source.poll_read(cx, buffer, inspect))
    }

    pub(crate) fn poll_read_slice(
        &self,
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        on_source!(self, source => source.poll_read_slice(cx, buffer))
    }

    /// See [`Source::try_write`].
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        on_source!(self, source => source.try_write(bytes))
    }

    pub(crate) fn poll_write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_source!(self, source => source.poll_write(cx, bytes))
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_source!(self, source => source.poll_write_vectored(cx, slices))
    }

    /// Whether every byte that the peer sent before ending its side has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        on_source!(self, source => source.is_at_end())
    }

    /// Whether bytes have come that the poller has not told of yet; if so, the next read is tried.
    pub(crate) fn has_late_bytes(&self) -> bool {
        let is_late =
            !self.readiness().is_readable() && on_source!(self, source => source.has_unread());
        if is_late {
            self.readiness().suspect_readable();
        }
        is_late
    }

    /// Tells the peer that nothing more will be sent; it may still be read from.
    pub(crate) fn end_writing(&self) {
        // It fails when the peer is gone already, which is no news here.
        let _ = on_source!(self, source => source.io().shutdown(Shutdown::Write));
    }

    /// Makes the coming close a reset.
    pub(crate) fn reset_on_close(&self) {
        on_source!(self, source => source.reset_on_close());
    }
}
