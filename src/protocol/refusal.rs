//! What the server itself says to a request that no application will see.

use bytes::Bytes;
use http::StatusCode;

use super::head::Head;

/// uvicorn's sentence for whatever is not HTTP.
const INVALID: &str = "Invalid HTTP request received.";
/// uvicorn's words for an application that failed.
const FAILED: &str = "Internal Server Error";

/// The answer: plain text, and the connection closes. `head` has the server's own fields.
pub(crate) fn page(mut head: Head) -> (Head, Bytes) {
    let words = match head.status() {
        StatusCode::BAD_REQUEST => INVALID,
        StatusCode::INTERNAL_SERVER_ERROR => FAILED,
        other => other.canonical_reason().unwrap_or(INVALID),
    };
    let length = words.len().to_string();
    let fields: [(&[u8], &[u8]); 3] = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", length.as_bytes()),
        (b"connection", b"close"),
    ];
    for (name, value) in fields {
        // None of these is refused.
        let added = head.add(name, value);
        debug_assert!(added.is_ok());
    }
    head.make_last();
    (head, Bytes::from_static(words.as_bytes()))
}

/// The same as bytes, for when there is no exchange to answer through.
pub(crate) fn bytes(head: Head) -> Bytes {
    let (head, words) = page(head);
    head.with_body(&words)
}

/// A whole response that an application gives in place of a WebSocket: the connection closes, and what frames the body is
/// added where it is missing. A `content-length` among the fields must be that of `body`.
pub(crate) fn denial(mut head: Head, body: &[u8]) -> Bytes {
    let is_bodyless = matches!(
        head.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    let length = body.len().to_string();
    let fields: [(&[u8], &[u8]); 2] = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", length.as_bytes()),
    ];
    for (name, value) in fields {
        if !is_bodyless && !head.contains(name) {
            // Neither is refused.
            let added = head.add(name, value);
            debug_assert!(added.is_ok());
        }
    }
    if !head.says_close() {
        let added = head.add(b"connection", b"close");
        debug_assert!(added.is_ok());
    }
    head.with_body(if is_bodyless { &[] } else { body })
}
