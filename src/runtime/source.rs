//! `Source<T>`: a non-blocking descriptor that can be awaited. Edge-triggered: a short read means that it is drained.
//! Knows nothing of what is read or written.
#![allow(unsafe_code)]

#[cfg(test)]
mod tests;

use std::{
    cell::Cell,
    io::{self, IoSlice, Read, Write},
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use hyper::rt::ReadBufCursor;
use mio::{Interest, event};

use super::{Runtime, reactor::Reactor};

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
/// The peer has ended its side, or both: a short read no longer means drained, reading goes on until 0 or the error.
const READ_CLOSED: u8 = 4;
/// An error or a hang-up: nothing that is written will be read.
const RESET: u8 = 8;

/// A descriptor of our own for what `fd`, which stays the caller's, refers to.
pub(crate) fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the number may be anything: the call fails for what is not an open descriptor.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fresh from the system, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Whether connections can be accepted from it.
pub(crate) fn is_listening(fd: BorrowedFd<'_>) -> bool {
    let mut answer: libc::c_int = 0;
    #[expect(clippy::cast_possible_truncation, reason = "four bytes")]
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: both live across the call, and `size` is that of `answer`.
    let failed = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut answer).cast(),
            &raw mut size,
        )
    };
    failed == 0 && answer != 0
}

/// What the poller last said of a source, and who wants to hear the next.
#[derive(Default)]
pub(crate) struct Readiness {
    flags: Cell<u8>,
    waker: Cell<Option<Waker>>,
}

impl Readiness {
    pub(super) fn on_event(&self, event: &event::Event) {
        let mut flags = self.flags.get();
        if event.is_readable() || event.is_read_closed() {
            flags |= READABLE;
        }
        if event.is_read_closed() {
            flags |= READ_CLOSED;
        }
        if event.is_writable() {
            flags |= WRITABLE;
        }
        if event.is_error() || event.is_write_closed() {
            flags |= RESET | READABLE | WRITABLE | READ_CLOSED;
        }
        self.flags.set(flags);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether the connection is gone in both directions.
    pub(crate) fn is_reset(&self) -> bool {
        self.has(RESET)
    }

    /// Whether the peer has ended its sending side; bytes it sent before may still be unread.
    pub(crate) fn is_read_closed(&self) -> bool {
        self.has(READ_CLOSED)
    }

    /// Whether a read is worth trying.
    pub(crate) fn is_readable(&self) -> bool {
        self.has(READABLE)
    }

    /// Wakes this task at the next event, whatever it is.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let waker = match self.waker.take() {
            Some(waker) if waker.will_wake(cx.waker()) => waker,
            _ => cx.waker().clone(),
        };
        self.waker.set(Some(waker));
    }

    /// Has the next read tried, whatever the poller said: it is asked once a turn, and others run between.
    pub(crate) fn suspect_readable(&self) {
        self.flags.set(self.flags.get() | READABLE);
    }

    /// The same for the next write.
    pub(crate) fn suspect_writable(&self) {
        self.flags.set(self.flags.get() | WRITABLE);
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.get() & flag != 0
    }

    fn unset(&self, flag: u8) {
        self.flags.set(self.flags.get() & !flag);
    }
}

/// What a read would find.
enum Peek {
    Bytes,
    Nothing,
    /// Of what the peer sends, or of the connection.
    End,
}

/// A watched descriptor. Clones are the same descriptor, which closes with the last of them.
pub(crate) struct Source<T: event::Source>(Rc<Watched<T>>);

struct Watched<T: event::Source> {
    io: T,
    token: usize,
    readiness: Rc<Readiness>,
    reactor: Rc<Reactor>,
}

impl<T: event::Source> Source<T> {
    /// Watches a stream for both directions; assumes both ready until the system says otherwise.
    pub(crate) fn duplex(runtime: &Runtime, io: T) -> io::Result<Self> {
        Self::watch(runtime, io, Interest::READABLE | Interest::WRITABLE)
    }

    /// Watches a listening socket.
    pub(crate) fn listening(runtime: &Runtime, io: T) -> io::Result<Self> {
        Self::watch(runtime, io, Interest::READABLE)
    }

    fn watch(runtime: &Runtime, mut io: T, interest: Interest) -> io::Result<Self> {
        let readiness = Rc::new(Readiness::default());
        readiness.flags.set(READABLE | WRITABLE);
        let reactor = Rc::clone(&runtime.0.reactor);
        let token = reactor.watch(&mut io, interest, &readiness)?;
        Ok(Self(Rc::new(Watched {
            io,
            token,
            readiness,
            reactor,
        })))
    }

    pub(crate) fn io(&self) -> &T {
        &self.0.io
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// Runs `operation` if the source may be readable; `WouldBlock` means wait.
    pub(crate) fn poll_with<R>(
        &self,
        cx: &Context<'_>,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_flag(cx, READABLE, operation)
    }

    fn poll_flag<R>(
        &self,
        cx: &Context<'_>,
        flag: u8,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let readiness = &self.0.readiness;
        if readiness.has(flag) {
            match operation(&self.0.io) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => readiness.unset(flag),
                // The flag stays: the task comes back at once, as it would for a spurious event.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    cx.waker().wake_by_ref();
                }
                result => return Poll::Ready(result),
            }
        }
        readiness.register(cx);
        Poll::Pending
    }
}

