//! The callables `send` and `receive`, and what they return when it has to be waited for.

use std::{cell::Cell, ffi::CStr, rc::Rc};

use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyString};

use super::{
    Raised,
    conversation::{Conversation, Sent},
    deferred::Deferred,
};
use crate::{
    interpreter::{
        Class, Function, Resume, Suspension, mark_coroutine_function, stop_iteration, thrown,
    },
    protocol::{Local, Ticket},
};

/// The `send` of one call.
pub(super) struct Send(Local<Rc<dyn Conversation>>);

/// The `receive` of one call.
pub(super) struct Receive(Local<Rc<dyn Conversation>>);

/// The types of both, which pass for coroutine functions: frameworks look (asgiref warns).
pub(super) struct Callables {
    send: Class<Send>,
    receive: Class<Receive>,
}

impl Callables {
    pub(super) fn new(py: Python<'_>) -> PyResult<Self> {
        let callables = Self {
            send: Class::new(py)?,
            receive: Class::new(py)?,
        };
        mark_coroutine_function(callables.send.bind(py))?;
        mark_coroutine_function(callables.receive.bind(py))?;
        Ok(callables)
    }

    pub(super) fn send<'py>(
        &self,
        py: Python<'py>,
        conversation: &Rc<dyn Conversation>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.send.object(py, Send(local(conversation)))
    }

    pub(super) fn receive<'py>(
        &self,
        py: Python<'py>,
        conversation: &Rc<dyn Conversation>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.receive.object(py, Receive(local(conversation)))
    }
}

/// Puts a held head on the wire when the loop comes to it.
#[pyclass(frozen, module = "rsgi_bridge._core")]
struct FlushHead(Local<Rc<dyn Conversation>>);

/// What is at home here, or the error for a call from a thread that is not the loop's.
pub(super) fn at_home<T>(local: &Local<T>) -> PyResult<&T> {
    local
        .try_ref()
        .ok_or_else(|| PyRuntimeError::new_err(ELSEWHERE))
}

pub(super) const ELSEWHERE: &str =
    "called from another thread than the event loop's: use asyncio.run_coroutine_threadsafe()";

fn local(conversation: &Rc<dyn Conversation>) -> Local<Rc<dyn Conversation>> {
    Local::new(conversation.home(), Rc::clone(conversation))
}

impl Function for Send {
    const PATH: &'static CStr = c"rsgi_bridge._core.send";
    const PARAMETER: Option<&'static str> = Some("message");

    /// Done when this returns, but for the waiting; called on another thread, it is done when it is awaited at home.
    fn call<'py>(
        &self,
        callable: &Bound<'py, PyAny>,
        message: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = callable.py();
        let (Ok(conversation), Some(message)) = (at_home(&self.0), message) else {
            return Deferred::of(callable, message, self.0.home());
        };
        let wanted = match conversation.send(message)? {
            Sent::Done => None,
            Sent::Held => {
                let flush = Bound::new(py, FlushHead(local(conversation)))?;
                let event_loop = &conversation.asgi().event_loop;
                event_loop.call_soon(py, flush.as_any())?;
                None
            }
            Sent::Wait => Some(Wanted::Room),
            Sent::Nowhere => Some(Wanted::Turn),
        };
        match wanted {
            Some(wanted) => Operation::object(py, conversation, wanted),
            None => Ok(conversation.asgi().ready.bind(py).clone().into_any()),
        }
    }
}

impl Function for Receive {
    const PATH: &'static CStr = c"rsgi_bridge._core.receive";
    const PARAMETER: Option<&'static str> = None;

    /// Takes its data when it is awaited, not now: one that is never awaited, or is cancelled, loses nothing.
    fn call<'py>(
        &self,
        callable: &Bound<'py, PyAny>,
        _: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Ok(conversation) = at_home(&self.0) else {
            return Deferred::of(callable, None, self.0.home());
        };
        Operation::object(callable.py(), conversation, Wanted::Message)
    }
}

#[pymethods]
impl FlushHead {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        at_home(&self.0)?.on_suspended(py);
        Ok(())
    }
}

/// A `send` or `receive` that may have to wait: a coroutine in all but name.
///
/// ```text
/// Fresh --step: there is nothing--> Waiting --step: there is--> Over
///   `----------------- step: there is ----------------------------^
/// ```
#[pyclass(frozen, module = "rsgi_bridge._core")]
pub(super) struct Operation(Local<Wait>);

