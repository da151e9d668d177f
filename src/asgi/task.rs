//! Runs `app(scope, receive, send)` as a task of the loop: its first step now, the rest when the loop says.
//!
//! The task's coroutine is `Call`, which drives whatever awaitable the application returned. It sees every suspension
//! (then a held head leaves) and ends every exception: none reaches the task, so none can stop the loop.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use pyo3::{
    exceptions::{PyRuntimeError, PyStopIteration},
    intern,
    prelude::*,
    types::{PyDict, PyString, PyTuple},
};

use super::{Raised, conversation::Conversation, operation::at_home};
use crate::{
    interpreter::{Step, awaitable_iterator, guarded, step},
    protocol::Local,
};

/// Starts the call for one request, or for one WebSocket.
pub(super) fn start(
    py: Python<'_>,
    conversation: Rc<dyn Conversation>,
    scope: Bound<'_, PyDict>,
) -> PyResult<()> {
    let asgi = &Rc::clone(conversation.asgi());
    let receive = asgi.callables.receive(py, &conversation)?.unbind();
    let send = asgi.callables.send(py, &conversation)?.unbind();
    let drive = Drive {
        conversation,
        stage: RefCell::new(Stage::Ready {
            scope: scope.unbind(),
            receive,
            send,
        }),
        slot: Cell::new(None),
    };
    let call = Bound::new(py, Call(Local::new(&asgi.home, drive)))?;
    // A task that is started eagerly is entered like any other.
    let task = {
        let _stepping = Raised::new(&asgi.stepping);
        asgi.event_loop.start(call.as_any())?
    };
    if let Some(drive) = call.get().0.try_ref()
        && !matches!(*drive.stage.borrow(), Stage::Over)
    {
        drive.slot.set(Some(asgi.keep(task.unbind())));
    }
    Ok(())
}

/// The coroutine of a call's task.
#[pyclass(frozen, name = "asgi_call", module = "rsgi_bridge._core")]
struct Call(Local<Drive>);

struct Drive {
    conversation: Rc<dyn Conversation>,
    stage: RefCell<Stage>,
    /// Where the task is kept while it runs.
    slot: Cell<Option<usize>>,
}

/// ```text
/// Ready --first step--> Stepping <--> Suspended(iterator)
///                          `--returned or raised--> Over
/// ```
enum Stage {
    Ready {
        scope: Py<PyDict>,
        receive: Py<PyAny>,
        send: Py<PyAny>,
    },
    Stepping,
    Suspended(Py<PyAny>),
    Over,
}

impl Drive {
    /// Takes a step; gives what the application yielded, or `None` when it is over.
    fn step<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.drive(py, |iterator| step(iterator, value))
    }

    fn drive<'py>(
        &self,
        py: Python<'py>,
        advance: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<Step<'py>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match &*self.stage.borrow() {
            Stage::Stepping => {
                return Err(PyRuntimeError::new_err(
                    "coroutine is already being stepped",
                ));
            }
            Stage::Over => {
                return Err(PyRuntimeError::new_err(
                    "cannot reuse already awaited coroutine",
                ));
            }
            Stage::Ready { .. } | Stage::Suspended(_) => {}
        }
        let stage = self.stage.replace(Stage::Stepping);
        let asgi = self.conversation.asgi();
        let _stepping = Raised::new(&asgi.stepping);
        let outcome = {
            let _driving = self.conversation.on_stepping();
            // A panic of a native extension comes back out of the interpreter as one of ours: it is the application's
            // failure like any other.
            guarded(|| self.advance(py, stage, advance))
        };
        match outcome {
            Ok((iterator, Step::Yielded(yielded))) => {
                self.stage.replace(Stage::Suspended(iterator.unbind()));
                self.conversation.on_suspended(py);
                Ok(Some(yielded))
            }
            Ok((_, Step::Returned(value))) => {
                self.on_over();
                self.conversation.on_returned(py, &value);
                Ok(None)
            }
            Err(error) => {
                self.on_over();
                self.conversation.on_raised(py, &error);
                Ok(None)
            }
        }
    }

    fn advance<'py>(
        &self,
        py: Python<'py>,
        stage: Stage,
        advance: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<Step<'py>>,
    ) -> PyResult<(Bound<'py, PyAny>, Step<'py>)> {
        let iterator = match stage {
            Stage::Ready {
                scope,
                receive,
                send,
            } => {
                let application = self.conversation.asgi().application.bind(py);
                awaitable_iterator(application.call1((scope, receive, send))?)?
            }
            Stage::Suspended(iterator) => iterator.into_bound(py),
            Stage::Stepping | Stage::Over => {
                return Err(PyRuntimeError::new_err("coroutine cannot be stepped"));
            }
        };
        advance(&iterator).map(|step| (iterator, step))
    }

    fn on_over(&self) {
        let old = self.stage.replace(Stage::Over);
        drop(old);
        if let Some(slot) = self.slot.take() {
            self.conversation.asgi().release(slot);
        }
    }

    fn suspended(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &*self.stage.borrow() {
            Stage::Suspended(iterator) => Some(iterator.clone_ref(py)),
            _ => None,
        }
    }
}

