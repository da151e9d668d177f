//! The mask over a client's payload (RFC 6455 5.3), taken off in place.

#[cfg(test)]
mod tests;

/// The masking key, turned so that its first byte meets the next byte of the payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    key: [u8; 4],
}

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Mask {
        Mask { key }
    }

    /// Unmasks the next bytes of the payload.
    #[inline]
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.key;
        let key = [a, b, c, d, a, b, c, d];
        let word_key = u64::from_ne_bytes(key);
        // Whole words, of which the compiler makes vectors; what remains is less than one.
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ word_key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(key) {
            *byte ^= key;
        }
        self.key.rotate_left(rest.len() % 4);
    }
}
