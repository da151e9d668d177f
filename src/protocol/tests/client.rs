//! A client that shares the server's thread: whenever it waits, the server has its turns.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::Instant,
};

use super::{PATIENCE, SETTLED, World};
use crate::runtime::{Runtime, Source};

/// How a connection ended for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Reset,
}

pub(super) struct Client<'w> {
    pub(super) world: &'w World,
    pub(super) socket: TcpStream,
    pub(super) heard: Vec<u8>,
    pub(super) end: Option<End>,
}

impl<'w> Client<'w> {
    /// The client's end of a connection to a server of this world.
    pub(super) fn new(world: &'w World, socket: TcpStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            world,
            socket,
            heard: Vec::new(),
            end: None,
        }
    }

    /// Sends all of it, with as many turns as that takes.
    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let mut left = bytes.as_ref();
        let started = Instant::now();
        while !left.is_empty() {
            match self.socket.write(left) {
                Ok(count) => left = left.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    assert!(started.elapsed() < PATIENCE, "the server does not read");
                    self.world.turn();
                }
                Err(error) => assert!(left.is_empty(), "{error}"),
            }
        }
    }

    /// Sends all of it, and reads only when the server takes no more without that.
    pub(super) fn send_and_read_late(&mut self, bytes: impl AsRef<[u8]>) {
        let mut left = bytes.as_ref();
        let mut refused = 0;
        while !left.is_empty() && self.end.is_none() {
            match self.socket.write(left) {
                Ok(count) => {
                    left = left.get(count..).unwrap_or_default();
                    refused = 0;
                }
                Err(_) if refused < SETTLED => {
                    self.world.turn();
                    refused += 1;
                }
                Err(_) => {
                    self.listen();
                    refused = 0;
                }
            }
        }
    }

    /// Sends it and lets it arrive.
    pub(super) fn says(&mut self, bytes: impl AsRef<[u8]>) {
        self.send(bytes);
        self.world.settle();
    }

    /// Takes what has come.
    pub(super) fn listen(&mut self) {
        let mut buffer = vec![0; 256 * 1024];
        while self.end.is_none() {
            match self.socket.read(&mut buffer) {
                Ok(0) => self.end = Some(End::Closed),
                Ok(count) => self.heard.extend(buffer.iter().take(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.end = Some(End::Reset),
            }
        }
    }

    pub(super) fn listen_until(&mut self, mut is_enough: impl FnMut(&[u8]) -> bool) {
        let started = Instant::now();
        loop {
            self.listen();
            if self.end.is_some() || is_enough(&self.heard) || started.elapsed() > PATIENCE {
                return;
            }
            self.world.budgeted_turn();
        }
    }

    /// Exactly this comes, and nothing after it for now.
    pub(super) fn hears(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        self.listen_until(|heard| heard.len() >= expected.len());
        self.world.settle();
        self.has_heard(expected);
    }

    /// Exactly this has come already: no turn is needed.
    pub(super) fn has_heard(&mut self, expected: impl AsRef<[u8]>) {
        self.listen();
        let heard = std::mem::take(&mut self.heard);
        assert_eq!(
            String::from_utf8_lossy(&heard),
            String::from_utf8_lossy(expected.as_ref())
        );
    }

    pub(super) fn hears_nothing(&mut self) {
        self.hears("");
        assert_eq!(self.end, None);
    }

    /// The server ends its side, and has said nothing more.
    pub(super) fn hears_end(&mut self) {
        self.hears_end_as(End::Closed);
    }

    pub(super) fn hears_end_as(&mut self, end: End) {
        self.listen_until(|_| false);
        self.has_heard("");
        assert_eq!(self.end, Some(end));
    }

    pub(super) fn hears_and_end(&mut self, expected: impl AsRef<[u8]>) {
        self.hears(expected);
        self.hears_end();
    }

    /// Ends its sending side.
    pub(super) fn hang_up(&self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
        self.world.settle();
    }

    /// Leaves with a reset.
    pub(super) fn reset(self) {
        let socket = mio::net::TcpStream::from_std(self.socket);
        let source = Source::duplex(&Runtime::new().unwrap(), socket).unwrap();
        source.reset_on_close();
        drop(source);
        self.world.settle();
    }
}
