//! The payloads of compressed messages, in and out (RFC 7692, section 7.2). Knows no frames: who calls says where a
//! message ends.
//!
//! Between two messages neither side holds a stream, only its `History`: what one message may quote from those before
//! it. The streams belong to the thread, which lends them for one message, with the history as their dictionary.

mod deflater;
mod history;
mod inflater;
#[cfg(test)]
mod tests;

pub(super) use self::{
    deflater::Deflater,
    inflater::{InflateError, Inflater},
};

/// How many bytes of the messages before a message can quote.
fn limit(window_bits: u8, no_context_takeover: bool) -> usize {
    if no_context_takeover {
        return 0;
    }
    1 << window_bits.clamp(8, 15)
}
