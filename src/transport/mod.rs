//! From a listening socket to a duplex stream whose peer is known. Knows no HTTP and no Python.

mod listener;
mod peer;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use listener::{Admission, Listener};
pub(crate) use peer::{Peer, ServerAddress};
pub(crate) use stream::Stream;
