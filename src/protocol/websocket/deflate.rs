//! Inflater and Deflater: the payloads of compressed messages (RFC 7692, section 7.2), in and out.
//!
//! Between two messages both hold no stream, only their history: what one message may quote from those before it. The
//! streams belong to the thread, which lends them message by message with the history set as their dictionary. Knows no
//! frames: who calls says where a message ends.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What a sender takes off the end of each message, the rest of an empty stored block (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The same, and a last block: only a message whose blocks are complete lets the stream end with it, and no sooner.
const END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

/// Why a message cannot be inflated. Nothing more can be asked of its Inflater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InflateError {
    /// It is larger than the limit; how much larger nobody has tried to find out.
    TooLarge,
    /// It is not what a compressor writes, or ends in the midst of it.
    Malformed,
}

/// Inflates the messages of one peer.
pub(super) struct Inflater {
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
}

impl Inflater {
    /// For a peer that quotes up to `2 ** window_bits` bytes back, and other messages unless `no_context_takeover`.
    pub(super) fn new(window_bits: u8, no_context_takeover: bool) -> Self {
        Self {
            history: History::new(window_bits, no_context_takeover),
            message: None,
        }
    }

    /// Appends to `out` all that `input`, the next part of a message, says.
    ///
    /// From the first part of a message to its `finish`, `out` is the same and nobody else changes it. It grows with
    /// what is written, and to one byte more than `limit` at most, unless it had more room before.
    pub(super) fn inflate(
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
    pub(super) fn finish(&mut self, out: &[u8]) -> Result<(), InflateError> {
        let Some(mut message) = self.message.take() else {
            return Ok(());
        };
        if !message.has_ended && !message.is_complete() {
            return Err(InflateError::Malformed);
        }
        self.history.push(message.of(out));
        give_back(message.stream);
        Ok(())
    }

    /// The session is idle: keeps the history in no more memory than its bytes need, and nothing else.
    ///
    /// A message that has come in part keeps its stream: there is no other way to remember where it stopped.
    pub(super) fn release(&mut self) {
        self.history.bytes.shrink_to_fit();
    }
}

impl Inflating {
    fn begin(history: &History, start: usize) -> Result<Self, InflateError> {
        let mut message = Self {
            stream: borrow(),
            start,
            has_ended: false,
        };
        message.restart(history, &[])?;
        Ok(message)
    }

