//! Where HTTP/1 requests begin and end, decided byte by byte before hyper sees the bytes.
//!
//! Owns every rule of framing that hyper bends, waits on, hides or answers with another status; the
//! rest of the grammar of fields is hyper's to refuse; Host, method and target form are `admission`'s.
//! No I/O, no clock, no allocation. What has been looked at is never looked at again, so neither the
//! verdict nor the bytes left to hyper can depend on how the bytes were split (FLT-A5).
//!
//! ```text
//!   Rest ── first byte of a method ──> Head ── declares a body ──> Body       any ── fault ──> Refused
//!    ^                                   └──── declares none ────┐   │
//!    ├───────────────────────────────────────────────────────────┴───┘
//!    └──────── or Opaque, for good, where the head asks for a WebSocket: what follows is not HTTP
//! ```
mod body;
mod escape;
mod head;
#[cfg(test)]
mod tests;
mod upgrade;

use http::StatusCode;

pub(crate) use self::escape::escape;
use self::{
    body::Body,
    head::{Declared, Head},
};

/// What a peer may send at most. 0 turns a limit off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a request line and its fields, line ends included.
    pub(crate) head: usize,
    /// Field lines of a head; as many again in a trailer section.
    pub(crate) fields: usize,
    /// Bytes of a body, as declared by Content-Length or by chunk sizes.
    pub(crate) body: u64,
    /// What follows a request for a WebSocket is not HTTP, and is not judged. When off, `Upgrade` means nothing.
    pub(crate) websocket: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: 65_536,
            fields: 100,
            body: 0,
            websocket: false,
        }
    }
}

/// A `HeaderMap` panics when it has to make room for more than 24,576 fields, the server's own among them. More than any
/// peer takes, in either direction.
pub(crate) const MAX_FIELDS: usize = 24_000;

/// How a peer broke the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BareLf,
    BodyTooLarge,
    ChunkEnd,
    ChunkExtension,
    ChunkExtensionsTooLarge,
    ChunkSize,
    CodingInHttp10,
    CodingNotChunked,
    CodingRepeated,
    EmptyLines,
    FieldsTooMany,
    HeadTooLarge,
    LengthAndCoding,
    LengthMalformed,
    LengthRepeated,
    RequestLineMalformed,
    RequestLineTooLong,
    StrayCr,
    /// Not refused: `escape` makes it good.
    TargetRaw,
    TrailerMalformed,
    TrailersTooLarge,
    VersionUnsupported,
}

impl Fault {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Fault::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Fault::FieldsTooMany | Fault::HeadTooLarge | Fault::TrailersTooLarge => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Fault::VersionUnsupported => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// For a debug log; the peer is told no more than the status.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Fault::BareLf => "a line ends in LF alone",
            Fault::BodyTooLarge => "the body is larger than the limit",
            Fault::ChunkEnd => "chunk data is not followed by CR LF",
            Fault::ChunkExtension => "malformed chunk extension",
            Fault::ChunkExtensionsTooLarge => "too many bytes of chunk extensions",
            Fault::ChunkSize => "malformed chunk size",
            Fault::CodingInHttp10 => "Transfer-Encoding in an HTTP/1.0 request",
            Fault::CodingNotChunked => "a transfer coding other than one chunked",
            Fault::CodingRepeated => "more than one Transfer-Encoding field",
            Fault::EmptyLines => "too many empty lines before a request",
            Fault::FieldsTooMany => "more fields than the limit",
            Fault::HeadTooLarge => "the head is larger than the limit",
            Fault::LengthAndCoding => "Content-Length beside Transfer-Encoding",
            Fault::LengthMalformed => "malformed Content-Length",
            Fault::LengthRepeated => "more than one Content-Length field",
            Fault::RequestLineMalformed => "malformed request line",
            Fault::RequestLineTooLong => "the request line is longer than the limit",
            Fault::StrayCr => "CR without LF",
            Fault::TargetRaw => "a byte in the target that should be escaped",
            Fault::TrailerMalformed => "malformed trailer field",
            Fault::TrailersTooLarge => "the trailer section is larger than the limit",
            Fault::VersionUnsupported => "an HTTP version other than 1.0 and 1.1",
        }
    }
}

/// Which exchange the fault belongs to: one that has not begun, or the one under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Head,
    Body,
}

/// The end of a connection: nothing after the offending byte is ever looked at (FLT-A2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) fault: Fault,
    pub(crate) place: Place,
    /// How many bytes of this read come before the offending one: hyper may still be given these.
    pub(crate) good: usize,
}

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(crate) struct Framing {
    state: State,
    limits: Limits,
    heads: u64,
    /// The last complete head asks for a WebSocket.
    upgrades: bool,
}

#[derive(Debug)]
enum State {
    /// Between messages. Octets of empty lines may have come; after an odd number a LF is due.
    Rest {
        skipped: u8,
    },
    Head(Head),
    Body(Body),
    /// Past the end of the last message that HTTP has a say in.
    Opaque,
    Refused(Fault, Place),
}

