//! Headers read and written, at the lengths where their form changes (RFC 6455 5.2).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::{Allowed, Control, Held, Kind, Opcode, Rsv1, write_header};

const ANY: Allowed = Allowed {
    continuation: false,
    compression: true,
    received: 0,
    max_size: usize::MAX,
};

/// The header as a client would send it: with a mask.
fn masked(opcode: Opcode, rsv1: Rsv1, length: usize) -> Vec<u8> {
    let mut bytes = written(opcode, rsv1, length);
    *bytes.get_mut(1).unwrap() |= 0x80;
    bytes.extend_from_slice(&[1, 2, 3, 4]);
    bytes
}

fn written(opcode: Opcode, rsv1: Rsv1, length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    write_header(opcode, rsv1, length, &mut out);
    out
}

#[test]
fn lengths_are_written_in_the_fewest_bytes() {
    let text = |length| written(Opcode::Message(Kind::Text), Rsv1::Clear, length);
    assert_eq!(text(0), [0x81, 0]);
    assert_eq!(text(125), [0x81, 125]);
    assert_eq!(text(126), [0x81, 126, 0, 126]);
    assert_eq!(text(127), [0x81, 126, 0, 127]);
    assert_eq!(text(255), [0x81, 126, 0, 255]);
    assert_eq!(text(256), [0x81, 126, 1, 0]);
    assert_eq!(text(65_535), [0x81, 126, 255, 255]);
    assert_eq!(text(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn first_bytes_say_opcode_and_compression() {
    for (opcode, byte) in [
        (Opcode::Continuation, 0x80),
        (Opcode::Message(Kind::Text), 0x81),
        (Opcode::Message(Kind::Binary), 0x82),
        (Opcode::Control(Control::Close), 0x88),
        (Opcode::Control(Control::Ping), 0x89),
        (Opcode::Control(Control::Pong), 0x8a),
    ] {
        assert_eq!(written(opcode, Rsv1::Clear, 1), [byte, 1]);
        assert_eq!(written(opcode, Rsv1::Set, 1), [byte | 0x40, 1]);
    }
}

#[test]
fn a_header_is_read_as_it_is_written_at_every_split() {
    for length in [0, 1, 125, 126, 65_535, 65_536, 1 << 40] {
        for kind in [Kind::Text, Kind::Binary] {
            for rsv1 in [Rsv1::Clear, Rsv1::Set] {
                let bytes = masked(Opcode::Message(kind), rsv1, length);
                for middle in 0..=bytes.len() {
                    let mut bytes = [&bytes, &b"rest"[..]].concat();
                    let (mut first, mut second) = bytes.split_at_mut(middle);
                    let mut held = Held::default();
                    let header = held.complete(&mut first, &ANY).unwrap();
                    assert!(first.is_empty());
                    let header = match header {
                        Some(header) => header,
                        None => held.complete(&mut second, &ANY).unwrap().unwrap(),
                    };
                    assert_eq!(second, b"rest");
                    assert!(held.is_empty());
                    assert_eq!(header.opcode, Opcode::Message(kind));
                    assert_eq!(header.is_compressed, rsv1 == Rsv1::Set);
                    assert_eq!(header.length, length);
                    assert!(header.is_final);
                }
            }
        }
    }
}

/// Every first and second byte, in every context: accepted exactly as RFC 6455 5.2, 5.4, 5.5 and RFC 7692 6 say.
#[test]
fn first_two_bytes_are_judged_by_the_rules() {
    for first in 0..=u8::MAX {
        for continuation in [false, true] {
            for compression in [false, true] {
                let allowed = Allowed {
                    continuation,
                    compression,
                    ..ANY
                };
                let (fin, rsv1) = (first & 0x80 != 0, first & 0x40 != 0);
                let is_data = matches!(first & 15, 1 | 2);
                let good = match first & 15 {
                    0 => continuation,
                    1 | 2 => !continuation,
                    8..=10 => fin,
                    _ => false,
                };
                let good = good && first & 0x30 == 0 && (!rsv1 || (compression && is_data));
                let judged = Held::default().complete(&mut &mut [first][..], &allowed);
                assert_eq!(judged.is_ok(), good, "{first:x} {allowed:?}");
                for second in 0..=u8::MAX {
                    let good = good && second & 0x80 != 0 && (first & 8 == 0 || second & 127 < 126);
                    let judged = Held::default().complete(&mut &mut [first, second][..], &allowed);
                    assert_eq!(judged.is_ok(), good, "{first:x} {second:x} {allowed:?}");
                }
            }
        }
    }
}
