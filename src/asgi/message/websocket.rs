//! The events of a WebSocket scope.

use http::StatusCode;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyString},
};

use super::{each_field, name_of, type_of, with_bytes};
use crate::{
    error::AppError,
    protocol::{
        Head,
        websocket::{Close, Ending, Kind as MessageKind, Message, NORMAL},
    },
};

/// The types of messages that an application may send on a WebSocket scope.
pub(in crate::asgi) enum Kind {
    Accept,
    Send,
    Close,
    DenialStart,
    DenialBody,
    Other(String),
}

pub(in crate::asgi) fn kind(message: &Bound<'_, PyDict>) -> PyResult<Kind> {
    let py = message.py();
    let found = type_of(message)?;
    if found.is(intern!(py, "websocket.send")) {
        return Ok(Kind::Send);
    }
    let name = name_of(&found)?;
    Ok(match &*name {
        "websocket.send" => Kind::Send,
        "websocket.accept" => Kind::Accept,
        "websocket.close" => Kind::Close,
        "websocket.http.response.start" => Kind::DenialStart,
        "websocket.http.response.body" => Kind::DenialBody,
        _ => Kind::Other(name.into_owned()),
    })
}

impl Kind {
    pub(in crate::asgi) fn into_name(self) -> String {
        match self {
            Self::Accept => "websocket.accept".to_owned(),
            Self::Send => "websocket.send".to_owned(),
            Self::Close => "websocket.close".to_owned(),
            Self::DenialStart => "websocket.http.response.start".to_owned(),
            Self::DenialBody => "websocket.http.response.body".to_owned(),
            Self::Other(name) => name,
        }
    }
}

/// Shows what `websocket.send` carries: exactly one of `bytes` and `text` (ASGI-78).
pub(in crate::asgi) fn payload<R>(
    message: &Bound<'_, PyDict>,
    send: impl FnOnce(MessageKind, &[u8]) -> R,
) -> PyResult<R> {
    let py = message.py();
    let given = |key| -> PyResult<_> { Ok(message.get_item(key)?.filter(|it| !it.is_none())) };
    match (given(intern!(py, "text"))?, given(intern!(py, "bytes"))?) {
        (Some(text), None) => {
            let Ok(text) = text.cast::<PyString>() else {
                let name = text.get_type().name()?;
                return Err(PyTypeError::new_err(format!(
                    "the text of a message is str, not '{name}'"
                )));
            };
            Ok(send(MessageKind::Text, text.to_str()?.as_bytes()))
        }
        (None, Some(bytes)) => with_bytes(&bytes, "the bytes of a message", |bytes| {
            send(MessageKind::Binary, bytes)
        }),
        (None, None) => Err(PyValueError::new_err(
            "'websocket.send' needs one of 'bytes' and 'text'",
        )),
        (Some(_), Some(_)) => Err(PyValueError::new_err(
            "'websocket.send' takes 'bytes' or 'text', not both",
        )),
    }
}

/// What uvicorn passes through although it may be wrong (O19).
#[derive(Default)]
pub(in crate::asgi) struct Doubtful {
    pub(in crate::asgi) subprotocol: Option<String>,
    /// A subprotocol stands among the headers, where it does not belong.
    pub(in crate::asgi) is_among_headers: bool,
}

