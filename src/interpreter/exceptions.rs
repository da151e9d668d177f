//! From Rust's errors to Python's, and Python's exceptions to a log. The only file that maps them.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    ffi, intern,
    prelude::*,
    types::PyDict,
};

use crate::error::AppError;

impl From<AppError> for PyErr {
    fn from(error: AppError) -> Self {
        let text = error.to_string();
        match error {
            AppError::ContentLengthInvalid(_)
            | AppError::ContentLengthsDiffer
            | AppError::StatusInformational(_)
            | AppError::StatusOutOfRange(_) => PyValueError::new_err(text),
            AppError::BodyTooLong
            | AppError::BodyTooShort
            | AppError::DenialStatusOutOfRange(_)
            | AppError::HeaderNameInvalid
            | AppError::HeaderValueInvalid
            | AppError::HeadersTooMany
            | AppError::UnexpectedMessage { .. }
            | AppError::UnexpectedEvent { .. }
            | AppError::MessageAfterClose(_)
            | AppError::MessageAfterEnd(_) => PyRuntimeError::new_err(text),
        }
    }
}

/// `StopIteration(value)`, set straight through the C API: an exception object is only made if somebody catches it.
pub(crate) fn stop_iteration(value: &Bound<'_, PyAny>) -> PyErr {
    let py = value.py();
    // SAFETY: both are live objects. A tuple or an exception as value would be taken apart, so those go inside a tuple.
    unsafe {
        if ffi::PyTuple_Check(value.as_ptr()) != 0
            || ffi::PyExceptionInstance_Check(value.as_ptr()) != 0
        {
            return pyo3::exceptions::PyStopIteration::new_err((value.clone().unbind(),));
        }
        ffi::PyErr_SetObject(ffi::PyExc_StopIteration, value.as_ptr());
    }
    PyErr::fetch(py)
}

/// Runs what calls into Python; a panic that comes back out of it (a native extension's) is an error like any other.
pub(crate) fn guarded<R>(call: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(PyRuntimeError::new_err("a native extension panicked")))
}

/// `logger.error(text, exc_info=error)`. A logger that fails itself is reported the way Python reports what nobody can
/// catch, never raised into the server.
pub(crate) fn log_exception(py: Python<'_>, logger: &Py<PyAny>, text: &str, error: &PyErr) {
    let keywords = PyDict::new(py);
    // Below 3.12 only the owned value carries its traceback.
    let error = error.clone_ref(py).into_value(py);
    let outcome = guarded(|| {
        keywords.set_item(intern!(py, "exc_info"), error)?;
        let logger = logger.bind(py);
        logger.call_method(intern!(py, "error"), (text,), Some(&keywords))
    });
    if let Err(trouble) = outcome {
        trouble.write_unraisable(py, Some(logger.bind(py)));
    }
}
