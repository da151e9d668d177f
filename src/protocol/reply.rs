//! `Reply`: how far the response of an exchange has come, and what of it hyper has not taken.

use std::collections::VecDeque;

use bytes::Bytes;

use super::head::Head;

/// ```text
/// Owed --respond--> Whole ------taken by hyper-------------------> Finished
///   |                                                                 ^
///   `-----open----> Opening --taken by hyper--> Streaming --end-------'
///  any of them: --peer gone--> Gone
/// ```
pub(super) enum Reply {
    Owed,
    Whole { head: Head, body: Bytes },
    Opening { head: Head, queue: Queue },
    Streaming(Queue),
    Finished,
    Gone,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) chunks: VecDeque<Bytes>,
    pub(super) bytes: usize,
    pub(super) end: End,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum End {
    #[default]
    Open,
    Complete,
    Cut,
}

impl Reply {
    pub(super) fn queue(&mut self) -> Option<&mut Queue> {
        match self {
            Self::Opening { queue, .. } | Self::Streaming(queue) => Some(queue),
            _ => None,
        }
    }

    /// Whether the application has said all that it will.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Owed => false,
            Self::Opening { queue, .. } | Self::Streaming(queue) => queue.end != End::Open,
            Self::Whole { .. } | Self::Finished | Self::Gone => true,
        }
    }
}

impl Queue {
    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() && self.end == End::Open {
            self.bytes += bytes.len();
            self.chunks.push_back(bytes);
        }
    }
}