struct Wait {
    conversation: Rc<dyn Conversation>,
    wanted: Wanted,
    is_over: Cell<bool>,
    has_waited: Cell<bool>,
    /// By which the conversation knows the last wait.
    ticket: Cell<Option<Ticket>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Message,
    Room,
    /// Nothing, but that others get their turn.
    Turn,
}

impl Operation {
    fn object<'py>(
        py: Python<'py>,
        conversation: &Rc<dyn Conversation>,
        wanted: Wanted,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wait = Wait {
            conversation: Rc::clone(conversation),
            wanted,
            is_over: Cell::new(false),
            has_waited: Cell::new(false),
            ticket: Cell::new(None),
        };
        let operation = Self(Local::new(conversation.home(), wait));
        Ok(Bound::new(py, operation)?.into_any())
    }

    fn step<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let wait = at_home(&self.0)?;
        if wait.is_over.get() {
            return Err(PyRuntimeError::new_err(match wait.wanted {
                Wanted::Message => "cannot reuse already awaited receive()",
                Wanted::Room | Wanted::Turn => "cannot reuse already awaited send()",
            }));
        }
        wait.forget();
        if let Some(value) = wait.try_finish(py)? {
            wait.is_over.set(true);
            return Err(stop_iteration(&value));
        }
        let suspension = Suspension::new(py, &wait.conversation.asgi().event_loop)?;
        wait.subscribe(py, suspension.clone_ref(py));
        Ok(suspension.into_bound(py).into_any())
    }
}

impl Wait {
    fn try_finish<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.wanted {
            Wanted::Message => self.conversation.try_receive(py),
            Wanted::Room => Ok(self
                .conversation
                .has_room()
                .then(|| py.None().into_bound(py))),
            Wanted::Turn => Ok(self
                .has_waited
                .replace(true)
                .then(|| py.None().into_bound(py))),
        }
    }

    fn subscribe(&self, py: Python<'_>, suspension: Py<Suspension>) {
        if self.wanted == Wanted::Turn {
            // The loop calls as soon as the task has said what it waits for.
            Suspension::wake(suspension.bind(py), Resume::Soon);
            return;
        }
        let conversation = Rc::clone(&self.conversation);
        let waiter = Box::new(move || {
            // In a turn nothing else runs on this thread, so the task can be entered here and now; while another is
            // being stepped asyncio forbids it.
            let stepping = &conversation.asgi().stepping;
            let is_free = conversation.is_turning() && !stepping.get();
            let resume = if is_free { Resume::Here } else { Resume::Soon };
            Python::attach(|py| {
                let _stepping = Raised::new(stepping);
                Suspension::wake(suspension.bind(py), resume);
            });
        });
        self.ticket.set(match self.wanted {
            Wanted::Message => Some(self.conversation.wait_receive(waiter)),
            Wanted::Room => Some(self.conversation.wait_room(waiter)),
            Wanted::Turn => None,
        });
    }

    /// The conversation need not call any more: a wait that is cancelled leaves nothing with it.
    fn forget(&self) {
        match (self.ticket.take(), self.wanted) {
            (Some(ticket), Wanted::Message) => self.conversation.forget_receive(ticket),
            (Some(ticket), Wanted::Room) => self.conversation.forget_room(ticket),
            _ => {}
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.forget();
    }
}

#[pymethods]
impl Operation {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.step(py)
    }

    fn send<'py>(
        &self,
        py: Python<'py>,
        _value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.step(py)
    }

    #[pyo3(signature = (exception, value=None, traceback=None))]
    fn throw(
        &self,
        exception: &Bound<'_, PyAny>,
        value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.close()?;
        Err(thrown(exception, value, traceback))
    }

    fn close(&self) -> PyResult<()> {
        let wait = at_home(&self.0)?;
        wait.is_over.set(true);
        wait.forget();
        Ok(())
    }

    #[getter]
    fn __name__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let name = match at_home(&self.0)?.wanted {
            Wanted::Message => "receive",
            Wanted::Room | Wanted::Turn => "send",
        };
        Ok(PyString::intern(py, name))
    }

    #[getter]
    fn __qualname__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.__name__(py)
    }

    #[getter]
    #[expect(clippy::unused_self, reason = "the coroutine protocol")]
    fn cr_running(&self) -> bool {
        false
    }
}
