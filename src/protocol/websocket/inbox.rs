//! `Inbox`: the messages that wait for the application, and whether enough do.

use std::collections::VecDeque;

use bytes::Bytes;

use super::frame::Kind;

/// Several messages that wait may have so many bytes before reading stops; the last may go beyond. One alone never stops
/// it: a ping behind a large message is answered.
pub(super) const WAITING: usize = 64 * 1024;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// UTF-8, if it is text.
    pub(crate) payload: Bytes,
}

/// What a message costs while it waits. An empty one is not free.
fn cost(message: &Message) -> usize {
    message.payload.len() + size_of::<Message>()
}

pub(super) struct Inbox {
    messages: VecDeque<Message>,
    max_messages: usize,
    bytes: usize,
}

impl Inbox {
    pub(super) fn new(max_messages: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            max_messages,
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, message: Message) {
        self.bytes += cost(&message);
        self.messages.push_back(message);
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= cost(&message);
        Some(message)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        let count = self.messages.len();
        count >= self.max_messages || count > 1 && self.bytes >= WAITING
    }

    /// Nobody asks for messages any more.
    pub(super) fn clear(&mut self) {
        self.messages = VecDeque::new();
        self.bytes = 0;
    }

    /// Gives back what memory is not used.
    pub(super) fn release(&mut self) {
        self.messages.shrink_to_fit();
    }
}
