//! The escape of what a target should not hold raw. Owns no state: it feeds `Framing`, which alone knows where a target
//! ends.

use bytes::{Bytes, BytesMut};

use super::{Fault, Framing, Refusal, head::is_raw};

/// What hyper is to read instead of bytes of which the first should have been escaped.
pub(crate) struct Escaped {
    pub(crate) bytes: Bytes,
    pub(crate) refusal: Option<Refusal>,
}

/// Percent-encodes what a target should not hold raw: `"`, `<`, `>` and the backtick. uvicorn serves them and hyper does
/// not; to an application `%22` in a path or a query is what `"` is. `bytes` begins with such a byte.
pub(crate) fn escape(framing: &mut Framing, bytes: &[u8]) -> Escaped {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
    let mut out = BytesMut::with_capacity(bytes.len() + 8);
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let escape = [b'%', digit(byte >> 4), digit(byte & 15)];
        if let Err(refusal) = framing.feed(&escape) {
            // The limit of the head ends here.
            return Escaped {
                bytes: out.freeze(),
                refusal: Some(refusal),
            };
        }
        out.extend_from_slice(&escape);
        // Up to the next such byte, or to the end of the target: what is fed is looked at once.
        let run = after.iter().position(|byte| *byte == b' ' || is_raw(*byte));
        let run = run
            .filter(|end| after.get(*end) != Some(&b' '))
            .unwrap_or(after.len());
        let (piece, left) = after.split_at_checked(run).unwrap_or((after, &[]));
        let Err(refusal) = framing.feed(piece) else {
            out.extend_from_slice(piece);
            rest = left;
            continue;
        };
        let (good, bad) = after.split_at_checked(refusal.good).unwrap_or((after, &[]));
        out.extend_from_slice(good);
        if refusal.fault != Fault::TargetRaw {
            return Escaped {
                bytes: out.freeze(),
                refusal: Some(refusal),
            };
        }
        rest = bad;
    }
    Escaped {
        bytes: out.freeze(),
        refusal: None,
    }
}
