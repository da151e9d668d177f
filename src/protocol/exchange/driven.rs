//! The side of an `Exchange` that its connection sees: what the driver, hyper's service and hyper's body do with it.

use std::{
    rc::Rc,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::{
    super::{
        body::{Cut, Loss, Payload, RequestBody, ResponseBody},
        framing::Place,
        reply::{End, Reply},
        waiter,
    },
    Exchange,
};

impl Exchange {
    /// The response, once there is one.
    pub(in crate::protocol) fn take_response(self: &Rc<Self>) -> Option<Response<ResponseBody>> {
        let mut reply = self.reply.borrow_mut();
        let (head, payload) = match std::mem::replace(&mut *reply, Reply::Finished) {
            Reply::Whole { head, body } => {
                let bodyless = self.is_bodyless(head.status());
                (
                    head,
                    if bodyless {
                        Payload::Absent
                    } else {
                        Payload::Whole(body)
                    },
                )
            }
            Reply::Opening { head, queue } => {
                let payload = if self.is_bodyless(head.status()) {
                    Payload::Absent
                } else {
                    Payload::Stream(Rc::clone(self))
                };
                *reply = Reply::Streaming(queue);
                (head, payload)
            }
            other => {
                *reply = other;
                return None;
            }
        };
        drop(reply);
        // A `100 Continue` may still stand before it in hyper's buffer.
        let is_first = !self.expects_continue;
        Some(ResponseBody::respond(
            payload,
            head,
            self.version,
            is_first,
            &self.link,
        ))
    }

    /// Whether the request's body turned out to be faulty while nothing has been answered.
    pub(in crate::protocol) fn fault(&self) -> Option<StatusCode> {
        if !matches!(*self.reply.borrow(), Reply::Owed) {
            return None;
        }
        let refusal = self
            .link
            .refusal_in(Place::Body)
            .filter(|_| self.link.heads() == self.number);
        match (refusal, &*self.request.borrow()) {
            (Some(refusal), _) => Some(refusal.fault.status()),
            (None, RequestBody::Lost(Loss::Malformed)) => Some(StatusCode::BAD_REQUEST),
            _ => None,
        }
    }

    /// The next piece for hyper; `Pending` while there is none.
    pub(in crate::protocol) fn poll_chunk(&self) -> Poll<Option<Result<Bytes, Cut>>> {
        let mut reply = self.reply.borrow_mut();
        let Reply::Streaming(queue) = &mut *reply else {
            return Poll::Ready(None);
        };
        if let Some(chunk) = queue.chunks.pop_front() {
            queue.bytes -= chunk.len();
            self.link.on_chunk();
            return Poll::Ready(Some(Ok(chunk)));
        }
        match queue.end {
            End::Open => Poll::Pending,
            End::Complete => Poll::Ready(None),
            // An error makes hyper drop what it has not written: the bytes before the cut go first.
            End::Cut if self.link.is_unflushed() => Poll::Pending,
            End::Cut => Poll::Ready(Some(Err(Cut))),
        }
    }

    pub(in crate::protocol) fn is_spent(&self) -> bool {
        match &*self.reply.borrow() {
            Reply::Streaming(queue) => queue.chunks.is_empty() && queue.end == End::Complete,
            _ => true,
        }
    }

    /// Whether what has come of the body is taken in before the application is called.
    ///
    /// Only a body of unknown length: one of known length is there in one piece, or it is waited for.
    pub(in crate::protocol) fn gathers(&self) -> bool {
        self.request.borrow().is_unmeasured()
    }

    /// Takes in more of such a body; true while hyper should be asked for more.
    pub(in crate::protocol) fn gather_first(&self) -> bool {
        let mut request = self.request.borrow_mut();
        request.is_unmeasured() && request.gather() && request.wants_more()
    }

    /// Wakes the application where there is news for it; true if there was, so that the connection looks again.
    pub(in crate::protocol) fn advance(&self) -> bool {
        let mut progress = false;
        if !self.receivers.borrow().is_empty() {
            let grew = !self.is_over() && self.request.borrow_mut().gather();
            if grew && self.wants_more() {
                progress = true;
            } else if self.is_over() || self.request.borrow().is_ready() {
                progress |= waiter::wake_all(&self.receivers);
            }
        }
        if !self.senders.borrow().is_empty() && self.is_drained() {
            progress |= waiter::wake_all(&self.senders);
        }
        progress
    }

    /// Everything the peer will ever send has been read.
    pub(in crate::protocol) fn on_peer_ended(&self) {
        self.peer_ended.set(true);
    }

    pub(in crate::protocol) fn has_peer_ended(&self) -> bool {
        self.peer_ended.get()
    }

    /// Whether the body has been read to its end.
    pub(in crate::protocol) fn is_body_read(&self) -> bool {
        !matches!(*self.request.borrow(), RequestBody::Reading(_))
    }

    /// Since when the application waits for a byte that has not come.
    pub(in crate::protocol) fn receiving_since(&self) -> Option<Instant> {
        let is_waiting = !self.receivers.borrow().is_empty() && !self.request.borrow().is_ready();
        self.receiving_since.get().filter(|_| is_waiting)
    }

    /// How long it has waited before that.
    pub(in crate::protocol) fn waited(&self) -> Duration {
        self.waited.get()
    }

    pub(in crate::protocol) fn is_owed(&self) -> bool {
        matches!(*self.reply.borrow(), Reply::Owed)
    }

    /// hyper has the whole response, or will take no more of it. True if that ends the exchange: an application that
    /// promised a length and has reached it may still have to say so, and nothing else starts before it has.
    pub(in crate::protocol) fn on_taken(&self) -> bool {
        self.is_taken.set(true);
        self.reply.borrow().is_complete()
    }

    /// Whether hyper wants no more of the response.
    pub(in crate::protocol) fn is_taken(&self) -> bool {
        self.is_taken.get()
    }

    /// Both sides are done with it. Gives what is left of the request's body.
    pub(in crate::protocol) fn on_over(&self) -> Option<Incoming> {
        self.end(Reply::Finished)
    }

    /// The connection is gone.
    pub(in crate::protocol) fn on_gone(&self) {
        drop(self.end(Reply::Gone));
    }
}
