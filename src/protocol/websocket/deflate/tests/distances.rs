//! No byte that is written quotes from further back than was agreed (RFC 7692, section 7.1.2). An inflater that is slow
//! and plain (after Mark Adler's puff) says how far each match reaches, and reads the messages a second way.

use super::{Deflater, Noise};

struct Puff<'a> {
    bits: Bits<'a>,
    out: Vec<u8>,
    furthest: usize,
}

struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> usize {
        let bit = |position: usize| usize::from(self.bytes[position / 8] >> (position % 8) & 1);
        let value = (0..count).fold(0, |value, index| {
            value | bit(self.position + index as usize) << index
        });
        self.position += count as usize;
        value
    }
}

/// For each length of code the symbols that have it, in order.
struct Codes(Vec<Vec<usize>>);

impl Codes {
    fn new(lengths: &[usize]) -> Self {
        let of = |length| {
            (0..lengths.len())
                .filter(|symbol| lengths[*symbol] == length)
                .collect()
        };
        Self((1..=15).map(of).collect())
    }

    fn read(&self, bits: &mut Bits) -> usize {
        let (mut code, mut first) = (0, 0);
        for symbols in &self.0 {
            code |= bits.take(1);
            if code - first < symbols.len() {
                return symbols[code - first];
            }
            first = (first + symbols.len()) << 1;
            code <<= 1;
        }
        panic!("a code that is not of the table");
    }
}

impl Puff<'_> {
    /// All blocks; the last ones of a message are the empty stored one that ends it.
    fn message(&mut self) {
        while self.bits.position < self.bits.bytes.len() * 8 {
            assert_eq!(self.bits.take(1), 0, "no block is the last");
            match self.bits.take(2) {
                0 => self.stored(),
                1 => {
                    let lengths: Vec<_> = (0..288)
                        .map(|symbol| match symbol {
                            144..=255 => 9,
                            256..=279 => 7,
                            _ => 8,
                        })
                        .collect();
                    self.compressed(&Codes::new(&lengths), &Codes::new(&[5; 30]));
                }
                2 => {
                    let (literals, distances) = self.tables();
                    self.compressed(&literals, &distances);
                }
                _ => panic!("a block of no type"),
            }
        }
    }

    fn stored(&mut self) {
        self.bits.position = self.bits.position.next_multiple_of(8);
        let (length, complement) = (self.bits.take(16), self.bits.take(16));
        assert_eq!(length, !complement & 0xffff);
        for _ in 0..length {
            let byte = self.bits.take(8);
            self.out.push(u8::try_from(byte).unwrap());
        }
    }

    fn tables(&mut self) -> (Codes, Codes) {
        const ORDER: [usize; 19] = [
            16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
        ];
        let literals = self.bits.take(5) + 257;
        let distances = self.bits.take(5) + 1;
        let count = self.bits.take(4) + 4;
        let mut lengths = [0; 19];
        for index in &ORDER[..count] {
            lengths[*index] = self.bits.take(3);
        }
        let codes = Codes::new(&lengths);
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let (length, times) = match codes.read(&mut self.bits) {
                16 => (*lengths.last().unwrap(), 3 + self.bits.take(2)),
                17 => (0, 3 + self.bits.take(3)),
                18 => (0, 11 + self.bits.take(7)),
                length => (length, 1),
            };
            lengths.extend(vec![length; times]);
        }
        let (literals, distances) = lengths.split_at(literals);
        (Codes::new(literals), Codes::new(distances))
    }

    fn compressed(&mut self, literals: &Codes, distances: &Codes) {
        loop {
            match literals.read(&mut self.bits) {
                256 => return,
                symbol @ 0..256 => self.out.push(u8::try_from(symbol).unwrap()),
                symbol => {
                    let length = self.length(symbol - 257);
                    let symbol = distances.read(&mut self.bits);
                    let distance = self.distance(symbol);
                    self.furthest = self.furthest.max(distance);
                    for _ in 0..length {
                        self.out.push(self.out[self.out.len() - distance]);
                    }
                }
            }
        }
    }

    fn length(&mut self, symbol: usize) -> usize {
        match symbol {
            0..8 => 3 + symbol,
            28 => 258,
            _ => self.spread(symbol, 4) + 3,
        }
    }

    fn distance(&mut self, symbol: usize) -> usize {
        match symbol {
            0..4 => 1 + symbol,
            _ => self.spread(symbol, 2) + 1,
        }
    }

    /// Groups of so many codes, each group with one more extra bit than that before (RFC 1951, section 3.2.5).
    fn spread(&mut self, symbol: usize, group: usize) -> usize {
        let extra = symbol / group - 1;
        let base = (group + symbol % group) << extra;
        base + self.bits.take(u32::try_from(extra).unwrap())
    }
}

#[test]
fn no_match_leaves_the_window() {
    let mut noise = Noise(0x9e37_79b9);
    for bits in 8..=15 {
        let mut deflaters = [Deflater::new(bits, false), Deflater::new(bits, false)];
        let mut said = [Vec::new(), Vec::new()];
        let mut furthest = 0;
        for _ in 0..40 {
            let side = noise.below(2);
            let message = if noise.below(4) == 0 {
                // All of what was said: the compressor is tempted to quote from as far back as it can.
                let quoted: &Vec<u8> = &said[side];
                quoted[quoted.len().saturating_sub(3_000)..].to_vec()
            } else {
                noise.message()
            };
            let mut wire = Vec::new();
            if !deflaters[side].deflate(&message, &mut wire) {
                continue;
            }
            wire.extend([0x00, 0x00, 0xff, 0xff]);
            let mut puff = Puff {
                bits: Bits {
                    bytes: &wire,
                    position: 0,
                },
                out: std::mem::take(&mut said[side]),
                furthest: 0,
            };
            puff.message();
            assert!(puff.out.ends_with(&message));
            furthest = furthest.max(puff.furthest);
            said[side] = puff.out;
        }
        assert!(furthest > (1 << bits) / 4, "{furthest} of {bits} bits");
        assert!(furthest <= 1 << bits, "{furthest} of {bits} bits");
    }
}
