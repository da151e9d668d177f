//! HTTP for any application: what a peer sends becomes exchanges, what the application answers becomes bytes.
//! Knows no Python.
//!
//! ```text
//!   Driver (connection.rs) -- owns --> hyper's Connection -- reads, writes --> Checked (checked.rs) --> Stream
//!     |                                   | calls                                | shows every byte to
//!     | shares Link (link.rs)             v                                      v
//!     |                                Service (http1.rs) --> Application     Framing (framing.rs)
//!     `-- advances --> Exchange (exchange.rs) <-- receive, send --'
//! ```

mod admission;
mod application;
mod body;
mod checked;
mod connection;
mod defaults;
mod exchange;
mod forwarded;
mod framing;
mod head;
mod http1;
mod link;
mod refusal;
mod reins;
mod reply;
mod server;
#[cfg(test)]
mod tests;
mod timeouts;
mod unwritten;
mod waiter;
pub(crate) mod websocket;

pub(crate) use application::{Application, Protocol};
pub(crate) use exchange::{Exchange, Received};
pub(crate) use forwarded::{Forwarded, Proxies};
pub(crate) use head::Head;
pub(crate) use server::{Accepting, Counters, Server};
pub(crate) use waiter::{Ticket, Waiter};
pub(crate) use websocket::Session;
#[cfg(feature = "fuzzing")]
pub(crate) use websocket::fuzzing;

/// Handles that are given to an application belong to the runtime's thread: it keeps them in these.
pub(crate) use crate::runtime::{Home, Local};