/// Reads `websocket.accept`: adds its fields to `head`, and gives what of it may not be what the peer can bear. Fields
/// that belong to the handshake itself are the server's. Nothing has been written when it raises.
pub(in crate::asgi) fn accept(message: &Bound<'_, PyDict>, head: &mut Head) -> PyResult<Doubtful> {
    let py = message.py();
    let mut given = Doubtful::default();
    if let Some(fields) = message.get_item(intern!(py, "headers"))? {
        each_field(&fields, |name, value| {
            if is_own(name) {
                return Ok(());
            }
            if name.eq_ignore_ascii_case(PROTOCOL) {
                given.is_among_headers = true;
            }
            head.add(name, value)
        })?;
    }
    if let Some(protocol) = message.get_item(intern!(py, "subprotocol"))?
        && protocol.is_truthy()?
    {
        let Ok(protocol) = protocol.cast::<PyString>() else {
            let name = protocol.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "a subprotocol is str, not '{name}'"
            )));
        };
        let protocol = protocol.to_str()?;
        if !protocol.is_ascii() {
            return Err(PyValueError::new_err(format!(
                "a subprotocol is ASCII, not '{}'",
                protocol.escape_debug()
            )));
        }
        head.add(PROTOCOL, protocol.as_bytes())?;
        given.subprotocol = Some(protocol.to_owned());
    }
    Ok(given)
}

const PROTOCOL: &[u8] = b"sec-websocket-protocol";

fn is_own(name: &[u8]) -> bool {
    let own: [&[u8]; 4] = [
        b"connection",
        b"upgrade",
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
    ];
    own.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Reads `websocket.http.response.start`, with uvicorn's words for a status that cannot be.
pub(in crate::asgi) fn denial(
    message: &Bound<'_, PyDict>,
    begin: impl FnOnce(StatusCode) -> Head,
) -> PyResult<Head> {
    let status = message.get_item(intern!(message.py(), "status"))?;
    let number: Option<i64> = status.and_then(|status| status.extract().ok());
    match number {
        Some(number) if !(200..=599).contains(&number) => {
            Err(AppError::DenialStatusOutOfRange(number).into())
        }
        _ => super::start(message, begin),
    }
}

/// Reads `websocket.close`.
pub(in crate::asgi) fn close(message: &Bound<'_, PyDict>) -> PyResult<Close> {
    let py = message.py();
    let given = |key| -> PyResult<_> { Ok(message.get_item(key)?.filter(|it| !it.is_none())) };
    let code = match given(intern!(py, "code"))? {
        Some(code) => code
            .extract::<i64>()
            .map_err(|_| PyTypeError::new_err("the code of 'websocket.close' is an int"))?,
        None => i64::from(NORMAL),
    };
    let reason = given(intern!(py, "reason"))?;
    let reason = match &reason {
        Some(reason) => reason
            .cast::<PyString>()
            .map_err(|_| PyTypeError::new_err("the reason of 'websocket.close' is str"))?
            .to_str()?,
        None => "",
    };
    // No close code is 0, so that stands for all that are none.
    Close::new(u16::try_from(code).unwrap_or(0), reason)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

/// `websocket.connect`.
pub(in crate::asgi) fn connect(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), intern!(py, "websocket.connect"))?;
    Ok(message.into_any())
}

/// `websocket.receive`, with the one key that has a value, as uvicorn's.
pub(in crate::asgi) fn received<'py>(
    py: Python<'py>,
    message: &Message,
) -> PyResult<Bound<'py, PyAny>> {
    let event = PyDict::new(py);
    event.set_item(intern!(py, "type"), intern!(py, "websocket.receive"))?;
    match message.kind {
        MessageKind::Text => {
            let text = PyString::from_bytes(py, &message.payload)?;
            event.set_item(intern!(py, "text"), text)?;
        }
        MessageKind::Binary => {
            let bytes = PyBytes::new(py, &message.payload);
            event.set_item(intern!(py, "bytes"), bytes)?;
        }
    }
    Ok(event.into_any())
}

/// `websocket.disconnect`; without a reason where no Close frame was seen (O16).
pub(in crate::asgi) fn disconnected<'py>(
    py: Python<'py>,
    ending: &Ending,
) -> PyResult<Bound<'py, PyAny>> {
    let event = PyDict::new(py);
    event.set_item(intern!(py, "type"), intern!(py, "websocket.disconnect"))?;
    event.set_item(intern!(py, "code"), ending.code)?;
    if let Some(reason) = &ending.reason {
        event.set_item(intern!(py, "reason"), reason)?;
    }
    Ok(event.into_any())
}
