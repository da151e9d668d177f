//! `Exchange`: one request and its response, as the application sees them. Everything it does is done at once: bytes it
//! gives leave in the same call where the peer has room, bytes it asks for are looked for in the socket.

mod driven;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    HeaderMap, Method, StatusCode, Version,
    header::{CONNECTION, EXPECT},
    request::Parts,
};
use http_body::Body;
use hyper::body::Incoming;

use super::{
    body::RequestBody,
    head::{Head, says_close},
    link::Link,
    refusal,
    reply::{End, Queue, Reply},
    waiter::{self, Ticket, Waiter, Waiters},
};
use crate::runtime::Home;

/// Response bytes that may wait here before the application does (asyncio's high-water mark).
const HIGH_WATER: usize = 64 * 1024;
/// How few must be left before it goes on (asyncio's low-water mark).
const LOW_WATER: usize = 16 * 1024;

/// What `receive` gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Body { bytes: Bytes, more: bool },
    Disconnect,
}

pub(crate) struct Exchange {
    link: Rc<Link>,
    /// Which of the connection's requests this is; the first is 1.
    number: u64,
    is_head_request: bool,
    version: Version,
    /// The connection ends with this exchange: the request says so, or its version is 1.0.
    closes: bool,
    request: RefCell<RequestBody>,
    reply: RefCell<Reply>,
    /// The peer has ended its side, and everything it sent has been read: the application is told that it left. What is
    /// still sent goes out, for a peer that only closed one half.
    peer_ended: Cell<bool>,
    /// hyper wants no more of the response.
    is_taken: Cell<bool>,
    /// Since when the application waits for a byte of the body.
    receiving_since: Cell<Option<Instant>>,
    /// The peer waits to be told that its body is wanted.
    expects_continue: bool,
    /// How long the application has waited for the body before that.
    waited: Cell<Duration>,
    receivers: RefCell<Waiters>,
    senders: RefCell<Waiters>,
}

impl Exchange {
    pub(super) fn new(link: &Rc<Link>, request: &Parts, body: Incoming) -> Rc<Self> {
        let is_old = request.version == Version::HTTP_10;
        // What only matters to a body is not looked for where there is none.
        let has_body = !body.is_end_stream();
        let expects_continue = has_body && !is_old && expects_continue(&request.headers);
        Rc::new(Self {
            link: Rc::clone(link),
            number: link.answered() + 1,
            is_head_request: request.method == Method::HEAD,
            version: request.version,
            closes: is_old || ends_connection(&request.headers) || link.upgrades(),
            request: RefCell::new(RequestBody::new(body, expects_continue)),
            reply: RefCell::new(Reply::Owed),
            peer_ended: Cell::new(false),
            is_taken: Cell::new(false),
            receiving_since: Cell::new(None),
            expects_continue,
            waited: Cell::default(),
            receivers: RefCell::default(),
            senders: RefCell::default(),
        })
    }

    // For the application: the request.

    /// The next event, if there is one now.
    pub(crate) fn try_receive(&self) -> Option<Received> {
        if self.reply.borrow().is_complete() {
            return Some(Received::Disconnect);
        }
        // What has come is told in one message, so hyper is asked until it has no more.
        let mut asked = false;
        while (self.request.borrow_mut().gather() || !asked)
            && self.wants_more()
            && !self.link.reins.is_polled()
        {
            self.link.reins.kick();
            asked = true;
        }
        if self.reply.borrow().is_complete() {
            return Some(Received::Disconnect);
        }
        if let Some((bytes, more)) = self.request.borrow_mut().take() {
            self.stop_waiting();
            return Some(Received::Body { bytes, more });
        }
        self.is_disconnected().then_some(Received::Disconnect)
    }

