//! What the server itself says to a request that no application will see.

use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE},
};

/// uvicorn's sentence for whatever is not HTTP.
const INVALID: &str = "Invalid HTTP request received.";
/// uvicorn's words for an application that failed.
const FAILED: &str = "Internal Server Error";

/// The answer: plain text, and the connection closes. `headers` are the server's own.
pub(crate) fn page(status: StatusCode, mut headers: HeaderMap) -> Response<Bytes> {
    let words = match status {
        StatusCode::BAD_REQUEST => INVALID,
        StatusCode::INTERNAL_SERVER_ERROR => FAILED,
        other => other.canonical_reason().unwrap_or(INVALID),
    };
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(words.len()));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let mut response = Response::new(Bytes::from_static(words.as_bytes()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The same as bytes, for when there is no exchange to answer through.
pub(crate) fn bytes(status: StatusCode, headers: HeaderMap) -> Bytes {
    let response = page(status, headers);
    let mut out = BytesMut::with_capacity(256);
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in response.headers() {
        out.put_slice(b"\r\n");
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
    }
    out.put_slice(b"\r\n\r\n");
    out.put_slice(response.body());
    out.freeze()
}
