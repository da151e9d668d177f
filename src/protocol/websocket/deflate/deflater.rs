//! Deflater: what is compressed for a peer.
//!
//! A stream of its own would cost each session 260 KiB, and twice the time where more than a few of them take turns: half
//! of it is a hash table, and no cache holds many of those. So the thread has one for all, and is shown their histories.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use flate2::{Compress, Compression, FlushCompress};

use super::{history::History, limit};

/// What is taken off the end of each message, the rest of an empty stored block (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// JSON of 1 KiB and of 16 KiB, 64 sessions in turn, bytes and microseconds: level 1 makes 326 (10) and 6,629 (80), level 3
/// 245 (20) and 3,928 (160), level 5 230 (21) and 3,687 (170), level 6 230 (22) and 3,683 (185); Python's zlib as uvicorn
/// sets it, 222 (26 to 34) and 3,931 (290). What is on the wire stays as it is there, in less time.
const LEVEL: u32 = 5;

/// What is kept of the messages before. All 4 KiB of the usual window would save 7 bytes of those 230, for 5 microseconds
/// more to show them to the stream; half of this costs 14 bytes more, for 2 microseconds less.
const HISTORY: usize = 2048;

/// Deflates the messages to one peer.
pub(in super::super) struct Deflater {
    window_bits: u8,
    history: History,
    /// None without context takeover.
    ticket: Option<Ticket>,
}

impl Deflater {
    /// For a peer that remembers `2 ** window_bits` bytes, and other messages unless `no_context_takeover`.
    pub(in super::super) fn new(window_bits: u8, no_context_takeover: bool) -> Self {
        let limit = limit(window_bits, no_context_takeover);
        Self {
            window_bits,
            history: History::new(limit.min(HISTORY)),
            ticket: (!no_context_takeover).then(Ticket::new),
        }
    }

    /// Appends the compressed form of a message to `out`, without its tail. `false`, and nothing, if it is not smaller.
    ///
    /// Such a message is to be sent as it is. The peer does not remember it then, and neither does the Deflater.
    #[must_use = "where it is false the message is still to be sent"]
    pub(in super::super) fn deflate(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        if payload.is_empty() {
            return false;
        }
        let start = out.len();
        let mut compressor = Compressor::lend(self.window_bits);
        let written = compressor.message(self, payload, out);
        compressor.return_to_thread();
        if written.is_none() {
            out.truncate(start);
            return false;
        }
        self.history.push(payload);
        true
    }

    /// The session is idle: forgets the history. The peer does not mind what is not quoted.
    pub(in super::super) fn release(&mut self) {
        self.history.forget();
    }
}

/// Tells one Deflater from all others, also from those that are no more.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ticket(u64);

/// A stream of the thread.
struct Compressor {
    stream: Compress,
    window_bits: u8,
    /// Who wrote the last message, if there is one and its reader remembers it as the stream does.
    last: Option<Ticket>,
}

thread_local! {
    /// One for each size of window that any session has agreed to.
    static COMPRESSORS: RefCell<Vec<Compressor>> = const { RefCell::new(Vec::new()) };
}

impl Ticket {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Compressor {
    fn lend(window_bits: u8) -> Self {
        let kept = COMPRESSORS.with_borrow_mut(|kept| {
            let fits = |compressor: &Self| compressor.window_bits == window_bits;
            kept.iter()
                .position(fits)
                .map(|index| kept.swap_remove(index))
        });
        kept.unwrap_or_else(|| Self {
            // With 8 bits zlib cannot do, but with 9 it never quotes from further back than 250 bytes: it wants 262 behind
            // the place where it looks (MIN_LOOKAHEAD). A test looks at each distance of what is written.
            stream: Compress::new_with_window_bits(
                Compression::new(LEVEL),
                false,
                window_bits.clamp(9, 15),
            ),
            window_bits,
            last: None,
        })
    }

    fn return_to_thread(self) {
        COMPRESSORS.with_borrow_mut(|kept| kept.push(self));
    }

    /// `None` if the message would not be smaller.
    fn message(&mut self, deflater: &Deflater, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        // Whose message it was reads on where it was. For all others the stream begins anew, which also forgets what a
        // message has left behind that was not sent.
        let last = self.last.take();
        if last.is_none() || last != deflater.ticket {
            self.stream.reset();
            if !deflater.history.bytes().is_empty() {
                self.stream.set_dictionary(deflater.history.bytes()).ok()?;
            }
        }
        self.write(payload, out)?;
        self.last = deflater.ticket;
        Some(())
    }

    fn write(&mut self, mut payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        let end = start + payload.len() + TAIL.len();
        loop {
            // Never so little that the flush is cut, or it would be written once more.
            out.reserve(payload.len() / 4 + 64);
            let taken = self.stream.total_in();
            self.stream
                .compress_vec(payload, out, FlushCompress::Sync)
                .ok()?;
            let taken = usize::try_from(self.stream.total_in() - taken).ok()?;
            payload = payload.get(taken..)?;
            if out.len() >= end {
                return None;
            }
            if payload.is_empty() && out.len() < out.capacity() {
                let written = out.get(start..)?.strip_suffix(&TAIL)?.len();
                out.truncate(start + written);
                return Some(());
            }
        }
    }
}
