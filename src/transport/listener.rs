//! `Listener`: adopts a listening socket and accepts from it, in batches, with a back-off when descriptors run out.
//! Knows nothing of what happens on the streams it gives.

use std::{
    future::poll_fn,
    io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    os::{
        fd::{AsFd, BorrowedFd, RawFd},
        unix::net::UnixListener as StdUnixListener,
    },
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use mio::net::{TcpListener, UnixListener};

use super::{Peer, ServerAddress, Stream};
use crate::runtime::{Deadline, Runtime, Source, duplicate, is_listening};

/// Connections accepted before other tasks get their go (nginx's `multi_accept` takes all; a flood must not stop the loop).
const BATCH: u32 = 64;
/// Unsent bytes the system may hold for one peer: enough to keep a fast link busy between two turns, little enough that
/// it says soon when a slow one has taken some (measured: 256 KB/s looked like nothing for four seconds without it).
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;
/// Those who wait at the end are accepted at once. More than Linux lets wait (`somaxconn`) came after it.
const LONGEST_QUEUE: u32 = 4096;
/// The pause after `accept` said that descriptors or memory ran out (FLT-D1: at least 50 ms, so that it costs nothing).
const BACK_OFF: Duration = Duration::from_millis(100);

/// Whether another connection may be accepted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Open,
    /// Not now: whoever closes a connection wakes the listener's task.
    Full,
    /// Whoever waits already, and then never again: the listener closes.
    Last,
    /// Never again: the listener closes at once.
    Closed,
}

/// A socket that accepts connections.
pub(crate) struct Listener {
    runtime: Runtime,
    socket: Socket,
}

enum Socket {
    Tcp(Source<TcpListener>),
    Unix(Source<UnixListener>, Arc<str>),
}

impl Listener {
    /// Adopts a duplicate of a bound and listening socket. `path` is what clients of a Unix socket were told.
    ///
    /// Fails for a descriptor that is not such a socket, or when it cannot be watched.
    pub(crate) fn adopt(runtime: &Runtime, fd: RawFd, path: Option<&str>) -> io::Result<Self> {
        let fd = duplicate(fd)?;
        if !is_listening(fd.as_fd()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a listening socket",
            ));
        }
        let socket = if is_internet(fd.as_fd()) {
            let listener = StdTcpListener::from(fd);
            listener.set_nonblocking(true)?;
            let source = Source::listening(runtime, TcpListener::from_std(listener))?;
            #[cfg(target_os = "linux")]
            source.bound_unsent(UNSENT);
            Socket::Tcp(source)
        } else {
            let listener = StdUnixListener::from(fd);
            listener.set_nonblocking(true)?;
            let bound = listener.local_addr()?;
            let path = path
                .map(str::to_owned)
                .or_else(|| {
                    bound
                        .as_pathname()
                        .map(|path| path.to_string_lossy().into_owned())
                })
                .unwrap_or_default();
            Socket::Unix(
                Source::listening(runtime, UnixListener::from_std(listener))?,
                path.into(),
            )
        };
        Ok(Self {
            runtime: runtime.clone(),
            socket,
        })
    }

    /// Accepts until `admission` says that it is over, handing each connection to `serve`.
    ///
    /// `trouble` hears of every failure that is not the client's: it is called once per pause.
    pub(crate) async fn run(
        self,
        admission: impl Fn() -> Admission,
        serve: impl Fn(Stream, Peer),
        trouble: impl Fn(&io::Error),
    ) {
        let pause = Deadline::new(&self.runtime);
        let mut paused_until = None;
        poll_fn(|cx| {
            if let Some(until) = paused_until {
                if matches!(admission(), Admission::Last | Admission::Closed) {
                    return Poll::Ready(());
                }
                if self.runtime.now() < until {
                    pause.set(until, cx.waker());
                    return Poll::Pending;
                }
                paused_until = None;
            }
            for _ in 0..BATCH {
                match admission() {
                    Admission::Open => {}
                    Admission::Full => return Poll::Pending,
                    Admission::Last => {
                        self.accept_waiting(cx, &admission, &serve);
                        return Poll::Ready(());
                    }
                    Admission::Closed => return Poll::Ready(()),
                }
                match self.poll_accept(cx) {
                    Poll::Ready(Ok((stream, peer))) => serve(stream, peer),
                    Poll::Ready(Err(error)) if is_the_clients(&error) => {}
                    Poll::Ready(Err(error)) => {
                        trouble(&error);
                        let until = self.runtime.now() + BACK_OFF;
                        paused_until = Some(until);
                        pause.set(until, cx.waker());
                        return Poll::Pending;
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Accepts whoever stands in the system's queue: closing would reset them, and they may have sent requests.
    fn accept_waiting(
        &self,
        cx: &Context<'_>,
        admission: &impl Fn() -> Admission,
        serve: &impl Fn(Stream, Peer),
    ) {
        let readiness = match &self.socket {
            Socket::Tcp(source) => source.readiness(),
            Socket::Unix(source, _) => source.readiness(),
        };
        readiness.suspect_readable();
        for _ in 0..LONGEST_QUEUE {
            if admission() != Admission::Last {
                return;
            }
            match self.poll_accept(cx) {
                Poll::Ready(Ok((stream, peer))) => serve(stream, peer),
                Poll::Ready(Err(error)) if is_the_clients(&error) => {}
                Poll::Ready(Err(_)) | Poll::Pending => return,
            }
        }
    }

    fn poll_accept(&self, cx: &Context<'_>) -> Poll<io::Result<(Stream, Peer)>> {
        match &self.socket {
            Socket::Tcp(source) => source.poll_with(cx, |listener| {
                let (stream, client) = listener.accept()?;
                // Without it a small answer may wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                let server = stream
                    .local_addr()
                    .map_or(ServerAddress::Unknown, |address| {
                        ServerAddress::Internet(plain(address))
                    });
                let peer = Peer {
                    client: Some(plain(client)),
                    server,
                };
                Ok((Stream::Tcp(Source::duplex(&self.runtime, stream)?), peer))
            }),
            Socket::Unix(source, path) => source.poll_with(cx, |listener| {
                let (stream, _) = listener.accept()?;
                let peer = Peer {
                    client: None,
                    server: ServerAddress::Unix(Arc::clone(path)),
                };
                Ok((Stream::Unix(Source::duplex(&self.runtime, stream)?), peer))
            }),
        }
    }
}

/// The client gave up while it waited in the queue; nothing is wrong with us.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Flow information and scope say nothing to an application; Python's `getsockname()[:2]` drops them too.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}

fn is_internet(fd: BorrowedFd<'_>) -> bool {
    fd.try_clone_to_owned()
        .is_ok_and(|fd| StdTcpListener::from(fd).local_addr().is_ok())
}
