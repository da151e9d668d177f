//! `Application`: the seam between HTTP and whoever answers it.

use std::rc::Rc;

use http::{StatusCode, request::Parts};

use super::{Exchange, Session, websocket::Trouble};
use crate::transport::Peer;

/// What a connection serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    WebSocket,
}

/// Answers requests.
pub(crate) trait Application: 'static {
    /// What the application keeps for each connection that has sent a request.
    type Client: 'static;

    /// A connection has been accepted.
    fn on_opened(&self, _peer: &Peer) {}

    /// It serves a WebSocket from here on.
    fn on_upgraded(&self, _peer: &Peer) {}

    /// It is gone, whoever ended it.
    fn on_closed(&self, _peer: &Peer, _last: Protocol) {}

    /// The first request of a connection is about to come.
    fn client(&self, peer: &Peer) -> Self::Client;

    /// Runs one request: answers through `exchange`, at once or later. Called from a turn, never from within another
    /// exchange's call.
    fn exchange(&self, client: &Self::Client, request: &mut Parts, exchange: &Rc<Exchange>);

    /// Runs one WebSocket session, whose handshake the application answers through `session`. Called as `exchange` is.
    fn session(&self, client: &Self::Client, request: &mut Parts, session: &Rc<Session>);

    /// A WebSocket handshake was refused before any application could see it.
    fn on_denied(&self, peer: &Peer, status: StatusCode, reason: &str);

    /// A WebSocket session ends because somebody did not answer.
    fn on_trouble(&self, peer: &Peer, trouble: Trouble);

    /// A request was refused before any application could see it.
    fn on_refused(&self, peer: &Peer, reason: &'static str);

    /// Accepting fails for a reason of the machine's.
    fn on_accept_trouble(&self, error: &std::io::Error);
}