impl<T: event::Source + AsRawFd> Source<T>
where
    for<'a> &'a T: Read + Write,
{
    /// Reads once into `buffer` and shows the fresh bytes to `inspect`, which says how many of them the reader may
    /// have; the rest is forgotten. Gives the number read, before and after inspection.
    pub(crate) fn poll_read(
        &self,
        cx: &Context<'_>,
        mut buffer: ReadBufCursor<'_>,
        inspect: impl FnOnce(&[u8]) -> usize,
    ) -> Poll<io::Result<(usize, usize)>> {
        let room = buffer.remaining();
        // SAFETY: the bytes are only written to, by the system call, and never de-initialised.
        let target = unsafe { buffer.as_mut() }.as_mut_ptr();
        let read = match self.poll_with(cx, |io: &T| {
            // SAFETY: `target` points at `room` writable bytes; `io` keeps the descriptor open.
            let read = unsafe { libc::recv(io.as_raw_fd(), target.cast(), room, 0) };
            usize::try_from(read).map_err(|_| io::Error::last_os_error())
        }) {
            Poll::Ready(Ok(read)) => read.min(room),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        // SAFETY: `read` bytes at `target` were just written, and nothing else refers to them while this does.
        let fresh = unsafe { std::slice::from_raw_parts(target.cast::<u8>(), read) };
        self.on_read(read, room);
        let kept = inspect(fresh).min(read);
        // SAFETY: `read` bytes were just written, and `kept <= read`.
        unsafe { buffer.advance(kept) };
        Poll::Ready(Ok((read, kept)))
    }

    /// Reads once into `buffer`.
    pub(crate) fn poll_read_slice(
        &self,
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.poll_with(cx, |mut io: &T| io.read(buffer));
        if let Poll::Ready(Ok(read)) = outcome {
            self.on_read(read, buffer.len());
        }
        outcome
    }

    /// A read that does not fill its room has drained the descriptor, while the peer may still send.
    fn on_read(&self, read: usize, room: usize) {
        if read < room && read > 0 && !self.0.readiness.has(READ_CLOSED) {
            self.0.readiness.unset(READABLE);
        }
    }

    /// Writes once, now; `WouldBlock` when the descriptor takes nothing. Whoever wants to know when it does again must
    /// register.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let readiness = &self.0.readiness;
        if !readiness.has(WRITABLE) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut io = &self.0.io;
        loop {
            match io.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    readiness.unset(WRITABLE);
                    return Err(error);
                }
                outcome => return outcome,
            }
        }
    }

    /// Writes once.
    pub(crate) fn poll_write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_flag(cx, WRITABLE, |mut io: &T| io.write(bytes))
    }

    /// Writes once, gathering.
    pub(crate) fn poll_write_vectored(
        &self,
        cx: &Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_flag(cx, WRITABLE, |mut io: &T| io.write_vectored(slices))
    }

    /// Whether every byte that the peer sent before ending its side has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.0.readiness.has(READ_CLOSED) && matches!(self.peek(), Peek::End)
    }

    /// Whether bytes wait to be read, as the system sees it now.
    pub(crate) fn has_unread(&self) -> bool {
        matches!(self.peek(), Peek::Bytes)
    }

    fn peek(&self) -> Peek {
        let mut byte = 0u8;
        // SAFETY: one writable byte, and a descriptor that `io` keeps open.
        let peeked = unsafe {
            libc::recv(
                self.0.io.as_raw_fd(),
                (&raw mut byte).cast(),
                1,
                libc::MSG_PEEK | libc::MSG_DONTWAIT,
            )
        };
        match peeked {
            0 => Peek::End,
            1.. => Peek::Bytes,
            _ if io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock => Peek::Nothing,
            _ => Peek::End,
        }
    }

    /// Makes the coming close a reset: what is still buffered for the peer is dropped.
    pub(crate) fn reset_on_close(&self) {
        #[expect(clippy::cast_possible_truncation, reason = "eight bytes")]
        const LINGER_SIZE: libc::socklen_t = size_of::<libc::linger>() as libc::socklen_t;
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        // SAFETY: `linger` lives across the call and its size is given. Where the option means nothing (Unix sockets)
        // the call fails and the close is an ordinary one.
        unsafe {
            libc::setsockopt(
                self.0.io.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                LINGER_SIZE,
            );
        }
    }
}

impl<T: event::Source + AsRawFd> Source<T> {
    /// Bounds what the system holds of unsent bytes, for this socket and those accepted from it. With its own idea of a
    /// send buffer the system calls a socket writable again only when megabytes have drained: a slow but steady
    /// reader would look like one that does not read.
    #[cfg(target_os = "linux")]
    pub(crate) fn bound_unsent(&self, bytes: u32) {
        #[expect(clippy::cast_possible_truncation, reason = "four bytes")]
        const SIZE: libc::socklen_t = size_of::<u32>() as libc::socklen_t;
        // SAFETY: `bytes` lives across the call and its size is given. A system that does not know the option refuses
        // it, and nothing is lost.
        unsafe {
            libc::setsockopt(
                self.0.io.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_NOTSENT_LOWAT,
                (&raw const bytes).cast(),
                SIZE,
            );
        }
    }
}

impl<T: event::Source> Clone for Source<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: event::Source> Drop for Watched<T> {
    fn drop(&mut self) {
        self.reactor.forget(&mut self.io, self.token);
    }
}
