//! The part of a connection's life in which it is a WebSocket: hyper is let go, and the session's channel takes its place.

use std::{rc::Rc, task::Context};

use bytes::BytesMut;

use super::{Connection, Driver, LINGER, Look, Phase};
use crate::protocol::{
    Application, refusal,
    websocket::{Channel, Endpoint, Handshake, Outlook, Session},
};

impl<A: Application> Driver<A> {
    /// Goes on without hyper: with a session, or with the words that refuse one.
    pub(super) fn upgrade(&mut self, handshake: Handshake, connection: Connection<A>) -> Look {
        let parts = connection.into_parts();
        let application = &self.server.application;
        let (mut request, accepted) = match handshake {
            Handshake::Good(request, accepted) => (request, accepted),
            Handshake::Bad(denied) => {
                let status = denied.status();
                let sentence = denied.sentence();
                application.on_denied(&self.link.peer, status, sentence);
                self.link.on_refused();
                let mut head = self.server.shared.head(status);
                for (name, value) in denied.fields() {
                    // None of these is refused.
                    let added = head.add(name.as_bytes(), value.as_bytes());
                    debug_assert!(added.is_ok());
                }
                let body = format!("Failed to open a WebSocket connection: {sentence}.\n");
                let words = refusal::denial(head, body.as_bytes());
                self.phase = Phase::Refusing(words, self.now() + LINGER);
                return Look::Again;
            }
        };
        let Some(settings) = &self.server.shared.settings.websockets else {
            return Look::Done;
        };
        let mut endpoint = Endpoint::new(accepted, settings.max_size, settings.max_queue);
        self.link.on_upgraded();
        application.on_upgraded(&self.link.peer);
        // What came with the handshake is the peer's first messages.
        let mut early = BytesMut::from(parts.read_buf);
        early.extend_from_slice(&parts.io.into_front());
        endpoint.feed(&mut early);
        let session = Session::new(&self.link, &self.stream, endpoint);
        let channel = Channel::new(Rc::clone(&session), self.now());
        self.phase = Phase::WebSocket(Box::new(channel));
        // With it goes what only requests are served from.
        if let Some(service) = self.service.take() {
            service.serve(&mut request, &session);
        }
        Look::Again
    }

    pub(super) fn look_session(&mut self, mut channel: Box<Channel>, cx: &Context<'_>) -> Look {
        let server = &self.server;
        let on_trouble = |trouble| server.application.on_trouble(&self.link.peer, trouble);
        let outlook = channel.look(&server.shared, &self.stream, cx, &on_trouble);
        // What the application did meanwhile is looked at before anything is waited for.
        let is_stirred = self.link.reins.take_stirred();
        let look = match outlook {
            Outlook::Again => Look::Again,
            Outlook::Later => Look::Later,
            Outlook::Wait(_) if is_stirred => Look::Again,
            Outlook::Wait(until) => Look::Wait(until),
            Outlook::Over { is_sudden } => {
                if is_sudden {
                    self.link.on_refused();
                }
                return self.end();
            }
            Outlook::Stalled => {
                self.stream.reset_on_close();
                return Look::Done;
            }
            Outlook::Gone => return Look::Done,
        };
        self.phase = Phase::WebSocket(channel);
        look
    }
}