    /// Calls `waiter` when `try_receive` may have something, unless it is forgotten before.
    pub(crate) fn wait_receive(&self, waiter: Waiter) -> Ticket {
        let is_reading = matches!(*self.request.borrow(), RequestBody::Reading(_));
        if is_reading && self.receiving_since.get().is_none() {
            self.receiving_since
                .set(Some(self.link.shared.runtime.now()));
        }
        let ticket = self.receivers.borrow_mut().add(waiter);
        // The deadline for the body must be armed, and what came since `try_receive` must be seen.
        self.link.reins.kick();
        ticket
    }

    /// Nobody waits for a message by this ticket any more; whether it has been called makes no difference.
    pub(crate) fn forget_receive(&self, ticket: Ticket) {
        let waiter = self.receivers.borrow_mut().remove(ticket);
        drop(waiter);
        if self.receivers.borrow().is_empty() {
            self.stop_waiting();
        }
    }

    /// The same for room.
    pub(crate) fn forget_room(&self, ticket: Ticket) {
        let waiter = self.senders.borrow_mut().remove(ticket);
        drop(waiter);
    }

    fn stop_waiting(&self) {
        if let Some(since) = self.receiving_since.take() {
            let now = self.link.shared.runtime.now();
            let waited = self.waited.get() + now.saturating_duration_since(since);
            self.waited.set(waited);
        }
    }

    /// Whether the peer is known to have left, or the response is complete: nothing more can be received.
    pub(crate) fn is_over(&self) -> bool {
        self.peer_ended.get() || self.reply.borrow().is_complete()
    }

