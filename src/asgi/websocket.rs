//! `WebSocketSession`: `send` and `receive` of one WebSocket; its state machine.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use http::{StatusCode, request::Parts};
use pyo3::{exceptions::PyRuntimeError, intern, prelude::*, types::PyDict};

use super::{
    Asgi, Client, access_log,
    conversation::{Conversation, Sent},
    message::{
        Body, dict,
        websocket::{self as message, Doubtful, Kind},
    },
    scope, task,
};
use crate::{
    error::AppError,
    interpreter::guarded,
    protocol::{
        Head, Home, Session, Ticket, Waiter,
        websocket::{INTERNAL_ERROR, NORMAL, Received, without_reason},
    },
};

/// ```text
/// Connecting --accept--> Open --close--> Closed
///     |  `--http.response.start--> Refusing --last body--^
///     `-----close (403)----------------------------------^
/// ```
/// That the peer has gone is the session's to know: what is sent then raises (ASGI-82).
enum Stage {
    Connecting,
    /// The response given in place of a WebSocket is held until it is whole.
    Refusing(Head, Vec<u8>),
    Open,
    Closed,
}

pub(super) struct WebSocketSession {
    asgi: Rc<Asgi>,
    session: Rc<Session>,
    stage: RefCell<Stage>,
    /// `websocket.connect` has been received.
    is_told: Cell<bool>,
    /// The scope, until the handshake is answered: the log says for whom.
    scope: RefCell<Option<Py<PyDict>>>,
}

/// Starts the call for one WebSocket.
pub(super) fn start(
    py: Python<'_>,
    asgi: &Rc<Asgi>,
    client: &Client,
    request: &mut Parts,
    session: &Rc<Session>,
) -> PyResult<()> {
    let scope = client.scope_of(py, asgi, request)?;
    scope::upgrade(&scope, request)?;
    let conversation = Rc::new(WebSocketSession {
        asgi: Rc::clone(asgi),
        session: Rc::clone(session),
        stage: RefCell::new(Stage::Connecting),
        is_told: Cell::new(false),
        scope: RefCell::new(Some(scope.clone().unbind())),
    });
    task::start(py, conversation, scope)
}

/// The line of the library that uvicorn speaks WebSocket with.
pub(super) fn log_rejected(py: Python<'_>, asgi: &Asgi, status: StatusCode) {
    let reason = status.canonical_reason().unwrap_or_default();
    let line = format!("connection rejected ({} {reason})", status.as_u16());
    asgi.log(py, "info", &line);
}

impl WebSocketSession {
    fn on_connecting(&self, message: &Bound<'_, PyDict>, kind: Kind) -> PyResult<Sent> {
        let py = message.py();
        match kind {
            Kind::Accept => {
                let mut head = self.session.head(StatusCode::SWITCHING_PROTOCOLS);
                let doubtful = message::accept(message, &mut head)?;
                self.answer(Stage::Open)?;
                self.session.accept(head);
                self.log_accepted(py, &doubtful);
            }
            Kind::Close => {
                self.answer(Stage::Closed)?;
                self.session
                    .deny(self.session.head(StatusCode::FORBIDDEN), b"");
                self.log_denied(py, StatusCode::FORBIDDEN);
            }
            Kind::DenialStart => {
                let head = message::denial(message, |status| self.session.head(status))?;
                self.answer(Stage::Refusing(head, Vec::new()))?;
            }
            other => {
                return Err(unexpected(
                    "'websocket.accept', 'websocket.close' or 'websocket.http.response.start'",
                    other,
                ));
            }
        }
        Ok(Sent::Done)
    }

    /// Answers the handshake, unless that was done while the message was read: it calls the application's iterators.
    fn answer(&self, answer: Stage) -> PyResult<()> {
        if !matches!(*self.stage.borrow(), Stage::Connecting) {
            let error = "The handshake has been answered while this message was read.";
            return Err(PyRuntimeError::new_err(error));
        }
        self.stage.replace(answer);
        Ok(())
    }

