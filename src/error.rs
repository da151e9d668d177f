//! What the application did wrong, as the protocol's rules see it. What peers do wrong is in `protocol::framing` and
//! `protocol::admission`; what the operator does wrong is raised before serving.

use std::fmt;

/// A message that an application sent and that cannot be carried out. Raised inside its `send`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppError {
    BodyTooLong,
    BodyTooShort,
    ContentLengthInvalid(String),
    ContentLengthsDiffer,
    DenialStatusOutOfRange(i64),
    HeaderNameInvalid,
    HeaderValueInvalid,
    HeadersTooMany,
    StatusInformational(u16),
    StatusOutOfRange(i64),
    /// What was expected, and the type that came.
    UnexpectedMessage {
        expected: &'static str,
        found: String,
    },
    /// On a WebSocket: what was expected, in uvicorn's words for it, and the type that came.
    UnexpectedEvent {
        expected: &'static str,
        found: String,
    },
    MessageAfterEnd(String),
    MessageAfterClose(String),
}

/// uvicorn's words where it has any: applications and their tests compare them.
impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyTooLong => f.write_str("Response content longer than Content-Length"),
            Self::BodyTooShort => f.write_str("Response content shorter than Content-Length"),
            Self::ContentLengthInvalid(value) => {
                write!(f, "Invalid Content-Length '{value}': digits expected.")
            }
            Self::ContentLengthsDiffer => {
                f.write_str("Content-Length is given twice with different values.")
            }
            Self::DenialStatusOutOfRange(status) => {
                write!(f, "Invalid HTTP status code '{status}' in response.")
            }
            Self::HeaderNameInvalid => f.write_str("Invalid HTTP header name."),
            Self::HeaderValueInvalid => f.write_str("Invalid HTTP header value."),
            Self::HeadersTooMany => f.write_str("Too many HTTP headers."),
            Self::StatusInformational(status) => {
                write!(
                    f,
                    "HTTP status {status} cannot end an exchange: 200 to 599 expected."
                )
            }
            Self::StatusOutOfRange(status) => {
                write!(f, "Invalid HTTP status {status}: 200 to 599 expected.")
            }
            Self::UnexpectedMessage { expected, found } => {
                write!(f, "Expected ASGI message '{expected}', but got '{found}'.")
            }
            Self::UnexpectedEvent { expected, found } => {
                write!(f, "Expected ASGI message {expected} but got '{found}'.")
            }
            Self::MessageAfterClose(found) => {
                write!(
                    f,
                    "Unexpected ASGI message '{found}', after sending 'websocket.close'."
                )
            }
            Self::MessageAfterEnd(found) => {
                write!(
                    f,
                    "Unexpected ASGI message '{found}' sent, after response already completed."
                )
            }
        }
    }
}

impl std::error::Error for AppError {}
