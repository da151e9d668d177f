//! What is said: a cycle of messages, made into masked frames before the clock starts. A run only
//! writes slices of them. Knows no socket.

use std::fmt::Write as _;

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::options::Payload;

/// Bytes of text in a cycle, about: small enough for the cache, and four times the largest window,
/// so that a compressor cannot find the cycle's last lap instead of compressing.
const CYCLE_BYTES: usize = 128 << 10;
/// What a sync flush ends with, and RFC 7692 7.2.1 takes off.
pub const FLUSHED: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const MASKED: u8 = 0x80;

/// How to compress what this side sends, as agreed with the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compressing {
    pub window_bits: u8,
    pub keeps_context: bool,
}

/// Frames one after another, and where each starts.
struct Lap {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

pub struct Script {
    opcode: u8,
    payloads: Vec<Vec<u8>>,
    first: Lap,
    /// Compressed, a message refers to those before it. From the second lap on these are the same
    /// in every lap, and so are the compressed bytes; only the first lap differs.
    later: Option<Lap>,
}

impl Script {
    pub fn new(payload: Payload, size: usize, compressing: Option<Compressing>) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let opcode = if payload == Payload::Binary { 2 } else { 1 };
        let count = (CYCLE_BYTES / size.max(1)).clamp(8, 1024);
        let payloads: Vec<Vec<u8>> = (0..count)
            .map(|_| match payload {
                Payload::Text => words(&mut random, size),
                Payload::Json => json(&mut random, size),
                Payload::Binary => random.bytes(size),
            })
            .collect();
        let (first, later) = match compressing {
            None => (Lap::plain(opcode, &payloads, &mut random), None),
            Some(compressing) => {
                let mut deflater = Deflater::new(compressing);
                let first = Lap::compressed(opcode, &payloads, &mut deflater, &mut random);
                let later = Lap::compressed(opcode, &payloads, &mut deflater, &mut random);
                (first, Some(later))
            }
        };
        Self {
            opcode,
            payloads,
            first,
            later,
        }
    }

    /// Of the data frames, both ways.
    pub fn opcode(&self) -> u8 {
        self.opcode
    }

    /// Where a connection may start in the cycle: anywhere, unless messages depend on one another.
    pub fn start(&self, connection: usize) -> usize {
        if self.later.is_some() {
            0
        } else {
            connection % self.payloads.len()
        }
    }

    /// What message `number` says.
    pub fn payload(&self, number: usize) -> &[u8] {
        &self.payloads[number % self.payloads.len()]
    }

    /// The frames of up to `count` messages from `number` on, as many as lie together.
    pub fn frames(&self, number: usize, count: usize) -> &[u8] {
        let lap = match &self.later {
            Some(later) if number >= self.payloads.len() => later,
            _ => &self.first,
        };
        let from = number % self.payloads.len();
        let to = (from + count).min(self.payloads.len());
        &lap.bytes[lap.starts[from]..lap.starts[to]]
    }
}

impl Lap {
    fn plain(opcode: u8, payloads: &[Vec<u8>], random: &mut Random) -> Self {
        let mut lap = Self {
            bytes: Vec::new(),
            starts: vec![0],
        };
        for payload in payloads {
            lap.push(FIN | opcode, payload, random);
        }
        lap
    }

    fn compressed(
        opcode: u8,
        payloads: &[Vec<u8>],
        deflater: &mut Deflater,
        random: &mut Random,
    ) -> Self {
        let mut lap = Self {
            bytes: Vec::new(),
            starts: vec![0],
        };
        for payload in payloads {
            lap.push(FIN | RSV1 | opcode, &deflater.deflate(payload), random);
        }
        lap
    }

    fn push(&mut self, first_byte: u8, payload: &[u8], random: &mut Random) {
        masked_frame(first_byte, payload, random.key(), &mut self.bytes);
        self.starts.push(self.bytes.len());
    }
}

/// An answer to a Ping, or a Ping: RFC 6455 5.5 allows 125 bytes.
pub fn control_frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    masked_frame(FIN | opcode, payload, [0x37, 0xfa, 0x21, 0x3d], out);
}

