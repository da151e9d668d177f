//! The mask against the definition of RFC 6455 5.3, at every length, alignment and cut that can differ.
#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking")]

use super::Mask;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Octet i becomes octet i XOR octet i modulo 4 of the key.
fn defined(bytes: &[u8]) -> Vec<u8> {
    let octets = bytes.iter().enumerate();
    octets.map(|(i, octet)| octet ^ KEY[i % 4]).collect()
}

fn sample(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

#[test]
fn lengths_and_alignments_do_not_matter() {
    for length in 0..=70 {
        for offset in 0..=16 {
            let bytes = sample(offset + length);
            let mut masked = bytes.clone();
            Mask::new(KEY).apply(&mut masked[offset..]);
            assert_eq!(masked[..offset], bytes[..offset], "{length} at {offset}");
            assert_eq!(
                masked[offset..],
                defined(&bytes[offset..]),
                "{length} at {offset}"
            );
        }
    }
}

#[test]
fn the_key_goes_on_where_a_piece_ended() {
    let bytes = sample(67);
    let expected = defined(&bytes);
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let mut masked = bytes.clone();
            let mut mask = Mask::new(KEY);
            mask.apply(&mut masked[..first]);
            mask.apply(&mut masked[first..second]);
            mask.apply(&mut masked[second..]);
            assert_eq!(masked, expected, "cut at {first} and {second}");
        }
    }
}

#[test]
fn a_large_payload_is_unmasked() {
    let bytes = sample(65_539);
    let mut masked = bytes.clone();
    Mask::new(KEY).apply(&mut masked);
    assert_eq!(masked, defined(&bytes));
}
