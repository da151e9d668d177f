//! hyper's HTTP/1 set up from the settings, and the service it calls: each request is admitted and handed on.

use std::{
    cell::OnceCell,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response, StatusCode, Version, header::HOST, request::Parts};
use http_body::Body;
use hyper::{body::Incoming, server::conn::http1};

use super::{
    Application, Server,
    admission::admit,
    body::{Payload, ResponseBody},
    checked::Checked,
    exchange::Exchange,
    framing::MAX_FIELDS,
    link::Link,
    refusal,
    reins::Polling,
    server::Shared,
    websocket::{self, Handshake, Session},
};
use crate::runtime::Clock;

/// The default number of fields hyper parses on its stack; more are parsed on the heap.
const FIELDS_ON_STACK: usize = 100;
/// hyper's least buffer.
const LEAST_BUFFER: usize = 8 * 1024;
/// What hyper may hold of a body in either direction. A head may be longer when the operator allows it.
const BUFFER: usize = 64 * 1024;

pub(super) type Connection<A> = http1::Connection<Checked, Service<A>>;

/// hyper's options. What it would limit by itself, `framing` has limited before: its own limits lie just above.
pub(super) fn builder(shared: &Shared) -> http1::Builder {
    let settings = &shared.settings;
    let mut builder = http1::Builder::new();
    builder
        .timer(Clock::new(&shared.runtime))
        .header_read_timeout(None)
        .auto_date_header(false)
        // A peer that closes one half still gets its answer; its leaving is the driver's to notice.
        .half_close(true)
        .max_buf_size(
            BUFFER.max(
                settings
                    .request_head
                    .saturating_add(LEAST_BUFFER)
                    .min(usize::MAX / 4),
            ),
        );
    if settings.request_fields > FIELDS_ON_STACK {
        // Beyond what a head can hold in bytes (`a:\r\n` each) there is nothing to parse.
        builder.max_headers(
            settings
                .request_fields
                .min(settings.request_head / 4)
                .clamp(FIELDS_ON_STACK, MAX_FIELDS),
        );
    }
    builder
}

/// What hyper calls for each request of one connection.
pub(super) struct Service<A: Application>(Rc<Inner<A>>);

struct Inner<A: Application> {
    server: Rc<Server<A>>,
    link: Rc<Link>,
    client: OnceCell<A::Client>,
}

impl<A: Application> Service<A> {
    pub(super) fn new(server: &Rc<Server<A>>, link: &Rc<Link>) -> Self {
        Self(Rc::new(Inner {
            server: Rc::clone(server),
            link: Rc::clone(link),
            client: OnceCell::new(),
        }))
    }
}

impl<A: Application> Service<A> {
    /// Hands a WebSocket over to the application.
    pub(super) fn serve(&self, request: &mut Parts, session: &Rc<Session>) {
        let inner = &self.0;
        let application = &inner.server.application;
        let call = || application.session(inner.client(), request, session);
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            // A fault of ours costs this session and nothing else.
            session.fail();
        }
    }
}

impl<A: Application> Clone for Service<A> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<A: Application> hyper::service::Service<Request<Incoming>> for Service<A> {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Running<A>;

    /// Starts a request without a body here and now, so that it is not carried about: hyper polls the answer next. Where
    /// there is a body hyper reads what has come of it before that, and the application should find it.
    fn call(&self, request: Request<Incoming>) -> Running<A> {
        let inner = Rc::clone(&self.0);
        let state = if request.body().is_end_stream() && inner.may_start() {
            inner.start(request)
        } else {
            State::Arrived(Box::new(request))
        };
        Running { inner, state }
    }
}

/// The answer to one request.
pub(super) struct Running<A: Application> {
    inner: Rc<Inner<A>>,
    state: State,
}

enum State {
    /// hyper has parsed it before it may start.
    Arrived(Box<Request<Incoming>>),
    /// What has come of its body is taken in.
    Gathering(Box<Parts>, Rc<Exchange>),
    Handed(Rc<Exchange>),
    Refused(StatusCode),
    Over,
}

