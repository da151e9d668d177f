//! `Class`: a Python type whose objects are functions with state of ours. It knows how `CPython` calls (vectorcall), not
//! what is called.
//!
//! A `PyO3` class with `__call__` is called through a tuple made for the purpose; an application calls `send` twice in the
//! smallest request, so here the arguments stay where the interpreter has them.
#![allow(unsafe_code)]

use std::{
    ffi::CStr,
    marker::PhantomData,
    mem::offset_of,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
};

use pyo3::{
    exceptions::{PyMemoryError, PyTypeError},
    ffi,
    prelude::*,
    types::{PyString, PyType},
};

/// What an object of a [`Class`] holds and does.
pub(crate) trait Function: Sized + 'static {
    /// `module.name`, as Python shows it.
    const PATH: &'static CStr;
    /// The name of its only parameter, if it has one.
    const PARAMETER: Option<&'static str>;

    /// Called with an argument exactly where there is a parameter. `callable` is the object that holds `self`.
    fn call<'py>(
        &self,
        callable: &Bound<'py, PyAny>,
        argument: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>>;
}

/// The type of the objects that hold a `T`.
pub(crate) struct Class<T: Function> {
    class: Py<PyType>,
    holds: PhantomData<fn(T)>,
}

#[repr(C)]
struct Object<T> {
    base: ffi::PyObject,
    vectorcall: ffi::vectorcallfunc,
    value: T,
}

impl<T: Function> Class<T> {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let too_large = |_| PyMemoryError::new_err(());
        let offset = offset_of!(Object<T>, vectorcall);
        let mut members = [
            ffi::PyMemberDef {
                name: c"__vectorcalloffset__".as_ptr(),
                type_code: ffi::Py_T_PYSSIZET,
                offset: ffi::Py_ssize_t::try_from(offset).map_err(too_large)?,
                flags: ffi::Py_READONLY,
                doc: ptr::null(),
            },
            ffi::PyMemberDef::default(),
        ];
        let mut slots = [
            slot(ffi::Py_tp_dealloc, dealloc::<T> as *mut _),
            slot(ffi::Py_tp_call, ffi::PyVectorcall_Call as *mut _),
            slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
            slot(0, ptr::null_mut()),
        ];
        let flags = ffi::Py_TPFLAGS_DEFAULT
            | ffi::Py_TPFLAGS_HAVE_VECTORCALL
            | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
        let mut spec = ffi::PyType_Spec {
            name: T::PATH.as_ptr(),
            basicsize: size_of::<Object<T>>().try_into().map_err(too_large)?,
            itemsize: 0,
            flags: flags.try_into().map_err(too_large)?,
            slots: slots.as_mut_ptr(),
        };
        // SAFETY: the specification is whole, and copied before this returns. An object is as large as it says and
        // begins like every other; what the offset points at is a vectorcall function in each (`object`).
        let class =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))? };
        Ok(Self {
            class: class.cast_into::<PyType>()?.unbind(),
            holds: PhantomData,
        })
    }

    pub(crate) fn bind<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.class.bind(py)
    }

    /// A new function that holds `value`.
    pub(crate) fn object<'py>(&self, py: Python<'py>, value: T) -> PyResult<Bound<'py, PyAny>> {
        let class = self.class.as_ptr().cast::<ffi::PyTypeObject>();
        // SAFETY: the type is alive and not the garbage collector's; what is allocated has its size. The rest is written
        // before anybody else sees it.
        unsafe {
            let object = ffi::PyObject_New::<Object<T>>(class);
            if object.is_null() {
                return Err(PyErr::fetch(py));
            }
            (&raw mut (*object).vectorcall).write(vectorcall::<T>);
            (&raw mut (*object).value).write(value);
            Ok(Bound::from_owned_ptr(py, object.cast()))
        }
    }
}

const fn slot(slot: std::ffi::c_int, function: *mut std::ffi::c_void) -> ffi::PyType_Slot {
    ffi::PyType_Slot {
        slot,
        pfunc: function,
    }
}

