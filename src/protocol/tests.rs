//! A server with a scripted application, and clients on real sockets that share its thread: turns alternate with reads.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may fail by panicking"
)]

mod bodies;
mod client;
mod drain;
mod exchange;
mod late;
mod leaving;
mod parking;
mod refusals;
mod requests;
mod responses;
mod sessions;
mod stalls;
mod timeouts;
mod upgrades;

use std::{
    cell::{Cell, RefCell},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{StatusCode, request::Parts};

use self::client::{Client, End};
use super::{Application, Exchange, Head, Received, Server, Session, websocket::Trouble};
use crate::{
    runtime::{
        Runtime,
        tests::{Count, Recorder},
    },
    settings::Settings,
    transport::{Listener, Peer},
};

/// How long the machine may take for what it always does in the end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Turns after which whatever was on its way through the loopback has arrived.
const SETTLED: usize = 8;

/// What an application does with a request, within the call that brings it.
type Script = Box<dyn Fn(&Parts, &Rc<Exchange>)>;

/// An application that runs a script, and keeps what it was given for the test to go on with.
struct Scripted {
    script: Script,
    requests: RefCell<Vec<Parts>>,
    exchanges: RefCell<Vec<Rc<Exchange>>>,
    clients: Cell<usize>,
    refused: RefCell<Vec<&'static str>>,
    sessions: RefCell<Vec<Rc<Session>>>,
    denied: RefCell<Vec<StatusCode>>,
    troubles: RefCell<Vec<Trouble>>,
}

impl Application for Scripted {
    type Client = ();

    fn client(&self, _peer: &Peer) {
        self.clients.set(self.clients.get() + 1);
    }

    fn exchange(&self, (): &(), request: &mut Parts, exchange: &Rc<Exchange>) {
        self.exchanges.borrow_mut().push(Rc::clone(exchange));
        self.requests.borrow_mut().push(request.clone());
        (self.script)(request, exchange);
    }

    fn session(&self, (): &(), _request: &mut Parts, session: &Rc<Session>) {
        self.sessions.borrow_mut().push(Rc::clone(session));
    }

    fn on_denied(&self, _peer: &Peer, status: StatusCode, _reason: &str) {
        self.denied.borrow_mut().push(status);
    }

    fn on_trouble(&self, _peer: &Peer, trouble: Trouble) {
        self.troubles.borrow_mut().push(trouble);
    }

    fn on_refused(&self, _peer: &Peer, reason: &'static str) {
        self.refused.borrow_mut().push(reason);
    }

    fn on_accept_trouble(&self, error: &io::Error) {
        unreachable(error);
    }
}

#[expect(clippy::panic, reason = "no test makes accepting fail")]
fn unreachable(error: &io::Error) {
    panic!("accepting failed: {error}");
}

/// A server on a port of its own, and the clock that it goes by.
struct World {
    runtime: Runtime,
    host: Rc<Recorder>,
    server: Rc<Server<Scripted>>,
    address: SocketAddr,
    ahead: Cell<Duration>,
}

impl World {
    /// Requests are kept; the test answers them when it likes.
    fn waiting() -> Self {
        Self::new(|_, _| ())
    }

    /// Every request is answered at once, with its path.
    fn echoing() -> Self {
        Self::new(echo)
    }

    fn new(script: impl Fn(&Parts, &Rc<Exchange>) + 'static) -> Self {
        Self::with(settings(), script)
    }

    fn with(settings: Settings, script: impl Fn(&Parts, &Rc<Exchange>) + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let host = Recorder::nest(&runtime);
        let application = Scripted {
            script: Box::new(script),
            requests: RefCell::default(),
            exchanges: RefCell::default(),
            clients: Cell::default(),
            refused: RefCell::default(),
            sessions: RefCell::default(),
            denied: RefCell::default(),
            troubles: RefCell::default(),
        };
        let server = Server::new(runtime.clone(), settings, application);
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        server.listen(Listener::adopt(&runtime, socket.as_raw_fd(), None).unwrap());
        Self {
            runtime,
            host,
            server,
            address: socket.local_addr().unwrap(),
            ahead: Cell::default(),
        }
    }

    /// A turn that may leave work for the next: whoever waits has another.
    fn budgeted_turn(&self) {
        if self.ahead.get().is_zero() {
            self.runtime.turn();
            assert_eq!(self.runtime.take_panics(), 0);
        } else {
            self.turn();
        }
    }

    fn turn(&self) {
        self.runtime.turn_at(Instant::now() + self.ahead.get());
        assert_eq!(self.runtime.take_panics(), 0);
    }

    fn settle(&self) {
        for _ in 0..SETTLED {
            self.turn();
        }
    }

    fn until(&self, what: &str, mut is_reached: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is_reached() {
            assert!(started.elapsed() < PATIENCE, "never came: {what}");
            self.budgeted_turn();
            std::thread::yield_now();
        }
    }

    /// So much later, everything else being equal.
    fn skip(&self, time: Duration) {
        self.ahead.set(self.ahead.get() + time);
        self.settle();
    }

    /// Does something for the application, by the clock of the test.
    fn act<R>(&self, act: impl FnOnce() -> R) -> R {
        self.runtime.act_at(Instant::now() + self.ahead.get(), act)
    }

    fn connect(&self) -> Client<'_> {
        let socket = TcpStream::connect(self.address).unwrap();
        self.settle();
        Client::new(self, socket)
    }

    fn connections(&self) -> usize {
        self.server.shared.counters().connections()
    }

    fn application(&self) -> &Scripted {
        self.server.application()
    }

    /// How many requests have reached the application.
    fn started(&self) -> usize {
        self.application().exchanges.borrow().len()
    }

    /// The exchange of the request of that number, the first being 0; waits for it.
    fn exchange(&self, number: usize) -> Rc<Exchange> {
        self.until("the request", || self.started() > number);
        let exchanges = self.application().exchanges.borrow();
        Rc::clone(exchanges.get(number).expect("a request"))
    }

    fn refused(&self) -> usize {
        self.application().refused.borrow().len()
    }

    /// What the application receives until the body ends or the peer is gone.
    fn receive_all(&self, exchange: &Exchange) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        loop {
            match exchange.try_receive() {
                Some(Received::Body { bytes, more }) => {
                    all.extend_from_slice(&bytes);
                    if !more {
                        return (all, true);
                    }
                }
                Some(Received::Disconnect) => return (all, false),
                None => {
                    let news = receiver(exchange);
                    self.until("news for the receiver", || news.now() > 0);
                }
            }
        }
    }
}

