//! Sec-WebSocket-Extensions: which of a client's offers of compression is agreed to (RFC 6455, section 9.1; RFC 7692,
//! section 7.1). Whatever the fields hold, reading them neither fails nor panics.

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt::Write as _, mem};

use super::deflate::{Deflater, Inflater};

/// The only extension there is.
const NAME: &[u8] = b"permessage-deflate";

/// The server's own wish for both windows: uvicorn's (U4.6), 4 KiB for each history of a session instead of 32.
const WINDOW_BITS: u8 = 12;
/// The window of a side that has said nothing of it (section 7.1.2).
const DEFAULT_WINDOW_BITS: u8 = 15;

/// What both sides hold to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    /// The default where the client has not said that it can do with less: nothing may be answered then.
    client_max_window_bits: u8,
}

/// The first offer that can be agreed to, over all fields of the request. Others are passed over, and so are other
/// extensions and fields that are not of the grammar.
pub(crate) fn negotiate<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Option<Agreed> {
    fields.find_map(|field| Offers { rest: field }.choose().unwrap_or_default())
}

impl Agreed {
    /// What the server answers.
    pub(crate) fn field(self) -> String {
        let mut field = String::from("permessage-deflate");
        if self.server_no_context_takeover {
            field.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            field.push_str("; client_no_context_takeover");
        }
        let bits = self.server_max_window_bits;
        let _ = write!(field, "; server_max_window_bits={bits}");
        let bits = self.client_max_window_bits;
        if bits != DEFAULT_WINDOW_BITS {
            let _ = write!(field, "; client_max_window_bits={bits}");
        }
        field
    }

    pub(super) fn inflater(self) -> Inflater {
        Inflater::new(self.client_max_window_bits, self.client_no_context_takeover)
    }

    pub(super) fn deflater(self) -> Deflater {
        Deflater::new(self.server_max_window_bits, self.server_no_context_takeover)
    }
}

/// What one element of the list asks for.
#[derive(Default)]
struct Offer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Without a value, the client can do with any: the default is the largest there is (section 7.1.2.2).
    client_max_window_bits: Option<u8>,
}

impl Offer {
    /// `None` for a parameter that has no such value, comes twice, or is none of ours: the offer is declined (section 7.1).
    fn put(&mut self, name: &[u8], value: Option<&[u8]>) -> Option<()> {
        let is_first = match (name, value) {
            (b"server_no_context_takeover", None) => {
                !mem::replace(&mut self.server_no_context_takeover, true)
            }
            (b"client_no_context_takeover", None) => {
                !mem::replace(&mut self.client_no_context_takeover, true)
            }
            (b"server_max_window_bits", Some(value)) => {
                let bits = window_bits(value)?;
                self.server_max_window_bits.replace(bits).is_none()
            }
            (b"client_max_window_bits", value) => {
                let bits = value.map_or(Some(DEFAULT_WINDOW_BITS), window_bits)?;
                self.client_max_window_bits.replace(bits).is_none()
            }
            _ => false,
        };
        is_first.then_some(())
    }

    fn agree(self) -> Agreed {
        let server = self.server_max_window_bits.unwrap_or(WINDOW_BITS);
        let client = self.client_max_window_bits;
        Agreed {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: server.min(WINDOW_BITS),
            client_max_window_bits: client
                .map_or(DEFAULT_WINDOW_BITS, |bits| bits.min(WINDOW_BITS)),
        }
    }
}

/// A decimal number from 8 to 15 without leading zeros (section 7.1.2.1).
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ (b'8' | b'9')] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// The field is not of the grammar.
struct Garbled;

/// One field: `1#( token *( ";" token [ "=" ( token / quoted-string ) ] ) )`.
struct Offers<'a> {
    rest: &'a [u8],
}

impl Offers<'_> {
    fn choose(mut self) -> Result<Option<Agreed>, Garbled> {
        let mut chosen = None;
        loop {
            self.skip_blanks();
            match self.rest {
                [] => return Ok(chosen),
                // A list may have empty elements (RFC 9110, section 5.6.1.2).
                [b',', ..] => {}
                _ => {
                    let offer = self.element()?;
                    chosen = chosen.or(offer.map(Offer::agree));
                }
            }
            if !self.take(b',') && !self.rest.is_empty() {
                return Err(Garbled);
            }
        }
    }

    /// `None` if it cannot be agreed to.
    fn element(&mut self) -> Result<Option<Offer>, Garbled> {
        let mut offer = (self.token()? == NAME).then(Offer::default);
        self.skip_blanks();
        while self.take(b';') {
            self.skip_blanks();
            let name = self.token()?;
            self.skip_blanks();
            let value = if self.take(b'=') {
                self.skip_blanks();
                Some(self.value()?)
            } else {
                None
            };
            self.skip_blanks();
            offer = offer.and_then(|mut offer| {
                offer.put(name, value.as_deref())?;
                Some(offer)
            });
        }
        Ok(offer)
    }
}

impl<'a> Offers<'a> {
    fn token(&mut self) -> Result<&'a [u8], Garbled> {
        let length = self.rest.iter().take_while(|byte| is_token(**byte)).count();
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        if token.is_empty() {
            return Err(Garbled);
        }
        Ok(token)
    }

    /// A token, maybe in quotes: what stands in them has to be one (RFC 6455, section 9.1).
    fn value(&mut self) -> Result<Cow<'a, [u8]>, Garbled> {
        if !self.take(b'"') {
            return self.token().map(Cow::Borrowed);
        }
        let mut value = Vec::new();
        loop {
            let (byte, rest) = match self.rest {
                [b'"', rest @ ..] if !value.is_empty() => {
                    self.rest = rest;
                    return Ok(Cow::Owned(value));
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] if is_token(*byte) => (*byte, rest),
                _ => return Err(Garbled),
            };
            value.push(byte);
            self.rest = rest;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
