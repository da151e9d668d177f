//! asyncio's loop and tasks. The only file that knows their names.

use std::{
    cell::{Cell, RefCell},
    os::fd::RawFd,
    time::Duration,
};

use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyType},
};

/// The running loop, with the methods that are called often looked up once.
pub(crate) struct EventLoop {
    object: Py<PyAny>,
    call_soon: Py<PyAny>,
    task_factory: Py<PyAny>,
    task_class: Py<PyAny>,
    /// `loop` and `eager_start`, made once: a new dict for each task is a twentieth of a small request.
    eager_keywords: Py<PyDict>,
    /// 3.12 and later: the first step is taken while the task is made.
    is_eager: bool,
    /// Whether the loop had a task factory when last looked.
    has_factory: Cell<bool>,
    timer: RefCell<Option<Py<PyAny>>>,
}

impl EventLoop {
    /// The loop that runs on this thread.
    ///
    /// Raises `RuntimeError` where none does.
    pub(crate) fn running(py: Python<'_>) -> PyResult<Self> {
        let asyncio = py.import("asyncio")?;
        let object = asyncio.call_method0("get_running_loop")?;
        let version = py.version_info();
        let eager_keywords = PyDict::new(py);
        eager_keywords.set_item("loop", &object)?;
        eager_keywords.set_item("eager_start", true)?;
        Ok(Self {
            call_soon: object.getattr("call_soon")?.unbind(),
            task_factory: object.getattr("get_task_factory")?.unbind(),
            task_class: asyncio.getattr("Task")?.unbind(),
            eager_keywords: eager_keywords.unbind(),
            is_eager: version >= (3, 12),
            has_factory: Cell::new(false),
            timer: RefCell::new(None),
            object: object.unbind(),
        })
    }

    pub(crate) fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.object.bind(py)
    }

    pub(crate) fn add_reader(
        &self,
        py: Python<'_>,
        fd: RawFd,
        callback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.object
            .bind(py)
            .call_method1(intern!(py, "add_reader"), (fd, callback))
            .map(drop)
    }

    pub(crate) fn remove_reader(&self, py: Python<'_>, fd: RawFd) -> PyResult<()> {
        self.object
            .bind(py)
            .call_method1(intern!(py, "remove_reader"), (fd,))
            .map(drop)
    }

    pub(crate) fn call_soon(&self, py: Python<'_>, callback: &Bound<'_, PyAny>) -> PyResult<()> {
        self.call_soon.bind(py).call1((callback,)).map(drop)
    }

    /// `event_loop.call_soon(callback, argument, context=context)`.
    pub(super) fn call_soon_on(
        event_loop: &Bound<'_, PyAny>,
        callback: &Bound<'_, PyAny>,
        argument: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = event_loop.py();
        let keywords = PyDict::new(py);
        keywords.set_item(intern!(py, "context"), context)?;
        event_loop
            .call_method(
                intern!(py, "call_soon"),
                (callback, argument),
                Some(&keywords),
            )
            .map(drop)
    }

    /// Calls `callback` after `delay`, instead of what was asked for before.
    pub(crate) fn call_later(
        &self,
        py: Python<'_>,
        delay: Duration,
        callback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.cancel_timer(py)?;
        let arguments = (delay.as_secs_f64(), callback);
        let handle = self
            .object
            .bind(py)
            .call_method1(intern!(py, "call_later"), arguments)?;
        self.timer.replace(Some(handle.unbind()));
        Ok(())
    }

    pub(crate) fn cancel_timer(&self, py: Python<'_>) -> PyResult<()> {
        let old = self.timer.take();
        match old {
            Some(handle) => handle
                .bind(py)
                .call_method0(intern!(py, "cancel"))
                .map(drop),
            None => Ok(()),
        }
    }

    /// Looks whether the loop has a task factory; done once per turn, not once per task.
    pub(crate) fn look_for_factory(&self, py: Python<'_>) -> PyResult<()> {
        self.has_factory
            .set(!self.task_factory.bind(py).call0()?.is_none());
        Ok(())
    }

    /// Makes a task of a coroutine, in a copy of the current context; where Python can, its first step has been taken
    /// when this returns.
    pub(crate) fn start<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        if self.has_factory.get() || !self.is_eager {
            let name = intern!(py, "create_task");
            return self.object.bind(py).call_method1(name, (coroutine,));
        }
        self.task_class
            .bind(py)
            .call((coroutine,), Some(self.eager_keywords.bind(py)))
    }
}

/// Makes `iscoroutinefunction` true of the objects of a class that are callable but not Python functions: inspect's
/// where it can be (3.12 and later), asyncio's below.
pub(crate) fn mark_coroutine_function(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    if let Some(mark) = py.import("inspect")?.getattr_opt("markcoroutinefunction")? {
        return mark.call1((class,)).map(drop);
    }
    class.setattr(
        "_is_coroutine",
        py.import("asyncio.coroutines")?.getattr("_is_coroutine")?,
    )
}
