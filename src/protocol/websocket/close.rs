//! Why a session ends: close codes and the payload of a Close frame (RFC 6455 5.5.1, 7.4).

#[cfg(test)]
mod tests;

use std::fmt;

use super::violation::Violation;

/// What a Close frame says that says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// Why no Close frame can say that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseError {
    Code(u16),
    /// So many bytes.
    ReasonTooLong(usize),
}

/// What 125 bytes of payload leave beside the code.
const MAX_REASON: usize = 123;

impl Close {
    /// What an endpoint may send.
    pub(crate) fn new(code: u16, reason: &str) -> Result<Close, CloseError> {
        if !is_sendable(code) {
            return Err(CloseError::Code(code));
        }
        if reason.len() > MAX_REASON {
            return Err(CloseError::ReasonTooLong(reason.len()));
        }
        let reason = reason.to_owned();
        Ok(Close { code, reason })
    }

    /// The payload of a peer's Close frame, unmasked; `None` if there is none.
    pub(super) fn parse(payload: &[u8]) -> Result<Option<Close>, Violation> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return if payload.is_empty() {
                Ok(None)
            } else {
                Err(Violation::protocol("close frame too short"))
            };
        };
        let code = u16::from_be_bytes(*code);
        if !is_sendable(code) {
            return Err(Violation::protocol("invalid status code"));
        }
        match str::from_utf8(reason) {
            Ok(reason) => Ok(Some(Close {
                code,
                reason: reason.to_owned(),
            })),
            Err(_) => Err(Violation::not_utf8()),
        }
    }

    /// Appends the payload of a Close frame. A reason that is too long, as `new` makes none, loses its end.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut end = self.reason.len().min(MAX_REASON);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = self.reason.get(..end).unwrap_or_default();
        out.extend_from_slice(&self.code.to_be_bytes());
        out.extend_from_slice(reason.as_bytes());
    }
}

impl From<Violation> for Close {
    fn from(violation: Violation) -> Close {
        Close {
            code: violation.code,
            reason: violation.reason.into_owned(),
        }
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseError::Code(code) => write!(f, "{code} is not a close code that may be sent"),
            CloseError::ReasonTooLong(length) => write!(
                f,
                "a close reason of {length} bytes of UTF-8 is longer than {MAX_REASON}"
            ),
        }
    }
}

/// IANA's registry up to 1014, and what is left to libraries and applications. 1004 is reserved; 1005, 1006 and 1015 say what
/// happened where no frame said anything (RFC 6455 7.4).
fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
