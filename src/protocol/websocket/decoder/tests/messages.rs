//! What is good: messages, fragments, control frames between them, and how little is held (RFC 6455 5.2, 5.4, 5.5).

use super::{
    Close, Decoder, Event, KEY, Outcome, binary, events, frame, header, outcome,
    outcome_at_any_split, ping, plain, pong, text,
};

#[test]
fn the_example_of_the_rfc_is_read() {
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(events("RFC 6455 5.7", hello), [text("Hello")]);
    assert_eq!(frame(0x81, b"Hello"), hello);
}

#[test]
fn whole_messages_are_delivered_in_order() {
    let bytes = [
        frame(0x81, b"one"),
        frame(0x82, b"\x00\xff"),
        frame(0x81, b""),
        frame(0x82, b""),
        frame(0x81, "κόσμε".as_bytes()),
    ]
    .concat();
    let expected = [
        text("one"),
        binary(b"\x00\xff"),
        text(""),
        binary(b""),
        text("κόσμε"),
    ];
    assert_eq!(events("RFC 6455 5.6", &bytes), expected);
}

#[test]
fn every_length_form_is_read() {
    for length in [124, 125, 126, 127, 128, 255, 256, 1000] {
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let bytes = [frame(0x82, &payload), frame(0x82, b"next")].concat();
        let expected = [binary(&payload), binary(b"next")];
        assert_eq!(events("RFC 6455 5.2", &bytes), expected);
    }
    for length in [65_535, 65_536, 70_001] {
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let bytes = [frame(0x82, &payload), frame(0x82, b"next")].concat();
        for read in [1, 7, 4096, 65_536, bytes.len()] {
            let outcome = outcome(plain(), bytes.chunks(read));
            assert!(outcome.violation.is_none());
            assert!(outcome.events == [binary(&payload), binary(b"next")]);
        }
    }
}

#[test]
fn fragments_are_joined() {
    for fragments in [
        &[&b"Hel"[..], b"lo"][..],
        &[b"", b"", b"Hello"],
        &[b"Hello", b"", b""],
        &[b"H", b"e", b"", b"l", b"l", b"o"],
    ] {
        let mut bytes = Vec::new();
        for (i, fragment) in fragments.iter().enumerate() {
            let fin = if i + 1 == fragments.len() { 0x80 } else { 0 };
            bytes.extend(frame(fin | u8::from(i == 0), fragment));
        }
        bytes.extend(frame(0x82, b"next"));
        let expected = [text("Hello"), binary(b"next")];
        assert_eq!(events("RFC 6455 5.4", &bytes), expected);
    }
    let empty = [frame(0x02, b""), frame(0x00, b""), frame(0x80, b"")].concat();
    assert_eq!(events("RFC 6455 5.4", &empty), [binary(b"")]);
}

#[test]
fn control_frames_between_fragments_are_delivered_at_once() {
    let bytes = [
        frame(0x01, b"Hel"),
        frame(0x89, b"ping"),
        frame(0x00, b""),
        frame(0x8a, b"pong"),
        frame(0x89, b""),
        frame(0x80, b"lo"),
    ]
    .concat();
    let expected = [ping(b"ping"), pong(b"pong"), ping(b""), text("Hello")];
    assert_eq!(events("RFC 6455 5.5", &bytes), expected);

    let mut decoder = plain();
    let mut outcome = Outcome::default();
    outcome.feed(&mut decoder, &frame(0x01, b"Hel"));
    outcome.feed(&mut decoder, &frame(0x89, b"now"));
    assert_eq!(outcome.events, [ping(b"now")]);
    assert!(outcome.is_mid_message);
}

#[test]
fn a_close_ends_the_session_even_between_fragments() {
    let close = Close::new(1000, "bye").ok();
    let payload = b"\x03\xe8bye";
    for before in [frame(0x81, b""), frame(0x01, b"half")] {
        let bytes = [&before, &frame(0x88, payload), &b"garbage \xff"[..]].concat();
        let outcome = outcome_at_any_split(plain, &bytes);
        assert_eq!(outcome.events.last(), Some(&Event::Close(close.clone())));
        assert_eq!(outcome.violation, None);
        assert!(!outcome.is_mid_message);
    }
    let outcome = outcome_at_any_split(plain, &frame(0x88, b""));
    assert_eq!(outcome.events, [Event::Close(None)]);
}

#[test]
fn what_comes_after_the_end_is_dropped() {
    for end in [frame(0x88, b""), frame(0x83, b"")] {
        let mut decoder = plain();
        assert!(!Outcome::default().feed(&mut decoder, &end));
        let mut outcome = Outcome::default();
        assert!(outcome.feed(&mut decoder, &frame(0x81, b"too late")));
        assert_eq!(outcome, Outcome::default(), "RFC 6455 5.5.1, 7.1.7");
        decoder.release();
        assert!(outcome.feed(&mut decoder, b"\xff\xff"));
    }
}

#[test]
fn control_frames_hold_up_to_125_bytes() {
    for length in [0, 1, 124, 125] {
        let payload = vec![b'p'; length];
        let bytes = [frame(0x89, &payload), frame(0x8a, &payload)].concat();
        assert_eq!(
            events("RFC 6455 5.5", &bytes),
            [ping(&payload), pong(&payload)]
        );
    }
    let reason = "r".repeat(123);
    let bytes = frame(0x88, &[b"\x03\xe8", reason.as_bytes()].concat());
    let outcome = outcome_at_any_split(plain, &bytes);
    let close = Close::new(1000, &reason).ok();
    assert_eq!(outcome.events, [Event::Close(close)]);
}

#[test]
fn whatever_is_unfinished_is_mid_message() {
    let is_mid_message = |bytes: &[u8]| outcome(plain(), [bytes]).is_mid_message;
    assert!(!is_mid_message(b""));
    for bytes in [
        &b"\x81"[..],
        b"\x81\x85\x37\xfa\x21\x3d",
        b"\x89\x81",
        &frame(0x01, b""),
        &[header(0x82, 5), b"1234".to_vec()].concat(),
        &[frame(0x02, b"a"), frame(0x89, b"")].concat(),
        &[header(0x89, 2), b"1".to_vec()].concat(),
    ] {
        assert!(is_mid_message(bytes), "{}", bytes.escape_ascii());
    }
    assert!(!is_mid_message(&frame(0x81, b"whole")));
    let fragments = [frame(0x01, b"a"), frame(0x80, b"b")].concat();
    assert!(!is_mid_message(&fragments));
}

#[test]
fn input_is_taken_up_to_the_end_of_an_event_and_no_further() {
    let mut bytes = [frame(0x81, b"one"), frame(0x89, b"two"), frame(0x01, b"t")].concat();
    let total = bytes.len();
    let mut input = bytes.as_mut_slice();
    let mut decoder: Decoder = plain();
    assert_eq!(decoder.next(&mut input), Ok(Some(text("one"))));
    assert_eq!(input.len(), total - 9);
    assert_eq!(decoder.next(&mut input), Ok(Some(ping(b"two"))));
    assert_eq!(input.len(), 7);
    assert_eq!(decoder.next(&mut input), Ok(None));
    assert!(input.is_empty());
}

#[test]
fn keys_of_zero_and_of_any_other_kind_are_lawful() {
    // A mask of zeros is a mask.
    assert_eq!(events("RFC 6455 5.3", b"\x81\x82\0\0\0\0hi"), [text("hi")]);
    let bytes = [&[0x82, 0x84][..], &KEY, &KEY].concat();
    assert_eq!(events("RFC 6455 5.3", &bytes), [binary(&[0; 4])]);
}
