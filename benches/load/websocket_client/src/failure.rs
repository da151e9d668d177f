//! Why the client gives up, and the exit status that says so.

use std::fmt;
use std::io;

#[derive(Debug)]
pub enum Failure {
    /// The command line, or a command, makes no sense.
    Usage(String),
    /// The server keeps to the protocol and yet cannot serve this load: it has no compression.
    Unsupported(String),
    /// The server broke the protocol, or answered something else than it should.
    Wrong(String),
    Io(&'static str, io::Error),
}

impl Failure {
    /// The runner tells a server that cannot from one that fails by it.
    pub fn status(&self) -> u8 {
        match self {
            Self::Wrong(_) | Self::Io(..) => 1,
            Self::Usage(_) => 2,
            Self::Unsupported(_) => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Unsupported(what) | Self::Wrong(what) => f.write_str(what),
            Self::Io(doing, error) => write!(f, "{doing}: {error}"),
        }
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io("epoll", error.into())
    }
}
