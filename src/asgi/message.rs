//! ASGI event dicts <-> Rust; with `websocket.rs` below it the only file that knows their keys.

pub(super) mod websocket;

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use pyo3::{
    buffer::PyBuffer,
    exceptions::{PyKeyError, PyTypeError, PyValueError},
    intern,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBool, PyByteArray, PyBytes, PyDict, PyInt, PyList, PyMemoryView, PyString, PyTuple},
};

use crate::{
    error::AppError,
    protocol::{Head, Received},
};

/// Smaller bodies are copied: sharing a Python object costs more than copying 4 KiB.
const COPIED: usize = 4096;

/// The types of messages that an application may send on an HTTP scope.
pub(super) enum Kind {
    Start,
    Body,
    Other(String),
}

/// `http.response.body`.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) more: bool,
}

/// The message as a dict: any mapping will do, as it did for uvicorn.
pub(super) fn dict<'py>(message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    if let Ok(dict) = message.cast::<PyDict>() {
        return Ok(dict.clone());
    }
    let py = message.py();
    if !message.hasattr(intern!(py, "keys"))? {
        let name = message.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "an ASGI message is a dict, not '{name}'"
        )));
    }
    let copy = PyDict::new(py);
    copy.call_method1(intern!(py, "update"), (message,))?;
    Ok(copy)
}

#[inline]
fn type_of<'py>(message: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    message
        .get_item(intern!(message.py(), "type"))?
        .ok_or_else(|| PyKeyError::new_err("type"))
}

/// A type's name, whatever it is. Most often it is a string that nobody has interned, for it has dots in it.
#[inline]
fn name_of<'a>(found: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    if let Ok(name) = found.cast::<PyString>()
        && let Ok(name) = name.to_str()
    {
        return Ok(Cow::Borrowed(name));
    }
    Ok(Cow::Owned(found.str()?.to_string_lossy().into_owned()))
}

pub(super) fn kind(message: &Bound<'_, PyDict>) -> PyResult<Kind> {
    let py = message.py();
    let found = type_of(message)?;
    if found.is(intern!(py, "http.response.body")) {
        return Ok(Kind::Body);
    }
    if found.is(intern!(py, "http.response.start")) {
        return Ok(Kind::Start);
    }
    let name = name_of(&found)?;
    Ok(match &*name {
        "http.response.body" => Kind::Body,
        "http.response.start" => Kind::Start,
        _ => Kind::Other(name.into_owned()),
    })
}

impl Kind {
    pub(super) fn into_name(self) -> String {
        match self {
            Self::Start => "http.response.start".to_owned(),
            Self::Body => "http.response.body".to_owned(),
            Self::Other(name) => name,
        }
    }
}

/// Reads `http.response.start`; `begin` makes the head for its status. Nothing has been written when it raises.
pub(super) fn start(
    message: &Bound<'_, PyDict>,
    begin: impl FnOnce(StatusCode) -> Head,
) -> PyResult<Head> {
    let py = message.py();
    let status = message
        .get_item(intern!(py, "status"))?
        .ok_or_else(|| PyKeyError::new_err("status"))?;
    let mut head = begin(status_code(&status)?);
    let Some(fields) = message.get_item(intern!(py, "headers"))? else {
        return Ok(head);
    };
    each_field(&fields, |name, value| head.add(name, value))?;
    Ok(head)
}

/// Shows each of an iterable of pairs of a name and a value.
#[inline]
fn each_field(
    fields: &Bound<'_, PyAny>,
    mut add: impl FnMut(&[u8], &[u8]) -> Result<(), AppError>,
) -> PyResult<()> {
    if let Ok(list) = fields.cast_exact::<PyList>() {
        for field in list {
            field_bytes(&field, &mut add)?;
        }
    } else {
        for field in fields.try_iter()? {
            field_bytes(&field?, &mut add)?;
        }
    }
    Ok(())
}

