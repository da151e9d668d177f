//! What must hold for any bytes, as functions that panic where it does not: the targets in `fuzz/` call them, and the
//! tests with what is in `fuzz/seeds/`. Only in builds for either.
mod cuts;
#[cfg(test)]
mod tests;

use flate2::{Decompress, FlushDecompress, Status};

use self::cuts::Cuts;
use super::{
    decoder::{Decoder, Event},
    deflate::{Deflater, InflateError, Inflater},
    frame::Kind,
    violation::Violation,
};

/// The bytes of a peer, after one that says with which settings they are read: the same events and the same verdict,
/// however they are cut and wherever the session is idle; all as large and as well-formed as they should be.
pub(crate) fn websocket_decoder(input: &[u8]) {
    let Some((settings, bytes)) = input.split_first() else {
        return;
    };
    let max_size = match settings & 7 {
        7 => usize::MAX,
        size => 1000 * usize::from(size) * usize::from(size),
    };
    let inflater = || match settings >> 3 & 3 {
        0 => None,
        1 => Some(Inflater::new(15, false)),
        2 => Some(Inflater::new(12, false)),
        _ => Some(Inflater::new(9, true)),
    };
    let decoder = || Decoder::new(max_size, inflater());
    let expected = Session::read(decoder(), [bytes]);
    for event in &expected.events {
        assert_sound(event, max_size);
    }
    if let Some(violation) = &expected.violation {
        assert!([1002, 1007, 1009].contains(&violation.code));
        assert!(violation.reason.len() <= 123);
    }
    assert_eq!(Session::read(decoder(), bytes.chunks(1)), expected);
    let mut cuts = Cuts::new(bytes);
    for _ in 0..3 {
        assert_eq!(Session::read(decoder(), cuts.cut(bytes)), expected);
    }
    if bytes.len() <= 64 {
        for middle in 1..bytes.len() {
            let (head, tail) = bytes.split_at(middle);
            assert_eq!(Session::read(decoder(), [head, tail]), expected);
        }
    }
}

fn assert_sound(event: &Event, max_size: usize) {
    match event {
        Event::Message { kind, payload } => {
            assert!(payload.len() <= max_size);
            assert!(*kind == Kind::Binary || str::from_utf8(payload).is_ok());
        }
        Event::Ping(payload) | Event::Pong(payload) => assert!(payload.len() <= 125),
        Event::Close(Some(close)) => assert!(close.reason.len() <= 123),
        Event::Close(None) => {}
    }
}

/// What is seen of a peer.
#[derive(Debug, Default, PartialEq)]
struct Session {
    events: Vec<Event>,
    violation: Option<Violation>,
    is_mid_message: bool,
}

impl Session {
    /// Idle after each read.
    fn read<'a>(mut decoder: Decoder, reads: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut session = Self::default();
        for read in reads {
            let mut read = read.to_vec();
            let mut rest = read.as_mut_slice();
            loop {
                let event = decoder.next(&mut rest);
                session.is_mid_message = decoder.is_mid_message();
                match event {
                    Ok(None) => break,
                    Ok(Some(event)) => {
                        let is_over = matches!(event, Event::Close(_));
                        session.events.push(event);
                        if is_over {
                            return session;
                        }
                    }
                    Err(violation) => {
                        session.violation = Some(violation);
                        return session;
                    }
                }
            }
            assert!(rest.is_empty());
            decoder.release();
        }
        session
    }
}

/// Messages, each after a byte that is its length, after two bytes of settings: first as a peer's compressed ones, then
/// as what is to be compressed for a peer.
pub(crate) fn websocket_deflate(input: &[u8]) {
    let Some(([size, settings], bytes)) = input.split_first_chunk() else {
        return;
    };
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        let (message, after) = after.split_at(usize::from(*length).min(after.len()));
        messages.push(message);
        rest = after;
    }
    let (window_bits, no_context_takeover) = (8 + (settings & 7), settings & 8 != 0);
    let limit = 1 << (size & 15);
    inflate(&messages, window_bits, no_context_takeover, limit);
    // As one message a longer one, with what only those have: windows that move on.
    inflate(&[bytes], window_bits, no_context_takeover, limit);
    round_trip(&messages, window_bits, no_context_takeover);
    let repeated = bytes.repeat((4096 / bytes.len().max(1)).clamp(1, usize::from(*size) + 1));
    round_trip(&[bytes, &repeated, bytes], window_bits, no_context_takeover);
}

/// Three peers say the same in other pieces, and the same is understood, up to the limit and to the first fault.
fn inflate(messages: &[&[u8]], window_bits: u8, no_context_takeover: bool, limit: usize) {
    let inflater = || Inflater::new(window_bits, no_context_takeover);
    let (mut whole, mut bytewise, mut cut) = (inflater(), inflater(), inflater());
    // zlib itself with the largest window, as long as what it understands is what it should: no last block, no history that
    // was not agreed on.
    let mut reference = (!no_context_takeover && window_bits == 15).then(|| Decompress::new(false));
    for message in messages {
        let mut cuts = Cuts::new(message);
        let expected = inflated(&mut whole, [*message], limit);
        assert_eq!(inflated(&mut bytewise, message.chunks(1), limit), expected);
        assert_eq!(inflated(&mut cut, cuts.cut(message), limit), expected);
        let Ok(expected) = expected else { return };
        whole.release();
        reference = reference
            .filter(|_| !message.is_empty())
            .and_then(|mut stream| {
                let wire = [*message, &[0x00, 0x00, 0xff, 0xff]].concat();
                let mut out = Vec::with_capacity(expected.len() + 1);
                let status = stream.decompress_vec(&wire, &mut out, FlushDecompress::None);
                if !matches!(status, Ok(Status::Ok)) {
                    return None;
                }
                assert_eq!(out, expected);
                Some(stream)
            });
    }
}

fn inflated<'a>(
    inflater: &mut Inflater,
    parts: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    for part in parts {
        let result = inflater.inflate(part, &mut out, limit);
        assert!(out.capacity() <= limit + 1);
        result?;
        assert!(out.len() <= limit);
        inflater.release();
    }
    inflater.finish(&out)?;
    Ok(out)
}

/// Two sessions write in turn, with the same streams, and each peer reads what was written.
fn round_trip(messages: &[&[u8]], window_bits: u8, no_context_takeover: bool) {
    let session = || {
        (
            Deflater::new(window_bits, no_context_takeover),
            Inflater::new(window_bits, no_context_takeover),
        )
    };
    let mut sessions = [session(), session()];
    for (index, message) in messages.iter().enumerate() {
        let mut cuts = Cuts::new(message);
        for (deflater, inflater) in &mut sessions {
            if cuts.below(8) == 0 {
                deflater.release();
            }
            if cuts.below(4) == 0 {
                // This one has nothing to say now, and the other goes on where it was.
                continue;
            }
            let mut wire = Vec::new();
            if !deflater.deflate(message, &mut wire) {
                assert!(wire.is_empty());
                continue;
            }
            assert!(wire.len() < message.len());
            let read = inflated(inflater, cuts.cut(&wire), message.len());
            assert_eq!(read.as_deref(), Ok(*message), "message {index}");
        }
    }
}
