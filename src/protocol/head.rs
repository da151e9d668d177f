//! `Head`: status line and fields of a response, checked and written down as they are given. hyper frames the response;
//! of its own head only the fields about framing are kept.
//!
//! A field goes from the application's bytes to the wire's with one look and one copy. Through a map it would be
//! hashed, moved into two allocations and written from there.

#[cfg(test)]
mod tests;

use std::{ops::Range, time::Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{
    defaults::Defaults,
    framing::{MAX_FIELDS, is_text, is_token},
};
use crate::error::AppError;

/// The `http` crate's limit, which a fallback to its map would meet.
const MAX_NAME: usize = 32_768;
/// Beyond so many, equal names are not brought together any more: each would be compared with all before it.
const MAX_GROUPED: usize = 128;

pub(crate) struct Head {
    status: StatusCode,
    /// The status line, then a line for each field; each with its line end.
    lines: Vec<u8>,
    /// Where the server's own fields stand.
    own: Range<usize>,
    content_length: Option<u64>,
    close: Close,
    /// `date` or `server` have been given, in place of the server's own.
    date_given: bool,
    server_given: bool,
    fields: usize,
    /// A bit for each name there may be.
    names: u64,
}

/// Whether the connection ends with the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    No,
    /// A field of the application's says so.
    Said,
    Unsaid,
}

