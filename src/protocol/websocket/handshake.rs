//! The server's side of the opening handshake (RFC 6455, section 4.2): whether a request is one, whether it is a good
//! one, and the fields that answer it. What an application makes of it is not known here.

#[cfg(test)]
mod tests;

use base64::{
    Engine,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        CONNECTION, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
    request::Parts,
};
use sha1::{Digest, Sha1};

use super::extension::{Agreed, negotiate};

/// Whether a request asks for a WebSocket, well or not. One of HTTP/1.0 cannot, and its `Upgrade` is ignored (RFC 9110,
/// section 7.8; O20); nor can one whose `Connection` does not say that `Upgrade` is meant for this server.
pub(crate) fn is_handshake(request: &Parts) -> bool {
    request.version == Version::HTTP_11
        && lists(&request.headers, &UPGRADE, b"websocket")
        && lists(&request.headers, &CONNECTION, b"upgrade")
}

/// A request that [`is_handshake`], judged.
pub(crate) enum Handshake {
    Good(Box<Parts>, Accepted),
    Bad(Denied),
}

impl Handshake {
    /// `deflate`: whether compression may be agreed to.
    pub(crate) fn check(request: Parts, has_body: bool, deflate: bool) -> Self {
        match check(&request, has_body, deflate) {
            Ok(accepted) => Handshake::Good(Box::new(request), accepted),
            Err(denied) => Handshake::Bad(denied),
        }
    }
}

/// What a good handshake is answered with, if the application wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    /// The value of `Sec-WebSocket-Accept`: the proof that the key was read.
    accept: [u8; ACCEPT],
    pub(crate) deflate: Option<Agreed>,
}

impl Accepted {
    /// The handshake's own field lines, spelt as RFC 6455 does: some clients compare the bytes.
    pub(crate) fn fields(&self) -> Vec<u8> {
        let mut lines = Vec::with_capacity(256);
        lines.extend_from_slice(b"Upgrade: websocket\r\nConnection: Upgrade\r\n");
        lines.extend_from_slice(b"Sec-WebSocket-Accept: ");
        lines.extend_from_slice(&self.accept);
        if let Some(agreed) = &self.deflate {
            lines.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
            lines.extend_from_slice(agreed.field().as_bytes());
        }
        lines.extend_from_slice(b"\r\n");
        lines
    }
}

/// Why a handshake is refused. The connection closes after the answer: what follows the request may be frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Body,
    KeyMalformed,
    KeyMissing,
    KeyRepeated,
    Method,
    VersionMissing,
    VersionRepeated,
    VersionUnsupported,
}

impl Denied {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Denied::Method => StatusCode::METHOD_NOT_ALLOWED,
            Denied::VersionMissing | Denied::VersionRepeated | Denied::VersionUnsupported => {
                StatusCode::UPGRADE_REQUIRED
            }
            Denied::Body | Denied::KeyMalformed | Denied::KeyMissing | Denied::KeyRepeated => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// The words of uvicorn (U4.2), without what the peer sent.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Denied::Body => "unexpected request body",
            Denied::KeyMalformed => "invalid Sec-WebSocket-Key header",
            Denied::KeyMissing => "missing Sec-WebSocket-Key header",
            Denied::KeyRepeated => "invalid Sec-WebSocket-Key header: multiple values",
            Denied::Method => "unsupported HTTP method",
            Denied::VersionMissing => "missing Sec-WebSocket-Version header",
            Denied::VersionRepeated => "invalid Sec-WebSocket-Version header: multiple values",
            Denied::VersionUnsupported => "invalid Sec-WebSocket-Version header",
        }
    }

    /// What the answer says besides, so that the peer can do better.
    pub(crate) fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Denied::Method => &[("allow", "GET")],
            // RFC 6455, section 4.4. A 426 names the protocol as well (RFC 9110, section 15.5.22), in a field that
            // belongs to this connection alone (section 7.8).
            Denied::VersionMissing | Denied::VersionRepeated | Denied::VersionUnsupported => &[
                ("sec-websocket-version", "13"),
                ("upgrade", "websocket"),
                ("connection", "Upgrade, close"),
            ],
            _ => &[],
        }
    }
}

/// The version goes first: the key of another one may look different, and what that client needs to hear is the number.
fn check(request: &Parts, has_body: bool, deflate: bool) -> Result<Accepted, Denied> {
    if request.method != Method::GET {
        return Err(Denied::Method);
    }
    let headers = &request.headers;
    match only(headers, &SEC_WEBSOCKET_VERSION) {
        Only::Nothing => return Err(Denied::VersionMissing),
        Only::Many => return Err(Denied::VersionRepeated),
        Only::One(b"13") => {}
        Only::One(_) => return Err(Denied::VersionUnsupported),
    }
    let key = match only(headers, &SEC_WEBSOCKET_KEY) {
        Only::Nothing => return Err(Denied::KeyMissing),
        Only::Many => return Err(Denied::KeyRepeated),
        Only::One(key) if is_key(key) => key,
        Only::One(_) => return Err(Denied::KeyMalformed),
    };
    // It would have to be read before the first frame, and nobody could say by whom.
    if has_body {
        return Err(Denied::Body);
    }
    let offers = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).into_iter();
    let deflate = deflate
        .then(|| negotiate(offers.map(HeaderValue::as_bytes)))
        .flatten();
    Ok(Accepted {
        accept: accept(key),
        deflate,
    })
}

/// A field that may stand once.
enum Only<'a> {
    Nothing,
    One(&'a [u8]),
    Many,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Only<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::Nothing,
        (Some(value), None) => Only::One(trim(value.as_bytes())),
        (Some(_), Some(_)) => Only::Many,
    }
}

/// 16 bytes in base64, whatever is in the bits that the last letter has too many: the grammar allows any (section 4.3).
fn is_key(key: &[u8]) -> bool {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    // One letter more than the 16 bytes could take, as the decoder wants it.
    let mut decoded = [0; 18];
    key.len() == KEY && LENIENT.decode_slice(key, &mut decoded) == Ok(16)
}

/// Letters of a key: four for three bytes.
const KEY: usize = 24;
/// The same for a SHA-1.
const ACCEPT: usize = 28;
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Section 4.2.2, item 5.4.
fn accept(key: &[u8]) -> [u8; ACCEPT] {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; ACCEPT];
    let written = STANDARD.encode_slice(hash, &mut accept);
    debug_assert_eq!(written, Ok(ACCEPT));
    accept
}

/// Whether a list, over all its lines, has this element, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &[u8]) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|element| trim(element).eq_ignore_ascii_case(wanted))
}

/// Without the blanks around it (RFC 9110, section 5.6.3).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
