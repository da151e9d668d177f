//! Compressed messages: inflated as they come, under the same rules and limits as others (RFC 7692 6, 7.2; FLT-F24).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::{
    Decoder, Outcome, binary, fault, frame, header, outcome, outcome_at_any_split, ping, room, text,
};
use crate::protocol::websocket::deflate::{Deflater, Inflater};

const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

fn decoder_of(max_size: usize) -> Decoder {
    Decoder::new(max_size, Some(Inflater::new(15, false)))
}

fn inflating() -> Decoder {
    decoder_of(1 << 20)
}

/// As a peer without context takeover would compress it; it must be compressible.
fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(Deflater::new(15, true).deflate(payload, &mut out));
    out
}

/// One stored block, which says `payload` byte by byte.
fn stored(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [&[0][..], &lengths, payload, &[0]].concat()
}

#[track_caller]
fn refused(code: u16, reason: &str, bytes: &[u8]) {
    let violation = outcome_at_any_split(inflating, bytes).violation.unwrap();
    assert_eq!((violation.code, &*violation.reason), (code, reason));
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    for (section, bytes) in [
        ("7.2.3.1", frame(0xc1, HELLO)),
        (
            "7.2.3.1, in fragments",
            [
                frame(0x41, b"\xf2\x48\xcd"),
                frame(0x80, b"\xc9\xc9\x07\x00"),
            ]
            .concat(),
        ),
        ("7.2.3.3", frame(0xc1, b"\x00\x05\x00\xfa\xffHello\x00")),
        ("7.2.3.4", frame(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")),
        (
            "7.2.3.5",
            frame(
                0xc1,
                b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            ),
        ),
    ] {
        let outcome = outcome_at_any_split(inflating, &bytes);
        assert_eq!(outcome.events, [text("Hello")], "RFC 7692 {section}");
    }
}

#[test]
fn a_message_may_quote_the_one_before() {
    let again = frame(0xc1, b"\xf2\x00\x11\x00\x00");
    let bytes = [frame(0xc1, HELLO), again].concat();
    let outcome = outcome_at_any_split(inflating, &bytes);
    assert_eq!(
        outcome.events,
        [text("Hello"), text("Hello")],
        "RFC 7692 7.2.3.2"
    );
}

#[test]
fn compressed_and_other_messages_may_follow_each_other() {
    let bytes = [
        frame(0x81, b"plain"),
        frame(0xc1, HELLO),
        frame(0x42, HELLO.get(..2).unwrap()),
        frame(0x89, b"between"),
        frame(0x00, b""),
        frame(0x80, HELLO.get(2..).unwrap()),
        frame(0x01, b"pl"),
        frame(0x80, b"ain"),
        frame(0xc1, b"\x00"),
        frame(0xc2, b""),
    ]
    .concat();
    let expected = [
        text("plain"),
        text("Hello"),
        ping(b"between"),
        binary(b"Hello"),
        text("plain"),
        text(""),
        binary(b""),
    ];
    let outcome = outcome_at_any_split(inflating, &bytes);
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.events, expected);
    assert!(!outcome.is_mid_message);
}

#[test]
fn only_the_first_frame_of_a_message_says_that_it_is_compressed() {
    let reason = "reserved bits must be 0";
    let fragments = [frame(0x41, b"\xf2"), frame(0xc0, b"\x48")].concat();
    refused(1002, reason, &fragments);
    refused(
        1002,
        reason,
        &[frame(0x01, b"a"), frame(0xc0, HELLO)].concat(),
    );
    for opcode in [0x8, 0x9, 0xa] {
        refused(1002, reason, &frame(0xc0 | opcode, b""));
    }
    for bits in [0x50, 0x60, 0x70] {
        refused(1002, reason, &frame(0x81 | bits, HELLO));
    }
}

#[test]
fn what_no_compressor_writes_is_refused() {
    for payload in [
        // A reserved kind of block; lengths that do not agree; a quote from before the beginning.
        &b"\x06"[..],
        b"\xff\xff\xff",
        b"\x00\x05\x00\xfa\xf0Hello\x00",
        b"\xf2\x00\x11\x00\x00",
        // Ends in the midst of a block.
        b"\xf2\x48\xcd",
        b"\x00\x05\x00\xfa\xffHel",
    ] {
        refused(1002, "decompression failed", &frame(0xc2, payload));
        let fragments = [frame(0x42, payload), frame(0x80, b"")].concat();
        refused(1002, "decompression failed", &fragments);
    }
}

#[test]
fn a_message_may_inflate_to_the_limit_and_no_further() {
    let payload = [b'a'; 500];
    let bytes = frame(0xc2, &deflated(&payload));
    let good = outcome_at_any_split(|| decoder_of(500), &bytes);
    assert_eq!(good.events, [binary(&payload)]);
    let bad = outcome_at_any_split(|| decoder_of(499), &bytes);
    let violation = bad.violation.unwrap();
    assert_eq!(violation.code, 1009);
    assert_eq!(violation.reason, "frame exceeds limit of 499 bytes");
    // It is a fault of the byte that says too much, not of the end of the message.
    let long = deflated(&vec![b'a'; 100_000]);
    let (good, _) = fault(decoder_of(499), &frame(0xc2, &long));
    assert!(good < 6 + long.len() - 20, "{good} of {}", long.len());
}

#[test]
fn fragments_inflate_to_the_limit_together() {
    let (one, two) = (stored(&[b'a'; 60]), stored(&[b'b'; 40]));
    let bytes = [frame(0x42, &one), frame(0x80, &two)].concat();
    // Each ends in the first byte of the next block: what joins them is that byte.
    let joined = [one.get(..one.len() - 1).unwrap(), &two].concat();
    assert!(
        outcome_at_any_split(|| decoder_of(200), &bytes)
            .violation
            .is_some()
    );
    let (first, second) = joined.split_at(70);
    let bytes = [frame(0x42, first), frame(0x80, second)].concat();
    let whole = [&[b'a'; 60][..], &[b'b'; 40]].concat();
    let outcome = outcome_at_any_split(|| decoder_of(120), &bytes);
    assert_eq!(outcome.events, [binary(&whole)]);
    let outcome = outcome_at_any_split(|| decoder_of(99), &bytes);
    assert_eq!(
        outcome.violation.map(|violation| violation.code),
        Some(1009)
    );
}

#[test]
fn a_bomb_takes_no_more_than_the_limit() {
    let limit = 100_000;
    let bomb = deflated(&vec![0; 2 << 20]);
    for reads in [1 << 20, 1000, 17] {
        let mut decoder = decoder_of(limit);
        let mut outcome = Outcome::default();
        for read in frame(0xc2, &bomb).chunks(reads) {
            let goes_on = outcome.feed(&mut decoder, read);
            assert!(room(&decoder) <= limit + 1, "FLT-F24");
            if !goes_on {
                break;
            }
        }
        assert_eq!(outcome.violation.unwrap().code, 1009);
        assert_eq!(room(&decoder), 0);
    }
}

#[test]
fn a_claim_of_compressed_bytes_is_judged_like_any_other() {
    let (good, violation) = fault(decoder_of(1 << 24), &header(0xc2, 1 << 62));
    assert_eq!((good, violation.code), (9, 1009), "FLT-F20");
    let fragment = [frame(0x42, HELLO), header(0x00, 1 << 24)].concat();
    let (_, violation) = fault(decoder_of(1 << 24), &fragment);
    assert_eq!(
        violation.reason,
        "frame with 16777216 bytes after reading 5 bytes exceeds limit of 16777216 bytes"
    );
}

#[test]
fn text_is_checked_while_it_is_inflated() {
    let whole = "κόσμε \u{1f600} ".repeat(20);
    let bytes = frame(0xc1, &deflated(whole.as_bytes()));
    assert_eq!(
        outcome_at_any_split(inflating, &bytes).events,
        [text(&whole)]
    );
    for bad in [&b"good \xff good"[..], b"\xed\xa0\x80", b"cut \xce"] {
        refused(1007, "invalid UTF-8", &frame(0xc1, &stored(bad)));
        let bytes = frame(0xc2, &stored(bad));
        assert_eq!(
            outcome_at_any_split(inflating, &bytes).events,
            [binary(bad)]
        );
    }
    // Found at its byte: 6 of frame header, 5 of block header, 5 of good text.
    let bytes = frame(0xc1, &stored(b"good \xff and more"));
    assert_eq!(fault(inflating(), &bytes).0, 16);
}

#[test]
fn of_two_faults_the_first_counts() {
    // Bad text, then a block that cannot be; bad text, then too much of it.
    let payload = [&stored(b"bad \xff")[..], b"\xff\xff"].concat();
    refused(1007, "invalid UTF-8", &frame(0xc1, &payload));
    let bytes = frame(0xc1, &stored(b"bad \xff, and longer than the limit allows"));
    let violation = outcome_at_any_split(|| decoder_of(40), &bytes).violation;
    assert_eq!(violation.unwrap().code, 1009, "the claim comes before");
    let long = [&b"bad \xff"[..], &[b'a'; 400]].concat();
    let bytes = frame(0xc1, &deflated(&long));
    let violation = outcome_at_any_split(|| decoder_of(100), &bytes).violation;
    assert_eq!(violation.unwrap().code, 1007);
}

#[test]
fn a_flood_of_empty_messages_leaves_nothing() {
    let mut decoder = inflating();
    for _ in 0..1000 {
        let flood = [frame(0xc1, b"\x00"), frame(0xc2, b"")].concat().repeat(10);
        let outcome_of_read = {
            let mut outcome = Outcome::default();
            assert!(outcome.feed(&mut decoder, &flood));
            outcome
        };
        assert_eq!(outcome_of_read.events.len(), 20);
        assert_eq!(room(&decoder), 0);
    }
    // Fragments of a message that never says anything.
    let mut quiet = Outcome::default();
    quiet.feed(&mut decoder, &frame(0x41, b"\x00\x00\x00\xff\xff"));
    let fragments = frame(0x00, b"\x00\x00\x00\xff\xff").repeat(1000);
    for _ in 0..100 {
        assert!(quiet.feed(&mut decoder, &fragments));
        assert!(room(&decoder) <= 1024, "FLT-F21: {}", room(&decoder));
    }
}

/// Compressed messages with a bit turned: no verdict may depend on the split, and nothing may panic.
#[test]
fn damaged_messages_end_the_same_way_at_every_split() {
    let payload = b"{\"name\": \"value\", \"name\": \"value\", \"text\": \"\xce\xba\"}".repeat(2);
    let good = [frame(0xc1, &deflated(&payload)), frame(0xc1, HELLO)].concat();
    for place in 6..good.len() {
        for bit in [0, 3, 6] {
            let mut bytes = good.clone();
            *bytes.get_mut(place).unwrap() ^= 1 << bit;
            outcome_at_any_split(|| decoder_of(200), &bytes);
        }
    }
    let outcome = outcome(inflating(), [&good[..]]);
    assert_eq!(outcome.events.len(), 2);
}
