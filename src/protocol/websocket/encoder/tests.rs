//! Frames as the peer gets them (RFC 6455 5.2, 5.5, 5.7; RFC 7692 6.1).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use super::{Close, Deflater, Encoder, Kind, MIN_COMPRESSED};
use crate::protocol::websocket::deflate::Inflater;

fn message(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(None).message(kind, payload, &mut out);
    out
}

fn control(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

#[test]
fn messages_are_one_unmasked_frame() {
    assert_eq!(
        message(Kind::Text, b"Hello"),
        b"\x81\x05Hello",
        "RFC 6455 5.7"
    );
    assert_eq!(message(Kind::Text, b""), b"\x81\x00", "ASGI-78");
    assert_eq!(message(Kind::Binary, b"\0\xff"), b"\x82\x02\0\xff");
}

#[test]
fn lengths_take_the_fewest_bytes() {
    for (length, header) in [
        (125, &b"\x82\x7d"[..]),
        (126, b"\x82\x7e\x00\x7e"),
        (65_535, b"\x82\x7e\xff\xff"),
        (65_536, b"\x82\x7f\0\0\0\0\0\x01\0\0"),
    ] {
        let payload = vec![b'a'; length];
        let expected = [header, &payload].concat();
        assert!(message(Kind::Binary, &payload) == expected, "{length}");
    }
}

#[test]
fn frames_are_added_to_what_is_there() {
    let mut out = b"before".to_vec();
    let mut encoder = Encoder::new(None);
    encoder.message(Kind::Text, b"a", &mut out);
    Encoder::ping(b"b", &mut out);
    encoder.message(Kind::Binary, b"c", &mut out);
    assert_eq!(out, b"before\x81\x01a\x89\x01b\x82\x01c");
}

#[test]
fn control_frames_hold_125_bytes_at_most() {
    for (length, kept) in [(0, 0), (4, 4), (125, 125), (126, 125), (70_000, 125)] {
        let payload = vec![b'a'; length];
        let expected = [&[0x89, u8::try_from(kept).unwrap()][..], &vec![b'a'; kept]].concat();
        assert_eq!(control(|out| Encoder::ping(&payload, out)), expected);
        let pong = control(|out| Encoder::pong(&payload, out));
        assert_eq!(pong.first(), Some(&0x8a));
        assert_eq!(pong.get(1..), expected.get(1..));
    }
}

#[test]
fn close_frames_hold_a_code_and_a_reason_or_nothing() {
    assert_eq!(control(|out| Encoder::close(None, out)), b"\x88\x00");
    let close = Close::new(1000, "").unwrap();
    let bytes = control(|out| Encoder::close(Some(&close), out));
    assert_eq!(bytes, b"\x88\x02\x03\xe8");
    let close = Close::new(4001, "bye").unwrap();
    let bytes = control(|out| Encoder::close(Some(&close), out));
    assert_eq!(bytes, b"\x88\x05\x0f\xa1bye", "ASGI-79");
    let close = Close::new(1011, &"a".repeat(123)).unwrap();
    let bytes = control(|out| Encoder::close(Some(&close), out));
    assert_eq!(bytes.len(), 127);
    // One that was not made by `new`.
    let close = Close {
        code: 1011,
        reason: "κ".repeat(100),
    };
    let bytes = control(|out| Encoder::close(Some(&close), out));
    assert_eq!(bytes.get(..2), Some(&[0x88, 124][..]));
    assert_eq!(bytes.len(), 126);
}

/// The messages of a server's frames as a client reads them: opcode, whether it was compressed, payload.
fn read(mut bytes: &[u8], inflater: &mut Inflater) -> Vec<(u8, bool, Vec<u8>)> {
    let mut messages = Vec::new();
    while let Some((&[first, second], rest)) = bytes.split_first_chunk() {
        let (length, rest) = match second {
            126 => {
                let (length, rest) = rest.split_first_chunk().unwrap();
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk().unwrap();
                (usize::try_from(u64::from_be_bytes(*length)).unwrap(), rest)
            }
            length => (usize::from(length), rest),
        };
        let (payload, rest) = rest.split_at(length);
        let mut message = Vec::new();
        let is_compressed = first & 0x40 != 0;
        if is_compressed {
            inflater.inflate(payload, &mut message, 1 << 24).unwrap();
            inflater.finish(&message).unwrap();
        } else {
            message.extend_from_slice(payload);
        }
        assert_eq!(first & 0xb0, 0x80, "final, and no other bits");
        messages.push((first & 15, is_compressed, message));
        bytes = rest;
    }
    assert!(bytes.is_empty());
    messages
}

/// Bytes that no compressor makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn compressible(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| b"abcdefgh"[i % 7] ^ u8::from(i % 61 == 0))
        .collect()
}

#[test]
fn large_messages_are_compressed_and_small_ones_are_not() {
    for no_takeover in [false, true] {
        let mut encoder = Encoder::new(Some(Deflater::new(15, no_takeover)));
        for (length, is_compressed) in [
            (0, false),
            (MIN_COMPRESSED - 1, false),
            (MIN_COMPRESSED, true),
            (70_000, true),
        ] {
            let payload = vec![b'a'; length];
            let mut out = Vec::new();
            encoder.message(Kind::Text, &payload, &mut out);
            assert_eq!(out.first(), Some(&if is_compressed { 0xc1 } else { 0x81 }));
            assert_eq!(out.len() < length, is_compressed, "{length}");
        }
    }
}

#[test]
fn what_is_sent_is_what_is_read_whether_compressed_or_not() {
    for no_takeover in [false, true] {
        let mut encoder = Encoder::new(Some(Deflater::new(12, no_takeover)));
        let mut inflater = Inflater::new(12, no_takeover);
        let mut out = Vec::new();
        let mut sent = Vec::new();
        // Compressed forms of every length of header; what does not shrink; and what quotes across it.
        for length in [0, 100, 128, 200, 5_000, 200, 70_000, 1_000, 300_000, 200] {
            for payload in [compressible(length), noise(length), compressible(length)] {
                encoder.message(Kind::Binary, &payload, &mut out);
                Encoder::ping(b"between", &mut out);
                sent.push((2, payload));
                sent.push((9, b"between".to_vec()));
            }
            if length == 1_000 {
                encoder.release();
            }
        }
        let messages = read(&out, &mut inflater);
        assert!(messages.iter().any(|(_, is_compressed, _)| *is_compressed));
        let read: Vec<_> = messages
            .into_iter()
            .map(|(opcode, _, payload)| (opcode, payload))
            .collect();
        assert!(read == sent, "no takeover: {no_takeover}");
    }
}

#[test]
fn what_does_not_shrink_is_sent_as_it_is() {
    let mut encoder = Encoder::new(Some(Deflater::new(15, false)));
    let payload = noise(10_000);
    let mut out = b"before".to_vec();
    encoder.message(Kind::Binary, &payload, &mut out);
    assert!(out == [b"before\x82\x7e\x27\x10", &payload[..]].concat());
}

#[test]
fn a_compressed_frame_is_added_to_what_is_there() {
    let mut encoder = Encoder::new(Some(Deflater::new(15, false)));
    let mut out = b"before".to_vec();
    encoder.message(Kind::Text, &[b'a'; 1000], &mut out);
    let frame = out.strip_prefix(b"before").unwrap();
    let messages = read(frame, &mut Inflater::new(15, false));
    assert!(messages == [(1, true, vec![b'a'; 1000])]);
}
