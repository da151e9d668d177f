//! `Context`: a `contextvars.Context` that calls run in.
#![allow(unsafe_code)]

use pyo3::{ffi, prelude::*};

/// The variables that a call sees.
pub(crate) struct Context(Py<PyAny>);

impl Context {
    /// A copy of the current one.
    pub(crate) fn current(py: Python<'_>) -> PyResult<Self> {
        // SAFETY: gives a new reference or sets an exception.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }
            .map(|copy| Self(copy.unbind()))
    }

    /// One in which nothing is set.
    pub(crate) fn empty(py: Python<'_>) -> PyResult<Self> {
        // SAFETY: gives a new reference or sets an exception.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_New()) }
            .map(|context| Self(context.unbind()))
    }

    /// A fresh copy of this one: what is set in it is seen nowhere else.
    pub(crate) fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: `self.0` is a context, being made from one; gives a new reference or sets an exception.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_Copy(self.0.as_ptr())) }
    }

    /// Calls `function` within `context`.
    pub(crate) fn within<R>(
        context: &Bound<'_, PyAny>,
        function: impl FnOnce() -> PyResult<R>,
    ) -> PyResult<R> {
        let py = context.py();
        // SAFETY: the interpreter checks the type, and that the context is not entered already.
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
            return Err(PyErr::fetch(py));
        }
        let result = function();
        // SAFETY: entered above, in the same thread; `function` cannot have left it entered by somebody else. It must
        // not be called with an exception set, and none is: `PyErr` has taken it.
        if unsafe { ffi::PyContext_Exit(context.as_ptr()) } != 0 {
            return Err(PyErr::fetch(py));
        }
        result
    }
}
