//! `Driver`: the life of one connection. It owns hyper's `Connection`, builds it when there is something to read, and
//! takes it back (`into_parts`) to park, to refuse and to close. All time-outs are here.
//!
//! ```text
//!             readable               refused                   said
//!   Parked ------------> Active ------------> Refusing(words) -------> Lingering -> Done
//!     ^      a second     | ||                                            ^
//!     `---- of idleness --' |`--- ended, timed out, drained --------------|
//!                           `----> WebSocket ---- over -------------------'
//! ```

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use http::StatusCode;
use http_body::Body;

mod upgrade;

use super::{
    Application, Server,
    body::poll_quietly,
    checked::Checked,
    framing::Place,
    http1::{Connection, Service},
    link::Link,
    refusal,
    server::Stage,
    timeouts::{Due, IsActive, Timeouts},
    websocket::Channel,
};
use crate::{
    runtime::Deadline,
    transport::{Peer, Stream},
};

/// Looks at one connection within a poll before others get their go; hyper itself makes up to 16 rounds in each.
const ROUNDS: u32 = 16;
/// After the last words the peer is read from for so long: closing on unread bytes is a reset, which eats those words.
const LINGER: Duration = Duration::from_secs(2);

pub(super) struct Driver<A: Application> {
    server: Rc<Server<A>>,
    link: Rc<Link>,
    stream: Stream,
    /// Gone once the connection serves no HTTP any more.
    service: Option<Service<A>>,
    deadline: Deadline,
    /// When `deadline` is.
    armed: Option<Instant>,
    phase: Phase<A>,
    timeouts: Timeouts,
}

enum Phase<A: Application> {
    Parked,
    Active(Box<Connection<A>>),
    WebSocket(Box<Channel>),
    /// What is left to say, and until when.
    Refusing(Bytes, Instant),
    Lingering(Instant),
    Done,
}

/// What a look at the connection came to.
enum Look {
    Again,
    /// There is more to do, but others come first.
    Later,
    /// Nothing to do before an event, or this time.
    Wait(Option<Instant>),
    Done,
}

impl<A: Application> Driver<A> {
    pub(super) fn spawn(server: &Rc<Server<A>>, stream: Stream, peer: Peer) {
        let shared = &server.shared;
        let link = Link::new(shared, peer);
        shared.on_opened();
        let driver = Self {
            server: Rc::clone(server),
            service: Some(Service::new(server, &link)),
            deadline: Deadline::new(&shared.runtime),
            armed: None,
            stream,
            phase: Phase::Parked,
            timeouts: Timeouts::new(shared.runtime.now()),
            link: Rc::clone(&link),
        };
        link.reins.set_task(shared.runtime.spawn(driver));
        server.application.on_opened(&link.peer);
    }

