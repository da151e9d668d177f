//! `Endpoint`: the server's end of one WebSocket, without sockets, clocks or applications: bytes in, bytes out, messages
//! in between. Knows RFC 6455 as far as frames follow from frames; who waits, and for how long, is `Session`'s and
//! `Channel`'s.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::{
    close::Close,
    code::{ABNORMAL, Ending, NO_STATUS},
    decoder::{Decoder, Event},
    encoder::Encoder,
    extension::Agreed,
    frame::Kind,
    handshake::Accepted,
    inbox::{Inbox, Message},
    outbox::Outbox,
};

/// While so much is unsent, pings are answered with one pong, to the last (RFC 6455, section 5.5.3).
const UNSENT_PONGS: usize = 4 * 1024;

pub(in crate::protocol) struct Endpoint {
    stage: Stage,
    max_size: usize,
    inbox: Inbox,
    /// Read, but not yet looked at: the application has not accepted, or has enough to do.
    unread: Vec<u8>,
    /// How much of it has been looked at after all.
    looked_at: usize,
    outbox: Outbox,
    /// A pong that is owed, while too much is unsent.
    pong: Option<Bytes>,
    /// What the peer will be told that it did wrong, once the application has had what came before.
    fault: Option<Close>,
    /// The ping that has not been answered.
    ping: Option<[u8; 4]>,
    ending: Option<Ending>,
}

/// ```text
/// Connecting --accept--> Open --our Close--> Closing --the peer's Close--> Over
///     |                   `--the peer's Close, a violation, a loss----------^
///     `---------------------refused, lost-----------------------------------^
/// ```
enum Stage {
    Connecting(Accepted),
    Open(Box<Codec>),
    /// What the peer sends is only searched for its Close.
    Closing(Box<Codec>),
    /// Nothing more is said or heard; what is unsent still leaves.
    Over {
        /// The peer may be in the midst of sending, and has not been told before.
        is_sudden: bool,
    },
}

/// What there is to do on a connection. More of any of it is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    reads: bool,
    /// Bytes.
    writes: usize,
    ends: bool,
}

struct Codec {
    decoder: Decoder,
    encoder: Encoder,
}

impl Endpoint {
    /// Sizes in bytes and messages.
    pub(in crate::protocol) fn new(accepted: Accepted, max_size: usize, max_queue: usize) -> Self {
        Self {
            stage: Stage::Connecting(accepted),
            max_size,
            inbox: Inbox::new(max_queue),
            unread: Vec::new(),
            looked_at: 0,
            outbox: Outbox::default(),
            pong: None,
            fault: None,
            ping: None,
            ending: None,
        }
    }

    // The handshake.

    /// What the handshake came to, until it is answered.
    pub(super) fn handshake(&self) -> Option<&Accepted> {
        match &self.stage {
            Stage::Connecting(accepted) => Some(accepted),
            _ => None,
        }
    }

    /// Answers the handshake with `head`, and begins with what the peer has sent since.
    pub(super) fn accept(&mut self, head: &[u8]) {
        let Stage::Connecting(accepted) = &self.stage else {
            return;
        };
        let deflate = accepted.deflate;
        let codec = Codec {
            decoder: Decoder::new(self.max_size, deflate.map(Agreed::inflater)),
            encoder: Encoder::new(deflate.map(Agreed::deflater)),
        };
        self.stage = Stage::Open(Box::new(codec));
        self.outbox.writer().extend_from_slice(head);
        self.look_at_unread();
    }

    /// Answers the handshake with something else, which is all there will be.
    pub(super) fn refuse(&mut self, answer: &[u8]) {
        if self.handshake().is_some() {
            self.outbox.writer().extend_from_slice(answer);
            self.end(ABNORMAL, None);
            self.stage = Stage::Over { is_sudden: true };
        }
    }

    // What comes.

    /// Whether bytes are wanted.
    pub(super) fn may_read(&self) -> bool {
        match self.stage {
            Stage::Open(_) => self.unread.is_empty() && !self.is_full() && self.fault.is_none(),
            Stage::Closing(_) => true,
            Stage::Connecting(_) | Stage::Over { .. } => false,
        }
    }

    /// Takes in what the peer sent; it is unmasked where it stands.
    pub(in crate::protocol) fn feed(&mut self, mut bytes: &mut [u8]) {
        if self.unread.is_empty() {
            bytes = self.decode(bytes);
        }
        if !bytes.is_empty() && !self.is_over() {
            self.unread.extend_from_slice(bytes);
        }
    }

    fn look_at_unread(&mut self) {
        if self.unread.is_empty() || self.is_full() {
            return;
        }
        let mut unread = std::mem::take(&mut self.unread);
        let from = std::mem::take(&mut self.looked_at);
        let left = self
            .decode(unread.get_mut(from..).unwrap_or_default())
            .len();
        if left > 0 && !self.is_over() {
            self.looked_at = unread.len() - left;
            self.unread = unread;
        }
    }

