//! `Channel`: what moves the bytes of one `Session` between its endpoint and a stream, and watches the time while it does.
//! Its connection's driver polls it; what becomes of the stream afterwards is the driver's.

use std::{
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::StatusCode;

use super::{
    close::Close,
    code,
    keepalive::{Due, Keepalive},
    session::{Session, Written},
};
use crate::{
    protocol::server::{Shared, Stage},
    settings::WebSockets,
    transport::Stream,
};

/// How long the peer's Close may take after ours (uvicorn's).
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same while the server stops: a peer that is there answers at once.
const LAST_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A session that has been silent for so long gives back memory it can do without.
const RELEASE_AFTER: Duration = Duration::from_secs(1);

pub(in crate::protocol) struct Channel {
    session: Rc<Session>,
    opened: Instant,
    keepalive: Option<Keepalive>,
    /// Until when the peer's Close may come.
    closes_until: Option<Instant>,
    /// Since when the peer has taken nothing, and how much it had taken then.
    write_blocked: Option<(Instant, u64)>,
    /// Since when nothing has moved, while there is memory to give back.
    quiet_since: Option<Instant>,
    is_accepted: bool,
}

/// What a look at the session came to.
pub(in crate::protocol) enum Outlook {
    Again,
    /// There is more to do, but others come first.
    Later,
    /// Nothing to do before an event, or this time.
    Wait(Option<Instant>),
    /// Everything has been said. The peer may be in the midst of sending.
    Over {
        is_sudden: bool,
    },
    /// The peer takes nothing: what is unsent is not waited for.
    Stalled,
    Gone,
}

/// What ends a session that nobody has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The application has not answered the handshake in time.
    Unanswered,
    /// The server stops, and the application has not answered the handshake.
    Stopped,
    /// The peer has not answered a ping in time.
    Silent,
}

impl Drop for Channel {
    /// Whoever still waits is told.
    fn drop(&mut self) {
        self.session.on_gone();
    }
}

impl Channel {
    pub(in crate::protocol) fn new(session: Rc<Session>, now: Instant) -> Self {
        Self {
            session,
            opened: now,
            keepalive: None,
            closes_until: None,
            write_blocked: None,
            quiet_since: None,
            is_accepted: false,
        }
    }

    pub(in crate::protocol) fn look(
        &mut self,
        shared: &Shared,
        stream: &Stream,
        cx: &Context<'_>,
        on_trouble: &dyn Fn(Trouble),
    ) -> Outlook {
        let now = shared.runtime.now();
        if shared.is_draining() {
            self.leave(shared, now, on_trouble);
        }
        let read = self.read(shared, stream, cx);
        // The application may answer at once: it goes out below.
        let mut progress = self.session.advance();
        self.session.endpoint_mut().fail_if_faulty();
        match self.session.write() {
            Ok(Written::All) => {
                self.write_blocked = None;
            }
            Ok(Written::Part) => self.on_write_blocked(now),
            Err(_) => {
                // What the peer said before it left is still there.
                stream.readiness().suspect_readable();
                self.read(shared, stream, cx);
                self.session.on_gone();
                return Outlook::Gone;
            }
        }
        progress |= self.session.advance();
        match read {
            Read::Full => {
                self.quiet_since = Some(now);
                // A peer that never stops sending must not stop the clock.
                return match self.look_at_time(shared, stream, now, on_trouble) {
                    Outlook::Wait(_) => Outlook::Later,
                    outlook => outlook,
                };
            }
            Read::Some => {
                self.quiet_since = Some(now);
                // The end of what the peer sends may be behind it, of which there is no second event.
                progress |= stream.readiness().is_readable();
            }
            Read::Nothing => {}
        }
        if progress {
            self.quiet_since = Some(now);
            return Outlook::Again;
        }
        let endpoint = self.session.endpoint();
        if endpoint.is_over() && endpoint.unsent_len() == 0 {
            let is_sudden = endpoint.is_sudden();
            drop(endpoint);
            return Outlook::Over { is_sudden };
        }
        drop(endpoint);
        self.look_at_time(shared, stream, now, on_trouble)
    }

    fn read(&mut self, shared: &Shared, stream: &Stream, cx: &Context<'_>) -> Read {
        let readiness = stream.readiness();
        if !self.session.endpoint().may_read() {
            let endpoint = self.session.endpoint();
            let is_leaving = readiness.is_reset()
                || readiness.is_read_closed() && endpoint.handshake().is_some();
            drop(endpoint);
            if is_leaving {
                self.session.endpoint_mut().lose();
            }
            return Read::Nothing;
        }
        if !readiness.is_readable() {
            return Read::Nothing;
        }
        shared.with_scratch(|scratch| {
            let outcome = stream.poll_read_slice(cx, scratch);
            let mut endpoint = self.session.endpoint_mut();
            match outcome {
                Poll::Ready(Ok(0) | Err(_)) => endpoint.lose(),
                Poll::Ready(Ok(read)) => {
                    let is_full = read == scratch.len();
                    endpoint.feed(scratch.get_mut(..read).unwrap_or_default());
                    return if is_full { Read::Full } else { Read::Some };
                }
                Poll::Pending => {}
            }
            Read::Nothing
        })
    }

    /// The peer has not taken everything; the time counts from when it last took something.
    fn on_write_blocked(&mut self, now: Instant) {
        let taken = self.session.endpoint().sent_bytes();
        if self.write_blocked.is_none_or(|(_, before)| before != taken) {
            self.write_blocked = Some((now, taken));
        }
    }

