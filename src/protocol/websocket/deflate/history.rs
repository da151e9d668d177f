//! History: the end of what one side has said in compressed messages, as far as the next of them may quote it.

/// Between two messages this is all that a session remembers of either direction.
pub(super) struct History {
    bytes: Vec<u8>,
    limit: usize,
}

impl History {
    /// A limit of 0 is no context takeover.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn push(&mut self, message: &[u8]) {
        let (_, message) = message.split_at(message.len().saturating_sub(self.limit));
        let excess = (self.bytes.len() + message.len()).saturating_sub(self.limit);
        self.bytes.drain(..excess);
        let length = self.bytes.len() + message.len();
        if length > self.bytes.capacity() {
            let capacity = length.next_power_of_two().min(self.limit);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(message);
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub(super) fn forget(&mut self) {
        self.bytes = Vec::new();
    }
}
