//! The server's frames, taken apart as their bytes arrive (RFC 6455 5). Keeps no data message:
//! its bytes are handed on as they are. Knows no socket and not what a message should say.

use crate::failure::Failure;

const LONGEST_HEADER: usize = 10;
const LONGEST_CONTROL: usize = 125;

pub const CONTINUATION: u8 = 0;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

#[derive(PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// Some bytes of a data message; `ends` with its last ones.
    Data {
        opcode: u8,
        compressed: bool,
        bytes: &'a [u8],
        ends: bool,
    },
    Control {
        opcode: u8,
        payload: &'a [u8],
    },
}

/// What the header of the frame at hand said.
#[derive(Clone, Copy, Default)]
struct Frame {
    fin: bool,
    opcode: u8,
    remaining: u64,
}

pub struct Frames {
    header: [u8; LONGEST_HEADER],
    header_length: usize,
    frame: Option<Frame>,
    /// Opcode and RSV1 of the message that the frame at hand belongs to.
    message: Option<(u8, bool)>,
    control: [u8; LONGEST_CONTROL],
    control_length: usize,
    may_compress: bool,
}

impl Frames {
    pub fn new(may_compress: bool) -> Self {
        Self {
            header: [0; LONGEST_HEADER],
            header_length: 0,
            frame: None,
            message: None,
            control: [0; LONGEST_CONTROL],
            control_length: 0,
            may_compress,
        }
    }

    /// The next piece at the front of `input`, which is moved past it; None when more is needed.
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Piece<'a>>, Failure> {
        let mut frame = match self.frame {
            Some(frame) => frame,
            None => match self.parse_header(input)? {
                Some(frame) => frame,
                None => return Ok(None),
            },
        };
        let taken = usize::try_from(frame.remaining).map_or(input.len(), |n| n.min(input.len()));
        let (bytes, rest) = input.split_at(taken);
        *input = rest;
        frame.remaining -= taken as u64;
        let whole = frame.remaining == 0;
        self.frame = (!whole).then_some(frame);

        if frame.opcode >= CLOSE {
            let end = self.control_length + taken;
            self.control[self.control_length..end].copy_from_slice(bytes);
            self.control_length = if whole { 0 } else { end };
            let payload = &self.control[..end];
            return Ok(whole.then_some(Piece::Control {
                opcode: frame.opcode,
                payload,
            }));
        }
        if taken == 0 && !whole {
            return Ok(None);
        }
        let (opcode, compressed) = self.message.ok_or_else(|| wrong("no message"))?;
        let ends = whole && frame.fin;
        if ends {
            self.message = None;
        }
        Ok(Some(Piece::Data {
            opcode,
            compressed,
            bytes,
            ends,
        }))
    }

    fn parse_header(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, Failure> {
        if !self.fill_header(2, input) {
            return Ok(None);
        }
        let short = self.header[1] & 0x7f;
        let needed = match short {
            126 => 4,
            127 => LONGEST_HEADER,
            _ => 2,
        };
        if !self.fill_header(needed, input) {
            return Ok(None);
        }
        self.header_length = 0;
        let [first, second, ..] = self.header;
        let frame = Frame {
            fin: first & 0x80 != 0,
            opcode: first & 0x0f,
            remaining: match short {
                0..=125 => u64::from(short),
                _ => self.header[2..needed]
                    .iter()
                    .fold(0, |n, byte| n << 8 | u64::from(*byte)),
            },
        };
        let rsv1 = first & 0x40 != 0;
        if second & 0x80 != 0 || first & 0x30 != 0 || (rsv1 && !self.may_compress) {
            return Err(wrong("a mask, or a reserved bit"));
        }
        if (short == 126 && frame.remaining < 126) || (short == 127 && frame.remaining < 1 << 16) {
            return Err(wrong("a length in too many bytes"));
        }
        match (frame.opcode, self.message) {
            (CLOSE..=PONG, _) if rsv1 || !frame.fin || short > 125 => {
                return Err(wrong(
                    "a control frame that is long, compressed or in parts",
                ));
            }
            (CLOSE..=PONG, _) => {}
            (CONTINUATION, Some(_)) if !rsv1 => {}
            (1 | 2, None) => self.message = Some((frame.opcode, rsv1)),
            (opcode, _) => return Err(wrong(&format!("opcode {opcode} out of place"))),
        }
        Ok(Some(frame))
    }

    /// Whether that many bytes of the header have come.
    fn fill_header(&mut self, needed: usize, input: &mut &[u8]) -> bool {
        let taken = needed.saturating_sub(self.header_length).min(input.len());
        let (bytes, rest) = input.split_at(taken);
        self.header[self.header_length..self.header_length + taken].copy_from_slice(bytes);
        self.header_length += taken;
        *input = rest;
        self.header_length >= needed
    }
}

fn wrong(what: &str) -> Failure {
    Failure::Wrong(format!("the server sent {what} in a frame's header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages and control frames, each as (opcode, compressed, payload).
    fn read(frames: &mut Frames, pieces: &[&[u8]]) -> Result<Vec<(u8, bool, Vec<u8>)>, Failure> {
        let mut found = Vec::new();
        let mut message = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(piece) = frames.next(&mut input)? {
                match piece {
                    Piece::Control { opcode, payload } => {
                        found.push((opcode, false, payload.to_vec()));
                    }
                    Piece::Data {
                        opcode,
                        compressed,
                        bytes,
                        ends,
                    } => {
                        message.extend(bytes);
                        if ends {
                            found.push((opcode, compressed, std::mem::take(&mut message)));
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let mut bytes = vec![0xc1, 0x02, b'a', b'b', 0x02, 0x01, b'c', 0x89, 0x01, b'!'];
        bytes.extend([0x80, 0x7e, 0x01, 0x00]);
        bytes.extend([b'd'; 256]);
        bytes.extend([0x81, 0x00, 0x8a, 0x00]);
        let mut long = vec![b'c'];
        long.extend([b'd'; 256]);
        let expected = vec![
            (1, true, b"ab".to_vec()),
            (PING, false, b"!".to_vec()),
            (2, false, long),
            (1, false, Vec::new()),
            (PONG, false, Vec::new()),
        ];
        for cut in 0..=bytes.len() {
            let (front, back) = bytes.split_at(cut);
            assert_eq!(
                read(&mut Frames::new(true), &[front, back]).unwrap(),
                expected
            );
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&mut Frames::new(true), &single).unwrap(), expected);
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        let frames: [&[u8]; 9] = [
            &[0x81, 0x81, 0, 0, 0, 0, 0],
            &[0xc1, 0x00],
            &[0xa1, 0x00],
            &[0x80, 0x00],
            &[0x83, 0x00],
            &[0x09, 0x00],
            &[0x89, 126, 0, 126],
            &[0x81, 126, 0, 125],
            &[0x01, 0x00, 0x81, 0x00],
        ];
        for frame in frames {
            assert!(
                read(&mut Frames::new(false), &[frame]).is_err(),
                "{frame:x?}"
            );
        }
    }
}
