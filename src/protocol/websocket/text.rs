//! A text that comes in pieces, checked as it comes: the first byte that cannot be UTF-8 is a fault.

#[cfg(test)]
mod tests;

use super::violation::Violation;

/// The beginning of a code point whose end has not come; all before it was good.
#[derive(Debug, Default)]
pub(super) struct Text {
    held: [u8; 4],
    len: usize,
}

impl Text {
    /// Checks the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<(), Violation> {
        let mut rest = piece;
        while self.len > 0 {
            let Some((byte, after)) = rest.split_first() else {
                return Ok(());
            };
            self.complete(*byte)?;
            rest = after;
        }
        let Err(error) = simdutf8::compat::from_utf8(rest) else {
            return Ok(());
        };
        match (error.error_len(), rest.get(error.valid_up_to()..)) {
            // Not wrong, but not over.
            (None, Some(beginning)) => {
                self.len = beginning.len();
                for (held, byte) in self.held.iter_mut().zip(beginning) {
                    *held = *byte;
                }
                Ok(())
            }
            _ => Err(Violation::not_utf8()),
        }
    }

    /// No more pieces: a code point must not lack its end.
    pub(super) fn finish(&self) -> Result<(), Violation> {
        if self.len == 0 {
            Ok(())
        } else {
            Err(Violation::not_utf8())
        }
    }

    fn complete(&mut self, byte: u8) -> Result<(), Violation> {
        if let Some(held) = self.held.get_mut(self.len) {
            *held = byte;
            self.len += 1;
        }
        // Four bytes are a code point or a fault, so there is always room for the next.
        match str::from_utf8(self.held.get(..self.len).unwrap_or_default()) {
            Ok(_) => self.len = 0,
            Err(error) if error.error_len().is_none() => {}
            Err(_) => return Err(Violation::not_utf8()),
        }
        Ok(())
    }
}
