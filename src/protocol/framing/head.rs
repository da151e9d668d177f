//! The head of a request: the whole grammar of its line, the two fields that frame the body, and the one that leads
//! away from HTTP.
//!
//! Every other field line is only searched for its end: hyper refuses what is wrong with it.
//!
//! ```text
//!   Method ─> TargetStart ─> Target ─> Version ─> LineEnd ─> FieldStart ─> End ─> Over
//!                                                    ^           ├─> LengthName ─> Length.. ─┐
//!                                                    │           ├─> CodingName ─> Coding ───┤
//!                                                    │           ├─> UpgradeName ─> Upgrade ─┤
//!                                                    │           └─> Other <─ another name   │
//!                                                    └─────────────────┴─────────────────────┘
//! ```
#[cfg(test)]
mod tests;

use memchr::{memchr, memchr2};

use super::{Fault, Limits, Reached, Step, Stop, is_blank, is_token, upgrade::Protocol};

/// What a head says about the body that follows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Declared {
    Nothing,
    Length(u64),
    Chunked,
}

#[derive(Debug)]
pub(super) struct Head {
    at: At,
    declared: Declared,
    http_10: bool,
    /// Bytes still allowed.
    left: usize,
    /// Field lines still allowed.
    fields: usize,
    largest_body: u64,
    /// `Upgrade` is looked at.
    websocket: bool,
    /// It lists `websocket`.
    upgrades: bool,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Method,
    TargetStart,
    Target,
    /// So many bytes of the version have come.
    Version(u8),
    /// A LF is due.
    LineEnd,
    FieldStart,
    /// So many bytes of the name have matched.
    LengthName(usize),
    LengthStart,
    Length(u64),
    LengthEnd(u64),
    CodingName(usize),
    /// So many bytes of `chunked` have come.
    Coding(usize),
    UpgradeName(usize),
    Upgrade(Protocol),
    /// The rest of a field line that nothing depends on here.
    Other,
    /// The LF that ends the head is due.
    End,
    Over,
}

/// hyper keeps the two largest numbers for itself and answers them with 431.
const MAX_LENGTH: u64 = u64::MAX - 2;

const LENGTH: &[u8] = b"content-length:";
const CODING: &[u8] = b"transfer-encoding:";
const UPGRADE: &[u8] = b"upgrade:";

