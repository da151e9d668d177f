//! What an application awaits: `Ready`, which never waits, and `Suspension`, the future that a waiting call yields to
//! its task.
#![allow(unsafe_code)]

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyRuntimeError, PyStopIteration},
    ffi, intern,
    prelude::*,
    types::PyTuple,
};

use super::{Context, EventLoop};

/// An awaitable that is done at once and gives `None`. One object serves every `send` that need not wait: it has no
/// state, so it may be awaited any number of times, also as a task's coroutine.
#[pyclass(frozen, module = "rsgi_bridge._core")]
pub(crate) struct Ready;

impl Ready {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Py<Self>> {
        let ready = Bound::new(py, Self)?;
        // An `await` of it does nothing at all, so it need not go through PyO3 for that.
        // SAFETY: the class has been made with these very slots; the functions that replace them do the same, for any
        // object: the first gives back its argument, the second says that an iteration is over.
        unsafe {
            let class = ffi::Py_TYPE(ready.as_ptr());
            if let Some(slots) = (*class).tp_as_async.as_mut() {
                slots.am_await = Some(ffi::PyObject_SelfIter);
            }
            (*class).tp_iternext = Some(exhausted);
        }
        Ok(ready.unbind())
    }
}

/// `StopIteration(None)`: null, and no exception.
unsafe extern "C" fn exhausted(_: *mut ffi::PyObject) -> *mut ffi::PyObject {
    std::ptr::null_mut()
}

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Nothing, and no exception: the cheapest end an `await` can have.
    #[expect(clippy::unused_self, reason = "the slot's signature")]
    fn __next__(&self) -> Option<()> {
        None
    }

    #[expect(clippy::unused_self, reason = "the coroutine protocol")]
    fn send(&self, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyStopIteration::new_err(()))
    }

    #[expect(clippy::unused_self, reason = "the coroutine protocol")]
    #[pyo3(signature = (exception, value=None, traceback=None))]
    fn throw(
        &self,
        exception: &Bound<'_, PyAny>,
        value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Err(thrown(exception, value, traceback))
    }

    #[expect(clippy::unused_self, reason = "the coroutine protocol")]
    fn close(&self) {}
}

/// The exception that `throw(exception, value, traceback)` is to raise.
pub(crate) fn thrown(
    exception: &Bound<'_, PyAny>,
    value: Option<&Bound<'_, PyAny>>,
    traceback: Option<&Bound<'_, PyAny>>,
) -> PyErr {
    let instance = match (exception.is_instance_of::<pyo3::types::PyType>(), value) {
        (true, Some(value)) if value.is_instance(exception).unwrap_or(false) => Ok(value.clone()),
        (true, Some(value)) if !value.is_none() => exception.call1((value,)),
        (true, _) => exception.call0(),
        (false, _) => Ok(exception.clone()),
    };
    match instance {
        Ok(instance) => {
            if let Some(traceback) = traceback.filter(|traceback| !traceback.is_none()) {
                let _ = instance.call_method1("with_traceback", (traceback,));
            }
            PyErr::from_value(instance)
        }
        Err(error) => error,
    }
}

/// asyncio's future protocol, as far as a task that awaits uses it. One per wait.
///
/// ```text
/// Waiting --wake----> Woken
///    `----cancel----> Cancelled
/// ```
#[pyclass(module = "rsgi_bridge._core")]
pub(crate) struct Suspension {
    event_loop: Py<PyAny>,
    state: State,
    #[pyo3(get, set, name = "_asyncio_future_blocking")]
    blocking: bool,
    callbacks: Vec<(Py<PyAny>, Option<Py<PyAny>>)>,
}

enum State {
    Waiting,
    Woken,
    /// With the message that `cancel` was given.
    Cancelled(Option<Py<PyAny>>),
}

/// How a waiting task is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Within this call. Only where no task is being stepped.
    Here,
    /// By the loop, as asyncio's own futures do.
    Soon,
}

impl Suspension {
    pub(crate) fn new(py: Python<'_>, event_loop: &EventLoop) -> PyResult<Py<Self>> {
        Py::new(
            py,
            Self {
                event_loop: event_loop.object(py).clone().unbind(),
                state: State::Waiting,
                blocking: true,
                callbacks: Vec::new(),
            },
        )
    }

    /// What was waited for may be there. Does nothing the second time, or after a cancellation.
    pub(crate) fn wake(slf: &Bound<'_, Self>, resume: Resume) {
        if let Ok(mut this) = slf.try_borrow_mut() {
            if !matches!(this.state, State::Waiting) {
                return;
            }
            this.state = State::Woken;
        }
        Self::run_callbacks(slf, resume);
    }

