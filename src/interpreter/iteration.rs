//! Stepping what an `await` would step.
#![allow(unsafe_code)]

use pyo3::{exceptions::PyTypeError, ffi, prelude::*};

/// What one step of a coroutine came to.
pub(crate) enum Step<'py> {
    Yielded(Bound<'py, PyAny>),
    Returned(Bound<'py, PyAny>),
}

/// Sends `value` into an iterator, a generator or a coroutine.
pub(crate) fn step<'py>(
    iterator: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Step<'py>> {
    let py = iterator.py();
    let mut out = std::ptr::null_mut();
    // SAFETY: both are live objects; `out` receives a new reference unless an exception is set.
    let outcome = unsafe { ffi::PyIter_Send(iterator.as_ptr(), value.as_ptr(), &raw mut out) };
    // SAFETY: the reference just received, or null.
    let out = unsafe { Bound::from_owned_ptr_or_opt(py, out) };
    match (outcome, out) {
        (ffi::PySendResult::PYGEN_NEXT, Some(yielded)) => Ok(Step::Yielded(yielded)),
        (ffi::PySendResult::PYGEN_RETURN, Some(value)) => Ok(Step::Returned(value)),
        _ => Err(PyErr::fetch(py)),
    }
}

/// What `await awaitable` would iterate over.
///
/// Raises `TypeError`, in the interpreter's words, for what cannot be awaited.
pub(crate) fn awaitable_iterator(awaitable: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = awaitable.py();
    // SAFETY: a live object.
    if unsafe { ffi::PyCoro_CheckExact(awaitable.as_ptr()) } != 0
        || is_generator_coroutine(&awaitable)
    {
        return Ok(awaitable);
    }
    // SAFETY: a live object, whose type and that type's slots live as long.
    let slots = unsafe { (*ffi::Py_TYPE(awaitable.as_ptr())).tp_as_async.as_ref() };
    let Some(am_await) = slots.and_then(|slots| slots.am_await) else {
        let name = awaitable.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "object {name} can't be used in 'await' expression"
        )));
    };
    // SAFETY: the slot takes an object of its own type, and gives a new reference or sets an exception.
    let iterator = unsafe { Bound::from_owned_ptr_or_err(py, am_await(awaitable.as_ptr()))? };
    // SAFETY: a live object.
    if unsafe { ffi::PyIter_Check(iterator.as_ptr()) } == 0 {
        let name = iterator.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "__await__() returned non-iterator of type '{name}'"
        )));
    }
    Ok(iterator)
}

/// A generator that `types.coroutine` has marked.
fn is_generator_coroutine(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a live object.
    if unsafe { ffi::PyGen_CheckExact(object.as_ptr()) } == 0 {
        return false;
    }
    let flags = object
        .getattr("gi_code")
        .and_then(|code| code.getattr("co_flags"))
        .and_then(|flags| flags.extract::<i32>());
    flags.is_ok_and(|flags| flags & ffi::CO_ITERABLE_COROUTINE != 0)
}
