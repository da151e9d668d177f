//! `Session`: one WebSocket as the application sees it: the counterpart of `Exchange`. What it sends leaves in the same call
//! where the peer has room; what the peer sends waits here until it is asked for, and is not read while too much waits.

use std::{
    cell::{Ref, RefCell, RefMut},
    io,
    rc::Rc,
    sync::Arc,
};

use http::StatusCode;

use super::{
    close::Close,
    code::{self, Ending},
    endpoint::Endpoint,
    frame::Kind,
    handshake::Accepted,
    inbox::Message,
};
use crate::{
    protocol::{
        head::Head,
        link::Link,
        refusal,
        waiter::{self, Ticket, Waiter, Waiters},
    },
    runtime::Home,
    transport::Stream,
};

/// Bytes that may be unsent before the application waits (asyncio's high-water mark).
const HIGH_WATER: usize = 64 * 1024;
/// How few must be left before it goes on (asyncio's low-water mark).
const LOW_WATER: usize = 16 * 1024;

/// What `receive` gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Message(Message),
    Disconnect(Ending),
}

/// How much of what was unsent has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    All,
    Part,
}

pub(crate) struct Session {
    link: Rc<Link>,
    /// Until the connection is gone: an application that does not notice must not keep it open.
    stream: RefCell<Option<Stream>>,
    endpoint: RefCell<Endpoint>,
    receivers: RefCell<Waiters>,
    senders: RefCell<Waiters>,
}

impl Session {
    pub(in crate::protocol) fn new(
        link: &Rc<Link>,
        stream: &Stream,
        endpoint: Endpoint,
    ) -> Rc<Self> {
        Rc::new(Self {
            link: Rc::clone(link),
            stream: RefCell::new(Some(stream.clone())),
            endpoint: RefCell::new(endpoint),
            receivers: RefCell::default(),
            senders: RefCell::default(),
        })
    }

    // For the application: the handshake.

    /// The beginning of an answer, with the fields that every response carries.
    pub(crate) fn head(&self, status: StatusCode) -> Head {
        self.link.shared.head(status)
    }

    /// Completes the handshake. `head` is one for status 101, with the application's own fields.
    pub(crate) fn accept(&self, head: Head) {
        let Some(lines) = self.endpoint.borrow().handshake().map(Accepted::fields) else {
            return;
        };
        let answer = head.with_lines(&lines);
        self.endpoint.borrow_mut().accept(&answer);
        self.link.shared.recycle(answer);
        self.link.reins.kick();
    }

    /// Answers with an ordinary response in its place, after which the connection closes. A `content-length` among the
    /// fields must be that of `body`.
    pub(crate) fn deny(&self, head: Head, body: &[u8]) {
        self.endpoint
            .borrow_mut()
            .refuse(&refusal::denial(head, body));
        self.link.reins.kick();
    }

    /// The same with the server's own page for this status.
    pub(crate) fn refuse(&self, status: StatusCode) {
        let page = refusal::bytes(self.head(status));
        self.endpoint.borrow_mut().refuse(&page);
        self.link.reins.kick();
    }

    /// Ends a session of which nothing can be made any more.
    pub(crate) fn fail(&self) {
        if self.is_connecting() {
            self.refuse(StatusCode::INTERNAL_SERVER_ERROR);
        } else {
            self.leave(&code::without_reason(code::INTERNAL_ERROR));
        }
    }

    // For the application: messages.

    /// The next event, if there is one now. After the end it is the end again.
    pub(crate) fn try_receive(&self) -> Option<Received> {
        let mut endpoint = self.endpoint.borrow_mut();
        let before = endpoint.work();
        let message = endpoint.pop();
        let has_work = endpoint.work() != before;
        let ending = endpoint.ending().cloned();
        drop(endpoint);
        if has_work {
            self.link.reins.kick();
        }
        match message {
            Some(message) => Some(Received::Message(message)),
            None => ending.map(Received::Disconnect),
        }
    }

    /// Calls `waiter` when `try_receive` may have something, unless it is forgotten before.
    pub(crate) fn wait_receive(&self, waiter: Waiter) -> Ticket {
        self.receivers.borrow_mut().add(waiter)
    }