    fn on_refusing(
        &self,
        head: Head,
        mut body: Vec<u8>,
        message: &Bound<'_, PyDict>,
        kind: Kind,
    ) -> PyResult<Sent> {
        let read = match kind {
            Kind::DenialBody => Body::read(message),
            other => Err(unexpected("'websocket.http.response.body'", other)),
        };
        let more = read.and_then(|piece| {
            body.extend_from_slice(&piece.bytes);
            let promised = head
                .content_length()
                .filter(|_| head.status() != StatusCode::NOT_MODIFIED);
            let length = body.len() as u64;
            match promised {
                Some(promised) if length > promised => Err(AppError::BodyTooLong.into()),
                Some(promised) if length < promised && !piece.more => {
                    Err(AppError::BodyTooShort.into())
                }
                _ => Ok(piece.more),
            }
        });
        match more {
            Ok(false) => {
                self.stage.replace(Stage::Closed);
                let status = head.status();
                self.session.deny(head, &body);
                self.log_denied(message.py(), status);
                Ok(Sent::Done)
            }
            more => {
                self.stage.replace(Stage::Refusing(head, body));
                more.map(|_| Sent::Done)
            }
        }
    }

    fn on_open(&self, message: &Bound<'_, PyDict>, kind: Kind) -> PyResult<Sent> {
        match kind {
            Kind::Send => {
                let is_sent =
                    message::payload(message, |kind, payload| self.session.send(kind, payload))?;
                if !is_sent {
                    return Err(self.disconnected(message.py()));
                }
                Ok(if self.session.has_room() {
                    Sent::Done
                } else {
                    Sent::Wait
                })
            }
            Kind::Close => {
                let close = message::close(message)?;
                self.stage.replace(Stage::Closed);
                self.session.close(&close);
                Ok(Sent::Done)
            }
            other => Err(unexpected("'websocket.send' or 'websocket.close',", other)),
        }
    }

    /// The peer has left.
    fn disconnected(&self, py: Python<'_>) -> PyErr {
        match self.asgi.disconnected.bind(py).call0() {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    }

    /// Answers in the application's place, as an ordinary request is answered.
    fn refuse(&self, py: Python<'_>, status: StatusCode) {
        self.stage.replace(Stage::Closed);
        let scope = self.scope.take();
        drop(scope);
        log_rejected(py, &self.asgi, status);
        self.session.refuse(status);
    }

    /// The application is gone; `code` is what a peer is told that was served until now.
    fn finish(&self, py: Python<'_>, code: u16) {
        match self.stage.replace(Stage::Closed) {
            Stage::Connecting | Stage::Refusing(..) if !self.session.is_over() => {
                self.refuse(py, StatusCode::INTERNAL_SERVER_ERROR);
            }
            Stage::Connecting | Stage::Refusing(..) => {}
            Stage::Open | Stage::Closed => self.session.leave(&without_reason(code)),
        }
        // The scope may lead back to this session.
        let scope = self.scope.take();
        drop(scope);
    }

    fn log_accepted(&self, py: Python<'_>, doubtful: &Doubtful) {
        let Some(scope) = self.scope.take() else {
            return;
        };
        let scope = scope.bind(py);
        let logged = guarded(|| {
            if doubtful.is_among_headers {
                let text = "A subprotocol stands among the headers of 'websocket.accept': it \
                            belongs in its 'subprotocol'.";
                self.asgi.log(py, "warning", text);
            }
            if let Some(subprotocol) = &doubtful.subprotocol
                && !scope::offers(scope, subprotocol)?
            {
                let text = format!(
                    "The subprotocol '{}' of 'websocket.accept' was not offered by the client.",
                    subprotocol.escape_debug()
                );
                self.asgi.log(py, "warning", &text);
            }
            let (client, path) = access_log::subject(scope)?;
            let logger = self.asgi.logger.bind(py);
            let format = intern!(py, "%s - \"WebSocket %s\" [accepted]");
            logger.call_method1(intern!(py, "info"), (format, client, path))?;
            logger.call_method1(intern!(py, "info"), (intern!(py, "connection open"),))
        });
        self.report(py, logged);
    }

    fn log_denied(&self, py: Python<'_>, status: StatusCode) {
        let Some(scope) = self.scope.take() else {
            return;
        };
        let logged = guarded(|| {
            let (client, path) = access_log::subject(scope.bind(py))?;
            let format = intern!(py, "%s - \"WebSocket %s\" %d");
            let arguments = (format, client, path, status.as_u16());
            let logger = self.asgi.logger.bind(py);
            logger.call_method1(intern!(py, "info"), arguments)
        });
        self.report(py, logged);
        log_rejected(py, &self.asgi, status);
    }

    /// A filter or a handler of the user's, or a scope that middleware ruined: not worth a session.
    fn report<T>(&self, py: Python<'_>, logged: PyResult<T>) {
        if let Err(error) = logged {
            self.asgi
                .log_exception(py, "Exception in logging\n", &error);
        }
    }
}

impl Conversation for WebSocketSession {
    fn asgi(&self) -> &Rc<Asgi> {
        &self.asgi
    }

