//! Cuts: bytes in arbitrary pieces, which depend on the bytes alone, so that what was found once is found again.

pub(super) struct Cuts(u64);

impl Cuts {
    pub(super) fn new(seed: &[u8]) -> Self {
        // FNV-1a. The generator must not start at 0.
        let hash = seed.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash | 1)
    }

    /// Pieces of all sizes, some of them empty.
    pub(super) fn cut<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let most = match self.below(3) {
                0 => 4,
                1 => 64,
                _ => bytes.len() + 1,
            };
            let (piece, rest) = bytes.split_at(self.below(most).min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap_or_default()
    }
}
