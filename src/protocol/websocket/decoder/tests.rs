//! Each input is fed whole, byte by byte and at every cut, and must end the same way.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod compressed;
mod limits;
mod messages;
mod text;
mod violations;

use super::{At, Bytes, Close, Decoder, Event, Kind, Violation};

/// What the application and the peer see of the bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    events: Vec<Event>,
    violation: Option<Violation>,
    is_mid_message: bool,
}

impl Outcome {
    /// Feeds one read; false when the session is over.
    fn feed(&mut self, decoder: &mut Decoder, read: &[u8]) -> bool {
        let mut read = read.to_vec();
        let mut input = read.as_mut_slice();
        loop {
            let event = decoder.next(&mut input);
            self.is_mid_message = decoder.is_mid_message();
            match event {
                Ok(Some(Event::Close(close))) => {
                    self.events.push(Event::Close(close));
                    return false;
                }
                Ok(Some(event)) => self.events.push(event),
                Ok(None) => {
                    assert!(input.is_empty(), "input was left, but no event came");
                    return true;
                }
                Err(violation) => {
                    self.violation = Some(violation);
                    return false;
                }
            }
        }
    }
}

fn outcome<'a>(mut decoder: Decoder, reads: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut outcome = Outcome::default();
    for read in reads {
        if !outcome.feed(&mut decoder, read) {
            break;
        }
    }
    outcome
}

fn outcome_at_any_split(decoder: impl Fn() -> Decoder, bytes: &[u8]) -> Outcome {
    let whole = outcome(decoder(), [bytes]);
    let text = bytes.escape_ascii();
    assert_eq!(
        outcome(decoder(), bytes.chunks(1)),
        whole,
        "byte by byte: {text}"
    );
    for middle in 0..=bytes.len() {
        let (first, second) = bytes.split_at(middle);
        assert_eq!(
            outcome(decoder(), [first, second]),
            whole,
            "split at {middle}: {text}"
        );
        let released = outcome_with_release(decoder(), first, second);
        assert_eq!(released, whole, "released at {middle}: {text}");
    }
    whole
}

/// A session may be idle anywhere.
fn outcome_with_release(mut decoder: Decoder, first: &[u8], second: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    if outcome.feed(&mut decoder, first) {
        decoder.release();
        outcome.feed(&mut decoder, second);
    }
    outcome
}

fn plain() -> Decoder {
    Decoder::new(1 << 20, None)
}

/// The events of good bytes that end between frames.
fn events(rule: &str, bytes: &[u8]) -> Vec<Event> {
    let outcome = outcome_at_any_split(plain, bytes);
    assert_eq!(outcome.violation, None, "{rule}");
    assert!(!outcome.is_mid_message, "{rule}");
    outcome.events
}

/// How many bytes are taken before the violation, and the violation.
fn fault(mut decoder: Decoder, bytes: &[u8]) -> (usize, Violation) {
    let mut outcome = Outcome::default();
    let good = bytes
        .iter()
        .position(|byte| !outcome.feed(&mut decoder, &[*byte]));
    (good.unwrap(), outcome.violation.unwrap())
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client's frame; `first` has FIN, RSV and the opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(a, b)| a ^ b));
    bytes
}

/// The header of a frame, which claims so many bytes.
fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        126..=0xffff => {
            bytes.push(0xfe);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(0xff);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(KEY);
    bytes
}

fn text(payload: &str) -> Event {
    Event::Message {
        kind: Kind::Text,
        payload: Bytes::copy_from_slice(payload.as_bytes()),
    }
}

fn binary(payload: &[u8]) -> Event {
    Event::Message {
        kind: Kind::Binary,
        payload: Bytes::copy_from_slice(payload),
    }
}

fn ping(payload: &[u8]) -> Event {
    Event::Ping(Bytes::copy_from_slice(payload))
}

fn pong(payload: &[u8]) -> Event {
    Event::Pong(Bytes::copy_from_slice(payload))
}

/// Bytes set aside for the message that is coming.
fn room(decoder: &Decoder) -> usize {
    let message = match &decoder.at {
        At::Data(_, message) => Some(message),
        _ => decoder.open.as_ref(),
    };
    message.map_or(0, |message| message.payload.capacity())
}
