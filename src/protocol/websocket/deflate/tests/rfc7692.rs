//! The examples of RFC 7692, section 7.2.3, by their numbers.

use super::{InflateError, Inflater, NO_LIMIT, inflate};

/// What one peer sends, message by message; each must be inflated whole, and cut at every place.
fn messages(payloads: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut whole = Inflater::new(15, false);
    let mut expected = Vec::new();
    for payload in payloads {
        expected.push(inflate(&mut whole, [*payload], NO_LIMIT).unwrap());
    }
    let longest = payloads.iter().map(|payload| payload.len()).max();
    for cut in 0..=longest.unwrap_or(0) {
        let mut inflater = Inflater::new(15, false);
        for (payload, expected) in payloads.iter().zip(&expected) {
            let (head, tail) = payload.split_at(cut.min(payload.len()));
            let message = inflate(&mut inflater, [head, tail], NO_LIMIT);
            assert_eq!(message.as_ref(), Ok(expected), "cut at {cut}");
        }
    }
    let mut inflater = Inflater::new(15, false);
    for (payload, expected) in payloads.iter().zip(&expected) {
        let message = inflate(&mut inflater, payload.chunks(1), NO_LIMIT);
        assert_eq!(message.as_ref(), Ok(expected), "byte by byte");
    }
    expected
}

const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const HELLO_LAST: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
const HELLO_AGAIN: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];

#[test]
fn one_block_7_2_3_1() {
    assert_eq!(messages(&[HELLO]), [b"Hello"]);
}

#[test]
fn sharing_the_window_7_2_3_2() {
    assert_eq!(messages(&[HELLO, HELLO]), [b"Hello"; 2]);
    assert_eq!(messages(&[HELLO, HELLO_AGAIN]), [b"Hello"; 2]);
    let mut forgetful = Inflater::new(15, true);
    assert!(inflate(&mut forgetful, [HELLO], NO_LIMIT).is_ok());
    let again = inflate(&mut forgetful, [HELLO_AGAIN], NO_LIMIT);
    assert_eq!(again, Err(InflateError::Malformed));
}

#[test]
fn a_block_with_no_compression_7_2_3_3() {
    let stored = b"\x00\x05\x00\xfa\xffHello\x00";
    assert_eq!(messages(&[stored, stored]), [b"Hello"; 2]);
}

#[test]
fn a_last_block_7_2_3_4() {
    assert_eq!(messages(&[HELLO_LAST, HELLO_LAST]), [b"Hello"; 2]);
    // Whoever ends a stream so begins another; but if it does quote what was before, that is understood too.
    assert_eq!(messages(&[HELLO_LAST, HELLO_AGAIN]), [b"Hello"; 2]);
}

/// The octet behind a last block is wanted, but it says nothing: without it there is still one meaning.
#[test]
fn a_last_block_without_its_octet() {
    let bare = &HELLO_LAST[..7];
    assert_eq!(messages(&[bare, HELLO, bare]), [b"Hello"; 3]);
}

#[test]
fn blocks_after_a_last_block_7_2_3_4() {
    let both = [&HELLO_LAST[..7], HELLO_AGAIN].concat();
    assert_eq!(messages(&[&both, HELLO]), [&b"HelloHello"[..], b"Hello"]);
    let many = HELLO_LAST[..7].repeat(3);
    assert_eq!(messages(&[&many]), [b"Hello".repeat(3)]);
}

#[test]
fn two_blocks_7_2_3_5() {
    let two = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    assert_eq!(messages(&[&two, HELLO_AGAIN]), [b"Hello"; 2]);
}

#[test]
fn an_empty_message_7_2_3_6() {
    let empty: &[u8] = &[0x00];
    let read = messages(&[empty, HELLO, empty, empty, HELLO_AGAIN]);
    assert_eq!(read, [&b""[..], b"Hello", b"", b"", b"Hello"]);
    // No compressor writes a message of no bytes, but it has only one meaning.
    assert_eq!(
        messages(&[HELLO, b"", HELLO_AGAIN]),
        [&b"Hello"[..], b"", b"Hello"]
    );
}
