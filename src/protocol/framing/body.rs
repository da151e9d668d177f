//! The body of a request: so many bytes, or chunks in their strict grammar.
//!
//! hyper bends it: blanks after a size, anything in an extension, endless zeros, and it waits for
//! more after a LF that ends a trailer.
//!
//! ```text
//!   Sized ─> Over      Size ─> (Extension ─>) SizeEnd ─> Data ─> DataEnd ─> DataLf ─> Size
//!                                                └─ 0 ─> TrailerStart ─> End ─> Over
//!                              TrailerStart ─> TrailerName ─> TrailerValue ─> TrailerLf ─> TrailerStart
//! ```
#[cfg(test)]
mod tests;

use super::{Fault, Limits, Reached, Step, Stop, is_blank, is_text, is_token};

#[derive(Debug)]
pub(super) struct Body {
    at: At,
    /// Bytes still allowed in all chunks together.
    content: u64,
    /// Bytes still allowed in extensions and trailers together.
    overhead: usize,
    /// Trailer fields still allowed.
    fields: usize,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Sized(u64),
    Size {
        value: u64,
        digits: u8,
    },
    Extension(Extension, u64),
    /// A LF is due.
    SizeEnd(u64),
    Data(u64),
    DataEnd,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    /// The LF that ends the message is due.
    End,
    Over,
}

/// `*( ";" name [ "=" value ] )`, with the blanks around the signs that RFC 9112 7.1.1 has a
/// recipient bear, but none between the size and the first `;` (FLT-A38).
#[derive(Clone, Copy, Debug)]
enum Extension {
    NameStart,
    Name,
    NameEnd,
    ValueStart,
    Token,
    Quoted,
    Escaped,
    QuotedEnd,
    ValueEnd,
}

/// Twice the hexadecimal digits of 64 bits: room for any fixed width, an end to endless zeros.
const MAX_DIGITS: u8 = 32;
/// Just below the 16 KiB at which hyper breaks off extensions, and trailers, with a bare body error.
const MAX_OVERHEAD: usize = 16_000;

impl Body {
    pub(super) fn sized(length: u64) -> Body {
        Body {
            at: At::Sized(length),
            content: 0,
            overhead: 0,
            fields: 0,
        }
    }

    pub(super) fn chunked(limits: &Limits) -> Body {
        Body {
            at: At::Size {
                value: 0,
                digits: 0,
            },
            content: limits.body,
            overhead: MAX_OVERHEAD,
            fields: limits.fields,
        }
    }