    /// Whether nothing that is sent can reach the peer any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_gone() || self.fault().is_some()
    }

    /// Whether the peer is known to have left.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.peer_ended.get()
            || self.is_gone()
            || matches!(*self.request.borrow(), RequestBody::Lost(_))
    }

    // For the application: the response.

    /// The beginning of an answer, with the fields that every response carries; the application's are added to these.
    pub(crate) fn head(&self, status: StatusCode) -> Head {
        self.link.shared.head(status)
    }

    /// Whether a response to this request with this status has no body, whatever the application sends.
    pub(crate) fn is_bodyless(&self, status: StatusCode) -> bool {
        self.is_head_request || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }

    /// Answers in one piece. A `content-length` among the fields must be that of `body`.
    pub(crate) fn respond(&self, mut head: Head, body: Bytes) {
        if self.commit(&mut head) {
            *self.reply.borrow_mut() = Reply::Whole { head, body };
            self.on_complete();
        }
    }

    /// Answers with the server's own page for an application that failed, and closes.
    pub(crate) fn fail(&self) {
        self.refuse(StatusCode::INTERNAL_SERVER_ERROR);
    }

    /// Answers with the server's own page for this status, and closes.
    pub(crate) fn refuse(&self, status: StatusCode) {
        let (head, words) = refusal::page(self.head(status));
        self.respond(head, words);
    }

    /// Begins an answer of unknown length, or of the length that the fields promise.
    pub(crate) fn open(&self, mut head: Head, first: Bytes) {
        if self.commit(&mut head) {
            let mut queue = Queue::default();
            queue.push(first);
            *self.reply.borrow_mut() = Reply::Opening { head, queue };
            self.link.reins.kick();
        }
    }

    /// Goes on with an opened answer.
    pub(crate) fn push(&self, bytes: Bytes) {
        if let Some(queue) = self.reply.borrow_mut().queue() {
            queue.push(bytes);
        }
        self.link.reins.kick();
    }

    /// Ends an opened answer.
    pub(crate) fn finish(&self, bytes: Bytes) {
        self.end_queue(bytes, End::Complete);
    }

    /// Cuts an opened answer: the peer must not take it for whole.
    pub(crate) fn cut(&self) {
        // hyper may have all that was promised, and would go on to the next request.
        self.link.close_when_idle();
        self.end_queue(Bytes::new(), End::Cut);
    }

    /// Ends an exchange that nobody waits for any more: nothing is answered, and the connection closes.
    pub(crate) fn abandon(&self) {
        self.link.close_when_idle();
        drop(self.end(Reply::Gone));
        self.link.end_exchange();
        self.link.reins.kick();
    }

    /// Closes the connection once what is answered has left.
    pub(crate) fn close(&self) {
        self.link.close_when_idle();
        self.link.reins.kick();
    }

    /// Whether the peer keeps up: when not, the application should wait.
    pub(crate) fn has_room(&self) -> bool {
        match &*self.reply.borrow() {
            Reply::Opening { queue, .. } | Reply::Streaming(queue) => {
                queue.bytes < HIGH_WATER || queue.end != End::Open
            }
            _ => true,
        }
    }

    /// Calls `waiter` when there is room again, or the peer has left, unless it is forgotten before.
    pub(crate) fn wait_room(&self, waiter: Waiter) -> Ticket {
        self.senders.borrow_mut().add(waiter)
    }

    /// Connections that are open, this one among them.
    pub(crate) fn connections(&self) -> usize {
        self.link.shared.counters().connections()
    }

    /// Whether a turn is under way: then nothing else runs on this thread but what the turn itself called.
    pub(crate) fn is_turning(&self) -> bool {
        self.link.shared.runtime.is_turning()
    }

    /// The thread that everything here belongs to.
    pub(crate) fn home(&self) -> &std::sync::Arc<Home> {
        self.link.shared.runtime.home()
    }

    fn is_gone(&self) -> bool {
        matches!(*self.reply.borrow(), Reply::Gone)
    }

    fn wants_more(&self) -> bool {
        self.request.borrow().wants_more()
    }

    fn end(&self, reply: Reply) -> Option<Incoming> {
        // What is gone stays gone, whatever hyper makes of the rest.
        if !self.is_gone() {
            *self.reply.borrow_mut() = reply;
        }
        // What its application still says must not end an exchange that follows.
        self.is_taken.set(false);
        self.receiving_since.set(None);
        let request = self.request.replace(RequestBody::Consumed);
        waiter::wake_all(&self.receivers);
        waiter::wake_all(&self.senders);
        request.into_rest()
    }

    /// Decides, as a head leaves its hold, whether the connection ends with this answer; false if there is nothing to
    /// answer any more.
    fn commit(&self, head: &mut Head) -> bool {
        // A faulty request is answered by the server itself.
        if !self.is_owed() || self.fault().is_some() {
            return false;
        }
        // The peer was not told to send its body: whether it will cannot be known, so the connection ends here.
        let withheld = self.request.borrow().is_withheld();
        if head.says_close() || self.closes || withheld || self.link.shared.is_draining() {
            self.link.close_when_idle();
        }
        if self.link.closes_when_idle() {
            head.make_last();
        }
        true
    }

    fn end_queue(&self, last: Bytes, end: End) {
        if let Some(queue) = self.reply.borrow_mut().queue() {
            queue.push(last);
            if queue.end == End::Open {
                queue.end = end;
            }
        }
        self.on_complete();
    }

    /// The application has nothing more to say: whoever waits for a message of the peer's is told that it is over.
    fn on_complete(&self) {
        if self.is_taken.get() {
            self.link.end_exchange();
        }
        self.link.reins.kick();
        waiter::wake_all(&self.receivers);
    }

    fn is_drained(&self) -> bool {
        match &*self.reply.borrow() {
            Reply::Opening { queue, .. } | Reply::Streaming(queue) => queue.bytes <= LOW_WATER,
            _ => true,
        }
    }
}

/// Any of several lines counts: hyper takes the last.
fn expects_continue(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(EXPECT).iter();
    values.any(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Whether the request says that the connection ends with it.
fn ends_connection(headers: &HeaderMap) -> bool {
    // Most requests have none, and that is told sooner.
    headers.get(CONNECTION).is_some()
        && headers
            .get_all(CONNECTION)
            .iter()
            .any(|value| says_close(value.as_bytes()))
}
