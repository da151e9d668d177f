//! The bytes of a peer, turned into messages, pings, pongs and a Close (RFC 6455 5). No I/O, no clock.
//!
//! What has been looked at is never looked at again, so neither the events nor the verdict can depend on
//! how the bytes were split, and a fault is one as soon as its byte is there (in a Close: once it is whole).
//! Memory grows with bytes that have come, never with a length that was claimed, and a fragment costs no
//! more than its bytes.
//!
//! ```text
//!            ┌─────────── of a message: Data <──┐    ┌──> Control ────────────────┐
//!            v                                  │    │                            v
//!   Header (open: none) ──────────────────────> header ───────────────> Header (as it was before)
//!            └── not final: Header (open: the message so far)           any ── Close, Violation ──> Over
//! ```

#![expect(
    clippy::mut_mut,
    reason = "a slice that shrinks from the front is the cursor"
)]

#[cfg(test)]
mod tests;

use std::mem;

use bytes::Bytes;

use super::{
    close::Close,
    copy::{append, copied},
    deflate::{InflateError, Inflater},
    frame::{Allowed, Control, Header, Held, Kind, Opcode},
    mask::Mask,
    text::Text,
    violation::Violation,
};

/// What a peer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A whole one; the payload of a text is UTF-8.
    Message {
        kind: Kind,
        payload: Bytes,
    },
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<Close>),
}

pub(super) struct Decoder {
    at: At,
    /// A message of which fragments have come, while no data frame is under way.
    open: Option<Message>,
    max_size: usize,
    /// `None` if no compression was agreed on.
    inflater: Option<Inflater>,
}

#[derive(Debug)]
enum At {
    Header(Held),
    Data(Frame, Message),
    Control(Frame, Control, Vec<u8>),
    /// Nothing that comes is looked at.
    Over,
}

/// A frame whose payload is coming.
#[derive(Debug)]
struct Frame {
    /// Bytes still to come.
    left: usize,
    mask: Mask,
    is_final: bool,
}

/// A message that is coming.
#[derive(Debug)]
struct Message {
    kind: Kind,
    is_compressed: bool,
    /// Inflated, if it is compressed.
    payload: Vec<u8>,
    text: Text,
}

impl Decoder {
    /// `usize::MAX` sets no limit to the size of a message.
    pub(super) fn new(max_size: usize, inflater: Option<Inflater>) -> Decoder {
        Decoder {
            at: At::Header(Held::default()),
            open: None,
            max_size,
            inflater,
        }
    }

    /// Takes from the front of `input` up to the end of the next event, and unmasks it there; `None` when `input` is used up.
    /// After a violation or a Close whatever comes is dropped.
    pub(super) fn next(&mut self, input: &mut &mut [u8]) -> Result<Option<Event>, Violation> {
        while !input.is_empty() {
            let step = match &mut self.at {
                At::Header(held) => {
                    let open = self.open.as_ref();
                    let allowed = Allowed {
                        continuation: open.is_some(),
                        compression: self.inflater.is_some(),
                        received: open.map_or(0, |message| message.payload.len()),
                        max_size: self.max_size,
                    };
                    match held.complete(input, &allowed) {
                        Ok(Some(header)) => match whole(&header, input) {
                            Some((Kind::Text, payload))
                                if simdutf8::basic::from_utf8(payload).is_err() =>
                            {
                                Err(Violation::not_utf8())
                            }
                            Some((kind, payload)) => {
                                return Ok(Some(Event::Message {
                                    kind,
                                    payload: copied(payload),
                                }));
                            }
                            None => self.begin(&header, input),
                        },
                        Ok(None) => return Ok(None),
                        Err(violation) => Err(violation),
                    }
                }
                At::Data(..) | At::Control(..) => self.go_on(input),
                At::Over => {
                    *input = &mut [];
                    return Ok(None);
                }
            };
            match step {
                Ok(None) => {}
                Ok(event) => return Ok(event),
                Err(violation) => {
                    self.end();
                    return Err(violation);
                }
            }
        }
        Ok(None)
    }

