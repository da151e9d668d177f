//! `HttpExchange`: `send` and `receive` of one request; its state machine.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use bytes::Bytes;
use http::StatusCode;
use pyo3::{prelude::*, types::PyDict};

use super::{
    Asgi, Raised,
    conversation::{Conversation, Sent},
    message::{self, Body, Kind, dict, kind},
};
use crate::{
    error::AppError,
    interpreter::guarded,
    protocol::{Exchange, Head, Home, Received, Ticket, Waiter},
};

/// ```text
/// Unsent --start--> HeadHeld --first body, or the coroutine suspends--> Streaming --last body--> Finished
///                      |  `--------------- only body ------------------------------------------------^
///                      `--first body or suspension, where no body may be sent--> Dropping --last body--^
/// ```
/// That the peer has gone is the exchange's to know: what is sent then goes nowhere, silently (O1).
enum Response {
    Unsent,
    HeadHeld(Head),
    Streaming(Length),
    /// HEAD, 204, 304: the response is on its way; what the application still sends is dropped.
    Dropping,
    Finished,
}

/// What remains of the promised `content-length`.
#[derive(Clone, Copy)]
enum Length {
    Unknown,
    Left(u64),
}

pub(super) struct HttpExchange {
    asgi: Rc<Asgi>,
    exchange: Rc<Exchange>,
    response: RefCell<Response>,
    /// The scope, where there is an access log: taken when the record is made.
    recorded: RefCell<Option<Py<PyDict>>>,
    /// The application's own coroutine is being stepped: its suspension will be seen.
    is_driving: Cell<bool>,
}

impl HttpExchange {
    pub(super) fn new(
        asgi: &Rc<Asgi>,
        exchange: &Rc<Exchange>,
        recorded: Option<Py<PyDict>>,
    ) -> Rc<Self> {
        Rc::new(Self {
            asgi: Rc::clone(asgi),
            exchange: Rc::clone(exchange),
            response: RefCell::new(Response::Unsent),
            recorded: RefCell::new(recorded),
            is_driving: Cell::new(false),
        })
    }

    /// Answers in the application's place, which is not called.
    pub(super) fn refuse(&self, py: Python<'_>, status: StatusCode) {
        self.response.replace(Response::Finished);
        self.record(py, status);
        self.exchange.refuse(status);
    }

    fn on_start(&self, message: &Bound<'_, PyDict>, kind: Kind) -> PyResult<Sent> {
        let Kind::Start = kind else {
            return Err(unexpected("http.response.start", kind));
        };
        let head = message::start(message, |status| self.exchange.head(status))?;
        *self.response.borrow_mut() = Response::HeadHeld(head);
        Ok(if self.is_driving.get() {
            Sent::Done
        } else {
            Sent::Held
        })
    }

    fn on_first_body(
        &self,
        py: Python<'_>,
        head: Head,
        message: &Bound<'_, PyDict>,
        kind: Kind,
    ) -> PyResult<Sent> {
        let body = match read_body(message, kind).and_then(|body| {
            if self.exchange.is_bodyless(head.status()) {
                return Ok(body);
            }
            let length = Length::of(&head);
            length.after(&body).map(|_| body).map_err(PyErr::from)
        }) {
            Ok(body) => body,
            Err(error) => {
                // Nothing has left: the application may still answer otherwise, or be answered for.
                self.response.replace(Response::HeadHeld(head));
                return Err(error);
            }
        };
        if body.more {
            return Ok(self.open(py, head, body.bytes));
        }
        *self.response.borrow_mut() = Response::Finished;
        self.record(py, head.status());
        self.exchange.respond(head, body.bytes);
        Ok(Sent::Done)
    }