unsafe extern "C" fn dealloc<T: Function>(object: *mut ffi::PyObject) {
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        // What the value holds of Python is let go here and now, not when PyO3 next finds itself attached. While the
        // interpreter ends there is no attaching: then the value stays where it is, for good.
        Python::try_attach(|_| {
            // SAFETY: the interpreter calls this once, for an object that `Class::object` has made.
            unsafe { ptr::drop_in_place(&raw mut (*object.cast::<Object<T>>()).value) }
        })
    }));
    drop(dropped);
    // SAFETY: as above; an object owns a reference to its heap type.
    unsafe {
        let class = ffi::Py_TYPE(object);
        ffi::PyObject_Free(object.cast());
        ffi::Py_DECREF(class.cast());
    }
}

unsafe extern "C" fn vectorcall<T: Function>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let called = catch_unwind(AssertUnwindSafe(|| {
        Python::try_attach(|py| {
            // SAFETY: the interpreter calls this for objects that `Class::object` has made. They stay alive for the
            // call, as do the arguments: so many positional ones, then one for each name.
            let outcome = unsafe { call::<T>(py, callable, arguments, count, keywords) };
            outcome.map_or_else(
                |error| {
                    error.restore(py);
                    ptr::null_mut()
                },
                Bound::into_ptr,
            )
        })
    }));
    if let Ok(Some(result)) = called {
        return result;
    }
    // SAFETY: the caller is attached, whatever PyO3 makes of it.
    unsafe { ffi::PyErr_SetString(ffi::PyExc_RuntimeError, c"the server failed here".as_ptr()) };
    ptr::null_mut()
}

/// # Safety
///
/// The arguments of a vectorcall on an object that `Class::<T>::object` has made.
unsafe fn call<T: Function>(
    py: Python<'_>,
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    keywords: *mut ffi::PyObject,
) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: as promised; an argument is only looked at when `check` has counted it.
    unsafe {
        let positional = usize::try_from(ffi::PyVectorcall_NARGS(count)).unwrap_or(0);
        let keywords = Bound::from_borrowed_ptr_or_opt(py, keywords);
        let argument = match check::<T>(positional, keywords.as_ref())? {
            0 => None,
            _ => Some(Bound::from_borrowed_ptr(py, *arguments)),
        };
        let value = &raw const (*callable.cast::<Object<T>>()).value;
        let callable = Bound::from_borrowed_ptr(py, callable);
        (*value).call(&callable, argument.as_ref())
    }
}

/// How many arguments there are: as many as parameters, or `TypeError`.
fn check<T: Function>(positional: usize, keywords: Option<&Bound<'_, PyAny>>) -> PyResult<usize> {
    let expected = usize::from(T::PARAMETER.is_some());
    let Some(keywords) = keywords else {
        return if positional == expected {
            Ok(expected)
        } else {
            Err(wrong_count::<T>(positional))
        };
    };
    let named = keywords.len()?;
    for name in keywords.try_iter()? {
        let name = name?;
        let is_known = name
            .cast::<PyString>()
            .is_ok_and(|name| name.to_str().ok() == T::PARAMETER);
        if !is_known {
            return Err(PyTypeError::new_err(format!(
                "{}() got an unexpected keyword argument '{name}'",
                short_name::<T>()
            )));
        }
    }
    if positional + named == expected {
        Ok(expected)
    } else {
        Err(wrong_count::<T>(positional + named))
    }
}

#[cold]
fn wrong_count<T: Function>(given: usize) -> PyErr {
    let expected = match T::PARAMETER {
        Some(name) => format!("takes exactly one argument, '{name}'"),
        None => "takes no arguments".to_owned(),
    };
    PyTypeError::new_err(format!(
        "{}() {expected} ({given} given)",
        short_name::<T>()
    ))
}

fn short_name<T: Function>() -> &'static str {
    let path = T::PATH.to_str().unwrap_or("function");
    path.rsplit('.').next().unwrap_or(path)
}