fn masked_frame(first_byte: u8, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    out.push(first_byte);
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => out.push(MASKED | length),
        (_, Ok(length)) => {
            out.push(MASKED + 126);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(MASKED + 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(key);
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

struct Deflater {
    stream: Compress,
    keeps_context: bool,
}

impl Deflater {
    fn new(
        Compressing {
            window_bits,
            keeps_context,
        }: Compressing,
    ) -> Self {
        let stream = Compress::new_with_window_bits(Compression::default(), false, window_bits);
        Self {
            stream,
            keeps_context,
        }
    }

    fn deflate(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.keeps_context {
            self.stream.reset();
        }
        // Room for all of it at once, so that one call does it.
        let mut out = Vec::with_capacity(payload.len() * 2 + 64);
        let before = self.stream.total_in();
        let done = self
            .stream
            .compress_vec(payload, &mut out, FlushCompress::Sync);
        assert!(matches!(done, Ok(Status::Ok)) && out.len() < out.capacity());
        assert!(self.stream.total_in() - before == payload.len() as u64);
        assert!(
            out.ends_with(&FLUSHED),
            "a sync flush ends with an empty stored block"
        );
        out.truncate(out.len() - FLUSHED.len());
        out
    }
}

/// xorshift64*: the same messages in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from((self.next() >> 33) % limit as u64).unwrap_or(0)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    fn key(&mut self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.next().to_be_bytes();
        [a, b, c, d]
    }
}

const WORDS: [&str; 32] = [
    "order", "shipped", "the", "client", "of", "a", "message", "room", "joined", "left", "price",
    "and", "update", "to", "from", "channel", "is", "typing", "seen", "at", "hello", "world",
    "new", "item", "in", "cart", "deploy", "finished", "with", "no", "errors", "today",
];

fn words(random: &mut Random, size: usize) -> Vec<u8> {
    let mut text = String::with_capacity(size + 16);
    while text.len() < size {
        text.push_str(WORDS[random.below(WORDS.len())]);
        text.push(' ');
    }
    text.truncate(size); // all ASCII
    text.into_bytes()
}

/// A list of events as a chat or a dashboard sends them, cut to size within its last string.
fn json(random: &mut Random, size: usize) -> Vec<u8> {
    let mut text = String::from("[");
    while text.len() < size.saturating_sub(2) {
        let said = words(random, 48);
        let _ = write!(
            text,
            r#"{{"id":{},"user":"{}{}","at":"2026-01-{:02}T{:02}:{:02}:{:02}Z","price":{}.{:02},"body":"{}"}},"#,
            random.next() >> 24,
            WORDS[random.below(WORDS.len())],
            random.below(1000),
            1 + random.below(28),
            random.below(24),
            random.below(60),
            random.below(60),
            random.below(10_000),
            random.below(100),
            String::from_utf8_lossy(&said),
        );
    }
    text.truncate(size.saturating_sub(1));
    text.push(']');
    text.truncate(size);
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress};

    use super::*;

    fn unmasked(frame: &[u8]) -> Vec<u8> {
        let header = match frame[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let (key, payload) = frame[header..].split_at(4);
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect()
    }

    #[test]
    fn plain_frames_carry_the_payloads() {
        for size in [0, 1, 125, 126, 65_535, 65_536] {
            let script = Script::new(Payload::Binary, size, None);
            for number in 0..20 {
                assert_eq!(script.payload(number).len(), size);
                assert_eq!(unmasked(script.frames(number, 1)), script.payload(number));
            }
        }
    }

    #[test]
    fn compressed_frames_inflate_in_every_lap() {
        for (window_bits, keeps_context) in [(9, true), (12, true), (15, true), (15, false)] {
            let compressing = Compressing {
                window_bits,
                keeps_context,
            };
            for size in [10, 1024] {
                let script = Script::new(Payload::Json, size, Some(compressing));
                let mut inflate = Decompress::new_with_window_bits(false, window_bits);
                for number in 0..3 * script.payloads.len() {
                    if !keeps_context {
                        inflate.reset(false);
                    }
                    let mut data = unmasked(script.frames(number, 1));
                    data.extend(FLUSHED);
                    let mut out = Vec::with_capacity(2 * size + 64);
                    inflate
                        .decompress_vec(&data, &mut out, FlushDecompress::Sync)
                        .unwrap();
                    assert!(out == script.payload(number), "message {number}");
                }
            }
        }
    }

    #[test]
    fn text_compresses_as_text_does() {
        let compressing = Compressing {
            window_bits: 15,
            keeps_context: true,
        };
        let script = Script::new(Payload::Json, 1024, Some(compressing));
        let share = script.later.unwrap().bytes.len() * 100 / CYCLE_BYTES;
        assert!((20..50).contains(&share), "{share} %");
    }
}
