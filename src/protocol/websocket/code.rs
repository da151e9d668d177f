//! How sessions end: `Ending`, and the close codes that the server itself gives (RFC 6455, section 7.4.1, and its registry).

use super::close::Close;

pub(crate) const NORMAL: u16 = 1000;
/// No Close frame has been seen, or one without a code. Never sent.
pub(super) const NO_STATUS: u16 = 1005;
/// The connection was lost before there was a WebSocket. Never sent.
pub(super) const ABNORMAL: u16 = 1006;
pub(crate) const INTERNAL_ERROR: u16 = 1011;
/// The server stops.
pub(super) const SERVICE_RESTART: u16 = 1012;

/// A Close without a reason.
pub(crate) fn without_reason(code: u16) -> Close {
    Close {
        code,
        reason: String::new(),
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) code: u16,
    /// `None` where no Close frame was seen.
    pub(crate) reason: Option<String>,
}
