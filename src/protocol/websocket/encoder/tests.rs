//! Frames as the peer gets them (RFC 6455 5.2, 5.5, 5.7).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::{Close, Encoder, Kind};

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
