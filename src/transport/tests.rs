//! The listener over real sockets: adoption, batches, limits, back-off; and what a stream tells its peer.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may fail by panicking"
)]

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    process::Command,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{Admission, Listener, Peer, ServerAddress, Stream};
use crate::runtime::{
    Runtime, TaskId,
    tests::{Count, Recorder},
};

/// A listener's task, what it accepted, and the hands on its limit.
struct Accepting {
    task: TaskId,
    admission: Rc<Cell<Admission>>,
    accepted: Rc<RefCell<Vec<(Stream, Peer)>>>,
    troubles: Rc<RefCell<Vec<io::Error>>>,
    ended: Count,
}

impl Accepting {
    fn start(runtime: &Runtime, listener: Listener) -> Self {
        let admission = Rc::new(Cell::new(Admission::Open));
        let accepted = Rc::<RefCell<Vec<_>>>::default();
        let troubles = Rc::<RefCell<Vec<_>>>::default();
        let ended = Count::default();
        let task = runtime.spawn({
            let (admission, accepted) = (Rc::clone(&admission), Rc::clone(&accepted));
            let (troubles, ended) = (Rc::clone(&troubles), ended.clone());
            async move {
                let serve = |stream, peer| accepted.borrow_mut().push((stream, peer));
                let trouble = |error: &io::Error| {
                    troubles.borrow_mut().push(io::Error::from_raw_os_error(
                        error.raw_os_error().unwrap_or(0),
                    ));
                };
                listener.run(|| admission.get(), serve, trouble).await;
                ended.add();
            }
        });
        Self {
            task,
            admission,
            accepted,
            troubles,
            ended,
        }
    }

    fn count(&self) -> usize {
        self.accepted.borrow().len()
    }

    fn take(&self) -> (Stream, Peer) {
        self.accepted.borrow_mut().pop().expect("a connection")
    }
}

/// A path for a socket that is gone again with the test.
struct SocketPath(PathBuf);

