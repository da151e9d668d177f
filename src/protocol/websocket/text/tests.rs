//! Text in pieces must be judged as the whole is, and at the first byte that decides it (RFC 6455 8.1).
#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking")]

use super::Text;

/// How many bytes are taken one by one before the fault; `None` if they all are.
fn fault(bytes: &[u8]) -> Option<usize> {
    let mut text = Text::default();
    bytes.iter().position(|byte| text.feed(&[*byte]).is_err())
}

fn is_text<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut text = Text::default();
    let fed = pieces.into_iter().try_for_each(|piece| text.feed(piece));
    fed.and_then(|()| text.finish()).is_ok()
}

#[test]
fn code_points_are_accepted_at_every_split() {
    let edges = "\0\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10000}\u{10ffff}";
    let long = format!("{}κόσμε{}\u{1f600}", "a".repeat(61), "b".repeat(70));
    for text in ["", "Hello", "κόσμε", edges, &long] {
        let bytes = text.as_bytes();
        assert!(is_text([bytes]), "{text:?}");
        assert!(is_text(bytes.chunks(1)), "{text:?}");
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert!(is_text(pieces), "{text:?} cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn the_first_byte_that_cannot_be_text_is_the_fault() {
    for (good, bytes) in [
        // A continuation without its beginning, and bytes that are never one.
        (0, &b"\x80"[..]),
        (0, b"\xbf"),
        (0, b"\xfe"),
        (0, b"\xff"),
        (2, b"ab\xff"),
        // Overlong: two, three and four bytes.
        (0, b"\xc0\x80"),
        (0, b"\xc1\xbf"),
        (1, b"\xe0\x80\x80"),
        (1, b"\xe0\x9f\xbf"),
        (1, b"\xf0\x80\x80\x80"),
        (1, b"\xf0\x8f\xbf\xbf"),
        // Surrogates.
        (1, b"\xed\xa0\x80"),
        (1, b"\xed\xbf\xbf"),
        // Beyond U+10FFFF.
        (1, b"\xf4\x90\x80\x80"),
        (0, b"\xf5\x80\x80\x80"),
        (0, b"\xf8\x88\x80\x80\x80"),
        (0, b"\xfc\x84\x80\x80\x80\x80"),
        // Cut short by another character, after each byte.
        (1, b"\xceA"),
        (1, b"\xe1A"),
        (2, b"\xe1\xbdA"),
        (1, b"\xf4A"),
        (2, b"\xf4\x8fA"),
        (3, b"\xf4\x8f\xbfA"),
        // Autobahn 6.4: good text, then U+110000, then more.
        (
            12,
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited",
        ),
    ] {
        // A lead byte that is never one is the fault itself; else the byte after it.
        assert_eq!(fault(bytes), Some(good), "{bytes:x?}");
        for middle in 0..=bytes.len() {
            let (first, second) = bytes.split_at(middle);
            assert!(!is_text([first, second]), "{bytes:x?} cut at {middle}");
        }
        let padded = [&[b'a'; 130][..], bytes].concat();
        assert_eq!(fault(&padded), Some(130 + good), "{bytes:x?}");
        assert!(!is_text([&padded[..]]), "{bytes:x?}");
    }
}

#[test]
fn a_code_point_without_its_end_is_no_fault_until_the_end() {
    for beginning in ["κ", "ὀ", "\u{1f600}"] {
        let bytes = beginning.as_bytes();
        for length in 1..bytes.len() {
            let mut text = Text::default();
            assert!(text.feed(b"good ").is_ok());
            assert!(
                text.feed(&bytes[..length]).is_ok(),
                "{length} of {beginning}"
            );
            assert!(text.finish().is_err(), "{length} of {beginning}");
        }
    }
}

/// Every sequence of up to three bytes out of those where the grammar changes, against the standard library.
#[test]
fn the_verdict_is_that_of_the_standard_library() {
    let edges = [
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
        0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
    ];
    for a in edges {
        for b in edges {
            for c in edges {
                for d in edges {
                    let bytes = [a, b, c, d];
                    let expected = str::from_utf8(&bytes);
                    assert_eq!(is_text(bytes.chunks(1)), expected.is_ok(), "{bytes:x?}");
                    assert_eq!(is_text(bytes.chunks(3)), expected.is_ok(), "{bytes:x?}");
                }
            }
        }
    }
}
