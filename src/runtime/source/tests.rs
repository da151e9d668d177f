//! A watched socket: what edges mean for short reads, half-closes, resets and full buffers.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may fail by panicking"
)]

use std::{
    cell::RefCell,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use hyper::rt::ReadBuf;
use mio::event;

use super::{Runtime, Source, duplicate};
use crate::runtime::tests::Count;

impl<T: event::Source> Source<T> {
    /// How many handles there are: tells whether a part that had one is gone.
    pub(crate) fn owners(&self) -> usize {
        Rc::strong_count(&self.0)
    }
}

type Watched = Source<mio::net::TcpStream>;

/// A watched socket and its peer.
fn pair(runtime: &Runtime) -> (Watched, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = listener.accept().unwrap();
    ours.set_nonblocking(true).unwrap();
    let ours = mio::net::TcpStream::from_std(ours);
    (Source::duplex(runtime, ours).unwrap(), peer)
}

/// Reads once with a buffer of so many bytes.
fn read(source: &Watched, room: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut bytes = vec![0; room];
    let mut buffer = ReadBuf::new(&mut bytes);
    let cx = Context::from_waker(Waker::noop());
    source
        .poll_read(&cx, buffer.unfilled(), <[u8]>::len)
        .map_ok(|(read, kept)| {
            assert_eq!((read, kept), (buffer.filled().len(), read));
            buffer.filled().to_vec()
        })
}

fn assert_reads(source: &Watched, room: usize, expected: &[u8]) {
    match read(source, room) {
        Poll::Ready(Ok(bytes)) => assert_eq!(bytes, expected),
        other => assert!(other.is_pending() && expected.is_empty(), "{other:?}"),
    }
}

#[test]
fn short_read_means_drained_until_the_next_event() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    assert!(read(&source, 8).is_pending(), "nothing has come");
    peer.write_all(b"abc").unwrap();
    assert!(
        read(&source, 8).is_pending(),
        "no event has come: nobody looks"
    );
    runtime.turn_until("an event", || source.readiness().is_readable());
    assert_reads(&source, 8, b"abc");
    assert!(
        !source.readiness().is_readable(),
        "a second look is not needed"
    );
    peer.write_all(b"d").unwrap();
    runtime.turn_until("an event", || source.readiness().is_readable());
    assert_reads(&source, 8, b"d");
}

#[test]
fn full_read_goes_on_until_the_socket_is_empty() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    assert!(read(&source, 1).is_pending());
    peer.write_all(b"abcdef").unwrap();
    runtime.turn_until("an event", || source.readiness().is_readable());
    for expected in [b"ab", b"cd", b"ef"] {
        assert!(source.readiness().is_readable());
        assert_reads(&source, 2, expected);
    }
    assert!(read(&source, 2).is_pending());
    assert!(!source.readiness().is_readable());
}

#[test]
fn half_close_does_not_hide_the_data_before_it_nor_the_end() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    assert!(read(&source, 8).is_pending());
    peer.write_all(b"abc").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    runtime.turn_until("the end", || source.readiness().is_read_closed());
    assert!(!source.is_at_end(), "three bytes come first");
    assert!(!source.readiness().is_reset(), "it still reads");
    assert_reads(&source, 8, b"abc");
    assert!(source.is_at_end());
    assert!(
        source.readiness().is_readable(),
        "a short read is not the end"
    );
    assert!(matches!(read(&source, 8), Poll::Ready(Ok(bytes)) if bytes.is_empty()));
    let cx = Context::from_waker(Waker::noop());
    assert!(matches!(
        source.poll_write(&cx, b"still"),
        Poll::Ready(Ok(5))
    ));
    let mut answer = [0; 5];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"still");
}

#[test]
fn end_that_comes_after_a_short_read_is_noticed() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    peer.write_all(b"abc").unwrap();
    assert_reads(&source, 8, b"abc");
    runtime.whole_turn();
    peer.shutdown(Shutdown::Write).unwrap();
    runtime.turn_until("the end", || source.readiness().is_read_closed());
    assert!(matches!(read(&source, 8), Poll::Ready(Ok(bytes)) if bytes.is_empty()));
}

#[test]
fn reset_is_noticed_and_read_as_an_error() {
    let runtime = Runtime::new().unwrap();
    let (source, peer) = pair(&runtime);
    let cx = Context::from_waker(Waker::noop());
    assert!(matches!(
        source.poll_write(&cx, b"unread"),
        Poll::Ready(Ok(6))
    ));
    runtime.whole_turn();
    // To close on unread bytes is to reset.
    drop(peer);
    runtime.turn_until("the reset", || source.readiness().is_reset());
    assert!(source.readiness().is_read_closed());
    assert!(matches!(
        read(&source, 8),
        Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset
    ));
    assert!(source.is_at_end());
}