impl SocketPath {
    fn new(name: &str) -> Self {
        let name = format!("rsgi-{}-{name}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn internet(runtime: &Runtime) -> (Accepting, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = Listener::adopt(runtime, socket.as_raw_fd(), None).unwrap();
    // The caller's own descriptor goes: the listener has a duplicate.
    let address = socket.local_addr().unwrap();
    (Accepting::start(runtime, listener), address)
}

#[test]
fn tcp_socket_is_adopted_and_knows_both_ends() {
    let runtime = Runtime::new().unwrap();
    let (accepting, address) = internet(&runtime);
    let client = TcpStream::connect(address).unwrap();
    runtime.turn_until("the connection", || accepting.count() == 1);
    let (_stream, peer) = accepting.take();
    let expected = Peer {
        client: Some(client.local_addr().unwrap()),
        server: ServerAddress::Internet(address),
    };
    assert_eq!(peer, expected);
}

#[test]
fn ipv6_socket_is_adopted() {
    // A machine without IPv6 has nothing to show.
    let Ok(socket) = TcpListener::bind("[::1]:0") else {
        return;
    };
    let runtime = Runtime::new().unwrap();
    let listener = Listener::adopt(&runtime, socket.as_raw_fd(), None).unwrap();
    let accepting = Accepting::start(&runtime, listener);
    let client = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    runtime.turn_until("the connection", || accepting.count() == 1);
    let (_stream, peer) = accepting.take();
    assert_eq!(peer.client, Some(client.local_addr().unwrap()));
}

#[test]
fn unix_socket_is_adopted_under_its_configured_name() {
    for (configured, shown) in [(Some("/run/app.sock"), Some("/run/app.sock")), (None, None)] {
        let runtime = Runtime::new().unwrap();
        let path = SocketPath::new(configured.map_or("bound", |_| "configured"));
        let socket = UnixListener::bind(&path.0).unwrap();
        let listener = Listener::adopt(&runtime, socket.as_raw_fd(), configured).unwrap();
        let accepting = Accepting::start(&runtime, listener);
        let mut client = UnixStream::connect(&path.0).unwrap();
        runtime.turn_until("the connection", || accepting.count() == 1);
        let (stream, peer) = accepting.take();
        let shown = shown.map_or(path.0.to_string_lossy().into_owned(), str::to_owned);
        assert_eq!(peer.client, None);
        assert_eq!(peer.server, ServerAddress::Unix(shown.into()));
        let cx = Context::from_waker(Waker::noop());
        assert!(matches!(
            stream.poll_write(&cx, b"hello"),
            Poll::Ready(Ok(5))
        ));
        stream.end_writing();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello");
    }
}

#[test]
fn what_is_no_socket_is_not_adopted() {
    let runtime = Runtime::new().unwrap();
    let file = File::open("/dev/null").unwrap();
    assert!(Listener::adopt(&runtime, file.as_raw_fd(), None).is_err());
    assert!(Listener::adopt(&runtime, -1, None).is_err());
}

#[test]
fn connections_are_accepted_in_batches() {
    let runtime = Runtime::new().unwrap();
    let (accepting, address) = internet(&runtime);
    let bystander = Count::default();
    let task = runtime.spawn_forever({
        let bystander = bystander.clone();
        move |_| bystander.add()
    });
    let clients: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    runtime.whole_turn();
    assert_eq!(accepting.count(), 64);
    assert_eq!(bystander.now(), 1);
    runtime.wake(task);
    runtime.whole_turn();
    assert_eq!(accepting.count(), clients.len());
    assert_eq!(bystander.now(), 2);
}

#[test]
fn full_server_accepts_nothing_and_goes_on_when_woken() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    let (accepting, address) = internet(&runtime);
    accepting.admission.set(Admission::Full);
    let _clients = [(); 3].map(|()| TcpStream::connect(address).unwrap());
    for _ in 0..10 {
        runtime.whole_turn();
    }
    assert_eq!(accepting.count(), 0);
    host.take_soon();
    runtime.whole_turn();
    assert_eq!(host.take_soon(), 0, "it does not spin while it waits");
    accepting.admission.set(Admission::Open);
    runtime.wake(accepting.task);
    runtime.whole_turn();
    assert_eq!(accepting.count(), 3);
}

#[test]
fn listener_that_is_full_in_the_middle_of_a_batch_leaves_the_rest() {
    let runtime = Runtime::new().unwrap();
    let (accepting, address) = internet(&runtime);
    let admission = Rc::clone(&accepting.admission);
    let _clients = [(); 5].map(|()| TcpStream::connect(address).unwrap());
    let limited = {
        let accepted = Rc::clone(&accepting.accepted);
        runtime.spawn_forever(move |_| {
            if accepted.borrow().len() >= 5 {
                admission.set(Admission::Full);
            }
        })
    };
    runtime.whole_turn();
    assert_eq!(accepting.count(), 5);
    let _late = TcpStream::connect(address).unwrap();
    runtime.wake(limited);
    for _ in 0..5 {
        runtime.whole_turn();
    }
    assert_eq!(accepting.count(), 5);
}

#[test]
fn closed_listener_gives_its_socket_back() {
    let runtime = Runtime::new().unwrap();
    let (accepting, address) = internet(&runtime);
    runtime.whole_turn();
    assert_eq!(accepting.ended.now(), 0);
    accepting.admission.set(Admission::Closed);
    runtime.wake(accepting.task);
    runtime.whole_turn();
    assert_eq!(accepting.ended.now(), 1);
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn stream_says_that_nothing_more_comes_and_still_reads() {
    let runtime = Runtime::new().unwrap();
    let (accepting, address) = internet(&runtime);
    let mut client = TcpStream::connect(address).unwrap();
    runtime.turn_until("the connection", || accepting.count() == 1);
    let (stream, _) = accepting.take();
    stream.end_writing();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    client.write_all(b"late").unwrap();
    let (mut bytes, mut read) = ([0; 8], 0);
    let cx = Context::from_waker(Waker::noop());
    runtime.turn_until("the bytes", || {
        if let Poll::Ready(Ok(count)) = stream.poll_read_slice(&cx, &mut bytes) {
            read += count;
        }
        read == 4
    });
    assert_eq!(&bytes[..4], b"late");
}

/// FLT-D1. In a process of its own: that has no descriptors left, and other tests need theirs.
#[test]
fn listener_without_descriptors_backs_off_and_recovers() {
    const CHILD: &str = "RSGI_TEST_FEW_DESCRIPTORS";
    if std::env::var_os(CHILD).is_some() {
        accept_with_few_descriptors();
        return;
    }
    let status = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--test-threads=1", "--nocapture"])
        .arg("transport::tests::listener_without_descriptors_backs_off_and_recovers")
        .env(CHILD, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&status.stdout);
    assert!(status.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}

fn accept_with_few_descriptors() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    let (accepting, address) = internet(&runtime);
    let client = TcpStream::connect(address).unwrap();
    let mut hoard: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!hoard.is_empty());
    host.take_soon();
    runtime.whole_turn();
    assert_eq!(accepting.count(), 0);
    let troubles = accepting.troubles.take();
    assert_eq!(troubles.len(), 1);
    assert!(
        troubles
            .iter()
            .all(|error| error.raw_os_error() == Some(libc::EMFILE))
    );
    // It asks for a turn in a while, and for none before: waiting costs nothing.
    let now = runtime.now();
    let asked = host.take_at();
    assert_eq!(host.take_soon(), 0);
    assert_eq!(asked.len(), 1);
    let pause = asked
        .iter()
        .map(|at| at.duration_since(now))
        .sum::<Duration>();
    assert!(pause >= Duration::from_millis(50), "{pause:?}");
    // Whatever wakes it meanwhile, it does not try again: once a pause is said once.
    runtime.wake(accepting.task);
    runtime.turn_at(now + pause / 2);
    assert_eq!(accepting.troubles.borrow().len(), 0);
    runtime.turn_at(now + pause);
    assert_eq!(accepting.troubles.take().len(), 1);
    let started = Instant::now();
    hoard.truncate(0);
    runtime.turn_until("the waiting client", || accepting.count() == 1);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(
        accepting.take().1.client,
        Some(client.local_addr().unwrap())
    );
    // A listener that is closed while it pauses does not wait for the end of the pause.
    let _second = TcpStream::connect(address).unwrap();
    hoard.extend(std::iter::from_fn(|| File::open("/dev/null").ok()));
    runtime.turn_until("trouble", || accepting.troubles.borrow().len() == 1);
    accepting.admission.set(Admission::Closed);
    runtime.wake(accepting.task);
    runtime.turn_at(runtime.now());
    assert_eq!(accepting.ended.now(), 1);
}

#[test]
fn what_does_not_listen_is_not_adopted() {
    let runtime = Runtime::new().unwrap();
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let file = File::open("Cargo.toml").unwrap();
    for fd in [
        datagrams.as_raw_fd(),
        stream.as_raw_fd(),
        file.as_raw_fd(),
        -1,
    ] {
        assert!(Listener::adopt(&runtime, fd, None).is_err(), "{fd}");
    }
    assert!(Listener::adopt(&runtime, listener.as_raw_fd(), None).is_ok());
}