impl Head {
    /// With the server's own fields, in `buffer`.
    pub(super) fn new(
        status: StatusCode,
        mut buffer: Vec<u8>,
        defaults: &Defaults,
        now: Instant,
    ) -> Self {
        buffer.clear();
        let lines = &mut buffer;
        if status == StatusCode::OK {
            lines.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        } else {
            lines.extend_from_slice(b"HTTP/1.1 ");
            lines.extend_from_slice(status.as_str().as_bytes());
            lines.push(b' ');
            lines.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
        let start = lines.len();
        defaults.write(lines, now);
        Self {
            status,
            own: start..lines.len(),
            lines: buffer,
            content_length: None,
            close: Close::No,
            date_given: false,
            server_given: false,
            fields: 0,
            names: 0,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What was promised with `content-length`.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Whether a field says that the connection closes.
    pub(super) fn says_close(&self) -> bool {
        self.close == Close::Said
    }

    /// The connection ends with this response.
    pub(super) fn make_last(&mut self) {
        if self.close == Close::No {
            self.close = Close::Unsaid;
        }
    }

    pub(super) fn is_last(&self) -> bool {
        self.close != Close::No
    }

    /// Adds a field of the application's. Nothing has been added when it fails.
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), AppError> {
        let start = self.lines.len();
        let outcome = self
            .write(name, value)
            .and_then(|()| self.judge(start, value));
        match outcome {
            Ok(true) => {
                self.fields += 1;
                // The server's own of that name may have gone, so it is found from the end.
                let line = name.len() + value.len() + 4;
                self.group(self.lines.len().saturating_sub(line), name.len());
            }
            Ok(false) | Err(_) => self.lines.truncate(start),
        }
        outcome.map(drop)
    }

    /// Writes the line, its name in lower case.
    fn write(&mut self, name: &[u8], value: &[u8]) -> Result<(), AppError> {
        if self.fields >= MAX_FIELDS {
            return Err(AppError::HeadersTooMany);
        }
        let lines = &mut self.lines;
        lines.reserve(name.len() + value.len() + 4);
        if matches!(name, b"content-length" | b"content-type") {
            // Nearly every response has these two, as they are written here.
            lines.extend_from_slice(name);
        } else {
            let mut is_token = !name.is_empty() && name.len() <= MAX_NAME;
            lines.extend(name.iter().map(|byte| {
                let lower = TOKEN.get(usize::from(*byte)).map_or(0, |lower| *lower);
                is_token &= lower != 0;
                lower
            }));
            if !is_token {
                return Err(AppError::HeaderNameInvalid);
            }
        }
        // To the end even where the first byte is wrong: that can be done many bytes at a time.
        let is_value = value.iter().fold(true, |all, byte| all & is_text(*byte));
        if !is_value {
            return Err(AppError::HeaderValueInvalid);
        }
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value);
        lines.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// What the line at `start` means; whether it is to be kept.
    fn judge(&mut self, start: usize, value: &[u8]) -> Result<bool, AppError> {
        // The names that mean something to a server, told apart by their beginnings first.
        let line = self.lines.get(start..).unwrap_or_default();
        match line {
            [b'c', b'o', b'n', ..] if line.starts_with(b"content-length:") => {
                let length = decimal(value).ok_or_else(|| {
                    AppError::ContentLengthInvalid(value.escape_ascii().to_string())
                })?;
                return match self.content_length {
                    Some(before) if before != length => Err(AppError::ContentLengthsDiffer),
                    Some(_) => Ok(false),
                    None => {
                        self.content_length = Some(length);
                        // It describes no body, not even that of another method (RFC 9110, section 8.6).
                        Ok(
                            self.status != StatusCode::NO_CONTENT
                                && !self.status.is_informational(),
                        )
                    }
                };
            }
            [b'c', b'o', b'n', ..] if line.starts_with(b"connection:") && says_close(value) => {
                self.close = Close::Said;
            }
            // Framing is the server's.
            [b't', ..] if line.starts_with(b"transfer-encoding:") => return Ok(false),
            // The application's replace the server's own; its second one stands beside its first.
            [b'd', ..] if line.starts_with(b"date:") && !self.date_given => {
                self.date_given = true;
                self.drop_own(b"date:");
            }
            [b's', ..] if line.starts_with(b"server:") && !self.server_given => {
                self.server_given = true;
                self.drop_own(b"server:");
            }
            _ => {}
        }
        Ok(true)
    }

    /// Takes the server's own fields of one name out.
    #[cold]
    fn drop_own(&mut self, name: &[u8]) {
        let own = self.lines.get(self.own.clone()).unwrap_or_default();
        let kept: Vec<u8> = lines(own)
            .filter(|line| !line.starts_with(name))
            .flatten()
            .copied()
            .collect();
        let end = self.own.start + kept.len();
        self.lines.splice(self.own.clone(), kept);
        self.own.end = end;
    }

    /// Brings the last line to the application's one of its name before it, if there is one (O35).
    fn group(&mut self, start: usize, length: usize) {
        let Some(name) = self.lines.get(start..start + length) else {
            return;
        };
        let (first, last) = (name.first(), name.last());
        let hash = length * 7
            + usize::from(first.copied().unwrap_or_default()) * 5
            + usize::from(last.copied().unwrap_or_default());
        let bit = 1 << (hash % 64);
        let may_be_known = self.names & bit != 0;
        self.names |= bit;
        if may_be_known && self.fields <= MAX_GROUPED {
            self.bring_together(start, length);
        }
    }

    #[cold]
    fn bring_together(&mut self, start: usize, length: usize) {
        let (before, line) = self.lines.split_at(start);
        let Some(name) = line.get(..=length) else {
            return;
        };
        let mut end = self.own.end;
        let mut target = None;
        for line in lines(before.get(end..).unwrap_or_default()) {
            end += line.len();
            if line.starts_with(name) {
                target = Some(end);
            }
        }
        if let Some(target) = target.filter(|target| *target < start)
            && let Some(moved) = self.lines.get_mut(target..)
        {
            moved.rotate_left(start - target);
        }
    }

    /// The head as it goes onto the wire, and whatever follows it in `framed`, which is what hyper made of the status and
    /// the framing.
    pub(super) fn complete(mut self, framed: &[u8]) -> Vec<u8> {
        // hyper's status line is known, and says HTTP/1.0 to a peer of that version.
        let mut rest = after_line(framed);
        while let [first, ..] = rest {
            if *first == b'\r' {
                break;
            }
            let after = after_line(rest);
            let line = rest.get(..rest.len() - after.len()).unwrap_or_default();
            if !self.has(line) {
                self.lines.extend_from_slice(line);
            }
            rest = after;
        }
        self.lines.extend_from_slice(rest);
        self.lines
    }

    /// Whether the application has given this field of hyper's.
    fn has(&self, line: &[u8]) -> bool {
        self.content_length.is_some() && line.starts_with(b"content-length:")
            || self.says_close() && line.starts_with(b"connection:")
    }

    /// The same fields in a map.
    pub(super) fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines(after_line(&self.lines)) {
            let (name, value) = split(line);
            // They have been checked.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        map
    }

    /// Whether there is a field of this name, which is in lower case.
    pub(super) fn contains(&self, name: &[u8]) -> bool {
        lines(after_line(&self.lines)).any(|line| split(line).0 == name)
    }

    /// The whole head of a response without a body that hyper has no part in, with `more` lines before all others.
    pub(super) fn with_lines(mut self, more: &[u8]) -> Vec<u8> {
        let start = self.own.start;
        self.lines.extend_from_slice(more);
        if let Some(moved) = self.lines.get_mut(start..) {
            moved.rotate_right(more.len());
        }
        self.lines.extend_from_slice(b"\r\n");
        self.lines
    }

    /// The head of a response that hyper has no part in, before a body of `words`.
    pub(super) fn with_body(mut self, words: &[u8]) -> Bytes {
        self.lines.extend_from_slice(b"\r\n");
        self.lines.extend_from_slice(words);
        self.lines.into()
    }
}

/// What is left of `bytes` after the first line.
fn after_line(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |index| index + 1);
    bytes.get(end..).unwrap_or_default()
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = memchr::memchr(b':', line).unwrap_or(line.len());
    let name = line.get(..colon).unwrap_or_default();
    let value = line.get(colon + 2..).unwrap_or_default();
    (name, value.strip_suffix(b"\r\n").unwrap_or(value))
}

/// The bytes of a token in lower case; 0 for those that do not belong in one.
#[expect(
    clippy::indexing_slicing,
    reason = "at compile time, where a panic is an error"
)]
static TOKEN: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        if is_token(byte) {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

pub(super) fn says_close(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