    /// Lets the stream begin anew behind a last block (section 7.2.3.4). Whether the next may still quote what came
    /// before, section 7.2 does not say: it can.
    fn restart(&mut self, history: &History, out: &[u8]) -> Result<(), InflateError> {
        self.stream.reset(false);
        for quotable in [history.bytes.as_slice(), self.of(out)] {
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
                .decompress_vec(input, out, FlushDecompress::None)
                .map_err(|_| InflateError::Malformed)?;
            if out.len() > limit {
                return Err(InflateError::TooLarge);
            }
            let taken = self.stream.total_in() - taken;
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

/// Deflates the messages to one peer.
pub(super) struct Deflater {
    window_bits: u8,
    history: History,
    owner: u64,
}

impl Deflater {
    /// For a peer that remembers `2 ** window_bits` bytes, and other messages unless `no_context_takeover`.
    pub(super) fn new(window_bits: u8, no_context_takeover: bool) -> Self {
        Self {
            window_bits,
            history: History::new(window_bits, no_context_takeover),
            owner: next_owner(),
        }
    }

    /// Appends the compressed form of a message to `out`, without its tail; `false`, and nothing, if that is not smaller.
    ///
    /// Such a message is to be sent as it is. The peer does not remember it then, and so neither does the Deflater.
    #[must_use = "where it is false the message is still to be sent"]
    pub(super) fn deflate(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let mut compressor = Compressor::borrow(self.window_bits);
        let is_ready =
            compressor.owner == self.owner || compressor.restart(&self.history).is_some();
        if !is_ready || compressor.message(payload, out).is_none() {
            out.truncate(start);
            return false;
        }
        self.history.push(payload);
        if self.history.takes_over {
            compressor.owner = self.owner;
        }
        compressor.give_back();
        true
    }

    /// The session is idle: forgets the history. The peer does not mind what is not quoted.
    pub(super) fn release(&mut self) {
        self.history.bytes = Vec::new();
        self.owner = next_owner();
    }
}

/// A stream of the thread, and who used it last.
struct Compressor {
    stream: Compress,
    window_bits: u8,
    owner: u64,
}

thread_local! {
    static INFLATING: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
    static DEFLATING: RefCell<Vec<Compressor>> = const { RefCell::new(Vec::new()) };
    static OWNERS: Cell<u64> = const { Cell::new(0) };
}

/// As many as rest between messages; those that are lent out are not counted.
const INFLATERS_KEPT: usize = 8;

fn borrow() -> Decompress {
    INFLATING
        .with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| Decompress::new(false))
}

fn give_back(stream: Decompress) {
    INFLATING.with_borrow_mut(|streams| {
        if streams.len() < INFLATERS_KEPT {
            streams.push(stream);
        }
    });
}

fn next_owner() -> u64 {
    OWNERS.with(|owners| {
        owners.set(owners.get() + 1);
        owners.get()
    })
}

/// Nobody's.
const FREE: u64 = 0;
const LEVEL: u32 = 3;

impl Compressor {
    fn borrow(window_bits: u8) -> Self {
        let kept = DEFLATING.with_borrow_mut(|compressors| {
            let position = compressors
                .iter()
                .position(|compressor| compressor.window_bits == window_bits)?;
            Some(compressors.swap_remove(position))
        });
        kept.unwrap_or_else(|| Self {
            stream: Compress::new_with_window_bits(
                Compression::new(LEVEL),
                false,
                window_bits.clamp(9, 15),
            ),
            window_bits,
            owner: FREE,
        })
    }

    fn give_back(self) {
        DEFLATING.with_borrow_mut(|compressors| compressors.push(self));
    }

    fn restart(&mut self, history: &History) -> Option<()> {
        self.owner = FREE;
        self.stream.reset();
        if !history.bytes.is_empty() {
            self.stream.set_dictionary(&history.bytes).ok()?;
        }
        Some(())
    }

    fn message(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let end = out.len() + payload.len() + TAIL.len();
        let mut rest = payload;
        loop {
            out.reserve(rest.len() / 4 + 64);
            let before = self.stream.total_in();
            self.stream
                .compress_vec(rest, out, FlushCompress::Sync)
                .ok()?;
            let taken = usize::try_from(self.stream.total_in() - before).ok()?;
            rest = rest.get(taken..)?;
            if out.len() >= end {
                return None;
            }
            if out.len() < out.capacity() && rest.is_empty() {
                break;
            }
        }
        let length = out.len() - TAIL.len();
        (out.get(length..)? == TAIL).then(|| out.truncate(length))
    }
}

/// The end of what one side has said in compressed messages, as far as the next of them may quote it.
struct History {
    bytes: Vec<u8>,
    window: usize,
    takes_over: bool,
}

impl History {
    fn new(window_bits: u8, no_context_takeover: bool) -> Self {
        Self {
            bytes: Vec::new(),
            window: 1 << window_bits.clamp(8, 15),
            takes_over: !no_context_takeover,
        }
    }

    fn push(&mut self, message: &[u8]) {
        if !self.takes_over {
            return;
        }
        let (_, message) = message.split_at(message.len().saturating_sub(self.window));
        let length = self.bytes.len() + message.len();
        self.bytes.drain(..length.saturating_sub(self.window));
        let length = self.bytes.len() + message.len();
        if length > self.bytes.capacity() {
            let capacity = length.next_power_of_two().min(self.window);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(message);
    }
}
