//! Stepping what an `await` would step.
#![allow(unsafe_code)]

use pyo3::{exceptions::PyTypeError, ffi, prelude::*};

/// What one step of a coroutine came to.
pub(crate) enum Step<'py> {
    Yielded(Bound<'py, PyAny>),
    Returned(Bound<'py, PyAny>),
}

/// Sends `value` into an iterator, a generator or a coroutine.
pub(crate) fn step<'py>(iterator: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Step<'py>> {
    let py = iterator.py();
    let mut out = std::ptr::null_mut();
    // SAFETY: both are live objects; `out` receives a new reference unless an exception is set.
    match unsafe { ffi::PyIter_Send(iterator.as_ptr(), value.as_ptr(), &raw mut out) } {
        // SAFETY: as above.
        ffi::PySendResult::PYGEN_NEXT => Ok(Step::Yielded(unsafe { Bound::from_owned_ptr(py, out) })),
        // SAFETY: as above.
        ffi::PySendResult::PYGEN_RETURN => Ok(Step::Returned(unsafe { Bound::from_owned_ptr(py, out) })),
        ffi::PySendResult::PYGEN_ERROR => Err(PyErr::fetch(py)),
    }
}

/// What `await awaitable` would iterate over.
///
/// Raises `TypeError`, in the interpreter's words, for what cannot be awaited.
pub(crate) fn awaitable_iterator<'py>(awaitable: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = awaitable.py();
    // SAFETY: a live object.
    if unsafe { ffi::PyCoro_CheckExact(awaitable.as_ptr()) } != 0 || is_generator_coroutine(&awaitable) {
        return Ok(awaitable);
    }
    // SAFETY: a live object whose type outlives it; the slot, where there is one, takes that object.
    let iterator = unsafe {
        let slots = (*ffi::Py_TYPE(awaitable.as_ptr())).tp_as_async;
        match slots.as_ref().and_then(|slots| slots.am_await) {
            Some(am_await) => Bound::from_owned_ptr_or_err(py, am_await(awaitable.as_ptr()))?,
            None => {
                let name = awaitable.get_type().name()?;
                return Err(PyTypeError::new_err(format!("object {name} can't be used in 'await' expression")));
            }
        }
    };
    // SAFETY: a live object.
    if unsafe { ffi::PyIter_Check(iterator.as_ptr()) } == 0 {
        let name = iterator.get_type().name()?;
        return Err(PyTypeError::new_err(format!("__await__() returned non-iterator of type '{name}'")));
    }
    Ok(iterator)
}

/// A generator that `types.coroutine` has marked.
fn is_generator_coroutine(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a live object.
    if unsafe { ffi::PyGen_CheckExact(object.as_ptr()) } == 0 {
        return false;
    }
    let flags = object.getattr("gi_code").and_then(|code| code.getattr("co_flags")).and_then(|flags| flags.extract::<i32>());
    flags.is_ok_and(|flags| flags & ffi::CO_ITERABLE_COROUTINE != 0)
}
