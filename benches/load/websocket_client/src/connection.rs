//! One open connection: writes what is due, reads and judges what comes. Never waits; knows no
//! other connection and no clock.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

use crate::answers::{Answers, Scratch};
use crate::failure::Failure;
use crate::frames::{CLOSE, Frames, PING, PONG, Piece};
use crate::handshake::Opened;
use crate::script::{Script, control_frame};

/// Read at once from a connection: four of the largest messages that the scenarios use.
pub const INPUT_BYTES: usize = 64 << 10;

/// What a read brought.
#[derive(Default, Debug)]
pub struct Received {
    pub answers: usize,
    pub pongs: usize,
}

pub struct Connection {
    stream: TcpStream,
    frames: Frames,
    answers: Answers,
    /// The number, in the script, of the message to write next or half written.
    next: usize,
    /// How much of its frame is written.
    offset: usize,
    /// Messages to write.
    due: usize,
    /// Pings and Pongs to write between messages.
    control: Vec<u8>,
    early: Vec<u8>,
}

impl Connection {
    pub fn new(opened: Opened, start: usize) -> Self {
        let inflating = opened.agreed.as_ref().map(|agreed| agreed.inflating);
        Self {
            stream: opened.stream,
            frames: Frames::new(inflating.is_some()),
            answers: Answers::new(start, inflating),
            next: start,
            offset: 0,
            due: 0,
            control: Vec::new(),
            early: opened.early,
        }
    }

    /// Answers that came compressed.
    pub fn compressed_answers(&self) -> u64 {
        self.answers.compressed
    }

    /// Puts one more message behind what is due.
    pub fn say(&mut self) {
        self.due += 1;
    }

    pub fn ping(&mut self) {
        control_frame(PING, b"idle?", &mut self.control);
    }

    /// Writes what is due; whether the socket took all of it.
    pub fn flush(&mut self, script: &Script) -> Result<bool, Failure> {
        loop {
            let between = self.offset == 0 && !self.control.is_empty();
            if !between && self.due == 0 {
                return Ok(true);
            }
            let bytes = if between {
                &self.control
            } else {
                &script.frames(self.next, self.due)[self.offset..]
            };
            let written = match (&self.stream).write(bytes) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(Failure::Io("writing", error)),
            };
            if between {
                self.control.drain(..written);
                continue;
            }
            self.offset += written;
            while self.due > 0 {
                let length = script.frames(self.next, 1).len();
                if self.offset < length {
                    break;
                }
                self.offset -= length;
                self.next += 1;
                self.due -= 1;
            }
        }
    }

    /// Reads once: what is left makes the socket readable again.
    pub fn receive(
        &mut self,
        script: &Script,
        input: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<Received, Failure> {
        let mut received = Received::default();
        let early = std::mem::take(&mut self.early);
        self.judge(&early, script, scratch, &mut received)?;
        match (&self.stream).read(input) {
            Ok(0) => Err(Failure::Wrong(
                "the server closed the connection".to_owned(),
            )),
            Ok(count) => {
                self.judge(&input[..count], script, scratch, &mut received)?;
                Ok(received)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(received),
            Err(error) => Err(Failure::Io("reading", error)),
        }
    }

    fn judge(
        &mut self,
        mut input: &[u8],
        script: &Script,
        scratch: &mut Scratch,
        received: &mut Received,
    ) -> Result<(), Failure> {
        while let Some(piece) = self.frames.next(&mut input)? {
            match piece {
                Piece::Data {
                    opcode,
                    compressed,
                    bytes,
                    ends,
                } => {
                    let kind = (opcode, compressed);
                    let whole = self.answers.take(kind, bytes, ends, script, scratch)?;
                    received.answers += usize::from(whole);
                }
                Piece::Control {
                    opcode: PING,
                    payload,
                } => {
                    control_frame(PONG, payload, &mut self.control);
                }
                Piece::Control {
                    opcode: CLOSE,
                    payload,
                } => {
                    let (code, reason) = payload.split_at_checked(2).unwrap_or_default();
                    let code = code
                        .iter()
                        .fold(0, |code, byte| code << 8 | u32::from(*byte));
                    let reason = String::from_utf8_lossy(reason);
                    return Err(Failure::Wrong(format!(
                        "the server closed: {code} {reason:?}"
                    )));
                }
                Piece::Control { .. } => received.pongs += 1,
            }
        }
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
