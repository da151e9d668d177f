//! `Protocol`: one element of an `Upgrade` field's list, while it comes byte by byte (RFC 9110, section 7.8).

#[cfg(test)]
mod tests;

use super::is_blank;

/// The only protocol that matters here.
const WEBSOCKET: &[u8] = b"websocket";

#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    /// So many bytes of `websocket` have come, and blanks before them.
    Name(usize),
    /// Blanks after `websocket`.
    NameEnd,
    /// Another one, or that one in a version of its own.
    Other,
}

impl Protocol {
    /// Nothing of an element has come.
    pub(super) const START: Protocol = Protocol::Name(0);

    /// With one more byte, which is neither a comma nor of a line's end.
    pub(super) fn with(self, byte: u8) -> Protocol {
        match self {
            Protocol::Name(0) | Protocol::NameEnd if is_blank(byte) => self,
            Protocol::Name(seen) => match WEBSOCKET.get(seen) {
                Some(letter) if letter.eq_ignore_ascii_case(&byte) => Protocol::Name(seen + 1),
                None if is_blank(byte) => Protocol::NameEnd,
                _ => Protocol::Other,
            },
            Protocol::NameEnd | Protocol::Other => Protocol::Other,
        }
    }

    /// Whether an element that ends here is `websocket`.
    pub(super) fn is_websocket(self) -> bool {
        match self {
            Protocol::Name(seen) => seen == WEBSOCKET.len(),
            Protocol::NameEnd => true,
            Protocol::Other => false,
        }
    }
}