/// Where a step leads and the bytes after it, or a fault and the bytes from the offending one on.
type Parsed<'a> = Result<(At, &'a [u8]), (Fault, &'a [u8])>;

impl Head {
    pub(super) fn new(limits: &Limits) -> Head {
        Head {
            at: At::Method,
            declared: Declared::Nothing,
            http_10: false,
            left: limits.head,
            fields: limits.fields,
            largest_body: limits.body,
            websocket: limits.websocket,
            upgrades: false,
        }
    }

    /// Bytes from the first of a method on.
    pub(super) fn feed<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        // No byte beyond the limit is looked at.
        let (within, beyond) = bytes.split_at_checked(self.left).unwrap_or((bytes, &[]));
        let (mut at, mut rest) = (self.at, within);
        while let Some((&byte, after)) = rest.split_first() {
            (at, rest) = match self.advance(at, byte, rest, after) {
                Ok(step) => step,
                Err((fault, from)) => {
                    if let Fault::TargetRaw = fault {
                        // Not refused: it comes again, escaped.
                        self.at = At::Target;
                        self.left -= within.len() - from.len();
                    }
                    let left = from.len() + beyond.len();
                    return Err(Stop { fault, left });
                }
            };
            if let At::Over = at {
                let used = within.len() - rest.len();
                let reached = Reached::HeadEnd {
                    declared: self.declared,
                    // An HTTP/1.0 client cannot mean it (RFC 9110, section 7.8).
                    upgrades: self.upgrades && !self.http_10,
                };
                return Ok((reached, bytes.split_at(used).1));
            }
        }
        self.at = at;
        self.left -= within.len();
        if beyond.is_empty() {
            return Ok((Reached::NoEnd, beyond));
        }
        let fault = match at {
            At::Method | At::TargetStart | At::Target | At::Version(_) => Fault::RequestLineTooLong,
            _ => Fault::HeadTooLarge,
        };
        Err(Stop {
            fault,
            left: beyond.len(),
        })
    }

    /// At least one step; `rest` is `byte` and `after`. What has come whole passes from step to step
    /// without a stop.
    fn advance<'a>(&mut self, at: At, byte: u8, rest: &'a [u8], after: &'a [u8]) -> Parsed<'a> {
        match at {
            At::Method => self.method(rest),
            At::TargetStart => self.target_start(rest),
            At::Target => self.target(rest),
            At::Version(seen) => self.version(seen, rest),
            At::LineEnd if byte == b'\n' => self.fields(after),
            At::FieldStart => self.fields(rest),
            At::LengthName(_) | At::CodingName(_) | At::UpgradeName(_) => self.name(at, rest),
            At::LengthStart | At::Length(_) | At::LengthEnd(_) => self.length(at, rest),
            At::Coding(seen) => self.coding(seen, rest),
            At::Upgrade(protocol) => self.upgrade(protocol, rest),
            At::Other => other(rest),
            At::End if byte == b'\n' => Ok((At::Over, after)),
            At::LineEnd | At::End => Err((Fault::StrayCr, rest)),
            At::Over => Ok((At::Over, rest)),
        }
    }

    fn method<'a>(&mut self, rest: &'a [u8]) -> Parsed<'a> {
        let length = rest.iter().take_while(|byte| is_token(**byte)).count();
        match rest.split_at(length).1 {
            [] => Ok((At::Method, &[])),
            [b' ', after @ ..] => self.target_start(after),
            other => Err((Fault::RequestLineMalformed, other)),
        }
    }

    fn target_start<'a>(&mut self, rest: &'a [u8]) -> Parsed<'a> {
        match rest.first() {
            None => Ok((At::TargetStart, rest)),
            Some(byte) if is_target(*byte) || is_raw(*byte) => self.target(rest),
            Some(_) => Err((Fault::RequestLineMalformed, rest)),
        }
    }

    fn target<'a>(&mut self, rest: &'a [u8]) -> Parsed<'a> {
        let (target, end) = rest.split_at(memchr(b' ', rest).unwrap_or(rest.len()));
        // Without an early exit this compiles to vector instructions.
        if !target.iter().fold(true, |all, byte| all & is_target(*byte)) {
            let good = target.iter().take_while(|byte| is_target(**byte)).count();
            let (_, bad) = rest.split_at(good);
            let fault = match bad.first() {
                Some(byte) if is_raw(*byte) => Fault::TargetRaw,
                _ => Fault::RequestLineMalformed,
            };
            return Err((fault, bad));
        }
        match end.split_first() {
            None => Ok((At::Target, end)),
            Some((_, after)) => self.version(0, after),
        }
    }

    /// `HTTP/1.0` or `HTTP/1.1`, judged by the first byte that differs: another number is another
    /// version, anything else is none.
    fn version<'a>(&mut self, seen: u8, rest: &'a [u8]) -> Parsed<'a> {
        if let (0, Some(after)) = (seen, rest.strip_prefix(b"HTTP/1.1\r\n")) {
            return self.fields(after);
        }
        let Some((byte, after)) = rest.split_first() else {
            return Ok((At::Version(seen), rest));
        };
        match (seen, byte) {
            (7, b'0' | b'1') => self.http_10 = *byte == b'0',
            (5, b'0' | b'2'..=b'9') | (7, b'2'..=b'9') => {
                return Err((Fault::VersionUnsupported, rest));
            }
            (8, b'\r') => return Ok((At::LineEnd, after)),
            (8, b'\n') => return Err((Fault::BareLf, rest)),
            _ if b"HTTP/1.".get(usize::from(seen)) == Some(byte) => {}
            _ => return Err((Fault::RequestLineMalformed, rest)),
        }
        Ok((At::Version(seen + 1), after))
    }

    /// Whole field lines, up to the end of the head or to one that has not come whole.
    fn fields<'a>(&mut self, mut rest: &'a [u8]) -> Parsed<'a> {
        loop {
            let (first, after) = match rest {
                [] => return Ok((At::FieldStart, rest)),
                [b'\r', b'\n', after @ ..] => return Ok((At::Over, after)),
                [b'\r', after @ ..] => return Ok((At::End, after)),
                [b'\n', ..] => return Err((Fault::BareLf, rest)),
                [first, after @ ..] => (first, after),
            };
            if self.fields == 0 {
                return Err((Fault::FieldsTooMany, rest));
            }
            self.fields -= 1;
            // The first letter, and the colon in its place, rule out nearly every other line.
            let may_be = |name: &[u8]| rest.get(name.len() - 1).is_none_or(|byte| *byte == b':');
            let at;
            (at, rest) = match first {
                b'c' | b'C' if may_be(LENGTH) => self.name(At::LengthName(0), rest)?,
                b't' | b'T' if may_be(CODING) => self.name(At::CodingName(0), rest)?,
                b'u' | b'U' if self.websocket && may_be(UPGRADE) => {
                    self.name(At::UpgradeName(0), rest)?
                }
                _ => other(after)?,
            };
            if !matches!(at, At::FieldStart) {
                return Ok((at, rest));
            }
        }
    }

    fn name<'a>(&mut self, at: At, rest: &'a [u8]) -> Parsed<'a> {
        let (wanted, seen) = match at {
            At::CodingName(seen) => (CODING, seen),
            At::LengthName(seen) => (LENGTH, seen),
            At::UpgradeName(seen) => (UPGRADE, seen),
            at => return Ok((at, rest)),
        };
        let wanted = wanted.get(seen..).unwrap_or_default();
        let same = wanted
            .iter()
            .zip(rest)
            .take_while(|(a, b)| a.eq_ignore_ascii_case(b))
            .count();
        let (_, after) = rest.split_at(same);
        if same < wanted.len() {
            return match (after, at) {
                ([], At::CodingName(_)) => Ok((At::CodingName(seen + same), after)),
                ([], At::UpgradeName(_)) => Ok((At::UpgradeName(seen + same), after)),
                ([], _) => Ok((At::LengthName(seen + same), after)),
                _ => other(after),
            };
        }
        match (at, self.declared) {
            (At::UpgradeName(_), _) => self.upgrade(Protocol::START, after),
            (At::CodingName(_), _) if self.http_10 => Err((Fault::CodingInHttp10, after)),
            (At::CodingName(_), Declared::Nothing) => self.coding(0, after),
            (At::CodingName(_), Declared::Chunked) => Err((Fault::CodingRepeated, after)),
            (_, Declared::Nothing) => self.length(At::LengthStart, after),
            (At::LengthName(_), Declared::Length(_)) => Err((Fault::LengthRepeated, after)),
            _ => Err((Fault::LengthAndCoding, after)),
        }
    }

    fn length<'a>(&mut self, mut at: At, mut rest: &'a [u8]) -> Parsed<'a> {
        while let Some((byte, after)) = rest.split_first() {
            at = match (at, byte) {
                (At::LengthStart, b' ' | b'\t') => At::LengthStart,
                (At::LengthStart, b'0'..=b'9') => At::Length(u64::from(byte - b'0')),
                (At::Length(value), b'0'..=b'9') => {
                    let value = value
                        .checked_mul(10)
                        .and_then(|value| value.checked_add(u64::from(byte - b'0')))
                        .filter(|value| *value <= MAX_LENGTH)
                        .ok_or((Fault::LengthMalformed, rest))?;
                    At::Length(value)
                }
                (At::Length(value) | At::LengthEnd(value), b' ' | b'\t') => At::LengthEnd(value),
                (At::Length(value) | At::LengthEnd(value), b'\r') if value > self.largest_body => {
                    return Err((Fault::BodyTooLarge, rest));
                }
                (At::Length(value) | At::LengthEnd(value), b'\r') => {
                    self.declared = Declared::Length(value);
                    return Ok(line_end(after));
                }
                (_, b'\n') => return Err((Fault::BareLf, rest)),
                _ => return Err((Fault::LengthMalformed, rest)),
            };
            rest = after;
        }
        Ok((at, rest))
    }

    /// `chunked` alone, in any case, with blanks around it (FLT-A33 to A36).
    fn coding<'a>(&mut self, mut seen: usize, mut rest: &'a [u8]) -> Parsed<'a> {
        while let Some((byte, after)) = rest.split_first() {
            match b"chunked".get(seen) {
                Some(letter) if letter.eq_ignore_ascii_case(byte) => seen += 1,
                Some(_) if seen == 0 && is_blank(*byte) => {}
                None if is_blank(*byte) => {}
                None if *byte == b'\r' => {
                    self.declared = Declared::Chunked;
                    return Ok(line_end(after));
                }
                _ if *byte == b'\n' => return Err((Fault::BareLf, rest)),
                _ => return Err((Fault::CodingNotChunked, rest)),
            }
            rest = after;
        }
        Ok((At::Coding(seen), rest))
    }

    /// A list that may go on in other lines; what else it holds is not judged.
    fn upgrade<'a>(&mut self, mut protocol: Protocol, mut rest: &'a [u8]) -> Parsed<'a> {
        while let Some((byte, after)) = rest.split_first() {
            match byte {
                b'\n' => return Err((Fault::BareLf, rest)),
                b'\r' | b',' => {
                    self.upgrades |= protocol.is_websocket();
                    if *byte == b'\r' {
                        return Ok(line_end(after));
                    }
                    protocol = Protocol::START;
                }
                _ => protocol = protocol.with(*byte),
            }
            rest = after;
        }
        Ok((At::Upgrade(protocol), rest))
    }
}

/// After a CR: with its LF, if that has come.
fn line_end(after: &[u8]) -> (At, &[u8]) {
    match after {
        [b'\n', after @ ..] => (At::FieldStart, after),
        _ => (At::LineEnd, after),
    }
}

fn other(rest: &[u8]) -> Parsed<'_> {
    let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
    match rest.split_at(end).1 {
        [] => Ok((At::Other, &[])),
        [b'\r'] => Ok((At::LineEnd, &[])),
        [b'\r', b'\n', after @ ..] => Ok((At::FieldStart, after)),
        [b'\r', other @ ..] => Err((Fault::StrayCr, other)),
        other => Err((Fault::BareLf, other)),
    }
}

/// RFC 3986 knows no blank, no control and no byte above 0x7e (FLT-A12); the rest is left to hyper.
fn is_target(byte: u8) -> bool {
    byte.wrapping_sub(0x21) < 0x5e && !is_raw(byte)
}

/// What should have been escaped, is often not (curl), and is not borne by hyper: see `escape`.
pub(super) fn is_raw(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'`')
}
