//! `Application` for an ASGI callable: the only layer that speaks ASGI. Knows neither frames nor sockets.

mod access_log;
mod client;
mod conversation;
mod deferred;
mod http;
mod message;
mod operation;
mod scope;
mod task;
mod websocket;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::http::{
    StatusCode,
    header::{CONNECTION, UPGRADE},
    request::Parts,
};
use pyo3::{intern, prelude::*, types::PyDict};
use slab::Slab;

use crate::{
    interpreter::{Context, EventLoop, Ready, guarded, log_exception},
    protocol::{Application, Exchange, Home, Protocol, Proxies, Session, websocket::Trouble},
    transport::Peer,
};

use access_log::AccessLog;
pub(crate) use client::Client;
use http::HttpExchange;
use operation::Callables;

/// One ASGI application on one loop.
pub(crate) struct Asgi {
    pub(crate) event_loop: Rc<EventLoop>,
    application: Py<PyAny>,
    version: String,
    root_path: String,
    proxies: Option<Rc<Proxies>>,
    concurrency: usize,
    state: Py<PyDict>,
    logger: Py<PyAny>,
    access_log: Option<AccessLog>,
    base_context: Context,
    ready: Py<Ready>,
    /// What `send` raises on a WebSocket whose peer has left.
    disconnected: Py<PyAny>,
    callables: Callables,
    home: Arc<Home>,
    /// Tasks that did not finish in their first step. asyncio itself keeps only weak references.
    running: RefCell<Slab<Py<PyAny>>>,
    running_count: Arc<AtomicUsize>,
    /// A task is being stepped: another must not be entered.
    stepping: Cell<bool>,
}

/// A flag that is up for as long as this lives, and then as it was before, whatever happens in between.
struct Raised<'a> {
    flag: &'a Cell<bool>,
    before: bool,
}

impl<'a> Raised<'a> {
    fn new(flag: &'a Cell<bool>) -> Self {
        let before = flag.replace(true);
        Self { flag, before }
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.flag.set(self.before);
    }
}

/// What the Python side hands over.
pub(crate) struct Options<'py> {
    pub(crate) application: Bound<'py, PyAny>,
    /// "2.0" for an application of two calls.
    pub(crate) asgi_version: String,
    pub(crate) root_path: String,
    /// Who may speak for a client.
    pub(crate) proxies: Option<Rc<Proxies>>,
    /// Connections or running calls from which on a request is refused.
    pub(crate) concurrency: usize,
    /// Whether requests start from no context variable at all.
    pub(crate) reset_context: bool,
    pub(crate) state: Bound<'py, PyDict>,
    pub(crate) logger: Bound<'py, PyAny>,
    pub(crate) access_logger: Option<Bound<'py, PyAny>>,
    /// The class of what `send` raises on a WebSocket whose peer has left: an `OSError`.
    pub(crate) disconnected: Bound<'py, PyAny>,
}

/// uvicorn's level below DEBUG.
const TRACE: u8 = 5;

impl Asgi {
    /// Must be called while the loop runs; the current context is the one that every request gets a copy of, unless it
    /// is to have none.
    pub(crate) fn new(
        py: Python<'_>,
        event_loop: Rc<EventLoop>,
        home: &Arc<Home>,
        options: Options<'_>,
    ) -> PyResult<Rc<Self>> {
        Ok(Rc::new(Self {
            event_loop,
            application: options.application.unbind(),
            version: options.asgi_version,
            root_path: options.root_path,
            proxies: options.proxies,
            concurrency: options.concurrency,
            state: options.state.unbind(),
            logger: options.logger.unbind(),
            access_log: options.access_logger.map(AccessLog::new),
            base_context: if options.reset_context {
                Context::empty(py)?
            } else {
                Context::current(py)?
            },
            ready: Ready::new(py)?,
            disconnected: options.disconnected.unbind(),
            callables: Callables::new(py)?,
            home: Arc::clone(home),
            running: RefCell::default(),
            running_count: Arc::default(),
            stepping: Cell::new(false),
        }))
    }

