//! Compares what one connection hears with what it should hear, byte by byte, as it arrives:
//! nothing is put together first. Knows no frames.

use flate2::{Decompress, FlushDecompress, Status};

use crate::failure::Failure;
use crate::script::{FLUSHED, Script};

/// How the server compresses, as agreed with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inflating {
    pub window_bits: u8,
    pub keeps_context: bool,
}

/// Where compressed bytes are inflated to, a piece at a time; one for all connections.
pub type Scratch = [u8; 4096];

pub struct Answers {
    /// Of the message at hand, in the script.
    number: usize,
    /// How much of it has come.
    offset: usize,
    inflater: Option<(Decompress, Inflating)>,
    pub compressed: u64,
}

impl Answers {
    pub fn new(first: usize, inflating: Option<Inflating>) -> Self {
        let inflater = inflating.map(|inflating| {
            let bits = inflating.window_bits.max(9); // the least that zlib reads
            (Decompress::new_with_window_bits(false, bits), inflating)
        });
        Self {
            number: first,
            offset: 0,
            inflater,
            compressed: 0,
        }
    }

    /// Takes some bytes of a message; whether it ended with them.
    pub fn take(
        &mut self,
        (opcode, compressed): (u8, bool),
        bytes: &[u8],
        ends: bool,
        script: &Script,
        scratch: &mut Scratch,
    ) -> Result<bool, Failure> {
        if opcode != script.opcode() {
            return Err(self.differs("is of the other type"));
        }
        let expected = script.payload(self.number);
        if compressed {
            self.inflate(bytes, expected, scratch)?;
            if ends {
                self.inflate(&FLUSHED, expected, scratch)?;
            }
        } else {
            self.compare(bytes, expected)?;
        }
        if !ends {
            return Ok(false);
        }
        if self.offset != expected.len() {
            return Err(self.differs("is too short"));
        }
        self.number += 1;
        self.offset = 0;
        self.compressed += u64::from(compressed);
        match &mut self.inflater {
            Some((stream, agreed)) if !agreed.keeps_context => stream.reset(false),
            _ => {}
        }
        Ok(true)
    }

    fn inflate(
        &mut self,
        mut bytes: &[u8],
        expected: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), Failure> {
        loop {
            let Some((stream, _)) = &mut self.inflater else {
                return Err(self.differs("is compressed"));
            };
            let (read, written) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(bytes, scratch, FlushDecompress::Sync);
            // Both fit: neither is more than there was.
            let read = usize::try_from(stream.total_in() - read).unwrap_or(0);
            let written = usize::try_from(stream.total_out() - written).unwrap_or(0);
            if !matches!(status, Ok(Status::Ok | Status::BufError)) {
                return Err(self.differs("does not inflate"));
            }
            self.compare(&scratch[..written], expected)?;
            bytes = &bytes[read..];
            if written < scratch.len() {
                break;
            }
        }
        if bytes.is_empty() {
            Ok(())
        } else {
            Err(self.differs("does not inflate to its end"))
        }
    }

    fn compare(&mut self, bytes: &[u8], expected: &[u8]) -> Result<(), Failure> {
        if !expected[self.offset..].starts_with(bytes) {
            return Err(self.differs("differs"));
        }
        self.offset += bytes.len();
        Ok(())
    }

    fn differs(&self, how: &str) -> Failure {
        let Self { number, offset, .. } = self;
        Failure::Wrong(format!(
            "answer {number} {how}, seen within a read after byte {offset}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Payload;
    use crate::script::Compressing;

    #[test]
    fn a_plain_answer_may_come_in_any_pieces() {
        let script = Script::new(Payload::Text, 100, None);
        let mut answers = Answers::new(3, None);
        let mut scratch = [0; 4096];
        for number in 3..6 {
            let (front, back) = script.payload(number).split_at(number * 10);
            assert!(
                !answers
                    .take((1, false), front, false, &script, &mut scratch)
                    .unwrap()
            );
            assert!(
                answers
                    .take((1, false), back, true, &script, &mut scratch)
                    .unwrap()
            );
        }
    }

    #[test]
    fn whatever_differs_is_seen() {
        let script = Script::new(Payload::Text, 100, None);
        let right = script.payload(0);
        let mut changed = right.to_vec();
        changed[99] ^= 1;
        let longer = [right, b"!"].concat();
        let wrong: [(u8, bool, &[u8]); 6] = [
            (2, false, right),
            (1, true, right),
            (1, false, &right[..99]),
            (1, false, &changed),
            (1, false, &longer),
            (1, false, script.payload(1)),
        ];
        for (opcode, compressed, bytes) in wrong {
            let mut answers = Answers::new(0, None);
            let taken = answers.take((opcode, compressed), bytes, true, &script, &mut [0; 4096]);
            assert!(taken.is_err());
        }
    }

    #[test]
    fn compressed_answers_are_inflated() {
        let compressing = Compressing {
            window_bits: 15,
            keeps_context: true,
        };
        let script = Script::new(Payload::Json, 16 << 10, Some(compressing));
        let mut answers = Answers::new(
            0,
            Some(Inflating {
                window_bits: 15,
                keeps_context: true,
            }),
        );
        let mut scratch = [0; 4096];
        for number in 0..20 {
            let frame = script.frames(number, 1);
            assert_eq!(frame[1] & 0x7f, 126);
            let key = &frame[4..8];
            let data: Vec<u8> = frame[8..]
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key)
                .collect();
            let (front, back) = data.split_at(data.len() / 2);
            assert!(
                !answers
                    .take((1, true), front, false, &script, &mut scratch)
                    .unwrap()
            );
            assert!(
                answers
                    .take((1, true), back, true, &script, &mut scratch)
                    .unwrap()
            );
        }
        assert_eq!(answers.compressed, 20);
    }
}
