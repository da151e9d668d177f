//! `Link`: what the parts of one connection share: the driver, the stream under hyper, the service above it, and the
//! exchange under way. All of it belongs to one thread and is only ever borrowed for a moment.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use hyper::body::Incoming;

use super::{
    application::Protocol,
    exchange::Exchange,
    framing::{Fault, Framing, Limits, Place, Refusal, escape},
    head::Head,
    reins::{Polling, Reins},
    server::Shared,
    unwritten::Unwritten,
    websocket::Handshake,
};
use crate::transport::Peer;

pub(super) struct Link {
    pub(super) shared: Rc<Shared>,
    pub(super) peer: Peer,
    /// The hand on the driver.
    pub(super) reins: Rc<Reins>,
    pub(super) framing: RefCell<Framing>,
    exchange: RefCell<Option<Rc<Exchange>>>,
    /// Heads that an exchange, or a refusal through hyper, has answered.
    answered: Cell<u64>,
    /// What is left of a request body that nobody wants: read and dropped, so that the connection stays usable.
    rest: RefCell<Option<Incoming>>,
    refusal: Cell<Option<Refusal>>,
    /// Of the last read, what hyper is to see later: with what a target held raw escaped, or held back.
    escaped: Cell<Bytes>,
    /// The status of hyper's own refusal, whose empty page was not let through.
    swallowed: Cell<Option<StatusCode>>,
    pub(super) unwritten: Unwritten,
    /// What the stream writes in place of the head that hyper writes next.
    head: Cell<Option<Head>>,
    /// A request to be served as a WebSocket, or to be told that it is not.
    handshake: RefCell<Option<Handshake>>,
    protocol: Cell<Protocol>,
    close_when_idle: Cell<bool>,
    /// The peer was told that it is not served.
    was_refused: Cell<bool>,
    opened: Instant,
    head_since: Cell<Option<Instant>>,
    last_read: Cell<Instant>,
    body_read: Cell<u64>,
    write_blocked_since: Cell<Option<Instant>>,
}

impl Link {
    pub(super) fn new(shared: &Rc<Shared>, peer: Peer) -> Rc<Self> {
        let settings = &shared.settings;
        let limits = Limits {
            head: settings.request_head,
            fields: settings.request_fields,
            body: settings.request_body_size,
            websocket: settings.websockets.is_some(),
        };
        Rc::new(Self {
            shared: Rc::clone(shared),
            peer,
            reins: Reins::new(&shared.runtime),
            framing: RefCell::new(Framing::new(limits)),
            exchange: RefCell::new(None),
            answered: Cell::new(0),
            rest: RefCell::new(None),
            refusal: Cell::new(None),
            escaped: Cell::default(),
            swallowed: Cell::new(None),
            unwritten: Unwritten::nothing(),
            head: Cell::new(None),
            handshake: RefCell::new(None),
            protocol: Cell::new(Protocol::Http),
            close_when_idle: Cell::new(false),
            was_refused: Cell::new(false),
            opened: shared.runtime.now(),
            head_since: Cell::new(None),
            last_read: Cell::new(shared.runtime.now()),
            body_read: Cell::new(0),
            write_blocked_since: Cell::new(None),
        })
    }

    // The exchange under way.

    pub(super) fn exchange(&self) -> Option<Rc<Exchange>> {
        self.exchange.borrow().clone()
    }

    pub(super) fn has_exchange(&self) -> bool {
        self.exchange.borrow().is_some()
    }

    pub(super) fn set_exchange(&self, exchange: &Rc<Exchange>) {
        self.body_read.set(0);
        let old = self.exchange.replace(Some(Rc::clone(exchange)));
        debug_assert!(old.is_none());
    }

    /// hyper gets a response, whose head the stream is to write; it comes back where hyper must, behind bytes that have
    /// not left.
    pub(super) fn on_head(&self, head: Head, is_first: bool) -> Option<Head> {
        if !self.unwritten.on_part() || !is_first {
            return Some(head);
        }
        self.head.replace(Some(head));
        None
    }

    /// The head that stands for the one that hyper writes next.
    pub(super) fn take_head(&self) -> Option<Head> {
        self.head.take()
    }

    /// hyper got a piece of a response's body.
    pub(super) fn on_chunk(&self) {
        self.unwritten.on_part();
    }

    /// hyper let go of a response's body: it has all of it, or will never want more.
    pub(super) fn on_answered(&self, counts: bool) {
        self.answered.set(self.answered.get() + 1);
        self.unwritten.on_answered();
        if counts {
            self.shared.on_answered();
        }
        if self.exchange().is_some_and(|exchange| exchange.on_taken()) {
            self.end_exchange();
        }
    }

    /// The application and hyper are both done with the exchange.
    pub(super) fn end_exchange(&self) {
        let exchange = self.exchange.take();
        let rest = exchange.and_then(|exchange| exchange.on_over());
        self.rest.replace(rest);
    }

    /// The connection is gone: whatever runs on it is told.
    pub(super) fn abandon(&self) {
        let exchange = self.exchange.take();
        if let Some(exchange) = exchange {
            exchange.on_gone();
        }
        let rest = self.rest.take();
        drop(rest);
    }

    /// hyper has no more part in the connection.
    pub(super) fn on_handshake(&self, handshake: Handshake) {
        self.handshake.replace(Some(handshake));
    }

    /// The handshake, once everything before it has been written.
    pub(super) fn take_handshake(&self) -> Option<Handshake> {
        if self.is_unflushed() {
            return None;
        }
        if self.reins.polling() == Polling::Inline && self.handshake.borrow().is_some() {
            // A call of the application is under way: another starts in the next turn, never inside it.
            self.reins.wake();
            return None;
        }
        self.handshake.take()
    }