    /// Runs a turn in a copy of the base context, which every task that it starts copies in turn.
    pub(crate) fn in_fresh_context<R>(
        &self,
        py: Python<'_>,
        turn: impl FnOnce() -> PyResult<R>,
    ) -> PyResult<R> {
        Context::within(&self.base_context.copy(py)?, turn)
    }

    /// How many calls of the application have not returned. Any thread may read it.
    pub(crate) fn running(&self) -> &Arc<AtomicUsize> {
        &self.running_count
    }

    fn keep(&self, task: Py<PyAny>) -> usize {
        let mut running = self.running.borrow_mut();
        let slot = running.insert(task);
        self.running_count.store(running.len(), Ordering::Relaxed);
        slot
    }

    fn release(&self, slot: usize) {
        let mut running = self.running.borrow_mut();
        let task = running.try_remove(slot);
        self.running_count.store(running.len(), Ordering::Relaxed);
        drop(running);
        drop(task);
    }

    /// As uvicorn counts: all connections, this one too, or all calls but this one. Sessions
    /// are counted, and never refused.
    fn is_full(&self, exchange: &Exchange) -> bool {
        self.concurrency != usize::MAX
            && exchange
                .connections()
                .max(self.running_count.load(Ordering::Relaxed))
                >= self.concurrency
    }

    /// Cancels every running call; gives how many there were.
    pub(crate) fn cancel_all(&self, py: Python<'_>, message: &str) -> PyResult<usize> {
        let tasks: Vec<Py<PyAny>> = self
            .running
            .borrow()
            .iter()
            .map(|(_, task)| task.clone_ref(py))
            .collect();
        let keywords = PyDict::new(py);
        keywords.set_item(intern!(py, "msg"), message)?;
        for task in &tasks {
            task.bind(py)
                .call_method(intern!(py, "cancel"), (), Some(&keywords))?;
        }
        Ok(tasks.len())
    }

    /// Lets go of the calls that still run: they are the loop's to end, and nothing may lead from them back to here.
    pub(crate) fn forget_all(&self) {
        let running = self.running.take();
        drop(running);
    }

    pub(crate) fn log(&self, py: Python<'_>, level: &str, text: &str) {
        if let Err(error) = guarded(|| self.logger.bind(py).call_method1(level, (text,))) {
            error.write_unraisable(py, Some(self.logger.bind(py)));
        }
    }

    /// A line of uvicorn's about a connection, where somebody listens at its level TRACE.
    fn trace(&self, peer: &Peer, format: &str) {
        Python::attach(|py| {
            let logger = self.logger.bind(py);
            let traced = guarded(|| {
                let is_enabled = logger.call_method1(intern!(py, "isEnabledFor"), (TRACE,))?;
                if is_enabled.is_truthy()? {
                    let client = client::prefix(peer);
                    logger.call_method1(intern!(py, "log"), (TRACE, format, client))?;
                }
                Ok(())
            });
            if let Err(error) = traced {
                error.write_unraisable(py, Some(logger));
            }
        });
    }

    /// The application returned something.
    fn log_returned(&self, py: Python<'_>, value: &Bound<'_, PyAny>) {
        let shown = value.str().map_or_else(
            |_| "?".to_owned(),
            |text| text.to_string_lossy().into_owned(),
        );
        let text = format!("ASGI callable should return None, but returned '{shown}'.");
        self.log(py, "error", &text);
    }

    fn log_exception(&self, py: Python<'_>, text: &str, error: &PyErr) {
        log_exception(py, &self.logger, text, error);
    }
}

impl Application for Rc<Asgi> {
    type Client = Client;

    fn on_opened(&self, peer: &Peer) {
        self.trace(peer, "%sHTTP connection made");
    }

    fn on_upgraded(&self, peer: &Peer) {
        self.trace(peer, "%sUpgrading to WebSocket");
        self.trace(peer, "%sWebSocket connection made");
    }