#[test]
fn full_buffer_waits_for_room() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    let woken = Count::default();
    let chunk = vec![b'x'; 64 * 1024];
    let sent = Rc::new(RefCell::new(0));
    runtime.spawn_forever({
        let (source, woken, sent) = (source.clone(), woken.clone(), Rc::clone(&sent));
        move |cx| {
            woken.add();
            while let Poll::Ready(Ok(count)) = source.poll_write(cx, &chunk) {
                *sent.borrow_mut() += count;
            }
        }
    });
    runtime.turn_until("a full buffer", || *sent.borrow() > 0);
    runtime.whole_turn();
    let before = *sent.borrow();
    woken.take();
    peer.set_nonblocking(true).unwrap();
    let (mut buffer, mut received) = (vec![0; 1 << 20], 0);
    runtime.turn_until("room", || {
        received += peer.read(&mut buffer).unwrap_or(0);
        *sent.borrow() > before
    });
    assert!(received > 0 && woken.now() > 0);
}

#[test]
fn reader_may_be_given_less_than_was_read() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    peer.write_all(b"good, bad").unwrap();
    let mut bytes = [0; 16];
    let mut buffer = ReadBuf::new(&mut bytes);
    let cx = Context::from_waker(Waker::noop());
    let outcome = source.poll_read(&cx, buffer.unfilled(), |fresh| {
        assert_eq!(fresh, b"good, bad");
        4
    });
    assert!(matches!(outcome, Poll::Ready(Ok((9, 4)))));
    assert_eq!(buffer.filled(), b"good");
    let mut buffer = ReadBuf::new(&mut bytes);
    peer.write_all(b"x").unwrap();
    runtime.turn_until("an event", || source.readiness().is_readable());
    let outcome = source.poll_read(&cx, buffer.unfilled(), |_| 100);
    assert!(
        matches!(outcome, Poll::Ready(Ok((1, 1)))),
        "no more than there is"
    );
}

#[test]
fn event_wakes_the_task_that_registered_last() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    let (first, last) = (Count::default(), Count::default());
    for count in [&first, &last] {
        let (source, count) = (source.clone(), count.clone());
        runtime.spawn_forever(move |cx| {
            count.add();
            source.readiness().register(cx);
        });
    }
    runtime.whole_turn();
    runtime.whole_turn();
    first.take();
    last.take();
    runtime.whole_turn();
    assert_eq!((first.now(), last.now()), (0, 0));
    peer.write_all(b"x").unwrap();
    runtime.turn_until("the wake", || last.now() == 1);
    assert_eq!(first.now(), 0);
}

#[test]
fn descriptor_closes_with_the_last_handle() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    let copy = source.clone();
    assert_eq!(copy.owners(), 2);
    drop(source);
    peer.set_nonblocking(true).unwrap();
    let error = peer.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    drop(copy);
    peer.set_nonblocking(false).unwrap();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}

#[test]
fn event_of_a_source_that_is_gone_harms_nobody() {
    let runtime = Runtime::new().unwrap();
    let (gone, mut peer) = pair(&runtime);
    let survivor = gone.clone();
    runtime.whole_turn();
    peer.write_all(b"x").unwrap();
    drop((gone, survivor));
    let (heir, _peer) = pair(&runtime);
    runtime.whole_turn();
    assert!(read(&heir, 1).is_pending());
    drop(peer);
    runtime.whole_turn();
    assert!(!heir.readiness().is_reset());
}

#[test]
fn reset_on_close_resets() {
    let runtime = Runtime::new().unwrap();
    let (source, mut peer) = pair(&runtime);
    source.reset_on_close();
    drop(source);
    let error = peer.read(&mut [0]).expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn unix_socket_has_no_reset_and_closes() {
    let runtime = Runtime::new().unwrap();
    let (ours, mut peer) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let source = Source::duplex(&runtime, mio::net::UnixStream::from_std(ours)).unwrap();
    source.reset_on_close();
    drop(source);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}

#[test]
fn duplicate_of_what_is_no_descriptor_fails() {
    for bad in [-1, i32::MAX] {
        let error = duplicate(bad).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}

#[test]
fn interrupted_operation_is_tried_again() {
    let runtime = Runtime::new().unwrap();
    let (source, _peer) = pair(&runtime);
    let tries = Count::default();
    runtime.spawn_forever({
        let (source, tries) = (source.clone(), tries.clone());
        move |cx| {
            let outcome = source.poll_with(cx, |_| {
                tries.add();
                Err::<(), _>(io::Error::from(match tries.now() {
                    1 | 2 => io::ErrorKind::Interrupted,
                    _ => io::ErrorKind::WouldBlock,
                }))
            });
            assert!(outcome.is_pending());
        }
    });
    for _ in 0..5 {
        runtime.whole_turn();
    }
    assert_eq!(tries.now(), 3);
}