    /// The handshake was a good one.
    pub(super) fn on_upgraded(&self) {
        self.protocol.set(Protocol::WebSocket);
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol.get()
    }

    /// On a connection that closes nobody reads on: the driver lingers instead. But what is left is kept there, for
    /// hyper would take its drop for the end of the connection, whatever it still holds of the answer.
    pub(super) fn take_rest(&self) -> Option<Incoming> {
        self.has_rest().then(|| self.rest.take()).flatten()
    }

    pub(super) fn put_rest(&self, rest: Incoming) {
        self.rest.replace(Some(rest));
    }

    pub(super) fn has_rest(&self) -> bool {
        !self.closes_when_idle() && self.rest.borrow().is_some()
    }

    pub(super) fn close_when_idle(&self) {
        self.close_when_idle.set(true);
    }

    pub(super) fn closes_when_idle(&self) -> bool {
        self.close_when_idle.get()
    }

    pub(super) fn on_refused(&self) {
        self.was_refused.set(true);
        self.close_when_idle.set(true);
    }

    pub(super) fn was_refused(&self) -> bool {
        self.was_refused.get()
    }

    // What the stream under hyper reports.

    /// Fresh bytes have come; says how many of them hyper may see.
    pub(super) fn on_read(&self, bytes: &[u8]) -> usize {
        let now = self.shared.runtime.now();
        self.last_read.set(now);
        self.body_read
            .set(self.body_read.get().saturating_add(bytes.len() as u64));
        let mut framing = self.framing.borrow_mut();
        let heads = framing.heads();
        let mut refusal = framing.feed(bytes).err();
        let good = refusal.map_or(bytes.len(), |refusal| refusal.good);
        if refusal.is_some_and(|refusal| refusal.fault == Fault::TargetRaw) {
            let escaped = escape(&mut framing, bytes.get(good..).unwrap_or_default());
            self.escaped.set(escaped.bytes);
            refusal = escaped.refusal;
            self.reins.stir();
        }
        if !framing.in_head() {
            self.head_since.set(None);
        } else if self.head_since.get().is_none() || framing.heads() != heads {
            self.head_since.set(Some(now));
        }
        if refusal.is_some() {
            self.refusal.set(refusal);
        }
        if self.unwritten.is_rest()
            && (refusal.is_some() || framing.heads() != heads || !framing.in_body())
        {
            let mut held = BytesMut::from(bytes.get(..good).unwrap_or_default());
            held.extend_from_slice(&self.escaped.take());
            self.escaped.set(held.freeze());
            return 0;
        }
        good
    }

    /// What hyper reads next, before anything else.
    pub(super) fn take_escaped(&self) -> Bytes {
        self.escaped.take()
    }

    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal.get()
    }

    pub(super) fn refusal_in(&self, place: Place) -> Option<Refusal> {
        self.refusal.get().filter(|refusal| refusal.place == place)
    }

    pub(super) fn on_swallowed(&self, status: StatusCode) {
        self.swallowed.set(Some(status));
    }

    pub(super) fn swallowed(&self) -> Option<StatusCode> {
        self.swallowed.get()
    }

    pub(super) fn on_flushed(&self) {
        if self.unwritten.on_written() {
            self.reins.stir();
        }
        self.write_blocked_since.set(None);
    }

    /// Whether bytes of a response have not been written.
    pub(super) fn is_unflushed(&self) -> bool {
        !self.unwritten.is_nothing()
    }

    pub(super) fn on_written(&self) {
        self.write_blocked_since.set(None);
    }

    pub(super) fn on_write_blocked(&self) {
        let is_taken = |exchange: &Rc<Exchange>| exchange.is_taken();
        self.unwritten
            .on_blocked(|| self.exchange.borrow().as_ref().is_none_or(is_taken));
        if self.write_blocked_since.get().is_none() {
            self.write_blocked_since
                .set(Some(self.shared.runtime.now()));
        }
    }

    // What the driver asks.

    pub(super) fn write_blocked_since(&self) -> Option<Instant> {
        self.write_blocked_since.get()
    }

    pub(super) fn head_since(&self) -> Option<Instant> {
        self.head_since.get()
    }

    pub(super) fn opened(&self) -> Instant {
        self.opened
    }

    pub(super) fn last_read(&self) -> Instant {
        self.last_read.get()
    }

    /// Bytes read since the exchange began: the body's, and perhaps the beginning of what follows it.
    pub(super) fn body_read(&self) -> u64 {
        self.body_read.get()
    }

    /// Whether bytes have come that belong to no answered request.
    pub(super) fn is_mid_request(&self) -> bool {
        let framing = self.framing.borrow();
        self.protocol.get() == Protocol::Http
            && (!framing.at_rest() || framing.heads() != self.answered.get())
    }

    /// Nothing is under way: no exchange, no half-read message, not a byte to write.
    pub(super) fn is_idle(&self) -> bool {
        let framing = self.framing.borrow();
        !self.has_exchange()
            && !self.has_rest()
            && !self.is_unflushed()
            && self.refusal.get().is_none()
            && framing.is_between()
            && framing.heads() == self.answered.get()
    }

    /// hyper holds nothing of an idle connection, so it may be let go.
    pub(super) fn may_park(&self) -> bool {
        self.is_idle() && self.framing.borrow().at_rest()
    }

    /// Whether what follows the request that is next is no HTTP, whatever is answered.
    pub(super) fn upgrades(&self) -> bool {
        let framing = self.framing.borrow();
        framing.upgrades() && framing.heads() == self.answered.get() + 1
    }

    /// Complete heads that have come so far.
    pub(super) fn heads(&self) -> u64 {
        self.framing.borrow().heads()
    }

    /// Requests answered so far, refusals included.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }
}