    /// The server stops.
    fn leave(&mut self, shared: &Shared, now: Instant, on_trouble: &dyn Fn(Trouble)) {
        if self.session.is_connecting() {
            on_trouble(Trouble::Stopped);
            self.session.refuse(StatusCode::INTERNAL_SERVER_ERROR);
        } else if self.session.endpoint().is_open() {
            self.session
                .close(&code::without_reason(code::SERVICE_RESTART));
        }
        let until = match shared.stage() {
            Stage::Draining { since } => since + LAST_CLOSE_TIMEOUT,
            Stage::Serving | Stage::Closing => now,
        };
        self.closes_until = Some(self.closes_until.map_or(until, |known| known.min(until)));
    }

    /// Does what is due, or says when the next thing will be.
    fn look_at_time(
        &mut self,
        shared: &Shared,
        stream: &Stream,
        now: Instant,
        on_trouble: &dyn Fn(Trouble),
    ) -> Outlook {
        let Some(settings) = &shared.settings.websockets else {
            return Outlook::Gone;
        };
        let write = after(
            self.write_blocked.map(|(since, _)| since),
            shared.settings.write,
        );
        if write.is_some_and(|at| at <= now) {
            // The poller was asked before others ran: the peer may have taken something since.
            let before = self.session.endpoint().sent_bytes();
            stream.readiness().suspect_writable();
            let written = self.session.write();
            if written.is_ok() && self.session.endpoint().sent_bytes() != before {
                return Outlook::Again;
            }
            self.session.on_gone();
            return Outlook::Stalled;
        }
        let endpoint = self.session.endpoint();
        let (is_connecting, is_open, is_closing) = (
            endpoint.handshake().is_some(),
            endpoint.is_open(),
            endpoint.is_closing(),
        );
        drop(endpoint);
        let next = if is_connecting {
            let at = after(Some(self.opened), settings.accept);
            if at.is_some_and(|at| at <= now) {
                on_trouble(Trouble::Unanswered);
                self.session.refuse(StatusCode::INTERNAL_SERVER_ERROR);
                return Outlook::Again;
            }
            at
        } else if is_open {
            if !self.is_accepted {
                self.on_accepted(settings, now);
            }
            match self.look_at_open(stream, now, on_trouble) {
                Ok(at) => at,
                Err(outlook) => return outlook,
            }
        } else if is_closing {
            let at = *self.closes_until.get_or_insert(now + CLOSE_TIMEOUT);
            if at <= now {
                self.session.on_gone();
                return Outlook::Gone;
            }
            Some(at)
        } else {
            // What is left to say is not waited for as long as what an application says.
            let blocked = after(
                self.write_blocked.map(|(since, _)| since),
                Some(CLOSE_TIMEOUT),
            );
            let at = earlier(blocked, self.closes_until);
            if at.is_some_and(|at| at <= now) {
                self.session.on_gone();
                return Outlook::Stalled;
            }
            at
        };
        Outlook::Wait(earlier(next, write))
    }

    fn on_accepted(&mut self, settings: &WebSockets, now: Instant) {
        self.is_accepted = true;
        self.quiet_since = Some(now);
        self.keepalive = settings
            .ping_interval
            .map(|interval| Keepalive::new(interval, settings.ping_timeout, now));
    }

    /// What is due in an open session; `Err` once it has been done.
    fn look_at_open(
        &mut self,
        stream: &Stream,
        now: Instant,
        on_trouble: &dyn Fn(Trouble),
    ) -> Result<Option<Instant>, Outlook> {
        let release = self.quiet_since.map(|since| since + RELEASE_AFTER);
        if release.is_some_and(|at| at <= now) {
            self.quiet_since = None;
            self.session.endpoint_mut().release();
            return Err(Outlook::Again);
        }
        let Some(keepalive) = &mut self.keepalive else {
            return Ok(release);
        };
        let mut endpoint = self.session.endpoint_mut();
        if !endpoint.is_pinged() {
            keepalive.on_pong();
        } else if endpoint.may_read() {
            keepalive.on_hearing(now);
        } else {
            keepalive.on_deaf(now);
        }
        let (at, due) = keepalive.next();
        if at > now {
            return Ok(earlier(Some(at), release));
        }
        match due {
            // A pong that came since the poller was asked, while others ran, was in time.
            Due::GiveUp if stream.has_late_bytes() => {}
            Due::Ping => {
                endpoint.ping(random());
                keepalive.on_ping(now);
                // One that only sends is never seen to be quiet: what it holds goes now.
                endpoint.release();
            }
            Due::GiveUp => {
                endpoint.give_up(&Close {
                    code: code::INTERNAL_ERROR,
                    reason: "keepalive ping timeout".to_owned(),
                });
                drop(endpoint);
                on_trouble(Trouble::Silent);
            }
        }
        Err(Outlook::Again)
    }
}

/// What a look into the socket found.
enum Read {
    Nothing,
    Some,
    /// More may be there.
    Full,
}

fn after(since: Option<Instant>, time: Option<Duration>) -> Option<Instant> {
    since.zip(time).map(|(since, time)| since + time)
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}

/// Four bytes that nobody can have prepared a pong for. Nothing secret depends on them.
fn random() -> [u8; 4] {
    use std::hash::{BuildHasher, RandomState};
    let [a, b, c, d, ..] = RandomState::new().hash_one(0).to_ne_bytes();
    [a, b, c, d]
}
