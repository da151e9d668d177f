//! `Deferred`: a `send` or `receive` that was called on another thread than it will be awaited on.

use pyo3::{intern, prelude::*};

use super::operation::{Receive, Send};
use crate::interpreter::{Step, step, stop_iteration, thrown};

/// A call made on another thread, to be awaited on the loop's: asgiref's `async_to_sync` does that, for a coroutine
/// function may be called anywhere. Stepped elsewhere, it raises.
#[pyclass(module = "rsgi_bridge._core")]
pub(super) struct Deferred {
    called: Called,
    awaiting: Option<Py<PyAny>>,
}

pub(super) enum Called {
    Send(Py<Send>, Py<PyAny>),
    Receive(Py<Receive>),
}

impl Deferred {
    pub(super) fn of(py: Python<'_>, called: Called) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(
            py,
            Self {
                called,
                awaiting: None,
            },
        )?
        .into_any())
    }

    fn awaited<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(awaiting) = &self.awaiting {
            return Ok(awaiting.bind(py).clone());
        }
        let awaitable = match &self.called {
            Called::Send(send, message) => {
                send.get().require_home()?;
                Send::__call__(send.bind(py), message.bind(py))?
            }
            Called::Receive(receive) => {
                receive.get().require_home()?;
                Receive::__call__(receive.bind(py))?
            }
        };
        self.awaiting = Some(awaitable.clone().unbind());
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
        let awaited = slf.try_borrow_mut()?.awaited(slf.py())?;
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
