//! ASGI event dicts <-> Rust; the only file that knows their keys.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, DATE, SERVER, TRANSFER_ENCODING},
};
use pyo3::{
    buffer::PyBuffer,
    exceptions::{PyKeyError, PyTypeError, PyValueError},
    intern,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBool, PyByteArray, PyBytes, PyDict, PyInt, PyList, PyMemoryView, PyString, PyTuple},
};

use crate::{error::AppError, protocol::Received};

/// Smaller bodies are copied: sharing a Python object costs more than copying 4 KiB.
const COPIED: usize = 4096;

/// The types of messages that an application may send on an HTTP scope.
pub(super) enum Kind {
    Start,
    Body,
    Other(String),
}

/// `http.response.start`.
pub(super) struct Start {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content_length: Option<u64>,
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

pub(super) fn kind(message: &Bound<'_, PyDict>) -> PyResult<Kind> {
    let py = message.py();
    let Some(found) = message.get_item(intern!(py, "type"))? else {
        return Err(PyKeyError::new_err("type"));
    };
    if found.is(intern!(py, "http.response.body")) {
        return Ok(Kind::Body);
    }
    if found.is(intern!(py, "http.response.start")) {
        return Ok(Kind::Start);
    }
    let name = found
        .cast::<PyString>()
        .ok()
        .and_then(|name| name.to_str().ok());
    Ok(match name {
        Some("http.response.body") => Kind::Body,
        Some("http.response.start") => Kind::Start,
        Some(other) => Kind::Other(other.to_owned()),
        None => Kind::Other(found.str()?.to_string_lossy().into_owned()),
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

impl Start {
    /// Reads the message onto the server's own `headers`. Nothing has been written when it raises.
    pub(super) fn read(message: &Bound<'_, PyDict>, headers: HeaderMap) -> PyResult<Self> {
        let py = message.py();
        let status = message
            .get_item(intern!(py, "status"))?
            .ok_or_else(|| PyKeyError::new_err("status"))?;
        let mut start = Self {
            status: status_code(&status)?,
            headers,
            content_length: None,
        };
        let mut seen = Seen::default();
        let Some(fields) = message.get_item(intern!(py, "headers"))? else {
            return Ok(start);
        };
        if let Ok(list) = fields.cast_exact::<PyList>() {
            // Only a hint: what really comes is counted as it comes.
            let _ = start.headers.try_reserve(list.len());
            for field in list {
                start.add(&field, &mut seen)?;
            }
        } else {
            for field in fields.try_iter()? {
                start.add(&field?, &mut seen)?;
            }
        }
        Ok(start)
    }

    fn add(&mut self, field: &Bound<'_, PyAny>, seen: &mut Seen) -> PyResult<()> {
        let (name, value) = pair(field)?;
        let name = with_bytes(&name, "a header name", |bytes| {
            HeaderName::from_bytes(bytes).map_err(|_| AppError::HeaderNameInvalid)
        })??;
        let value = with_bytes(&value, "a header value", |bytes| {
            HeaderValue::from_bytes(bytes).map_err(|_| AppError::HeaderValueInvalid)
        })??;
        match name {
            CONTENT_LENGTH => {
                let length = decimal(value.as_bytes()).ok_or_else(|| {
                    AppError::ContentLengthInvalid(value.as_bytes().escape_ascii().to_string())
                })?;
                match self.content_length.replace(length) {
                    Some(before) if before != length => {
                        return Err(AppError::ContentLengthsDiffer.into());
                    }
                    Some(_) => {}
                    None => self.append(name, value)?,
                }
            }
            // Framing is the server's.
            TRANSFER_ENCODING => {}
            // The application's replace the server's own; its second one stands beside its first.
            DATE if !std::mem::replace(&mut seen.date, true) => self.replace(name, value)?,
            SERVER if !std::mem::replace(&mut seen.server, true) => self.replace(name, value)?,
            _ => self.append(name, value)?,
        }
        Ok(())
    }
}

impl Start {
    fn append(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), AppError> {
        let added = self.headers.try_append(name, value);
        added.map(drop).map_err(|_| AppError::HeadersTooMany)
    }

    fn replace(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), AppError> {
        let replaced = self.headers.try_insert(name, value);
        replaced.map(drop).map_err(|_| AppError::HeadersTooMany)
    }
}

/// Which of the fields that the server has a default for the application has given.
#[derive(Default)]
struct Seen {
    date: bool,
    server: bool,
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

fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