impl<A: Application> Future for Running<A> {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let link = &this.inner.link;
        if let State::Arrived(_) | State::Gathering(..) = this.state {
            if !this.inner.may_go_on() {
                return Poll::Pending;
            }
            this.state = match std::mem::replace(&mut this.state, State::Over) {
                State::Arrived(request) => {
                    if !this.inner.may_start() {
                        this.state = State::Arrived(request);
                        return Poll::Pending;
                    }
                    this.inner.start(*request)
                }
                State::Gathering(parts, exchange) => this.inner.proceed(parts, exchange),
                other => other,
            };
        }
        let exchange = match &this.state {
            State::Handed(exchange) => exchange,
            State::Refused(status) => return Poll::Ready(Ok(refused(link, *status))),
            State::Arrived(_) | State::Gathering(..) | State::Over => return Poll::Pending,
        };
        if let Some(status) = exchange.fault() {
            exchange.on_gone();
            let application = &this.inner.server.application;
            application.on_refused(&link.peer, "the request's body is malformed");
            return Poll::Ready(Ok(refused(link, status)));
        }
        let Some(response) = exchange.take_response() else {
            return Poll::Pending;
        };
        // hyper goes on from here in this very poll: what the application did so far needs no other.
        link.reins.take_stirred();
        Poll::Ready(Ok(response))
    }
}

impl<A: Application> Inner<A> {
    /// A request found within another one's `send` starts in the next turn, never inside that call.
    fn may_go_on(&self) -> bool {
        let is_inline = self.link.reins.polling() == Polling::Inline;
        if is_inline {
            self.link.reins.wake();
        }
        !is_inline
    }

    /// Nor does one start before the one before it is over and has left, or after the last.
    fn may_start(&self) -> bool {
        self.may_go_on()
            && !self.link.has_exchange()
            && !self.link.closes_when_idle()
            && !self.link.unwritten.holds()
    }

    /// Admits a request and hands it on, or refuses it.
    #[inline]
    fn start(&self, mut request: Request<Incoming>) -> State {
        let authority = match admit(&request) {
            Ok(admitted) => admitted.authority.map(HeaderValue::from_str),
            Err(denied) => {
                let application = &self.server.application;
                application.on_refused(&self.link.peer, denied.reason());
                return State::Refused(denied.status());
            }
        };
        if let Some(Ok(authority)) = authority {
            // The target's authority is the one that counts (RFC 9112, section 3.2.2).
            request.headers_mut().insert(HOST, authority);
        }
        let (mut parts, body) = request.into_parts();
        // hyper leaves something there for an `Upgrade` field, and for nothing else.
        if !parts.extensions.is_empty()
            && let Some(settings) = &self.link.shared.settings.websockets
            && websocket::is_handshake(&parts)
        {
            let has_body = !body.is_end_stream();
            let handshake = Handshake::check(parts, has_body, settings.deflate);
            self.link.on_handshake(handshake);
            return State::Over;
        }
        let exchange = Exchange::new(&self.link, &parts, body);
        self.link.set_exchange(&exchange);
        if exchange.gathers() {
            return self.proceed(Box::new(parts), exchange);
        }
        self.call(&mut parts, &exchange);
        State::Handed(exchange)
    }

    /// Takes in more of a body, or calls the application if there is no more now.
    fn proceed(&self, mut parts: Box<Parts>, exchange: Rc<Exchange>) -> State {
        if exchange.gather_first() {
            self.link.reins.stir();
            return State::Gathering(parts, exchange);
        }
        self.call(&mut parts, &exchange);
        State::Handed(exchange)
    }

    fn client(&self) -> &A::Client {
        let application = &self.server.application;
        self.client
            .get_or_init(|| application.client(&self.link.peer))
    }

    /// Calls the application, unless what has come of the body is faulty already.
    #[inline]
    fn call(&self, parts: &mut Parts, exchange: &Rc<Exchange>) {
        if exchange.fault().is_some() {
            return;
        }
        let application = &self.server.application;
        let client = self.client();
        let call = || application.exchange(client, parts, exchange);
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            // A fault of ours costs this exchange and nothing else.
            if exchange.is_owed() {
                exchange.fail();
            } else {
                exchange.cut();
            }
        }
    }
}

fn refused(link: &Rc<Link>, status: StatusCode) -> Response<ResponseBody> {
    link.on_refused();
    let (head, words) = refusal::page(link.shared.head(status));
    // hyper would promise `keep-alive` to an old peer that asked for it.
    ResponseBody::respond(Payload::Refusal(words), head, Version::HTTP_10, true, link)
}
