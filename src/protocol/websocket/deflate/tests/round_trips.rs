//! What a Deflater writes an Inflater reads, whoever else uses the same streams in between.

use super::{Deflater, Inflater, NO_LIMIT, Noise, inflate};

/// One side of a session and the other.
struct Session {
    deflater: Deflater,
    inflater: Inflater,
    messages: usize,
}

impl Session {
    fn new(window_bits: u8, no_context_takeover: bool) -> Self {
        Self {
            deflater: Deflater::new(window_bits, no_context_takeover),
            inflater: Inflater::new(window_bits, no_context_takeover),
            messages: 0,
        }
    }

    fn pass(&mut self, message: &[u8], noise: &mut Noise) -> Option<usize> {
        let mut wire = b"before".to_vec();
        if !self.deflater.deflate(message, &mut wire) {
            assert_eq!(wire, b"before");
            return None;
        }
        let wire = wire.strip_prefix(b"before").unwrap();
        assert!(wire.len() < message.len());
        let read = inflate(&mut self.inflater, noise.cut(wire), message.len());
        assert_eq!(read.as_deref(), Ok(message));
        self.messages += 1;
        Some(wire.len())
    }
}

#[test]
fn sessions_in_turn() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut sessions: Vec<_> = (8..=15)
        .flat_map(|bits| [Session::new(bits, false), Session::new(bits, true)])
        .collect();
    for _ in 0..600 {
        let index = noise.below(sessions.len());
        let message = noise.message();
        let session = &mut sessions[index];
        // Some write more than one message before another takes the stream.
        for _ in 0..=noise.below(3) {
            session.pass(&message, &mut noise);
        }
        match noise.below(8) {
            0 => session.deflater.release(),
            1 => session.inflater.release(),
            _ => {}
        }
    }
    for session in sessions {
        assert!(session.messages > 10);
    }
}

#[test]
fn large_messages() {
    let mut noise = Noise(42);
    let mut session = Session::new(12, false);
    for _ in 0..2 {
        let message: Vec<u8> = (0..60).flat_map(|_| noise.message()).collect();
        assert!(message.len() > 100_000);
        assert!(session.pass(&message, &mut noise).is_some());
    }
}

/// Both ways of context takeover: what was said before is quoted, and only where that was agreed.
#[test]
fn context_takeover() {
    let mut noise = Noise(7);
    let text: Vec<u8> = (0..640)
        .map(|_| b"0123456789abcdef"[noise.below(16)])
        .collect();
    let sizes = |no_context_takeover, others: bool, noise: &mut Noise| {
        let mut session = Session::new(12, no_context_takeover);
        let mut other = Session::new(12, false);
        [(); 3].map(|()| {
            let size = session.pass(&text, noise).unwrap();
            if others {
                other.pass(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", noise);
            }
            size
        })
    };
    for others in [false, true] {
        let [first, second, third] = sizes(false, others, &mut noise);
        assert!(second < first / 4 && third < first / 4);
        let [first, second, third] = sizes(true, others, &mut noise);
        assert!(first == second && second == third);
    }
}

#[test]
fn what_is_not_sent_compressed_is_not_quoted() {
    let mut noise = Noise(9);
    let random: Vec<u8> = (0..200).flat_map(|_| noise.next().to_le_bytes()).collect();
    for no_context_takeover in [false, true] {
        let mut session = Session::new(12, no_context_takeover);
        assert!(
            session
                .pass(&b"well known ".repeat(20), &mut noise)
                .is_some()
        );
        for _ in 0..2 {
            assert!(session.pass(&random, &mut noise).is_none());
            assert!(session.pass(b"", &mut noise).is_none());
            assert!(session.pass(b"x", &mut noise).is_none());
        }
        // All of it is compressible now only by what the peer cannot know.
        assert!(session.pass(&random, &mut noise).is_none());
        assert!(
            session
                .pass(&b"well known ".repeat(20), &mut noise)
                .is_some()
        );
    }
}

/// A peer may quote what it said before this side was idle; this side does not, and keeps nothing for it.
#[test]
fn history_outlives_release() {
    let mut noise = Noise(11);
    for bits in 8..=15 {
        let (mut peer, mut inflater) = (Deflater::new(bits, false), Inflater::new(bits, false));
        for round in 0..30 {
            let message = noise.message();
            let mut wire = Vec::new();
            if peer.deflate(&message, &mut wire) {
                let parts = noise.cut(&wire);
                let read = inflate(&mut inflater, parts, NO_LIMIT);
                assert_eq!(read.as_ref(), Ok(&message), "round {round}");
            }
            inflater.release();
        }
    }
}

/// Idle in the midst of a message: the rest of it is still understood.
#[test]
fn release_in_a_message() {
    let mut noise = Noise(13);
    let message = noise.message().repeat(3);
    let mut wire = Vec::new();
    assert!(Deflater::new(12, false).deflate(&message, &mut wire));
    let mut inflater = Inflater::new(12, false);
    let mut out = Vec::new();
    for part in wire.chunks(1) {
        inflater.inflate(part, &mut out, NO_LIMIT).unwrap();
        inflater.release();
    }
    inflater.finish(&out).unwrap();
    assert_eq!(out, message);
}

/// `out` may have something before the message, which the message does not quote and the limit counts.
#[test]
fn out_has_more_than_the_message() {
    let mut wire = Vec::new();
    assert!(Deflater::new(12, false).deflate(&[b'a'; 100], &mut wire));
    let mut inflater = Inflater::new(12, false);
    for _ in 0..2 {
        let mut out = b"before".to_vec();
        inflater.inflate(&wire, &mut out, 106).unwrap();
        inflater.finish(&out).unwrap();
        assert_eq!(out, [&b"before"[..], &[b'a'; 100]].concat());
    }
}