impl Framing {
    pub(crate) fn new(limits: Limits) -> Framing {
        let unless_off = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        let limits = Limits {
            head: unless_off(limits.head),
            fields: unless_off(limits.fields).min(MAX_FIELDS),
            body: if limits.body == 0 {
                u64::MAX
            } else {
                limits.body
            },
            ..limits
        };
        Framing {
            state: State::Rest { skipped: 0 },
            limits,
            heads: 0,
            upgrades: false,
        }
    }

    /// Between messages, with not one byte of the next: only so may a connection be parked.
    pub(crate) fn at_rest(&self) -> bool {
        matches!(self.state, State::Rest { skipped: 0 })
    }

    /// Between messages, though empty lines may have come: nothing is owed to anybody.
    pub(crate) fn is_between(&self) -> bool {
        matches!(self.state, State::Rest { .. })
    }

    /// A byte of a head has come and its end has not: the header deadline runs. Empty lines before
    /// a head are not of it.
    pub(crate) fn in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    /// A head has declared a body whose end has not come.
    pub(crate) fn in_body(&self) -> bool {
        matches!(self.state, State::Body(_))
    }

    /// The last complete head asks for a WebSocket: what follows its message is not looked at, whatever is answered. An
    /// answer that leaves the connection with HTTP must be its last.
    pub(crate) fn upgrades(&self) -> bool {
        self.upgrades
    }

    /// Its message has ended as well: neither in a message nor between two, for good, and every byte is accepted.
    #[cfg(test)]
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.state, State::Opaque)
    }

    /// Complete heads seen so far.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// Takes what was just read from the peer. Once it has refused, it refuses for ever.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut rest = bytes;
        loop {
            let (step, place) = match &mut self.state {
                State::Refused(fault, place) => {
                    return Err(Refusal {
                        fault: *fault,
                        place: *place,
                        good: 0,
                    });
                }
                State::Opaque => return Ok(()),
                _ if rest.is_empty() => return Ok(()),
                State::Rest { skipped } => (skip_empty_lines(skipped, rest), Place::Head),
                State::Head(head) => (head.feed(rest), Place::Head),
                State::Body(body) => (body.feed(rest), Place::Body),
            };
            let reached = match step {
                Ok((reached, after)) => {
                    rest = after;
                    reached
                }
                Err(Stop { fault, left }) => {
                    if !matches!(fault, Fault::TargetRaw) {
                        self.state = State::Refused(fault, place);
                    }
                    return Err(Refusal {
                        fault,
                        place,
                        good: bytes.len() - left,
                    });
                }
            };
            self.state = match reached {
                Reached::NoEnd => return Ok(()),
                Reached::Head => State::Head(Head::new(&self.limits)),
                Reached::End => self.after_message(),
                Reached::HeadEnd { declared, upgrades } => {
                    self.heads += 1;
                    self.upgrades = upgrades;
                    match declared {
                        Declared::Nothing | Declared::Length(0) => self.after_message(),
                        Declared::Length(length) => State::Body(Body::sized(length)),
                        Declared::Chunked => State::Body(Body::chunked(&self.limits)),
                    }
                }
            };
        }
    }

    fn after_message(&self) -> State {
        if self.upgrades {
            State::Opaque
        } else {
            State::Rest { skipped: 0 }
        }
    }
}

/// How far a state got with the bytes it was given.
enum Reached {
    /// They are used up.
    NoEnd,
    /// The first byte of a head.
    Head,
    HeadEnd {
        declared: Declared,
        upgrades: bool,
    },
    /// The end of the message.
    End,
}

/// A fault, and how many bytes there were from the offending one on.
struct Stop {
    fault: Fault,
    left: usize,
}

/// What was reached and the bytes after it.
type Step<'a> = Result<(Reached, &'a [u8]), Stop>;

/// RFC 9112 2.2 asks for one empty line to be borne before a request: old clients sent one after a
/// POST. More than eight are a run.
const MAX_SKIPPED: u8 = 16;

fn skip_empty_lines<'a>(skipped: &mut u8, bytes: &'a [u8]) -> Step<'a> {
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let line_end_due = *skipped % 2 == 1;
        let fault = match byte {
            b'\r' | b'\n' if (*byte == b'\n') == line_end_due && *skipped < MAX_SKIPPED => {
                *skipped += 1;
                rest = after;
                continue;
            }
            _ if line_end_due => Fault::StrayCr,
            b'\r' => Fault::EmptyLines,
            b'\n' => Fault::BareLf,
            byte if is_token(*byte) => return Ok((Reached::Head, rest)),
            _ => Fault::RequestLineMalformed,
        };
        return Err(Stop {
            fault,
            left: rest.len(),
        });
    }
    Ok((Reached::NoEnd, rest))
}

/// A byte of a token (RFC 9110 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    byte < 128 && TOKEN >> byte & 1 == 1
}

const TOKEN: u128 = {
    let mut mask = 0;
    let mut byte = b'!';
    while byte < 0x7f {
        if !matches!(byte, b'"' | b'(' | b')' | b',' | b'/')
            && !matches!(byte, b':'..=b'@' | b'['..=b']' | b'{' | b'}')
        {
            mask |= 1 << byte;
        }
        byte += 1;
    }
    mask
};

/// A byte that may stand in a field value or a quoted string (RFC 9110 5.5): no control but HTAB.
pub(super) const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
