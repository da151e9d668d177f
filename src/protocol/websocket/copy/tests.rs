//! Copies are the same bytes, at the sizes where the number of pieces changes.

use super::{append, copied};

#[test]
fn copies_are_what_they_are_copies_of() {
    for length in [0, 1, 2047, 2048, 2049, 4096, 10_000] {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let copy = copied(&bytes);
        assert!(copy == bytes, "{length}");
        let mut out = b"before".to_vec();
        append(&bytes, &mut out);
        assert!(out == [b"before", &bytes[..]].concat(), "{length}");
    }
}