    fn look(&mut self, cx: &mut Context<'_>) -> Look {
        if self.server.shared.stage() == Stage::Closing {
            return Look::Done;
        }
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Done => Look::Done,
            Phase::Parked => self.look_parked(),
            Phase::Active(connection) => self.look_active(connection, cx),
            Phase::WebSocket(channel) => self.look_session(channel, cx),
            Phase::Refusing(words, until) => self.look_refusing(words, until, cx),
            Phase::Lingering(until) => self.look_lingering(until, cx),
        }
    }

    fn look_parked(&mut self) -> Look {
        if self.stream.readiness().is_readable() {
            self.activate(Bytes::new());
            return Look::Again;
        }
        self.phase = Phase::Parked;
        self.look_at_time()
    }

    fn activate(&mut self, front: Bytes) {
        let Some(service) = self.service.clone() else {
            return;
        };
        let checked = Checked::new(self.stream.clone(), Rc::clone(&self.link), front);
        let builder = self.server.builder();
        self.phase = Phase::Active(Box::new(builder.serve_connection(checked, service)));
    }

    fn look_active(&mut self, mut connection: Box<Connection<A>>, cx: &mut Context<'_>) -> Look {
        if let Poll::Ready(outcome) = connection.poll_without_shutdown(cx) {
            drop(connection);
            return self.on_ended(outcome.is_err_and(|error| error.is_parse()));
        }
        if let Some(handshake) = self.link.take_handshake() {
            return self.upgrade(handshake, *connection);
        }
        self.phase = Phase::Active(connection);
        if self.is_gone() {
            return self.give_up();
        }
        let mut progress = self.link.reins.take_stirred();
        progress |= self.discard();
        if let Some(exchange) = self.link.exchange() {
            self.notice_leaving(&exchange);
            progress |= exchange.advance();
        }
        if progress {
            return Look::Again;
        }
        if !self.link.has_exchange() && !self.link.is_unflushed() && !self.link.has_rest() {
            if self.link.closes_when_idle() {
                self.phase = Phase::Done;
                return self.end();
            }
            if let Some(refusal) = self.link.refusal_in(Place::Head) {
                return self.refuse(refusal.fault.status(), refusal.fault.reason());
            }
        }
        match self.armed {
            Some(armed) if self.timeouts.may_rest_until(armed, &self.link) => {
                Look::Wait(Some(armed))
            }
            _ => self.look_at_time(),
        }
    }

    /// hyper is done with the connection.
    fn on_ended(&mut self, is_parse_error: bool) -> Look {
        self.link.abandon();
        let head_fault = self
            .link
            .refusal_in(Place::Head)
            .map(|refusal| (refusal.fault.status(), refusal.fault.reason()));
        if self.link.closes_when_idle() {
            // The last answer has been given; what follows it is not looked at (FLT-A55).
            return self.end();
        }
        let own = self
            .link
            .swallowed()
            .or(is_parse_error.then_some(StatusCode::BAD_REQUEST));
        match head_fault.or(own.map(|status| (status, "the request is malformed"))) {
            // A reset peer hears nothing.
            Some((status, reason)) if !self.stream.readiness().is_reset() => {
                self.refuse(status, reason)
            }
            _ => self.end(),
        }
    }

    /// The server's last words. hyper is let go, whatever it still held.
    fn refuse(&mut self, status: StatusCode, reason: &'static str) -> Look {
        self.phase = Phase::Done;
        if self.link.is_unflushed() {
            // These words would stand in the middle of an answer.
            self.stream.reset_on_close();
            return self.give_up();
        }
        self.link.abandon();
        self.link.on_refused();
        self.server.application.on_refused(&self.link.peer, reason);
        let words = refusal::bytes(self.server.shared.head(status));
        self.phase = Phase::Refusing(words, self.now() + LINGER);
        Look::Again
    }

    fn look_refusing(&mut self, mut words: Bytes, until: Instant, cx: &mut Context<'_>) -> Look {
        match self.stream.poll_write(cx, &words) {
            Poll::Ready(Ok(written)) => {
                words.advance(written.min(words.len()));
                if words.is_empty() {
                    return self.end();
                }
                self.phase = Phase::Refusing(words, until);
                Look::Again
            }
            Poll::Ready(Err(_)) => Look::Done,
            Poll::Pending if self.now() < until => {
                self.phase = Phase::Refusing(words, until);
                Look::Wait(Some(until))
            }
            Poll::Pending => {
                self.stream.reset_on_close();
                Look::Done
            }
        }
    }

    /// Ends our side, and reads on for a while if there may be something to read.
    fn end(&mut self) -> Look {
        self.stream.end_writing();
        self.phase = Phase::Lingering(self.now() + LINGER);
        Look::Again
    }

    fn look_lingering(&mut self, until: Instant, cx: &mut Context<'_>) -> Look {
        let mut unread = [0; 4096];
        match self.stream.poll_read_slice(cx, &mut unread) {
            Poll::Ready(Ok(read)) if read > 0 && self.now() < until => {
                self.phase = Phase::Lingering(until);
                Look::Again
            }
            Poll::Pending if self.now() < until && self.expects_more() => {
                self.phase = Phase::Lingering(until);
                self.wait_until(until)
            }
            _ => Look::Done,
        }
    }

    /// Whether the peer was in the middle of sending when it was told to stop.
    fn expects_more(&self) -> bool {
        self.link.was_refused() || self.link.is_mid_request()
    }

    /// Reads on in a body that nobody wants.
    fn discard(&mut self) -> bool {
        let Some(mut rest) = self.link.take_rest() else {
            return false;
        };
        self.timeouts.on_discarding(self.now());
        let mut progress = false;
        loop {
            match poll_quietly(&mut rest) {
                // hyper says that a body has ended when it looks for the next one: the length says it now.
                Poll::Ready(Some(Ok(_))) if !rest.is_end_stream() => progress = true,
                Poll::Ready(_) => {
                    self.timeouts.on_discarded();
                    return true;
                }
                Poll::Pending => {
                    self.link.put_rest(rest);
                    return progress;
                }
            }
        }
    }

    /// The peer has ended its side: the application hears of it once everything before that has been read.
    fn notice_leaving(&self, exchange: &super::Exchange) {
        if self.stream.readiness().is_read_closed()
            && !exchange.has_peer_ended()
            && exchange.is_body_read()
            && self.stream.is_at_end()
        {
            exchange.on_peer_ended();
        }
    }

    /// Whether nobody is there any more to read what is, or will be, answered.
    fn is_gone(&self) -> bool {
        self.stream.readiness().is_reset() && (self.link.has_exchange() || self.link.is_unflushed())
    }

    fn give_up(&mut self) -> Look {
        self.phase = Phase::Done;
        self.link.abandon();
        Look::Done
    }

    /// Does what is due, or says when the next thing will be.
    fn look_at_time(&mut self) -> Look {
        let now = self.now();
        let is_active = IsActive(matches!(self.phase, Phase::Active(_)));
        let (at, due) = match self.timeouts.next(&self.link, is_active) {
            None => return Look::Wait(None),
            Some((at, _)) if at > now => return Look::Wait(Some(at)),
            Some(due) => due,
        };
        debug_assert!(at <= now);
        match due {
            Due::Park => self.park(),
            Due::Close if self.link.has_exchange() => self.give_up(),
            // A request that came since the poller was asked, while others ran, was in time.
            Due::Close if self.stream.has_late_bytes() => Look::Again,
            Due::Close => {
                self.phase = Phase::Done;
                self.end()
            }
            Due::Refuse(status) => self.refuse(status, "the request took too long"),
            Due::Reset => {
                self.stream.reset_on_close();
                self.give_up()
            }
        }
    }

    /// Gives hyper's connection and its buffers back; the next byte builds another.
    fn park(&mut self) -> Look {
        let Phase::Active(connection) = std::mem::replace(&mut self.phase, Phase::Parked) else {
            return Look::Wait(None);
        };
        let front = connection.into_parts().read_buf;
        self.server.shared.on_parked();
        if !front.is_empty() {
            // Not idle after all (an empty line before a request, say): nothing that was read may be lost.
            self.activate(front);
            self.timeouts.on_stirred();
        }
        Look::Again
    }

    fn wait_until(&self, at: Instant) -> Look {
        if self.now() >= at {
            Look::Done
        } else {
            Look::Wait(Some(at))
        }
    }

    fn now(&self) -> Instant {
        self.server.shared.runtime.now()
    }
}

impl<A: Application> Future for Driver<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let _polling = this.link.reins.enter();
        for _ in 0..ROUNDS {
            match this.look(cx) {
                Look::Again => {}
                Look::Later => break,
                Look::Done => return Poll::Ready(()),
                Look::Wait(until) => {
                    this.stream.readiness().register(cx);
                    if until != this.armed {
                        match until {
                            Some(at) => this.deadline.set(at, cx.waker()),
                            None => this.deadline.clear(),
                        }
                        this.armed = until;
                    }
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<A: Application> Unpin for Driver<A> {}

impl<A: Application> Drop for Driver<A> {
    fn drop(&mut self) {
        let last = self.link.protocol();
        // hyper's connection goes first: what it drops still reports to the link.
        self.phase = Phase::Done;
        self.link.abandon();
        self.link.reins.forget_task();
        self.server.shared.on_closed();
        self.server.application.on_closed(&self.link.peer, last);
    }
}
