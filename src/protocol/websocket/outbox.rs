//! `Outbox`: the bytes that wait for the peer to take them.

#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// How many of `bytes` have been sent.
    sent: usize,
    /// How many have been sent in all.
    total: u64,
}

impl Outbox {
    /// What is written here is sent.
    pub(super) fn writer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// What is to be sent.
    pub(super) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// How many bytes have been sent so far.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// So many bytes have been sent; whether those were all.
    pub(super) fn on_sent(&mut self, count: usize) -> bool {
        self.sent = self.bytes.len().min(self.sent + count);
        self.total = self.total.wrapping_add(count as u64);
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        } else if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.bytes.is_empty()
    }

    /// Memory to write into, where there is none.
    pub(super) fn lend(&mut self, memory: impl FnOnce() -> Vec<u8>) {
        if self.bytes.capacity() == 0 {
            self.bytes = memory();
        }
    }

    /// The memory, of an outbox from which everything has been sent.
    pub(super) fn take_memory(&mut self) -> Vec<u8> {
        debug_assert!(self.bytes.is_empty());
        std::mem::take(&mut self.bytes)
    }

    /// Nobody will take it.
    pub(super) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.sent = 0;
    }
}