    fn on_next_body(
        &self,
        length: Length,
        message: &Bound<'_, PyDict>,
        kind: Kind,
    ) -> PyResult<Sent> {
        let body = match read_body(message, kind) {
            Ok(body) => body,
            Err(error) => {
                self.response.replace(Response::Streaming(length));
                return Err(error);
            }
        };
        let length = match length.after(&body) {
            Ok(length) => length,
            Err(error) => {
                // The promise is broken, and the peer must not take what it has for whole.
                self.response.replace(Response::Finished);
                self.exchange.cut();
                return Err(error.into());
            }
        };
        if body.more {
            self.response.replace(Response::Streaming(length));
            self.exchange.push(body.bytes);
            return Ok(self.room());
        }
        self.response.replace(Response::Finished);
        self.exchange.finish(body.bytes);
        Ok(Sent::Done)
    }

    fn on_dropped_body(&self, message: &Bound<'_, PyDict>, kind: Kind) -> PyResult<Sent> {
        let body = read_body(message, kind);
        let is_last = body.as_ref().is_ok_and(|body| !body.more);
        self.response.replace(if is_last {
            Response::Finished
        } else {
            Response::Dropping
        });
        if is_last {
            self.exchange.finish(Bytes::new());
        }
        body.map(|body| if body.more { Sent::Nowhere } else { Sent::Done })
    }

    /// Commits the head, with more to come.
    fn open(&self, py: Python<'_>, head: Head, first: Bytes) -> Sent {
        self.record(py, head.status());
        let bodyless = self.exchange.is_bodyless(head.status());
        let length = match Length::of(&head) {
            Length::Left(left) => Length::Left(left.saturating_sub(first.len() as u64)),
            Length::Unknown => Length::Unknown,
        };
        if bodyless {
            self.response.replace(Response::Dropping);
            // The answer is complete when the application says so, not when its head has left.
            self.exchange.open(head, Bytes::new());
        } else {
            self.response.replace(Response::Streaming(length));
            self.exchange.open(head, first);
        }
        self.room()
    }

    fn room(&self) -> Sent {
        if self.exchange.has_room() {
            Sent::Done
        } else {
            Sent::Wait
        }
    }

    fn record(&self, py: Python<'_>, status: StatusCode) {
        let scope = self.recorded.take();
        if let Some((log, scope)) = self.asgi.access_log.as_ref().zip(scope)
            && let Err(error) = guarded(|| log.record(scope.bind(py), status.as_u16()))
        {
            // A filter or a handler of the user's, or a scope that middleware ruined: not worth a response.
            self.asgi
                .log_exception(py, "Exception in access log\n", &error);
        }
    }
}

impl Conversation for HttpExchange {
    fn asgi(&self) -> &Rc<Asgi> {
        &self.asgi
    }

    fn home(&self) -> &Arc<Home> {
        self.exchange.home()
    }

    fn is_turning(&self) -> bool {
        self.exchange.is_turning()
    }

