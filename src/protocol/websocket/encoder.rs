//! What the server has to say, as frames for the peer (RFC 6455 5.2): one a message, never masked.

#[cfg(test)]
mod tests;

use super::{
    close::Close,
    copy::append,
    deflate::Deflater,
    frame::{Control, Kind, MAX_CONTROL, Opcode, Rsv1, write_header},
};

/// The longest header of a server's frame.
const MAX_HEADER: usize = 10;

/// Bytes below which a payload is sent as it is. One of 128 to 1024 bytes takes 3 us to compress, 8 if the history has to
/// be set up first, against 0.01 us, and fills no fewer packets.
const MIN_COMPRESSED: usize = 128;

pub(super) struct Encoder {
    /// `None` if no compression was agreed on.
    deflater: Option<Deflater>,
}

impl Encoder {
    pub(super) fn new(deflater: Option<Deflater>) -> Encoder {
        Encoder { deflater }
    }

    /// Appends a message: compressed, if that was agreed on and makes it smaller.
    pub(super) fn message(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
        let opcode = Opcode::Message(kind);
        let start = out.len();
        let is_compressed = self
            .deflater
            .as_mut()
            .filter(|_| payload.len() >= MIN_COMPRESSED)
            .is_some_and(|deflater| deflater.deflate(payload, out));
        if !is_compressed {
            return frame(opcode, payload, out);
        }
        // How long the header is shows only now.
        let end = out.len();
        write_header(opcode, Rsv1::Set, end - start, out);
        let header = out.len() - end;
        if let Some(frame) = out.get_mut(start..) {
            frame.rotate_right(header);
        }
    }

    /// Nothing is sent for now: gives back what memory can be given back.
    pub(super) fn release(&mut self) {
        if let Some(deflater) = &mut self.deflater {
            deflater.release();
        }
    }

    /// Appends a Ping. Of a payload longer than 125 bytes the end is lost.
    pub(super) fn ping(payload: &[u8], out: &mut Vec<u8>) {
        control(Control::Ping, payload, out);
    }

    /// Appends a Pong, as `ping`.
    pub(super) fn pong(payload: &[u8], out: &mut Vec<u8>) {
        control(Control::Pong, payload, out);
    }

    /// Appends a Close frame, after which nothing may be sent.
    pub(super) fn close(close: Option<&Close>, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        if let Some(close) = close {
            close.write(&mut payload);
        }
        control(Control::Close, &payload, out);
    }
}

fn control(control: Control, payload: &[u8], out: &mut Vec<u8>) {
    let payload = payload.get(..MAX_CONTROL).unwrap_or(payload);
    frame(Opcode::Control(control), payload, out);
}

fn frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(MAX_HEADER + payload.len());
    write_header(opcode, Rsv1::Clear, payload.len(), out);
    append(payload, out);
}
