//! Compressed messages: there and back, cut anywhere, and what must not pass.

use super::*;

const MIB: usize = 1024 * 1024;

#[test]
fn hello_of_the_rfc() {
    let mut inflater = Inflater::new(15, false);
    for payload in [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
    ] {
        let mut out = Vec::new();
        inflater.inflate(payload, &mut out, MIB).unwrap();
        inflater.finish(&out).unwrap();
        assert_eq!(out, b"Hello");
    }
}

#[test]
fn there_and_back() {
    let (mut deflater, mut inflater) = (Deflater::new(12, false), Inflater::new(12, false));
    for round in 0..50 {
        let text = format!("round {round} of many rounds of many rounds ").repeat(20);
        let (mut wire, mut out) = (Vec::new(), Vec::new());
        assert!(deflater.deflate(text.as_bytes(), &mut wire));
        inflater.inflate(&wire, &mut out, MIB).unwrap();
        inflater.finish(&out).unwrap();
        assert_eq!(out, text.as_bytes());
    }
}
