//! WebSocket (RFC 6455, RFC 7692) for any application. Knows no Python and no hyper; over what a session runs is its
//! channel's to know.
//!
//! ```text
//!   Driver -- polls --> Channel (channel.rs) -- reads, writes --> Stream
//!                          | keepalive.rs
//!                          v
//!   Application <-- Session (session.rs) <-- Endpoint (endpoint.rs, inbox.rs, outbox.rs): no I/O, no clock
//!                                               |-- Decoder (decoder.rs): frame.rs mask.rs text.rs close.rs
//!                                               |-- Encoder (encoder.rs)
//!                                               `-- Inflater, Deflater (deflate.rs), as agreed (extension.rs)
//!   handshake.rs: whether there is a session at all
//! ```

mod channel;
mod close;
mod code;
mod copy;
mod decoder;
mod deflate;
mod encoder;
mod endpoint;
mod extension;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handshake;
mod inbox;
mod keepalive;
mod mask;
mod outbox;
mod session;
mod text;
mod violation;

pub(crate) use channel::Trouble;
pub(super) use channel::{Channel, Outlook};
pub(super) use endpoint::Endpoint;
pub(super) use handshake::{Handshake, is_handshake};

pub(crate) use close::Close;
pub(crate) use code::{Ending, INTERNAL_ERROR, NORMAL, without_reason};
pub(crate) use frame::Kind;
pub(crate) use inbox::Message;
pub(crate) use session::{Received, Session};
