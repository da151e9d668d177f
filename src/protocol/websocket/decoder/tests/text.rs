//! Text is checked as it comes: within a frame, through fragments, at the byte that decides (RFC 6455 8.1; Autobahn 6).

use super::{fault, frame, header, outcome_at_any_split, plain, text};

/// κόσμε, U+110000, "edited": the 14th byte is the first that no text can have there.
const BAD: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited";
const GOOD_OF_BAD: usize = 12;

#[track_caller]
fn is_refused_at(good: usize, bytes: &[u8]) {
    let violation = outcome_at_any_split(plain, bytes).violation;
    let (offset, at) = fault(plain(), bytes);
    assert_eq!((offset, at.code), (good, 1007), "{}", bytes.escape_ascii());
    assert_eq!(violation, Some(at));
}

#[test]
fn a_text_may_be_cut_anywhere() {
    let whole = "κόσμε \u{1f600} ok";
    let bytes = whole.as_bytes();
    for middle in 0..=bytes.len() {
        let (first, second) = bytes.split_at(middle);
        let bytes = [frame(0x01, first), frame(0x89, b""), frame(0x80, second)].concat();
        let outcome = outcome_at_any_split(plain, &bytes);
        assert_eq!(outcome.violation, None);
        assert_eq!(outcome.events.last(), Some(&text(whole)));
    }
    let mut bytes = frame(0x01, b"");
    for byte in bytes_of(whole) {
        bytes.extend(frame(0x00, &[byte]));
    }
    bytes.extend(frame(0x80, b""));
    assert_eq!(outcome_at_any_split(plain, &bytes).events, [text(whole)]);
}

fn bytes_of(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[test]
fn bad_text_is_refused_at_its_first_bad_byte_within_a_frame() {
    is_refused_at(6 + GOOD_OF_BAD, &frame(0x81, BAD));
    // The frame claims more than ever comes.
    let claimed = frame(0x81, &[BAD, &[b'a'; 40]].concat());
    let (part, _) = claimed.split_at(6 + BAD.len());
    is_refused_at(6 + GOOD_OF_BAD, part);
    let mut decoder = plain();
    let mut bytes = part.to_vec();
    let mut input = bytes.as_mut_slice();
    let violation = decoder.next(&mut input).err();
    assert_eq!(violation.map(|violation| violation.code), Some(1007));
}

#[test]
fn bad_text_is_refused_at_its_first_bad_byte_within_fragments() {
    for middle in 0..BAD.len() {
        let (first, second) = BAD.split_at(middle);
        let bytes = [frame(0x01, first), frame(0x00, second)].concat();
        let headers = if middle > GOOD_OF_BAD { 6 } else { 12 };
        is_refused_at(headers + GOOD_OF_BAD, &bytes);
    }
}

#[test]
fn a_text_that_ends_within_a_code_point_is_refused_at_its_end() {
    for cut in [&b"ok \xce"[..], b"ok \xe1\xbd", b"ok \xf0\x9f\x98"] {
        let whole = frame(0x81, cut);
        is_refused_at(whole.len() - 1, &whole);
        let fragments = [frame(0x01, cut), frame(0x80, b"")].concat();
        is_refused_at(fragments.len() - 1, &fragments);
        // What follows cannot be its end, but the message is over before.
        let next = [whole.clone(), frame(0x81, b"next")].concat();
        is_refused_at(whole.len() - 1, &next);
    }
}

#[test]
fn a_code_point_does_not_go_on_in_the_next_message() {
    let bytes = [frame(0x81, b"\xce"), frame(0x81, b"\xba")].concat();
    is_refused_at(6, &bytes);
}

#[test]
fn what_is_not_text_is_not_checked() {
    for bytes in [
        frame(0x82, BAD),
        [frame(0x02, BAD), frame(0x80, BAD)].concat(),
        frame(0x89, BAD),
        frame(0x8a, BAD),
    ] {
        assert_eq!(outcome_at_any_split(plain, &bytes).violation, None);
    }
}

#[test]
fn long_texts_are_checked_in_any_reads() {
    let good = "naïve κόσμε \u{1f600} ".repeat(400);
    for place in [0, 1, 63, 64, 65, 4000, good.len() - 1] {
        let mut bad = good.clone().into_bytes();
        if let Some(byte) = bad.get_mut(place) {
            *byte = 0xff;
        }
        for first in [0x81, 0x01] {
            let bytes = frame(first, &bad);
            for read in [1, 5, 64, 1000, bytes.len()] {
                let outcome = super::outcome(plain(), bytes.chunks(read));
                let code = outcome.violation.map(|violation| violation.code);
                assert_eq!(code, Some(1007), "{place} in reads of {read}");
            }
        }
    }
    let bytes = frame(0x81, good.as_bytes());
    for read in [1, 5, 64, 1000, bytes.len()] {
        let outcome = super::outcome(plain(), bytes.chunks(read));
        assert!(outcome.events == [text(&good)], "reads of {read}");
    }
    // A length alone says nothing of the text.
    assert!(super::outcome(plain(), [&header(0x81, 9)[..]]).is_mid_message);
}
