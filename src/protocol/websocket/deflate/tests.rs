//! Compressed messages: the RFC's own, there and back, cut anywhere, and what must not pass.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod distances;
mod hostile;
mod rfc7692;
mod round_trips;

use super::{Deflater, InflateError, Inflater};

/// More than any message here has.
const NO_LIMIT: usize = usize::MAX;

/// The next message of a peer, which comes in these parts.
fn inflate<'a>(
    inflater: &mut Inflater,
    parts: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    for part in parts {
        inflater.inflate(part, &mut out, limit)?;
    }
    inflater.finish(&out)?;
    Ok(out)
}

/// Marsaglia's xorshift64: the same noise in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Words, runs and noise: what has no match, near matches, and matches from far back.
    fn message(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        for _ in 0..self.below(60) {
            match self.below(8) {
                0 => message.extend(self.next().to_le_bytes()),
                1 => message.extend(vec![b'a'; self.below(300)]),
                2 => message.extend(vec![0; self.below(3_000)]),
                3 => {
                    let start = self.below(message.len() + 1);
                    message.extend_from_within(start..);
                    message.truncate(20_000);
                }
                _ => message.extend_from_slice(WORDS[self.below(WORDS.len())].as_bytes()),
            }
        }
        message
    }

    /// The bytes in parts, some of them empty.
    fn cut<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(self.below(bytes.len() + 1));
            parts.push(part);
            bytes = rest;
        }
        parts
    }
}

const WORDS: &[&str] = &[
    "{\"type\":\"order.updated\",",
    "\"items\":[",
    "\"price\":",
    "3.1415",
    "true,",
    "},",
    "lorem ipsum dolor sit amet, ",
    "\u{e9}\u{4e16}\u{754c}",
];
