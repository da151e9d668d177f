//! Inflater: what a peer has compressed. Output is bounded while it is written; memory is taken as it is filled.
//!
//! ```text
//!   inflate ──> stream of the thread, history as its dictionary ──> out
//!   finish ───> the blocks have to be complete; the end of `out` joins the history; the stream goes back
//! ```

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::{history::History, limit};

/// What the sender has taken off the end of the message, the rest of an empty stored block (section 7.2.2), and a last
/// block: only where all blocks are complete does the stream end with it, and no sooner.
const END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

/// Why a message cannot be inflated. Nothing more can be asked of its Inflater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum InflateError {
    /// It is larger than the limit; how much larger nobody has tried to find out.
    TooLarge,
    /// It is not what a compressor writes, or ends in the midst of it.
    Malformed,
}

/// Inflates the messages of one peer.
pub(in super::super) struct Inflater {
    history: History,
    message: Option<Inflating>,
}

/// A message of which a part has come.
struct Inflating {
    stream: Decompress,
    /// Where in `out` it begins.
    start: usize,
    /// A last block has ended, and nothing has come since.
    has_ended: bool,
    /// How many bytes of it have been taken.
    taken: u64,
    /// How often it has gone on behind a last block.
    restarts: u64,
}

/// A message may go on so often behind a last block, and once more for each so many bytes: to begin anew with a dictionary
/// takes as long as to inflate hundreds of bytes, and a last block can be two bytes long. Senders that use last blocks at
/// all have one, at the end of a message.
const RESTARTS: u64 = 2;
const BYTES_PER_RESTART: u64 = 256;

impl Inflater {
    /// For a peer that quotes up to `2 ** window_bits` bytes back, and other messages unless `no_context_takeover`.
    pub(in super::super) fn new(window_bits: u8, no_context_takeover: bool) -> Self {
        Self {
            history: History::new(limit(window_bits, no_context_takeover)),
            message: None,
        }
    }

    /// Appends to `out` all that `input`, the next part of a message, says.
    ///
    /// From the first part of a message to its `finish`, `out` is the same and nobody else changes it. It grows with
    /// what is written, and to one byte more than `limit` at most, unless it had more room before.
    pub(in super::super) fn inflate(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        if input.is_empty() {
            return Ok(());
        }
        let message = match &mut self.message {
            Some(message) => message,
            none => none.insert(Inflating::begin(&self.history, out.len())?),
        };
        while !input.is_empty() {
            if message.has_ended {
                message.restart(&self.history, out)?;
            }
            message.has_ended = message.block(&mut input, out, limit)?;
        }
        Ok(())
    }

    /// Ends the message that `out` has: all its blocks are complete, or it is malformed.
    ///
    /// A message of no bytes, and one whose last block lacks the octet that section 7.2.3.4 wants behind it, are taken
    /// for what they mean.
    pub(in super::super) fn finish(&mut self, out: &[u8]) -> Result<(), InflateError> {
        let Some(mut message) = self.message.take() else {
            return Ok(());
        };
        if !message.has_ended && !message.is_complete() {
            return Err(InflateError::Malformed);
        }
        self.history.push(message.of(out));
        return_to_thread(message.stream);
        Ok(())
    }

    /// The session is idle: keeps the history in no more memory than its bytes need, and nothing else.
    ///
    /// A message that has come in part keeps its stream: there is no other way to remember where it stopped.
    pub(in super::super) fn release(&mut self) {
        self.history.shrink();
    }
}

impl Inflating {
    fn begin(history: &History, start: usize) -> Result<Self, InflateError> {
        let mut message = Self {
            stream: lend(),
            start,
            has_ended: false,
            taken: 0,
            restarts: 0,
        };
        message.begin_anew(history, &[])?;
        Ok(message)
    }

    /// Goes on behind a last block (section 7.2.3.4).
    fn restart(&mut self, history: &History, out: &[u8]) -> Result<(), InflateError> {
        self.restarts += 1;
        if self.restarts > RESTARTS + self.taken / BYTES_PER_RESTART {
            return Err(InflateError::Malformed);
        }
        self.begin_anew(history, out)
    }

    /// Lets the stream begin anew. Whether what follows a last block may still quote what came before, section 7.2 does not
    /// say: it can.
    fn begin_anew(&mut self, history: &History, out: &[u8]) -> Result<(), InflateError> {
        self.stream.reset(false);
        for quotable in [history.bytes(), self.of(out)] {
            if !quotable.is_empty() {
                self.stream
                    .set_dictionary(quotable)
                    .map_err(|_| InflateError::Malformed)?;
            }
        }
        Ok(())
    }

    /// Takes all of `input`, or what is before the end of a last block: `true` then.
    fn block(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<bool, InflateError> {
        loop {
            grow(out, input.len(), limit);
            let (taken, written) = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .decompress_vec(input, out, FlushDecompress::None);
            // In this order the same bytes end the same way however they are cut.
            if out.len() > limit {
                return Err(InflateError::TooLarge);
            }
            let status = status.map_err(|_| InflateError::Malformed)?;
            let taken = self.stream.total_in() - taken;
            self.taken += taken;
            *input = usize::try_from(taken)
                .ok()
                .and_then(|taken| input.get(taken..))
                .unwrap_or_default();
            if status == Status::StreamEnd {
                return Ok(true);
            }
            // With room left there is nothing that the stream has still to write.
            if input.is_empty() && out.len() < out.capacity() {
                return Ok(false);
            }
            if taken == 0 && written == self.stream.total_out() {
                return Err(InflateError::Malformed);
            }
        }
    }

    /// Whether the end of the stream fits, which says nothing itself.
    fn is_complete(&mut self) -> bool {
        let (taken, written) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(&END, &mut [0; 1], FlushDecompress::None);
        matches!(status, Ok(Status::StreamEnd))
            && self.stream.total_in() - taken == END.len() as u64
            && self.stream.total_out() == written
    }

    fn of<'a>(&self, out: &'a [u8]) -> &'a [u8] {
        out.get(self.start..).unwrap_or_default()
    }
}

/// Makes room behind `out`: for what `input` usually says at first, then for as much again as has come of it.
fn grow(out: &mut Vec<u8>, input: usize, limit: usize) {
    const RATIO: usize = 4;
    const LEAST: usize = 512;

    if out.len() == out.capacity() {
        let wanted = out.len().max(input.saturating_mul(RATIO)).max(LEAST);
        // One byte more than is allowed: only who has written it knows that there is more.
        let allowed = limit.saturating_add(1).saturating_sub(out.len()).max(1);
        out.reserve_exact(wanted.min(allowed));
    }
}

thread_local! {
    static STREAMS: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

/// Of those that nobody has: 46 KiB each. More than one are only lent where messages come in parts.
const KEPT: usize = 8;

fn lend() -> Decompress {
    // The largest window: zlib-rs has room for no other, and lets only this one begin anew in place.
    STREAMS
        .with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| Decompress::new(false))
}

fn return_to_thread(stream: Decompress) {
    STREAMS.with_borrow_mut(|streams| {
        if streams.len() < KEPT {
            streams.push(stream);
        }
    });
}