    /// Bytes from the first after the head on.
    pub(super) fn feed<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        // Not read from `self` at every byte: a store of its parts and a load of the whole stall.
        let mut at = self.at;
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if let At::Sized(left) | At::Data(left) = at {
                let step = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                rest = rest.split_at(step).1;
                at = match (at, left - step as u64) {
                    (At::Sized(_), 0) => return Ok((Reached::End, rest)),
                    (At::Sized(_), left) => At::Sized(left),
                    (_, 0) => At::DataEnd,
                    (_, left) => At::Data(left),
                };
                continue;
            }
            at = match self.next(at, byte) {
                Ok(At::Over) => return Ok((Reached::End, after)),
                Ok(at) => at,
                Err(fault) => {
                    let left = rest.len();
                    return Err(Stop { fault, left });
                }
            };
            rest = after;
        }
        self.at = at;
        Ok((Reached::NoEnd, rest))
    }

    /// Where one byte of a chunked body's own syntax leads.
    fn next(&mut self, at: At, byte: u8) -> Result<At, Fault> {
        match (at, byte) {
            (At::Size { value, digits }, _) => self.size(value, digits, byte),
            (At::Extension(part, value), _) => {
                self.spend(Fault::ChunkExtensionsTooLarge)?;
                match (part, byte) {
                    (Extension::Name | Extension::Token | Extension::QuotedEnd, b'\r') => {
                        Ok(At::SizeEnd(value))
                    }
                    (_, b'\n') => Err(Fault::BareLf),
                    _ => match part.next(byte) {
                        Some(part) => Ok(At::Extension(part, value)),
                        None => Err(Fault::ChunkExtension),
                    },
                }
            }
            (At::SizeEnd(0), b'\n') => Ok(At::TrailerStart),
            (At::SizeEnd(value), b'\n') => {
                self.content -= value;
                Ok(At::Data(value))
            }
            (At::DataEnd, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(At::Size {
                value: 0,
                digits: 0,
            }),
            (At::DataEnd | At::DataLf, _) => Err(Fault::ChunkEnd),
            (At::End, b'\n') => Ok(At::Over),
            (At::SizeEnd(_) | At::End, _) => Err(Fault::StrayCr),
            (At::TrailerStart | At::TrailerName | At::TrailerValue | At::TrailerLf, _) => {
                self.spend(Fault::TrailersTooLarge)?;
                self.trailer(at, byte)
            }
            (At::Sized(_) | At::Data(_) | At::Over, _) => Ok(at),
        }
    }

    /// A size is refused at the digit that makes it too large, not when its line ends (FLT-A39).
    fn size(&self, value: u64, digits: u8, byte: u8) -> Result<At, Fault> {
        match (char::from(byte).to_digit(16), byte) {
            (Some(_), _) if digits == MAX_DIGITS => Err(Fault::ChunkSize),
            (Some(digit), _) => {
                let value = value
                    .checked_mul(16)
                    .and_then(|value| value.checked_add(u64::from(digit)))
                    .ok_or(Fault::ChunkSize)?;
                Ok(At::Size {
                    value,
                    digits: digits + 1,
                })
            }
            (None, b'\n') => Err(Fault::BareLf),
            (None, b'\r' | b';') if digits > 0 && value > self.content => Err(Fault::BodyTooLarge),
            (None, b'\r') if digits > 0 => Ok(At::SizeEnd(value)),
            (None, b';') if digits > 0 => Ok(At::Extension(Extension::NameStart, value)),
            (None, _) => Err(Fault::ChunkSize),
        }
    }

    fn trailer(&mut self, at: At, byte: u8) -> Result<At, Fault> {
        match (at, byte) {
            (At::TrailerLf, b'\n') => Ok(At::TrailerStart),
            (At::TrailerLf, _) => Err(Fault::StrayCr),
            (_, b'\n') => Err(Fault::BareLf),
            (At::TrailerStart, b'\r') => Ok(At::End),
            (At::TrailerStart, _) if is_token(byte) => {
                self.fields = self.fields.checked_sub(1).ok_or(Fault::TrailersTooLarge)?;
                Ok(At::TrailerName)
            }
            (At::TrailerName, b':') => Ok(At::TrailerValue),
            (At::TrailerName, _) if is_token(byte) => Ok(At::TrailerName),
            (At::TrailerValue, b'\r') => Ok(At::TrailerLf),
            (At::TrailerValue, _) if is_text(byte) => Ok(At::TrailerValue),
            _ => Err(Fault::TrailerMalformed),
        }
    }

    fn spend(&mut self, fault: Fault) -> Result<(), Fault> {
        self.overhead = self.overhead.checked_sub(1).ok_or(fault)?;
        Ok(())
    }
}

impl Extension {
    fn next(self, byte: u8) -> Option<Extension> {
        match (self, byte) {
            (
                Extension::NameStart
                | Extension::NameEnd
                | Extension::ValueStart
                | Extension::ValueEnd,
                _,
            ) if is_blank(byte) => Some(self),
            (Extension::NameStart | Extension::Name, _) if is_token(byte) => Some(Extension::Name),
            (Extension::Name, _) if is_blank(byte) => Some(Extension::NameEnd),
            (Extension::Name | Extension::NameEnd, b'=') => Some(Extension::ValueStart),
            (Extension::ValueStart, b'"') => Some(Extension::Quoted),
            (Extension::ValueStart | Extension::Token, _) if is_token(byte) => {
                Some(Extension::Token)
            }
            (Extension::Quoted, b'"') => Some(Extension::QuotedEnd),
            (Extension::Quoted, b'\\') => Some(Extension::Escaped),
            (Extension::Quoted | Extension::Escaped, _) if is_text(byte) => Some(Extension::Quoted),
            (Extension::Token | Extension::QuotedEnd, _) if is_blank(byte) => {
                Some(Extension::ValueEnd)
            }
            (
                Extension::Name
                | Extension::NameEnd
                | Extension::Token
                | Extension::QuotedEnd
                | Extension::ValueEnd,
                b';',
            ) => Some(Extension::NameStart),
            _ => None,
        }
    }
}
