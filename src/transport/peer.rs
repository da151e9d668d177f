//! `Peer`: who is at the other end of a stream, and which of our addresses it reached.

use std::{net::SocketAddr, sync::Arc};

/// The two ends of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// `None` for a Unix socket, whose clients have no address.
    pub(crate) client: Option<SocketAddr>,
    pub(crate) server: ServerAddress,
}

/// Where a connection arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerAddress {
    Internet(SocketAddr),
    /// The path as it was configured, not as the socket was bound.
    Unix(Arc<str>),
    Unknown,
}
