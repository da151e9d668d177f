//! Bombs, floods, and what no compressor writes (FLT-F24).

use flate2::{Compress, Compression, FlushCompress};

use super::{Deflater, InflateError, Inflater, NO_LIMIT, Noise, inflate};

const MIB: usize = 1024 * 1024;

/// As a peer with the largest window and all the time in the world would compress it.
fn compressed(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + 1024);
    Compress::new(Compression::best(), false)
        .compress_vec(message, &mut wire, FlushCompress::Sync)
        .unwrap();
    wire.truncate(wire.len() - 4);
    wire
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let bomb = compressed(&vec![0; 4 * MIB]);
    assert!(bomb.len() < 32 * 1024);
    for limit in [0, 1, 100, 4_096, MIB] {
        for chunk in [1, 1_024, bomb.len()] {
            let (mut inflater, mut out) = (Inflater::new(12, false), Vec::new());
            let result = bomb
                .chunks(chunk)
                .try_for_each(|part| inflater.inflate(part, &mut out, limit));
            assert_eq!(result, Err(InflateError::TooLarge));
            assert_eq!(out.len(), limit + 1);
            assert!(out.capacity() <= limit + 1);
        }
    }
}

#[test]
fn a_message_of_the_limit_passes() {
    for length in [1, 2, 257, 258, 259, 511, 512, 513, 5_000, 70_000] {
        for byte in 0..2 {
            let mut message = vec![b'a'; length];
            message[length / 2] += byte;
            let wire = compressed(&message);
            for chunk in [1, wire.len()] {
                let pass =
                    |limit| inflate(&mut Inflater::new(15, false), wire.chunks(chunk), limit);
                assert_eq!(pass(length - 1), Err(InflateError::TooLarge));
                assert_eq!(pass(length).as_ref(), Ok(&message));
                assert_eq!(pass(length + 1).as_ref(), Ok(&message));
            }
        }
    }
}

#[test]
fn memory_grows_with_what_has_come() {
    let wire = compressed(&vec![0; 4 * MIB]);
    let (mut inflater, mut out) = (Inflater::new(12, false), Vec::new());
    for (index, part) in wire.chunks(64).enumerate() {
        inflater.inflate(part, &mut out, NO_LIMIT).unwrap();
        assert!(out.capacity() <= 512.max(2 * out.len()), "part {index}");
    }
    inflater.finish(&out).unwrap();
    assert_eq!(out.len(), 4 * MIB);
    // Nothing is made ready for a message of the largest size that is allowed.
    let mut out = Vec::new();
    inflater.inflate(&[0x00], &mut out, NO_LIMIT).unwrap();
    assert!(out.capacity() <= 512);
}

#[test]
fn floods_change_nothing() {
    let mut noise = Noise(3);
    let message = noise.message().repeat(2);
    let (mut deflater, mut inflater) = (Deflater::new(12, false), Inflater::new(12, false));
    for round in 0..3 {
        let mut wire = Vec::new();
        assert!(deflater.deflate(&message, &mut wire));
        let read = inflate(&mut inflater, [&wire[..]], NO_LIMIT);
        assert_eq!(read.as_ref(), Ok(&message), "round {round}");
        let mut out = Vec::new();
        for _ in 0..1_000 {
            inflater.inflate(&[0x00], &mut out, NO_LIMIT).unwrap();
            inflater.finish(&out).unwrap();
        }
        // Empty blocks in one message.
        let flood = [[0x00, 0x00, 0x00, 0xff, 0xff].repeat(1_000), vec![0x00]].concat();
        inflater.inflate(&flood, &mut out, NO_LIMIT).unwrap();
        inflater.finish(&out).unwrap();
        assert!(out.is_empty() && out.capacity() <= 64 * 1024);
    }
}

/// The same error wherever the message is cut.
#[test]
fn malformed_streams() {
    let cases: [(&str, &[u8]); 9] = [
        ("a block of no type", &[0x07]),
        (
            "a stored length and no complement",
            &[0x00, 0x05, 0x00, 0x05, 0x00],
        ),
        ("a stored block that is cut", b"\x00\x05\x00\xfa\xffHel"),
        ("a stored block whose header is cut", &[0x00, 0x05]),
        (
            "its tail was left on",
            &[
                0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff,
            ],
        ),
        ("no flush", &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07]),
        (
            "a distance beyond all history",
            &[0xf2, 0x00, 0x11, 0x00, 0x00],
        ),
        ("more lengths than there are", &[0xfc, 0x00, 0x00]),
        (
            "something behind a last block",
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x06],
        ),
    ];
    for (name, payload) in cases {
        for cut in 0..payload.len() {
            let (head, tail) = payload.split_at(cut);
            let read = inflate(&mut Inflater::new(15, false), [head, tail], NO_LIMIT);
            assert_eq!(read, Err(InflateError::Malformed), "{name}, cut at {cut}");
        }
    }
}

#[test]
fn a_message_that_ends_too_soon() {
    let mut noise = Noise(5);
    let message = noise.message();
    let wire = compressed(&message);
    for end in 1..wire.len() {
        let read = inflate(&mut Inflater::new(15, false), [&wire[..end]], NO_LIMIT);
        assert_eq!(read, Err(InflateError::Malformed), "of {end} bytes");
    }
}

/// Any bytes end in a message or an error, and in the same one however they are cut.
#[test]
fn noise_is_read() {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let mut read = 0;
    for _ in 0..1_000 {
        let mut wire = compressed(&noise.message()[..]);
        for _ in 0..noise.below(3) {
            let index = noise.below(wire.len());
            wire[index] ^= 1 << noise.below(8);
        }
        wire.truncate(1 + noise.below(2 * wire.len()));
        let limit = noise.below(20_000);
        let whole = inflate(&mut Inflater::new(15, false), [&wire[..]], limit);
        let cut = inflate(&mut Inflater::new(15, false), noise.cut(&wire), limit);
        assert_eq!(whole, cut);
        read += usize::from(whole.is_ok());
    }
    assert!(read > 50);
}

#[test]
fn last_blocks_cost_what_they_weigh() {
    // Each lets the stream begin anew, with a dictionary: two bytes must not buy that for ever.
    let flood = [0x03, 0x00].repeat(32 * 1024);
    for chunk in [1, 100, flood.len()] {
        let (mut inflater, mut out) = (Inflater::new(15, false), Vec::new());
        let mut taken = 0;
        let result = flood.chunks(chunk).try_for_each(|part| {
            taken += part.len();
            inflater.inflate(part, &mut out, MIB)
        });
        assert_eq!(result, Err(InflateError::Malformed));
        assert!(taken < 10 + chunk);
    }
    let (mut inflater, mut out) = (Inflater::new(15, false), Vec::new());
    for _ in 0..3 {
        inflater.inflate(&[0x03, 0x00], &mut out, MIB).unwrap();
    }
    inflater.finish(&out).unwrap();
}