    /// Gives what has not been looked at.
    fn decode<'a>(&mut self, mut bytes: &'a mut [u8]) -> &'a mut [u8] {
        while !bytes.is_empty() && !self.is_full() {
            let (Stage::Open(codec) | Stage::Closing(codec)) = &mut self.stage else {
                break;
            };
            match codec.decoder.next(&mut bytes) {
                Ok(None) => break,
                Ok(Some(event)) => self.on_event(event),
                Err(violation) => {
                    let close = Close {
                        code: violation.code,
                        reason: violation.reason.into_owned(),
                    };
                    if self.is_open() && !self.inbox.is_empty() {
                        self.fault = Some(close);
                    } else {
                        self.fail(&close);
                    }
                    return &mut [];
                }
            }
        }
        bytes
    }

    /// The application has been told of what came before a violation, and has had its chance to answer at once.
    pub(super) fn fail_if_faulty(&mut self) {
        if let Some(close) = self.fault.take() {
            self.fail(&close);
        }
    }

    /// What the connection has to do with it.
    pub(super) fn work(&self) -> Work {
        Work {
            reads: self.may_read(),
            writes: self.unsent_len(),
            ends: self.is_over() || self.fault.is_some(),
        }
    }

    fn on_event(&mut self, event: Event) {
        let is_open = self.is_open();
        match event {
            Event::Message { kind, payload } if is_open => {
                self.inbox.push(Message { kind, payload });
            }
            Event::Ping(payload) if is_open => self.answer(payload),
            Event::Pong(payload) => {
                if self.ping.is_some_and(|ping| payload == ping[..]) {
                    self.ping = None;
                }
            }
            Event::Close(close) => self.on_close(close.as_ref()),
            Event::Message { .. } | Event::Ping(_) => {}
        }
    }

    fn on_close(&mut self, close: Option<&Close>) {
        if self.is_open() {
            Encoder::close(close, self.outbox.writer());
            let (code, reason) = close.map_or((NO_STATUS, ""), |close| (close.code, &close.reason));
            self.end(code, Some(reason.to_owned()));
        }
        self.stage = Stage::Over { is_sudden: false };
    }

    /// Enough waits for the application.
    fn is_full(&self) -> bool {
        self.is_open() && self.inbox.is_full()
    }

    /// The next message for the application, if there is one.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.inbox.pop()?;
        if self.inbox.is_empty() {
            self.look_at_unread();
        }
        Some(message)
    }

    /// Whether there is something to tell the application.
    pub(super) fn has_news(&self) -> bool {
        !self.inbox.is_empty() || self.ending.is_some()
    }

    pub(super) fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    // What leaves.

    /// Sends a message; false if it can reach nobody.
    pub(super) fn send(&mut self, kind: Kind, payload: &[u8]) -> bool {
        let Stage::Open(codec) = &mut self.stage else {
            return false;
        };
        codec.encoder.message(kind, payload, self.outbox.writer());
        true
    }

    /// Begins the closing handshake.
    pub(super) fn close(&mut self, close: &Close) {
        match std::mem::replace(&mut self.stage, Stage::Over { is_sudden: false }) {
            Stage::Open(codec) => {
                Encoder::close(Some(close), self.outbox.writer());
                self.stage = Stage::Closing(codec);
                self.end(close.code, Some(close.reason.clone()));
                self.look_at_unread();
            }
            other => self.stage = other,
        }
    }

    /// Says why, and ends: there is nothing to wait for from such a peer.
    pub(super) fn fail(&mut self, close: &Close) {
        if self.is_open() {
            Encoder::close(Some(close), self.outbox.writer());
            self.end(close.code, Some(close.reason.clone()));
        }
        self.stage = Stage::Over { is_sudden: true };
    }

    /// The peer has not been heard of for too long: it is told so, and the application what it would hear of a loss.
    pub(super) fn give_up(&mut self, close: &Close) {
        self.end(NO_STATUS, None);
        self.fail(close);
    }

    /// The connection is gone, or of no more use.
    pub(super) fn lose(&mut self) {
        let code = match self.stage {
            Stage::Connecting(_) => ABNORMAL,
            _ => NO_STATUS,
        };
        self.end(code, None);
        self.stage = Stage::Over { is_sudden: false };
        self.outbox.clear();
        self.unread = Vec::new();
        self.looked_at = 0;
    }

    /// Nobody asks for messages any more.
    pub(super) fn forget_messages(&mut self) {
        self.inbox.clear();
    }

    fn end(&mut self, code: u16, reason: Option<String>) {
        self.ending.get_or_insert(Ending { code, reason });
        self.pong = None;
        self.ping = None;
    }

    /// Sends a ping, which only a pong with the same payload answers.
    pub(super) fn ping(&mut self, payload: [u8; 4]) {
        if self.is_open() {
            Encoder::ping(&payload, self.outbox.writer());
            self.ping = Some(payload);
        }
    }

    /// Whether a ping has not been answered.
    pub(super) fn is_pinged(&self) -> bool {
        self.ping.is_some()
    }

    fn answer(&mut self, payload: Bytes) {
        if self.unsent_len() >= UNSENT_PONGS {
            self.pong = Some(payload);
        } else if self.is_open() {
            Encoder::pong(&payload, self.outbox.writer());
        }
    }

    /// What is to be sent.
    pub(super) fn unsent(&self) -> &[u8] {
        self.outbox.unsent()
    }

    pub(super) fn unsent_len(&self) -> usize {
        self.outbox.len()
    }

    /// How many bytes have been sent so far.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.outbox.total()
    }

    /// So many bytes of what is unsent have been sent. Gives the memory back once all have.
    pub(super) fn on_sent(&mut self, count: usize) -> Option<Vec<u8>> {
        if !self.outbox.on_sent(count) {
            return None;
        }
        if let Some(payload) = self.pong.take() {
            self.answer(payload);
            return None;
        }
        Some(self.outbox.take_memory())
    }

    /// Memory to write into, where there is none.
    pub(super) fn lend(&mut self, memory: impl FnOnce() -> Vec<u8>) {
        self.outbox.lend(memory);
    }

    // How far it has come.

    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing(_))
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over { .. })
    }

    /// Whether it is over, and the peer may still be sending.
    pub(super) fn is_sudden(&self) -> bool {
        matches!(self.stage, Stage::Over { is_sudden: true })
    }

    /// Gives back what memory an idle session can do without.
    pub(super) fn release(&mut self) {
        if let Stage::Open(codec) = &mut self.stage {
            codec.decoder.release();
            codec.encoder.release();
        }
        self.inbox.release();
    }
}
