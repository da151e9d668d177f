//! Payloads copied at the speed of the memory, whatever their addresses.

#[cfg(test)]
mod tests;

use bytes::Bytes;

/// Below the size at which glibc copies by `rep movsb`. AMD Zen is thirty times slower at that where the target lies a
/// few bytes ahead of the source within a page (glibc bug 30994): 16 KiB take 5.6 us, in pieces 0.2 us, as in the best case.
const PIECE: usize = 2048;

/// `bytes` in memory of exactly their size.
#[inline]
pub(super) fn copied(bytes: &[u8]) -> Bytes {
    let mut copy = Vec::with_capacity(bytes.len());
    append(bytes, &mut copy);
    // Unlike a vector a boxed slice becomes `Bytes` inline: 10 ns less.
    copy.into_boxed_slice().into()
}

/// `out` should have room for all of `bytes`: it grows piece by piece.
#[inline]
pub(super) fn append(bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(PIECE) {
        out.extend_from_slice(piece);
    }
}
