//! `Deferred`: a `send` or `receive` that was called on another thread than it will be awaited on.

use std::sync::Arc;

use pyo3::{exceptions::PyRuntimeError, intern, prelude::*};

use super::operation::ELSEWHERE;
use crate::{
    interpreter::{Step, step, stop_iteration, thrown},
    protocol::Home,
};

/// A call made on another thread, to be awaited on the loop's: asgiref's `async_to_sync` does that, for a coroutine
/// function may be called anywhere. Stepped elsewhere, it raises.
#[pyclass(module = "rsgi_bridge._core")]
pub(super) struct Deferred {
    callable: Py<PyAny>,
    argument: Option<Py<PyAny>>,
    home: Arc<Home>,
    awaiting: Option<Py<PyAny>>,
}

impl Deferred {
    pub(super) fn of<'py>(
        callable: &Bound<'py, PyAny>,
        argument: Option<&Bound<'py, PyAny>>,
        home: &Arc<Home>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let deferred = Self {
            callable: callable.clone().unbind(),
            argument: argument.map(|argument| argument.clone().unbind()),
            home: Arc::clone(home),
            awaiting: None,
        };
        Ok(Bound::new(callable.py(), deferred)?.into_any())
    }

    /// Makes the call, the first time. Not within a borrow: it may come back here.
    fn awaited<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.try_borrow()?;
        if let Some(awaiting) = &this.awaiting {
            return Ok(awaiting.bind(py).clone());
        }
        if !this.home.is_here() {
            return Err(PyRuntimeError::new_err(ELSEWHERE));
        }
        let callable = this.callable.bind(py).clone();
        let argument = this
            .argument
            .as_ref()
            .map(|argument| argument.bind(py).clone());
        drop(this);
        let awaitable = match argument {
            Some(argument) => callable.call1((argument,))?,
            None => callable.call0()?,
        };
        slf.try_borrow_mut()?.awaiting = Some(awaitable.clone().unbind());
        Ok(awaitable)
    }
}

#[pymethods]
impl Deferred {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::send(slf, slf.py().None().bind(slf.py()))
    }

    fn send<'py>(slf: &Bound<'py, Self>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let awaited = Self::awaited(slf)?;
        match step(&awaited, value)? {
            Step::Yielded(yielded) => Ok(yielded),
            Step::Returned(value) => Err(stop_iteration(&value)),
        }
    }

    #[pyo3(signature = (exception, value=None, traceback=None))]
    fn throw<'py>(
        slf: &Bound<'py, Self>,
        exception: &Bound<'py, PyAny>,
        value: Option<&Bound<'py, PyAny>>,
        traceback: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let awaited = slf
            .try_borrow()?
            .awaiting
            .as_ref()
            .map(|awaiting| awaiting.bind(py).clone());
        match awaited {
            Some(awaited) => {
                awaited.call_method1(intern!(py, "throw"), (exception, value, traceback))
            }
            None => Err(thrown(exception, value, traceback)),
        }
    }

    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let awaited = slf.try_borrow_mut()?.awaiting.take();
        match awaited {
            Some(awaited) => awaited
                .bind(py)
                .call_method0(intern!(py, "close"))
                .map(drop),
            None => Ok(()),
        }
    }
}
