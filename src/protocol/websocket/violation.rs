//! How a peer broke the protocol: the code and the sentence of the Close frame that it gets for it.

use std::borrow::Cow;

/// The end of a session: nothing after the offending byte is looked at (RFC 6455 7.1.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// 1002, 1007 or 1009.
    pub(super) code: u16,
    /// At most 123 bytes, as a Close frame has room for.
    pub(super) reason: Cow<'static, str>,
}

impl Violation {
    pub(super) const fn protocol(reason: &'static str) -> Violation {
        Violation {
            code: 1002,
            reason: Cow::Borrowed(reason),
        }
    }

    pub(super) const fn not_utf8() -> Violation {
        Violation {
            code: 1007,
            reason: Cow::Borrowed("invalid UTF-8"),
        }
    }

    /// A frame of `length` bytes after `received` bytes of the same message. The words are those that uvicorn's peers know.
    #[cold]
    pub(super) fn too_large(length: u64, received: usize, max_size: usize) -> Violation {
        let reason = if received == 0 {
            format!("frame with {length} bytes exceeds limit of {max_size} bytes")
        } else {
            format!(
                "frame with {length} bytes after reading {received} bytes exceeds limit of {max_size} bytes"
            )
        };
        Violation {
            code: 1009,
            reason: Cow::Owned(reason),
        }
    }

    /// A message that outgrew the limit while it was inflated: how large it is nobody knows.
    #[cold]
    pub(super) fn too_large_inflated(max_size: usize) -> Violation {
        Violation {
            code: 1009,
            reason: Cow::Owned(format!("frame exceeds limit of {max_size} bytes")),
        }
    }
}
