//! The two bodies of an exchange: the request's, pulled on demand, and the response's, as hyper takes it.

use std::{
    convert::identity,
    error::Error,
    fmt, io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue, Response, Version,
    header::{CONNECTION, CONTENT_LENGTH},
};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, ext::ReasonPhrase};

use super::{exchange::Exchange, head::Head, link::Link};

/// What is told in one message at most, and what one exchange holds (uvicorn pauses reading at the same mark).
const ENOUGH: usize = 64 * 1024;

/// ```text
/// Reading --last byte--> Ended --taken--> Consumed
///    `------fault or EOF------> Lost
/// ```
pub(super) enum RequestBody {
    Reading(Reading),
    /// All has come; these bytes have not been taken yet.
    Ended(Bytes),
    Consumed,
    Lost(Loss),
}

pub(super) struct Reading {
    incoming: Incoming,
    chunk: Bytes,
    /// The peer waits for `100 Continue`, which hyper sends when the body is first polled.
    expects_continue: bool,
}

/// Why a body will never be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    PeerLeft,
    Malformed,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, expects_continue: bool) -> Self {
        if incoming.is_end_stream() {
            Self::Ended(Bytes::new())
        } else {
            Self::Reading(Reading {
                incoming,
                chunk: Bytes::new(),
                expects_continue,
            })
        }
    }

    /// Takes in what hyper has, up to `ENOUGH`; true when anything came, be it the end.
    pub(super) fn gather(&mut self) -> bool {
        let Self::Reading(reading) = self else {
            return false;
        };
        let before = reading.chunk.len();
        while reading.chunk.len() < ENOUGH {
            reading.expects_continue = false;
            match poll_quietly(&mut reading.incoming) {
                Poll::Pending => return reading.chunk.len() > before,
                Poll::Ready(Some(Ok(bytes))) => {
                    reading.push(bytes);
                    if reading.incoming.is_end_stream() {
                        *self = Self::Ended(std::mem::take(&mut reading.chunk));
                        return true;
                    }
                }
                Poll::Ready(Some(Err(loss))) => {
                    *self = Self::Lost(loss);
                    return true;
                }
                Poll::Ready(None) => {
                    *self = Self::Ended(std::mem::take(&mut reading.chunk));
                    return true;
                }
            }
        }
        false
    }

    /// Whether there is something to tell the application.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Reading(reading) => !reading.chunk.is_empty(),
            Self::Ended(_) | Self::Lost(_) => true,
            Self::Consumed => false,
        }
    }

    /// Whether more would be taken in if hyper had it.
    pub(super) fn wants_more(&self) -> bool {
        matches!(self, Self::Reading(reading) if reading.chunk.len() < ENOUGH)
    }

    /// Whether a body is coming whose length nobody knows, and whose sender waits for nothing.
    pub(super) fn is_unmeasured(&self) -> bool {
        matches!(self, Self::Reading(reading)
            if !reading.expects_continue && reading.incoming.size_hint().exact().is_none())
    }

    /// What has been taken in, and whether more will come.
    pub(super) fn take(&mut self) -> Option<(Bytes, bool)> {
        match self {
            Self::Reading(reading) if !reading.chunk.is_empty() => {
                Some((std::mem::take(&mut reading.chunk), true))
            }
            Self::Ended(bytes) => {
                let last = std::mem::take(bytes);
                *self = Self::Consumed;
                Some((last, false))
            }
            _ => None,
        }
    }

    /// The peer waits for `100 Continue` and has not been sent it.
    pub(super) fn is_withheld(&self) -> bool {
        matches!(
            self,
            Self::Reading(Reading {
                expects_continue: true,
                ..
            })
        )
    }

    /// What remains on the wire when nobody wants it any more.
    pub(super) fn into_rest(self) -> Option<Incoming> {
        match self {
            Self::Reading(reading) => Some(reading.incoming),
            _ => None,
        }
    }
}

