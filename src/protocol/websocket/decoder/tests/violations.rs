//! What is refused, at which byte, with which code (RFC 6455 5.1 to 5.5, 7.4, 8.1).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::{Decoder, fault, frame, header, outcome_at_any_split, plain};

/// The violation falls at byte `good`, however the bytes are split.
#[track_caller]
fn refuses(rule: &str, good: usize, code: u16, reason: &str, bytes: &[u8]) {
    let text = bytes.escape_ascii();
    let outcome = outcome_at_any_split(plain, bytes);
    let events = &outcome.events;
    assert!(
        outcome.violation.is_some(),
        "{rule}: {text} gave {events:?}"
    );
    let violation = outcome.violation.unwrap();
    assert_eq!(violation.code, code, "{rule}: {text}");
    assert_eq!(violation.reason, reason, "{rule}: {text}");
    assert_eq!(fault(plain(), bytes), (good, violation), "{rule}: {text}");
    assert!(!outcome.is_mid_message);
}

#[test]
fn a_frame_without_a_mask_is_refused() {
    for bytes in [
        &b"\x81\x00"[..],
        b"\x81\x05Hello",
        b"\x89\x00",
        b"\x88\x00",
        b"\x82\x7e\x01\x00",
        b"\x82\x7f\0\0\0\0\0\x01\0\0",
    ] {
        refuses("RFC 6455 5.1", 1, 1002, "incorrect masking", bytes);
    }
}

#[test]
fn reserved_bits_are_refused() {
    for bits in [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70] {
        for opcode in [0x1, 0x2, 0x8, 0x9, 0xa] {
            let bytes = frame(0x80 | bits | opcode, b"");
            refuses("RFC 6455 5.2", 0, 1002, "reserved bits must be 0", &bytes);
        }
        let fragments = [frame(0x01, b"a"), frame(0x80 | bits, b"b")].concat();
        refuses(
            "RFC 6455 5.2",
            7,
            1002,
            "reserved bits must be 0",
            &fragments,
        );
    }
}

#[test]
fn unknown_opcodes_are_refused() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for fin in [0, 0x80] {
            let bytes = frame(fin | opcode, b"");
            refuses("RFC 6455 5.2", 0, 1002, "invalid opcode", &bytes);
        }
    }
}

#[test]
fn lengths_that_are_not_minimal_are_refused() {
    let reason = "frame length not minimal";
    for length in [0_u16, 1, 125] {
        let bytes = [&[0x82, 0xfe][..], &length.to_be_bytes(), &[0; 4]].concat();
        refuses("RFC 6455 5.2", 3, 1002, reason, &bytes);
    }
    for length in [0_u64, 1, 125, 126, 65_535] {
        let bytes = [&[0x82, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
        refuses("RFC 6455 5.2", 9, 1002, reason, &bytes);
    }
}

#[test]
fn a_length_with_its_top_bit_set_is_refused() {
    for length in [1 << 63, (1 << 63) + 5, u64::MAX] {
        let bytes = header(0x82, length);
        refuses("RFC 6455 5.2", 9, 1002, "frame length out of range", &bytes);
        let (good, violation) = fault(Decoder::new(usize::MAX, None), &bytes);
        assert_eq!((good, violation.code), (9, 1002), "FLT-F20");
    }
}

#[test]
fn control_frames_that_are_long_or_fragmented_are_refused() {
    for opcode in [0x8, 0x9, 0xa] {
        let fragmented = frame(opcode, b"");
        refuses(
            "RFC 6455 5.5",
            0,
            1002,
            "fragmented control frame",
            &fragmented,
        );
        for length in [126, 65_536, 1 << 62] {
            let long = header(0x80 | opcode, length);
            refuses("RFC 6455 5.5", 1, 1002, "control frame too long", &long);
        }
        let inside = [frame(0x01, b"a"), frame(opcode, b"")].concat();
        refuses("RFC 6455 5.4", 7, 1002, "fragmented control frame", &inside);
    }
}

#[test]
fn a_continuation_of_nothing_is_refused() {
    let reason = "unexpected continuation frame";
    for fin in [0, 0x80] {
        refuses("RFC 6455 5.4", 0, 1002, reason, &frame(fin, b"a"));
        let after = [frame(0x81, b"a"), frame(fin, b"b")].concat();
        refuses("RFC 6455 5.4", 7, 1002, reason, &after);
        let after = [frame(0x01, b"a"), frame(0x80, b"b"), frame(fin, b"c")].concat();
        refuses("RFC 6455 5.4", 14, 1002, reason, &after);
        let after = [frame(0x89, b""), frame(fin, b"c")].concat();
        refuses("RFC 6455 5.4", 6, 1002, reason, &after);
    }
}

#[test]
fn a_message_within_a_message_is_refused() {
    let reason = "expected a continuation frame";
    for first in [0x01, 0x02, 0x81, 0x82] {
        let bytes = [frame(0x01, b"a"), frame(first, b"b")].concat();
        refuses("RFC 6455 5.4", 7, 1002, reason, &bytes);
        let bytes = [frame(0x02, b""), frame(0x89, b""), frame(first, b"b")].concat();
        refuses("RFC 6455 5.4", 12, 1002, reason, &bytes);
    }
}

#[test]
fn a_close_outside_the_grammar_is_refused() {
    let short = frame(0x88, b"\x03");
    refuses("RFC 6455 5.5.1", 6, 1002, "close frame too short", &short);
    for code in [
        0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        let bytes = frame(0x88, &code.to_be_bytes());
        refuses("RFC 6455 7.4", 7, 1002, "invalid status code", &bytes);
    }
    let reason = frame(0x88, b"\x03\xe8\xce\xba\xe1\xbd\xb9\xff");
    refuses("RFC 6455 8.1", 13, 1007, "invalid UTF-8", &reason);
    let reason = frame(0x88, b"\x03\xe8\xce");
    refuses("RFC 6455 8.1", 8, 1007, "invalid UTF-8", &reason);
}

#[test]
fn good_frames_before_a_violation_are_delivered() {
    let bytes = [frame(0x81, b"good"), frame(0x89, b"good"), frame(0x83, b"")].concat();
    let outcome = outcome_at_any_split(plain, &bytes);
    assert_eq!(outcome.events.len(), 2);
    refuses("RFC 6455 7.1.7", 20, 1002, "invalid opcode", &bytes);
}

/// Short inputs of every kind: no verdict may depend on the split, and nothing may panic.
#[test]
fn noise_ends_the_same_way_at_every_split() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let firsts = [0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a];
    for _ in 0..3000 {
        let mut bytes = Vec::new();
        for _ in 0..random() % 6 {
            let first = firsts.get((random() % 9) as usize).copied();
            let payload = random().to_ne_bytes();
            let payload = payload.get(..(random() % 9) as usize).unwrap_or_default();
            bytes.extend(frame(first.unwrap_or_default(), payload));
        }
        if random() % 2 == 0 {
            bytes.extend(random().to_ne_bytes());
        }
        outcome_at_any_split(|| Decoder::new(12, None), &bytes);
    }
}