    pub(crate) fn forget_receive(&self, ticket: Ticket) {
        let waiter = self.receivers.borrow_mut().remove(ticket);
        drop(waiter);
    }

    /// Sends a message; false if the session is over, and it can reach nobody.
    pub(crate) fn send(&self, kind: Kind, payload: &[u8]) -> bool {
        let mut endpoint = self.endpoint.borrow_mut();
        endpoint.lend(|| self.link.shared.spare());
        let is_sent = endpoint.send(kind, payload);
        drop(endpoint);
        if is_sent && !matches!(self.write(), Ok(Written::All)) {
            // What is left, or the error, is the driver's.
            self.link.reins.kick();
        }
        is_sent
    }

    /// Writes what is unsent, as far as the peer takes it: also while the driver polls, for the application that is called
    /// then may keep the thread to itself for as long as it likes.
    pub(super) fn write(&self) -> io::Result<Written> {
        let stream = self.stream.borrow();
        let Some(stream) = &*stream else {
            return Ok(Written::Part);
        };
        let mut endpoint = self.endpoint.borrow_mut();
        while endpoint.unsent_len() > 0 {
            match stream.try_write(endpoint.unsent()) {
                Ok(written) => {
                    if let Some(memory) = endpoint.on_sent(written) {
                        self.link.shared.recycle(memory);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Written::Part);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Written::All)
    }

    /// Begins the closing handshake, unless the session is over.
    pub(crate) fn close(&self, close: &Close) {
        self.endpoint.borrow_mut().close(close);
        self.link.reins.kick();
    }

    /// The application is gone: what the peer still sends is nobody's.
    pub(crate) fn leave(&self, close: &Close) {
        self.endpoint.borrow_mut().forget_messages();
        self.close(close);
    }

    /// Whether the handshake has not been answered.
    pub(crate) fn is_connecting(&self) -> bool {
        self.endpoint.borrow().handshake().is_some()
    }

    /// Whether nothing that is sent can reach the peer any more.
    pub(crate) fn is_over(&self) -> bool {
        self.endpoint.borrow().ending().is_some()
    }

    /// Whether the peer keeps up: when not, the application should wait.
    pub(crate) fn has_room(&self) -> bool {
        self.endpoint.borrow().unsent_len() < HIGH_WATER || self.is_over()
    }

    /// Calls `waiter` when there is room again, or the session is over, unless it is forgotten before.
    pub(crate) fn wait_room(&self, waiter: Waiter) -> Ticket {
        self.senders.borrow_mut().add(waiter)
    }

    pub(crate) fn forget_room(&self, ticket: Ticket) {
        let waiter = self.senders.borrow_mut().remove(ticket);
        drop(waiter);
    }

    /// Whether a turn is under way: then nothing else runs on this thread but what the turn itself called.
    pub(crate) fn is_turning(&self) -> bool {
        self.link.shared.runtime.is_turning()
    }

    /// The thread that everything here belongs to.
    pub(crate) fn home(&self) -> &Arc<Home> {
        self.link.shared.runtime.home()
    }

    // For the connection.

    pub(super) fn endpoint(&self) -> Ref<'_, Endpoint> {
        self.endpoint.borrow()
    }

    /// Not to be held while anything else of the session is called.
    pub(super) fn endpoint_mut(&self) -> RefMut<'_, Endpoint> {
        self.endpoint.borrow_mut()
    }

    /// Wakes the application where there is news for it; true if there was.
    pub(super) fn advance(&self) -> bool {
        let mut progress = false;
        if !self.receivers.borrow().is_empty() && self.endpoint.borrow().has_news() {
            progress |= waiter::wake_all(&self.receivers);
        }
        let has_room = || {
            let endpoint = self.endpoint.borrow();
            endpoint.unsent_len() <= LOW_WATER || endpoint.ending().is_some()
        };
        if !self.senders.borrow().is_empty() && has_room() {
            progress |= waiter::wake_all(&self.senders);
        }
        progress
    }

    /// The connection is gone, or of no more use: whoever waits is told.
    pub(in crate::protocol) fn on_gone(&self) {
        self.endpoint.borrow_mut().lose();
        let stream = self.stream.take();
        drop(stream);
        self.advance();
    }
}