    fn home(&self) -> &Arc<Home> {
        self.session.home()
    }

    fn is_turning(&self) -> bool {
        self.session.is_turning()
    }

    fn try_receive<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !self.is_told.replace(true) {
            return message::connect(py).map(Some);
        }
        self.session
            .try_receive()
            .map(|received| match received {
                Received::Message(found) => message::received(py, &found),
                Received::Disconnect(ending) => message::disconnected(py, &ending),
            })
            .transpose()
    }

    fn send(&self, message: &Bound<'_, PyAny>) -> PyResult<Sent> {
        let message = dict(message)?;
        let kind = message::kind(&message)?;
        // What owns something is taken out while Python may run: reading a message calls the application's iterators.
        let stage = self.stage.borrow();
        match &*stage {
            Stage::Closed => return Err(AppError::MessageAfterClose(kind.into_name()).into()),
            _ if self.session.is_over() => {
                drop(stage);
                return Err(self.disconnected(message.py()));
            }
            Stage::Open => {
                drop(stage);
                return self.on_open(&message, kind);
            }
            Stage::Connecting => {
                drop(stage);
                return self.on_connecting(&message, kind);
            }
            Stage::Refusing(..) => drop(stage),
        }
        match self.stage.replace(Stage::Closed) {
            Stage::Refusing(head, body) => self.on_refusing(head, body, &message, kind),
            other => {
                self.stage.replace(other);
                Ok(Sent::Done)
            }
        }
    }

    fn has_room(&self) -> bool {
        self.session.has_room()
    }

    fn wait_receive(&self, waiter: Waiter) -> Ticket {
        self.session.wait_receive(waiter)
    }

    fn forget_receive(&self, ticket: Ticket) {
        self.session.forget_receive(ticket);
    }

    fn wait_room(&self, waiter: Waiter) -> Ticket {
        self.session.wait_room(waiter)
    }

    fn forget_room(&self, ticket: Ticket) {
        self.session.forget_room(ticket);
    }

    fn on_returned(&self, py: Python<'_>, value: &Bound<'_, PyAny>) {
        if matches!(
            *self.stage.borrow(),
            Stage::Connecting | Stage::Refusing(..)
        ) && !self.session.is_over()
        {
            let complaint = "ASGI callable returned without completing handshake.";
            self.asgi.log(py, "error", complaint);
        }
        if !value.is_none() {
            self.asgi.log_returned(py, value);
        }
        self.finish(py, NORMAL);
    }

    fn on_raised(&self, py: Python<'_>, error: &PyErr) {
        // The application has only not noticed that the peer left.
        if !error
            .matches(py, self.asgi.disconnected.bind(py))
            .unwrap_or(false)
        {
            self.asgi
                .log_exception(py, "Exception in ASGI application\n", error);
        }
        self.finish(py, INTERNAL_ERROR);
    }

    fn end(&self, py: Python<'_>) {
        self.finish(py, INTERNAL_ERROR);
    }
}

fn unexpected(expected: &'static str, found: Kind) -> PyErr {
    AppError::UnexpectedEvent {
        expected,
        found: found.into_name(),
    }
    .into()
}