    fn on_closed(&self, peer: &Peer, last: Protocol) {
        let line = match last {
            Protocol::Http => "%sHTTP connection lost",
            Protocol::WebSocket => "%sWebSocket connection lost",
        };
        self.trace(peer, line);
    }

    fn client(&self, peer: &Peer) -> Client {
        Python::attach(|py| Client::new(py, self, peer))
    }

    fn exchange(&self, client: &Client, request: &mut Parts, exchange: &Rc<Exchange>) {
        Python::attach(|py| {
            if let Err(error) = start(py, self, client, request, exchange) {
                // Not the application's doing: it has not run.
                self.log_exception(py, "Exception in ASGI server\n", &error);
                exchange.fail();
            }
        });
    }

    fn session(&self, client: &Client, request: &mut Parts, session: &Rc<Session>) {
        Python::attach(|py| {
            if let Err(error) = websocket::start(py, self, client, request, session) {
                self.log_exception(py, "Exception in ASGI server\n", &error);
                session.fail();
            }
        });
    }

    fn on_denied(&self, peer: &Peer, status: StatusCode, reason: &str) {
        let client = client::prefix(peer);
        Python::attach(|py| {
            websocket::log_rejected(py, self, status);
            self.log(py, "debug", &format!("{client}Refused: {reason}."));
        });
    }

    fn on_trouble(&self, peer: &Peer, trouble: Trouble) {
        match trouble {
            Trouble::Unanswered => Python::attach(|py| {
                let client = client::prefix(peer);
                let text = format!("{client}The application has not answered a handshake in time.");
                self.log(py, "error", &text);
                websocket::log_rejected(py, self, StatusCode::INTERNAL_SERVER_ERROR);
            }),
            Trouble::Stopped => Python::attach(|py| {
                websocket::log_rejected(py, self, StatusCode::INTERNAL_SERVER_ERROR);
            }),
            Trouble::Silent => self.trace(peer, "%sWebSocket keepalive ping timeout"),
        }
    }

    fn on_refused(&self, peer: &Peer, reason: &'static str) {
        let client = client::prefix(peer);
        Python::attach(|py| {
            self.log(py, "warning", "Invalid HTTP request received.");
            self.log(py, "debug", &format!("{client}Refused: {reason}."));
        });
    }

    fn on_accept_trouble(&self, error: &std::io::Error) {
        Python::attach(|py| {
            self.log(
                py,
                "error",
                &format!("Cannot accept connections: {error}. Trying again."),
            );
        });
    }
}

fn start(
    py: Python<'_>,
    asgi: &Rc<Asgi>,
    client: &Client,
    request: &mut Parts,
    exchange: &Rc<Exchange>,
) -> PyResult<()> {
    let scope = client.scope_of(py, asgi, request)?;
    if !request.extensions.is_empty() {
        // hyper has found an `Upgrade` field.
        warn_of_upgrade(py, asgi, request);
    }
    let recorded = asgi.access_log.is_some().then(|| scope.clone().unbind());
    let http = HttpExchange::new(asgi, exchange, recorded);
    if asgi.is_full(exchange) {
        asgi.log(py, "warning", "Exceeded concurrency limit.");
        http.refuse(py, StatusCode::SERVICE_UNAVAILABLE);
        return Ok(());
    }
    task::start(py, http, scope)
}

/// The request is served as an ordinary one; whoever runs the server should know that more was asked for.
fn warn_of_upgrade(py: Python<'_>, asgi: &Asgi, request: &Parts) {
    let says = |name, token: &str| {
        let values = request.headers.get_all(name).iter();
        let mut tokens = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        tokens.any(|found| found.trim().eq_ignore_ascii_case(token))
    };
    if !says(CONNECTION, "upgrade") {
        return;
    }
    asgi.log(py, "warning", "Unsupported upgrade request.");
    if says(UPGRADE, "websocket") {
        let text = "WebSockets are turned off, by --ws none or for a WSGI application.";
        asgi.log(py, "warning", text);
    }
}
