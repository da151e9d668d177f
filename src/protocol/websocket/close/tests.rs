//! Close codes and reasons, both ways (RFC 6455 5.5.1, 7.4).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::{Close, CloseError, Violation, is_sendable};

fn payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

fn written(close: &Close) -> Vec<u8> {
    let mut out = Vec::new();
    close.write(&mut out);
    out
}

#[test]
fn codes_are_valid_as_the_registry_says() {
    let valid: Vec<u16> = (0..=u16::MAX).filter(|code| is_sendable(*code)).collect();
    let expected = (1000..=1003).chain(1007..=1014).chain(3000..=4999);
    assert_eq!(valid, expected.collect::<Vec<u16>>(), "RFC 6455 7.4");
}

#[test]
fn a_close_is_read_as_it_is_written() {
    for (code, reason) in [(1000, ""), (1001, "going away"), (4999, "κόσμε")] {
        let close = Close::new(code, reason).unwrap();
        assert_eq!(written(&close), payload(code, reason.as_bytes()));
        assert_eq!(Close::parse(&written(&close)), Ok(Some(close)));
    }
    assert_eq!(Close::parse(b""), Ok(None), "RFC 6455 5.5.1");
}

#[test]
fn a_payload_outside_the_grammar_is_refused() {
    let code = |payload: &[u8]| Close::parse(payload).unwrap_err().code;
    assert_eq!(code(b"\x03"), 1002, "RFC 6455 5.5.1");
    for bad in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ] {
        assert_eq!(code(&payload(bad, b"")), 1002, "RFC 6455 7.4: {bad}");
        assert_eq!(code(&payload(bad, b"why")), 1002, "RFC 6455 7.4: {bad}");
    }
    for bad in [
        &b"\xff"[..],
        b"\xce",
        b"\xed\xa0\x80",
        b"good \xf4\x90\x80\x80",
    ] {
        assert_eq!(code(&payload(1000, bad)), 1007, "RFC 6455 8.1: {bad:x?}");
    }
}

#[test]
fn what_may_not_be_sent_is_not_made() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        assert_eq!(Close::new(code, ""), Err(CloseError::Code(code)));
    }
    let longest = "a".repeat(123);
    assert!(Close::new(1000, &longest).is_ok());
    let cases = [("a".repeat(124), 124), ("κ".repeat(62), 124)];
    for (reason, length) in cases {
        let error = CloseError::ReasonTooLong(length);
        assert_eq!(Close::new(1000, &reason), Err(error));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(
        CloseError::Code(1006).to_string(),
        "1006 is not a close code that may be sent"
    );
    assert_eq!(
        CloseError::ReasonTooLong(124).to_string(),
        "a close reason of 124 bytes of UTF-8 is longer than 123"
    );
}

#[test]
fn a_reason_that_is_too_long_is_cut_between_characters() {
    for (reason, kept) in [("a".repeat(200), 123), ("κ".repeat(100), 122)] {
        let close = Close { code: 1000, reason };
        let out = written(&close);
        assert_eq!(out.len(), 2 + kept);
        assert!(Close::parse(&out).is_ok());
    }
}

#[test]
fn a_violation_has_room_in_a_close() {
    let most = usize::MAX;
    for (violation, code) in [
        (Violation::protocol("incorrect masking"), 1002),
        (Violation::not_utf8(), 1007),
        (Violation::too_large(u64::MAX, 0, most), 1009),
        (Violation::too_large(u64::MAX, most, most), 1009),
        (Violation::too_large_inflated(most), 1009),
    ] {
        let close = Close::from(violation.clone());
        assert_eq!(Close::new(code, &violation.reason), Ok(close));
    }
}