    /// Bytes of a frame or of a fragmented message have come, and its end has not.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn is_mid_message(&self) -> bool {
        match &self.at {
            At::Header(held) => !held.is_empty() || self.open.is_some(),
            At::Data(..) | At::Control(..) => true,
            At::Over => false,
        }
    }

    /// Nothing comes for now: gives back what memory can be given back.
    pub(super) fn release(&mut self) {
        if let At::Data(_, message) = &mut self.at {
            message.payload.shrink_to_fit();
        }
        if let Some(message) = &mut self.open {
            message.payload.shrink_to_fit();
        }
        if let Some(inflater) = &mut self.inflater {
            inflater.release();
        }
    }

    /// What follows a header.
    fn begin(
        &mut self,
        header: &Header,
        input: &mut &mut [u8],
    ) -> Result<Option<Event>, Violation> {
        let frame = Frame {
            left: header.length,
            mask: header.mask,
            is_final: header.is_final,
        };
        match header.opcode {
            Opcode::Message(kind) => self.data(frame, Message::new(header, kind), input),
            Opcode::Continuation => match self.open.take() {
                Some(message) => self.data(frame, message, input),
                None => Err(Violation::protocol("unexpected continuation frame")),
            },
            // At most 125 bytes.
            Opcode::Control(control) => {
                self.control(frame, control, Vec::with_capacity(header.length), input)
            }
        }
    }

    /// More of the frame that is under way; after it comes a header.
    fn go_on(&mut self, input: &mut &mut [u8]) -> Result<Option<Event>, Violation> {
        match mem::replace(&mut self.at, At::Header(Held::default())) {
            At::Data(frame, message) => self.data(frame, message, input),
            At::Control(frame, control, payload) => self.control(frame, control, payload, input),
            other => {
                self.at = other;
                Ok(None)
            }
        }
    }

    fn data(
        &mut self,
        mut frame: Frame,
        mut message: Message,
        input: &mut &mut [u8],
    ) -> Result<Option<Event>, Violation> {
        let max_size = self.max_size;
        let piece = frame.take(input);
        match self.inflater_of(&message) {
            Some(inflater) => message.inflate(piece, inflater, max_size)?,
            None => message.append(piece, &frame, max_size)?,
        }
        if frame.left > 0 {
            self.at = At::Data(frame, message);
            return Ok(None);
        }
        if !frame.is_final {
            self.open = Some(message);
            return Ok(None);
        }
        if let Some(inflater) = self.inflater_of(&message) {
            inflater
                .finish(&message.payload)
                .map_err(|error| violation(error, max_size))?;
        }
        message.finish().map(Some)
    }

    fn control(
        &mut self,
        mut frame: Frame,
        control: Control,
        mut payload: Vec<u8>,
        input: &mut &mut [u8],
    ) -> Result<Option<Event>, Violation> {
        payload.extend_from_slice(frame.take(input));
        if frame.left > 0 {
            self.at = At::Control(frame, control, payload);
            return Ok(None);
        }
        let event = match control {
            Control::Close => {
                self.end();
                return Close::parse(&payload).map(Event::Close).map(Some);
            }
            Control::Ping => Event::Ping(payload.into()),
            Control::Pong => Event::Pong(payload.into()),
        };
        Ok(Some(event))
    }

    fn inflater_of(&mut self, message: &Message) -> Option<&mut Inflater> {
        self.inflater.as_mut().filter(|_| message.is_compressed)
    }

    /// Nothing is held of what can no longer become an event.
    fn end(&mut self) {
        self.at = At::Over;
        self.open = None;
        self.inflater = None;
    }
}

/// What a peer hears of a message that cannot be inflated.
fn violation(error: InflateError, max_size: usize) -> Violation {
    match error {
        InflateError::TooLarge => Violation::too_large_inflated(max_size),
        InflateError::Malformed => Violation::protocol("decompression failed"),
    }
}

/// The payload of a message that needs nothing held: not compressed, in one frame, and all there. Unmasked.
fn whole<'a>(header: &Header, input: &mut &'a mut [u8]) -> Option<(Kind, &'a mut [u8])> {
    let Opcode::Message(kind) = header.opcode else {
        return None;
    };
    if !header.is_final || header.is_compressed {
        return None;
    }
    let payload = input.split_off_mut(..header.length)?;
    let mut mask = header.mask;
    mask.apply(payload);
    Some((kind, payload))
}

impl Frame {
    /// The next bytes of the payload, unmasked.
    fn take<'a>(&mut self, input: &mut &'a mut [u8]) -> &'a mut [u8] {
        let size = self.left.min(input.len());
        let piece = input.split_off_mut(..size).unwrap_or_default();
        self.mask.apply(piece);
        self.left -= piece.len();
        piece
    }
}

impl Message {
    fn new(header: &Header, kind: Kind) -> Message {
        Message {
            kind,
            is_compressed: header.is_compressed,
            payload: Vec::new(),
            text: Text::default(),
        }
    }

    /// Adds bytes of a frame, of which `frame.left` are still to come.
    fn append(&mut self, piece: &[u8], frame: &Frame, max_size: usize) -> Result<(), Violation> {
        if self.kind == Kind::Text {
            self.text.feed(piece)?;
        }
        self.reserve(piece.len(), frame, max_size);
        append(piece, &mut self.payload);
        Ok(())
    }

    /// Adds what compressed bytes say.
    fn inflate(
        &mut self,
        piece: &[u8],
        inflater: &mut Inflater,
        max_size: usize,
    ) -> Result<(), Violation> {
        let before = self.payload.len();
        let result = inflater.inflate(piece, &mut self.payload, max_size);
        // Before the result is: of two faults the first counts, in however many pieces the bytes have come.
        if self.kind == Kind::Text {
            self.text
                .feed(self.payload.get(before..).unwrap_or_default())?;
        }
        result.map_err(|error| violation(error, max_size))
    }

    /// Makes room for `coming` bytes: twice what is held, so that many small pieces cost little, but no more than can follow.
    fn reserve(&mut self, coming: usize, frame: &Frame, max_size: usize) {
        let held = self.payload.len();
        if self.payload.capacity() - held >= coming {
            return;
        }
        let most = if frame.is_final {
            coming + frame.left
        } else {
            max_size.saturating_sub(held)
        };
        self.payload.reserve_exact(held.min(most).max(coming));
    }

    fn finish(self) -> Result<Event, Violation> {
        self.text.finish()?;
        Ok(Event::Message {
            kind: self.kind,
            // A boxed slice holds no more than its bytes, however the vector grew.
            payload: self.payload.into_boxed_slice().into(),
        })
    }
}