impl Reading {
    fn push(&mut self, bytes: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = bytes;
        } else {
            let mut joined = BytesMut::with_capacity(self.chunk.len() + bytes.len());
            joined.extend_from_slice(&self.chunk);
            joined.extend_from_slice(&bytes);
            self.chunk = joined.freeze();
        }
    }
}

/// Polls without leaving a waker: whatever feeds the body runs inside the connection's own poll, which looks again.
/// Trailers are dropped: ASGI has no place for them, and they never become headers (FLT-A46).
pub(super) fn poll_quietly(incoming: &mut Incoming) -> Poll<Option<Result<Bytes, Loss>>> {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        return match Pin::new(&mut *incoming).poll_frame(&mut cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(loss_of(&error)))),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) => Poll::Ready(Some(Ok(bytes))),
                Err(_trailers) => continue,
            },
        };
    }
}

/// hyper wraps what went wrong with the bytes; an early end and a lost connection are the peer's leaving.
fn loss_of(error: &hyper::Error) -> Loss {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                    Loss::Malformed
                }
                _ => Loss::PeerLeft,
            };
        }
        source = cause.source();
    }
    Loss::PeerLeft
}

/// The body of a response, as hyper takes it. Its end is the end of the exchange on the wire.
pub(super) struct ResponseBody {
    payload: Payload,
    link: Rc<Link>,
}

pub(super) enum Payload {
    Whole(Bytes),
    /// The server's own words; not a response of the application's.
    Refusal(Bytes),
    Stream(Rc<Exchange>),
    /// There is none, whatever the fields say (HEAD, 204, 304).
    Absent,
}

impl ResponseBody {
    /// The response that hyper frames, with `head` given to the stream, which writes it in place of hyper's own.
    ///
    /// `is_first` says that hyper holds no bytes of this exchange that go before the head.
    pub(super) fn respond(
        payload: Payload,
        head: Head,
        version: Version,
        is_first: bool,
        link: &Rc<Link>,
    ) -> Response<Self> {
        let status = head.status();
        // What hyper cannot see from the body.
        let length = match payload {
            Payload::Whole(_) | Payload::Refusal(_) => None,
            Payload::Stream(_) | Payload::Absent => head.content_length(),
        };
        let is_last = head.is_last();
        let left = link.on_head(head, is_first);
        let mut response = Response::new(Self {
            payload,
            link: Rc::clone(link),
        });
        *response.status_mut() = status;
        // hyper would promise `keep-alive` to an old peer that asked for it, beside our `close`.
        if version == Version::HTTP_10 {
            *response.version_mut() = Version::HTTP_10;
        }
        let fields = response.headers_mut();
        if let Some(head) = left {
            // It stands behind bytes that have not left yet, so hyper writes all of it.
            let is_said = head.says_close();
            *fields = head.to_map();
            if is_last && !is_said {
                fields.append(CONNECTION, HeaderValue::from_static("close"));
            }
            if status.canonical_reason().is_none() {
                // hyper would write `<none>`.
                let extensions = response.extensions_mut();
                extensions.insert(ReasonPhrase::from_static(b""));
            }
            return response;
        }
        if let Some(length) = length {
            fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        if is_last {
            fields.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.payload {
            Payload::Whole(bytes) | Payload::Refusal(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Payload::Stream(exchange) => {
                let frame = exchange.poll_chunk();
                frame.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
            }
            Payload::Absent => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.payload {
            Payload::Whole(bytes) | Payload::Refusal(bytes) => bytes.is_empty(),
            Payload::Stream(exchange) => exchange.is_spent(),
            // An unknown length is what makes hyper keep a `content-length` that describes no body.
            Payload::Absent => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.payload {
            // Exact only where the length has been verified against the fields: hyper believes it.
            Payload::Whole(bytes) | Payload::Refusal(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).map_or(u64::MAX, identity))
            }
            Payload::Stream(_) | Payload::Absent => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.link
            .on_answered(!matches!(self.payload, Payload::Refusal(_)));
    }
}

/// The application did not finish its response: the connection is cut, so that nobody takes it for whole.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response was not finished")
    }
}

impl Error for Cut {}