#[inline]
fn field_bytes(
    field: &Bound<'_, PyAny>,
    add: &mut impl FnMut(&[u8], &[u8]) -> Result<(), AppError>,
) -> PyResult<()> {
    let (name, value) = pair(field)?;
    with_bytes(&name, "a header name", |name| {
        with_bytes(&value, "a header value", |value| add(name, value))
    })??
    .map_err(PyErr::from)
}

impl Body {
    pub(super) fn read(message: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = message.py();
        let bytes = match message.get_item(intern!(py, "body"))? {
            Some(body) => body_bytes(&body)?,
            None => Bytes::new(),
        };
        let more = match message.get_item(intern!(py, "more_body"))? {
            Some(more) => more.is_truthy()?,
            None => false,
        };
        Ok(Self { bytes, more })
    }
}

/// `http.request` or `http.disconnect`; a new dict each time.
pub(super) fn received(py: Python<'_>, received: Received) -> PyResult<Bound<'_, PyAny>> {
    let message = PyDict::new(py);
    match received {
        Received::Body { bytes, more } => {
            message.set_item(intern!(py, "type"), intern!(py, "http.request"))?;
            message.set_item(intern!(py, "body"), PyBytes::new(py, &bytes))?;
            message.set_item(intern!(py, "more_body"), more)?;
        }
        Received::Disconnect => {
            message.set_item(intern!(py, "type"), intern!(py, "http.disconnect"))?;
        }
    }
    Ok(message.into_any())
}

fn status_code(status: &Bound<'_, PyAny>) -> PyResult<StatusCode> {
    if !status.is_instance_of::<PyInt>() || status.is_instance_of::<PyBool>() {
        let name = status.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "an HTTP status is an int, not '{name}'"
        )));
    }
    let number: i64 = status
        .extract()
        .map_err(|_| PyValueError::new_err("Invalid HTTP status: 200 to 599 expected."))?;
    match u16::try_from(number) {
        Ok(informational @ 100..=199) => Err(AppError::StatusInformational(informational).into()),
        Ok(code @ 200..=599) => {
            StatusCode::from_u16(code).map_err(|_| AppError::StatusOutOfRange(number).into())
        }
        _ => Err(AppError::StatusOutOfRange(number).into()),
    }
}

fn pair<'py>(field: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if let Ok(tuple) = field.cast_exact::<PyTuple>()
        && tuple.len() == 2
    {
        return Ok((tuple.get_item(0)?, tuple.get_item(1)?));
    }
    let mut items = field.try_iter()?;
    match (items.next(), items.next(), items.next()) {
        (Some(name), Some(value), None) => Ok((name?, value?)),
        _ => Err(PyValueError::new_err(
            "a header is a pair of a name and a value",
        )),
    }
}

/// Shows the bytes of a bytes-like object to `read`.
fn with_bytes<R>(
    object: &Bound<'_, PyAny>,
    what: &str,
    read: impl FnOnce(&[u8]) -> R,
) -> PyResult<R> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(read(bytes.as_bytes()));
    }
    copied(object, what).map(|bytes| read(&bytes))
}

fn body_bytes(body: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Ok(bytes) = body.cast_exact::<PyBytes>() {
        let slice = bytes.as_bytes();
        return Ok(if slice.len() < COPIED {
            Bytes::copy_from_slice(slice)
        } else {
            Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
        });
    }
    copied(body, "a body").map(Bytes::from)
}

fn copied(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(array) = object.cast::<PyByteArray>() {
        return Ok(array.to_vec());
    }
    if object.is_instance_of::<PyMemoryView>() {
        let py = object.py();
        if let Ok(buffer) = PyBuffer::<u8>::get(object) {
            return buffer.to_vec(py);
        }
        let bytes = object.call_method0(intern!(py, "tobytes"))?;
        return Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec());
    }
    let name = object.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "{what} is bytes, bytearray or memoryview, not '{name}'"
    )))
}