impl Drop for Drive {
    /// A task that is thrown away unfinished (its loop has ended) leaves nothing behind.
    fn drop(&mut self) {
        if !matches!(*self.stage.borrow(), Stage::Over) {
            self.on_over();
            Python::attach(|py| self.conversation.end(py));
        }
    }
}

#[pymethods]
impl Call {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        at_home(&self.0)?.step(py, py.None().bind(py))
    }

    fn send<'py>(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        at_home(&self.0)?
            .step(py, value)?
            .ok_or_else(|| PyStopIteration::new_err(()))
    }

    #[pyo3(signature = (*arguments))]
    fn throw<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let drive = at_home(&self.0)?;
        let thrown = drive.drive(py, |iterator| {
            if iterator.hasattr(intern!(py, "throw"))? {
                return match iterator.call_method1(intern!(py, "throw"), arguments) {
                    Ok(yielded) => Ok(Step::Yielded(yielded)),
                    Err(error) if error.is_instance_of::<PyStopIteration>(py) => Ok(
                        Step::Returned(error.value(py).getattr(intern!(py, "value"))?),
                    ),
                    Err(error) => Err(error),
                };
            }
            let exception = arguments.get_item(0)?;
            let value = arguments.get_item(1).ok();
            let traceback = arguments.get_item(2).ok();
            Err(crate::interpreter::thrown(
                &exception,
                value.as_ref(),
                traceback.as_ref(),
            ))
        })?;
        thrown.ok_or_else(|| PyStopIteration::new_err(()))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let drive = at_home(&self.0)?;
        let iterator = drive.suspended(py);
        drive.on_over();
        let closed = match iterator {
            Some(iterator) if iterator.bind(py).hasattr(intern!(py, "close"))? => iterator
                .bind(py)
                .call_method0(intern!(py, "close"))
                .map(drop),
            _ => Ok(()),
        };
        drive.conversation.end(py);
        closed
    }

    #[getter]
    #[expect(clippy::unused_self, reason = "the coroutine protocol")]
    fn __name__<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        intern!(py, "asgi_call").clone()
    }

    #[getter]
    fn __qualname__<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.__name__(py)
    }

    #[getter]
    fn cr_running(&self) -> bool {
        self.0
            .try_ref()
            .is_some_and(|drive| matches!(*drive.stage.borrow(), Stage::Stepping))
    }

    /// What a stack dump of the task shows: the application's own frame.
    #[getter]
    fn cr_frame(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.of_application(py, "cr_frame")
    }

    #[getter]
    fn cr_code(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.of_application(py, "cr_code")
    }

    #[getter]
    fn cr_await(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.of_application(py, "cr_await")
    }
}

impl Call {
    fn of_application(&self, py: Python<'_>, name: &str) -> PyResult<Option<Py<PyAny>>> {
        let Some(iterator) = self.0.try_ref().and_then(|drive| drive.suspended(py)) else {
            return Ok(None);
        };
        Ok(iterator.bind(py).getattr_opt(name)?.map(Bound::unbind))
    }
}
