//! The mask over a client's payload (RFC 6455 5.3), taken off in place.

#[cfg(test)]
mod tests;

/// The masking key, turned so that its first byte meets the next byte of the payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    /// Little-endian: the first byte is the lowest.
    key: u32,
}

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Mask {
        Mask {
            key: u32::from_le_bytes(key),
        }
    }

    /// Unmasks the next bytes of the payload.
    #[inline]
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let key = u64::from(self.key) << 32 | u64::from(self.key);
        // Words, of which the compiler makes vectors; then what is less than a word. Bytes alone take ten times as long.
        let (words, rest) = bytes.as_chunks_mut();
        for word in words {
            *word = (u64::from_le_bytes(*word) ^ key).to_le_bytes();
        }
        let (halves, rest) = rest.as_chunks_mut();
        for half in halves {
            *half = (u32::from_le_bytes(*half) ^ self.key).to_le_bytes();
        }
        for byte in rest {
            let [first, ..] = self.key.to_le_bytes();
            *byte ^= first;
            self.key = self.key.rotate_right(8);
        }
    }
}
