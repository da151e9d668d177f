//! Sizes are judged by what is claimed, memory grows by what has come (FLT-F20, FLT-F21).

use super::{
    Decoder, Outcome, binary, fault, frame, header, outcome, outcome_at_any_split, ping, plain,
    room, text,
};

#[track_caller]
fn is_too_large(good: usize, max_size: usize, reason: &str, bytes: &[u8]) {
    let outcome = outcome_at_any_split(|| Decoder::new(max_size, None), bytes);
    let (offset, violation) = fault(Decoder::new(max_size, None), bytes);
    assert_eq!(violation.code, 1009);
    assert_eq!(violation.reason, reason);
    assert_eq!(offset, good);
    assert_eq!(outcome.violation, Some(violation));
}

#[test]
fn a_message_may_be_as_large_as_the_limit_and_no_larger() {
    for payload in [&b"12345"[..], b"1234", b""] {
        let outcome = outcome_at_any_split(|| Decoder::new(5, None), &frame(0x82, payload));
        assert_eq!(outcome.events, [binary(payload)]);
    }
    let reason = "frame with 6 bytes exceeds limit of 5 bytes";
    is_too_large(1, 5, reason, &frame(0x82, b"123456"));
    let reason = "frame with 1 bytes exceeds limit of 0 bytes";
    is_too_large(1, 0, reason, &frame(0x81, b"1"));
    let nothing = outcome_at_any_split(|| Decoder::new(0, None), &frame(0x81, b""));
    assert_eq!(nothing.events, [text("")]);
}

#[test]
fn fragments_may_be_as_large_together_and_no_larger() {
    let good = [frame(0x02, b"12"), frame(0x00, b""), frame(0x80, b"345")].concat();
    let outcome = outcome_at_any_split(|| Decoder::new(5, None), &good);
    assert_eq!(outcome.events, [binary(b"12345")]);
    let reason = "frame with 4 bytes after reading 2 bytes exceeds limit of 5 bytes";
    let bad = [frame(0x02, b"12"), frame(0x00, b""), frame(0x80, b"3456")].concat();
    is_too_large(8 + 6 + 1, 5, reason, &bad);
    // The limit is a message's, not a session's.
    let many = frame(0x82, b"12345").repeat(3);
    let outcome = outcome_at_any_split(|| Decoder::new(5, None), &many);
    assert_eq!(outcome.events.len(), 3);
}

#[test]
fn a_claim_beyond_the_limit_is_refused_before_a_byte_of_it() {
    for length in [1 << 30, 1 << 62, (1 << 63) - 1] {
        let bytes = header(0x82, length);
        let reason = format!("frame with {length} bytes exceeds limit of 16777216 bytes");
        is_too_large(9, 16_777_216, &reason, &bytes);
        let fragment = [frame(0x01, b"abc"), header(0x00, length)].concat();
        let reason = format!(
            "frame with {length} bytes after reading 3 bytes exceeds limit of 16777216 bytes"
        );
        is_too_large(18, 16_777_216, &reason, &fragment);
    }
}

#[test]
fn a_claim_costs_nothing() {
    for first in [0x02, 0x82] {
        let mut decoder = Decoder::new(usize::MAX, None);
        let mut outcome = Outcome::default();
        outcome.feed(&mut decoder, &header(first, (1 << 63) - 1));
        assert_eq!(room(&decoder), 0);
        for received in 1..=1000 {
            outcome.feed(&mut decoder, b"a");
            assert!(room(&decoder) <= 2 * received, "{received}");
        }
        outcome.feed(&mut decoder, &[b'a'; 9000]);
        assert!(room(&decoder) <= 20_000);
        assert_eq!(outcome.violation, None);
    }
}

#[test]
fn control_frames_do_not_count() {
    let bytes = [
        frame(0x01, b"1"),
        frame(0x89, &[b'p'; 125]),
        frame(0x80, b"2"),
    ]
    .concat();
    let outcome = outcome_at_any_split(|| Decoder::new(2, None), &bytes);
    assert_eq!(outcome.events, [ping(&[b'p'; 125]), text("12")]);
}

#[test]
fn a_million_empty_fragments_cost_nothing() {
    let mut decoder = plain();
    let mut outcome = Outcome::default();
    outcome.feed(&mut decoder, &frame(0x01, b""));
    let fragments = frame(0x00, b"").repeat(1000);
    for _ in 0..1000 {
        assert!(outcome.feed(&mut decoder, &fragments));
    }
    assert_eq!(room(&decoder), 0, "FLT-F21");
    assert!(outcome.feed(&mut decoder, &frame(0x80, b"end")));
    assert_eq!(outcome.events, [text("end")]);
}

#[test]
fn a_million_fragments_of_a_byte_cost_their_bytes() {
    let limit = 1_000_000;
    let mut decoder = Decoder::new(limit, None);
    let mut outcome = Outcome::default();
    outcome.feed(&mut decoder, &frame(0x01, b""));
    let fragments = frame(0x00, b"a").repeat(1000);
    for thousands in 1..=1000 {
        assert!(outcome.feed(&mut decoder, &fragments));
        let most = (2 * 1000 * thousands).min(limit);
        assert!(room(&decoder) <= most, "FLT-F21: {}", room(&decoder));
    }
    let mut over = Outcome::default();
    assert!(!over.feed(&mut decoder, &frame(0x80, b"a")));
    assert_eq!(over.violation.map(|violation| violation.code), Some(1009));
    assert_eq!(room(&decoder), 0);
    assert!(outcome.events.is_empty());
}

#[test]
fn a_frame_that_comes_in_many_reads_is_held_once() {
    let payload = vec![b'a'; 100_000];
    let bytes = frame(0x82, &payload);
    let mut decoder = plain();
    let mut events = Outcome::default();
    for read in bytes.chunks(1000) {
        events.feed(&mut decoder, read);
        // Never more than the frame will need.
        assert!(room(&decoder) <= payload.len());
    }
    assert!(events.events == [binary(&payload)]);
    assert_eq!(room(&decoder), 0);
}

#[test]
fn what_is_over_holds_nothing() {
    let half = frame(0x01, &[b'a'; 1000]);
    for end in [
        &b"\x88\x80\0\0\0\0"[..],
        b"\x83",
        b"\x00\x84\0\0\0\0good\xff\xff",
    ] {
        let mut decoder = plain();
        let mut outcome = Outcome::default();
        outcome.feed(&mut decoder, &half);
        assert!(room(&decoder) >= 1000);
        assert!(!outcome.feed(&mut decoder, end));
        assert_eq!(room(&decoder), 0, "{}", end.escape_ascii());
    }
}

#[test]
fn a_release_leaves_no_more_than_what_has_come() {
    let mut decoder = plain();
    let mut events = Outcome::default();
    for _ in 0..100 {
        events.feed(
            &mut decoder,
            &frame(if events.is_mid_message { 0 } else { 2 }, b"a"),
        );
    }
    assert!(room(&decoder) >= 100);
    decoder.release();
    assert_eq!(room(&decoder), 100);
    events.feed(&mut decoder, &frame(0x80, b""));
    assert_eq!(events.events, [binary(&[b'a'; 100])]);
    assert!(!outcome(plain(), [&b""[..]]).is_mid_message);
}