/// Without what changes from second to second.
fn settings() -> Settings {
    Settings {
        date_header: false,
        ..Settings::default()
    }
}

fn echo(request: &Parts, exchange: &Rc<Exchange>) {
    answer(exchange, request.uri.path());
}

fn answer(exchange: &Exchange, words: &str) {
    let body = Bytes::copy_from_slice(words.as_bytes());
    exchange.respond(exchange.head(StatusCode::OK), body);
}

fn open(exchange: &Exchange, words: &'static str) {
    exchange.open(exchange.head(StatusCode::OK), Bytes::from(words));
}

/// The beginning of an answer with one field.
fn head_with(exchange: &Exchange, name: &str, value: &str) -> Head {
    let mut head = exchange.head(StatusCode::OK);
    head.add(name.as_bytes(), value.as_bytes()).unwrap();
    head
}

/// A waiter for news, as a count of them.
fn receiver(exchange: &Exchange) -> Count {
    let news = Count::default();
    let count = news.clone();
    exchange.wait_receive(Box::new(move || count.add()));
    news
}

fn body(words: &'static str, more: bool) -> Received {
    let bytes = Bytes::from(words);
    Received::Body { bytes, more }
}

/// The bytes of an answer in one piece.
fn ok(words: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{words}",
        words.len()
    )
}

/// The bytes of the last one.
fn ok_and_close(words: &str) -> String {
    let length = words.len();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{words}")
}

/// The bytes of a refusal.
fn refusal(status: &str, words: &str) -> String {
    let length = words.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{words}"
    )
}

fn invalid() -> String {
    refusal("400 Bad Request", "Invalid HTTP request received.")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}