    fn try_receive<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let is_finished = matches!(*self.response.borrow(), Response::Finished);
        let received = if is_finished {
            Some(Received::Disconnect)
        } else {
            self.exchange.try_receive()
        };
        received
            .map(|received| message::received(py, received))
            .transpose()
    }

    fn send(&self, message: &Bound<'_, PyAny>) -> PyResult<Sent> {
        let py = message.py();
        let message = dict(message)?;
        let kind = kind(&message)?;
        if self.exchange.is_lost() {
            return Ok(Sent::Nowhere);
        }
        // A state that owns something is taken out while Python may run: reading a message calls the application's
        // iterators.
        if matches!(*self.response.borrow(), Response::Unsent) {
            return self.on_start(&message, kind);
        }
        match self.response.replace(Response::Unsent) {
            Response::Unsent => self.on_start(&message, kind),
            Response::HeadHeld(head) => self.on_first_body(py, head, &message, kind),
            Response::Streaming(length) => self.on_next_body(length, &message, kind),
            Response::Dropping => self.on_dropped_body(&message, kind),
            Response::Finished => {
                self.response.replace(Response::Finished);
                Err(AppError::MessageAfterEnd(kind.into_name()).into())
            }
        }
    }

    fn has_room(&self) -> bool {
        self.exchange.has_room()
    }

    fn wait_receive(&self, waiter: Waiter) -> Ticket {
        self.exchange.wait_receive(waiter)
    }

    fn forget_receive(&self, ticket: Ticket) {
        self.exchange.forget_receive(ticket);
    }

    fn wait_room(&self, waiter: Waiter) -> Ticket {
        self.exchange.wait_room(waiter)
    }

    fn forget_room(&self, ticket: Ticket) {
        self.exchange.forget_room(ticket);
    }

    fn on_stepping(&self) -> Option<Raised<'_>> {
        Some(Raised::new(&self.is_driving))
    }

    /// Puts a held head on the wire: the application waits now.
    fn on_suspended(&self, py: Python<'_>) {
        match self.response.replace(Response::Unsent) {
            Response::HeadHeld(head) => {
                self.open(py, head, Bytes::new());
            }
            other => {
                self.response.replace(other);
            }
        }
    }

    /// The application returned `value`.
    fn on_returned(&self, py: Python<'_>, value: &Bound<'_, PyAny>) {
        if !value.is_none() {
            self.asgi.log_returned(py, value);
            self.end(py);
            self.exchange.close();
            return;
        }
        let complaint = match &*self.response.borrow() {
            Response::Finished => return,
            _ if self.exchange.is_disconnected() => None,
            Response::Unsent => Some("ASGI callable returned without starting response."),
            Response::HeadHeld(_) | Response::Streaming(_) => {
                Some("ASGI callable returned without completing response.")
            }
            Response::Dropping => None,
        };
        if let Some(complaint) = complaint {
            self.asgi.log(py, "error", complaint);
        }
        self.end(py);
    }

    /// The application raised.
    fn on_raised(&self, py: Python<'_>, error: &PyErr) {
        self.asgi
            .log_exception(py, "Exception in ASGI application\n", error);
        let was_finished = matches!(
            *self.response.borrow(),
            Response::Finished | Response::Dropping
        );
        self.end(py);
        if was_finished {
            self.exchange.close();
        }
    }

    /// Nothing more will come: 500 where nothing has left, a cut where something has.
    fn end(&self, py: Python<'_>) {
        match self.response.replace(Response::Finished) {
            Response::Unsent | Response::HeadHeld(_) => {
                if self.exchange.is_disconnected() {
                    // The peer has left, and nobody has answered it: there is no answer to make up, or to record.
                    self.exchange.abandon();
                } else {
                    self.record(py, StatusCode::INTERNAL_SERVER_ERROR);
                    self.exchange.fail();
                }
            }
            Response::Streaming(_) => self.exchange.cut(),
            Response::Dropping => self.exchange.finish(Bytes::new()),
            Response::Finished => {}
        }
        // The scope may lead back to this exchange.
        let scope = self.recorded.take();
        drop(scope);
    }
}

impl Length {
    fn of(head: &Head) -> Self {
        head.content_length().map_or(Self::Unknown, Self::Left)
    }

    fn after(self, body: &Body) -> Result<Self, AppError> {
        let Self::Left(left) = self else {
            return Ok(self);
        };
        match left.checked_sub(body.bytes.len() as u64) {
            None => Err(AppError::BodyTooLong),
            Some(left) if left > 0 && !body.more => Err(AppError::BodyTooShort),
            Some(left) => Ok(Self::Left(left)),
        }
    }
}

fn read_body(message: &Bound<'_, PyDict>, kind: Kind) -> PyResult<Body> {
    match kind {
        Kind::Body => Body::read(message),
        other => Err(unexpected("http.response.body", other)),
    }
}

fn unexpected(expected: &'static str, found: Kind) -> PyErr {
    AppError::UnexpectedMessage {
        expected,
        found: found.into_name(),
    }
    .into()
}
