//! The header of a frame (RFC 6455 5.2): read as its bytes come, and written.
//!
//! Owns every rule that can be judged by a header and by what the headers before it left open. Each byte
//! is judged as soon as it is there, in the order of the bytes, so that how they were split cannot matter.

#![expect(
    clippy::mut_mut,
    reason = "a slice that shrinks from the front is the cursor"
)]

#[cfg(test)]
mod tests;

use super::{mask::Mask, violation::Violation};

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Close,
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    /// The first or only frame of a message.
    Message(Kind),
    Control(Control),
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Opcode> {
        match bits {
            0x0 => Some(Opcode::Continuation),
            0x1 => Some(Opcode::Message(Kind::Text)),
            0x2 => Some(Opcode::Message(Kind::Binary)),
            0x8 => Some(Opcode::Control(Control::Close)),
            0x9 => Some(Opcode::Control(Control::Ping)),
            0xa => Some(Opcode::Control(Control::Pong)),
            _ => None,
        }
    }

    fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Message(Kind::Text) => 0x1,
            Opcode::Message(Kind::Binary) => 0x2,
            Opcode::Control(Control::Close) => 0x8,
            Opcode::Control(Control::Ping) => 0x9,
            Opcode::Control(Control::Pong) => 0xa,
        }
    }
}

const FIN: u8 = 0x80;
/// The message is compressed (RFC 7692 6).
const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
/// Of a control frame (RFC 6455 5.5), and the largest length that the second byte can say by itself.
pub(super) const MAX_CONTROL: usize = 125;

/// The largest length that two bytes can say.
const MAX_SHORT: u64 = 0xffff;

/// What the frames before and the handshake allow the next one to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// A message has begun and not ended, so that data can only be more of it.
    pub(super) continuation: bool,
    /// Compression was agreed on.
    pub(super) compression: bool,
    /// Bytes that the message holds so far.
    pub(super) received: usize,
    /// Bytes that it may hold.
    pub(super) max_size: usize,
}

/// A client's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    pub(super) is_final: bool,
    pub(super) is_compressed: bool,
    pub(super) length: usize,
    pub(super) mask: Mask,
}

impl Header {
    /// The header at the beginning of `bytes` and the bytes after it; `None` if it goes on after `bytes`.
    #[expect(
        clippy::inline_always,
        reason = "a third of the time of a small message goes into passing it on"
    )]
    #[inline(always)]
    pub(super) fn parse<'a>(
        bytes: &'a [u8],
        allowed: &Allowed,
    ) -> Result<Option<(Header, &'a [u8])>, Violation> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let opcode = first_byte(first, allowed)?;
        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let is_control = matches!(opcode, Opcode::Control(_));
        if second & MASKED == 0 {
            return Err(Violation::protocol("incorrect masking"));
        }
        let (length, rest) = match second & !MASKED {
            126 | 127 if is_control => return Err(Violation::protocol("control frame too long")),
            126 => {
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u64::from(u16::from_be_bytes(*length));
                if length <= MAX_CONTROL as u64 {
                    return Err(Violation::protocol("frame length not minimal"));
                }
                (length, rest)
            }
            127 => {
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u64::from_be_bytes(*length);
                if length >> 63 == 1 {
                    return Err(Violation::protocol("frame length out of range"));
                }
                if length <= MAX_SHORT {
                    return Err(Violation::protocol("frame length not minimal"));
                }
                (length, rest)
            }
            length => (u64::from(length), rest),
        };
        let room = allowed.max_size.saturating_sub(allowed.received);
        let length = match usize::try_from(length) {
            Ok(length) if length <= room || is_control => length,
            _ => {
                return Err(Violation::too_large(
                    length,
                    allowed.received,
                    allowed.max_size,
                ));
            }
        };
        let Some((key, rest)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let header = Header {
            opcode,
            is_final: first & FIN != 0,
            is_compressed: first & RSV1 != 0,
            length,
            mask: Mask::new(*key),
        };
        Ok(Some((header, rest)))
    }
}

/// RFC 6455 5.2, 5.4, 5.5; RFC 7692 6.
fn first_byte(byte: u8, allowed: &Allowed) -> Result<Opcode, Violation> {
    let Some(opcode) = Opcode::from_bits(byte & OPCODE) else {
        return Err(Violation::protocol("invalid opcode"));
    };
    let may_be_compressed = allowed.compression && matches!(opcode, Opcode::Message(_));
    if byte & RSV2_RSV3 != 0 || (byte & RSV1 != 0 && !may_be_compressed) {
        return Err(Violation::protocol("reserved bits must be 0"));
    }
    match opcode {
        Opcode::Control(_) if byte & FIN == 0 => {
            Err(Violation::protocol("fragmented control frame"))
        }
        Opcode::Continuation if !allowed.continuation => {
            Err(Violation::protocol("unexpected continuation frame"))
        }
        Opcode::Message(_) if allowed.continuation => {
            Err(Violation::protocol("expected a continuation frame"))
        }
        _ => Ok(opcode),
    }
}

/// Two bytes, eight of length, four of key.
const MAX_HEADER: usize = 14;

/// The beginning of a header whose end has not come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    bytes: [u8; MAX_HEADER],
    len: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes a header, or all there is of it, from the front of `input`.
    #[inline]
    pub(super) fn complete(
        &mut self,
        input: &mut &mut [u8],
        allowed: &Allowed,
    ) -> Result<Option<Header>, Violation> {
        // Nearly always a header lies whole in what was read.
        if self.is_empty()
            && let Some((header, rest)) = Header::parse(input, allowed)?
        {
            let size = input.len() - rest.len();
            let _header = input.split_off_mut(..size);
            return Ok(Some(header));
        }
        self.complete_held(input, allowed)
    }

    #[cold]
    fn complete_held(
        &mut self,
        input: &mut &mut [u8],
        allowed: &Allowed,
    ) -> Result<Option<Header>, Violation> {
        let before = self.len;
        let room = self.bytes.iter_mut().skip(before);
        for (held, byte) in room.zip(input.iter()) {
            *held = *byte;
            self.len += 1;
        }
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        let Some((header, rest)) = Header::parse(bytes, allowed)? else {
            // Fourteen bytes are a whole header: there were less, and all of them are held.
            *input = &mut [];
            return Ok(None);
        };
        let size = self.len - rest.len();
        let _rest_of_header = input.split_off_mut(..size - before);
        self.len = 0;
        Ok(Some(header))
    }
}

/// Appends the header of a server's frame: final, for nothing is sent in fragments, and not masked.
pub(super) fn write_header(opcode: Opcode, rsv1: Rsv1, length: usize, out: &mut Vec<u8>) {
    let first = FIN | opcode.bits() | if rsv1 == Rsv1::Set { RSV1 } else { 0 };
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => out.extend_from_slice(&[first, length]),
        (_, Ok(length)) => {
            let [a, b] = length.to_be_bytes();
            out.extend_from_slice(&[first, 126, a, b]);
        }
        _ => {
            out.extend_from_slice(&[first, 127]);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Whether the message is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rsv1 {
    Clear,
    Set,
}