    fn run_callbacks(slf: &Bound<'_, Self>, resume: Resume) {
        let py = slf.py();
        let Ok(callbacks) = slf
            .try_borrow_mut()
            .map(|mut this| std::mem::take(&mut this.callbacks))
        else {
            return;
        };
        for (callback, context) in callbacks {
            let callback = callback.bind(py);
            let here = match (resume, &context) {
                (Resume::Here, Some(context)) => {
                    Context::within(context.bind(py), || callback.call1((slf,)))
                        .map(drop)
                        .ok()
                }
                _ => None,
            };
            // A context that cannot be entered now (it is entered already) can be later.
            let outcome = match here {
                Some(()) => Ok(()),
                None => Self::call_soon(slf, callback, context.as_ref()),
            };
            if let Err(error) = outcome {
                error.write_unraisable(py, Some(callback));
            }
        }
    }

    fn call_soon(
        slf: &Bound<'_, Self>,
        callback: &Bound<'_, PyAny>,
        context: Option<&Py<PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let event_loop = slf.try_borrow()?.event_loop.clone_ref(py);
        EventLoop::call_soon_on(
            event_loop.bind(py),
            callback,
            slf.as_any(),
            context.map(|context| context.bind(py)),
        )
    }
}

#[pymethods]
impl Suspension {
    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    #[pyo3(signature = (callback, *, context=None))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        callback: Py<PyAny>,
        context: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let mut this = slf.try_borrow_mut()?;
        if matches!(this.state, State::Waiting) {
            this.callbacks.push((callback, context));
            return Ok(());
        }
        drop(this);
        let py = slf.py();
        Self::call_soon(slf, callback.bind(py), context.as_ref())
    }

    /// Compares without a borrow, and removes afterwards: a comparison is Python's, and may do anything or fail.
    fn remove_done_callback(slf: &Bound<'_, Self>, callback: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = slf.py();
        let known: Vec<Py<PyAny>> = slf
            .try_borrow()?
            .callbacks
            .iter()
            .map(|(known, _)| known.clone_ref(py))
            .collect();
        let mut equal = Vec::new();
        for known in known {
            if known.bind(py).eq(callback)? {
                equal.push(known);
            }
        }
        let mut this = slf.try_borrow_mut()?;
        let (removed, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut this.callbacks)
            .into_iter()
            .partition(|(known, _)| equal.iter().any(|equal| equal.is(known)));
        this.callbacks = kept;
        drop(this);
        Ok(removed.len())
    }

    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let mut this = slf.try_borrow_mut()?;
        if !matches!(this.state, State::Waiting) {
            return Ok(false);
        }
        this.state = State::Cancelled(msg);
        drop(this);
        Self::run_callbacks(slf, Resume::Soon);
        Ok(true)
    }

    fn cancelled(&self) -> bool {
        matches!(self.state, State::Cancelled(_))
    }

    fn done(&self) -> bool {
        !matches!(self.state, State::Waiting)
    }

    /// `None` once woken.
    ///
    /// Raises `CancelledError` when cancelled, `InvalidStateError` while waiting.
    fn result(&self, py: Python<'_>) -> PyResult<()> {
        match &self.state {
            State::Woken => Ok(()),
            State::Cancelled(message) => {
                let class = py
                    .import(intern!(py, "asyncio"))?
                    .getattr(intern!(py, "CancelledError"))?;
                let arguments = match message {
                    Some(message) => PyTuple::new(py, [message])?,
                    None => PyTuple::empty(py),
                };
                Err(PyErr::from_value(class.call1(arguments)?))
            }
            State::Waiting => Err(invalid_state(py)),
        }
    }

    fn exception(&self, py: Python<'_>) -> PyResult<()> {
        self.result(py)
    }

    /// A waiting task reaches what it waits for through its coroutine, so this object can be part of a cycle.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        for (callback, context) in &self.callbacks {
            visit.call(callback)?;
            if let Some(context) = context {
                visit.call(context)?;
            }
        }
        Ok(())
    }

    fn __clear__(&mut self) {
        self.callbacks.clear();
    }
}

fn invalid_state(py: Python<'_>) -> PyErr {
    let class = py
        .import("asyncio")
        .and_then(|asyncio| asyncio.getattr("InvalidStateError"));
    match class.and_then(|class| class.call1(("Result is not set.",))) {
        Ok(error) => PyErr::from_value(error),
        Err(_) => PyRuntimeError::new_err("Result is not set."),
    }
}
