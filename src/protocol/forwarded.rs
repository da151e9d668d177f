//! `Proxies`: who may speak for a client, and `Forwarded`: what they say of it. One trust for every field that says it.
//!
//! Answers as uvicorn's middleware does (U2.5), and reads RFC 7239 and two more fields where the operator asks for them.
//! Knows neither sockets nor scopes. Whatever a field holds, reading it neither fails nor panics.

mod rfc7239;
#[cfg(test)]
mod tests;
mod trust;

use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};

use self::{
    rfc7239::{Element, elements},
    trust::Trust,
};
use super::admission::is_authority;
use crate::{settings::Forwarding, transport::Peer};

/// What the fields of our own choosing begin with.
const PREFIX: &str = "x-forwarded-";

/// The proxies that are believed, and the fields in which they are.
pub(crate) struct Proxies {
    trust: Trust,
    rfc7239: bool,
    host: bool,
    prefix: bool,
}

/// What trusted proxies say of one request; what they do not say stays as the connection has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded {
    pub(crate) client: Option<Node>,
    pub(crate) scheme: Option<&'static str>,
    pub(crate) authority: Option<Authority>,
    /// A path that begins with a slash and does not end with one, percent-encoded.
    pub(crate) prefix: Option<String>,
}

/// A client or a proxy, as one of the proxies names it: an address, or any other word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) host: String,
    /// 0 where none is given. Whatever number uvicorn would take: nobody has checked it.
    pub(crate) port: i64,
}

/// What the client called the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) field: HeaderValue,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Proxies {
    /// `None` where no proxy is believed.
    pub(crate) fn new(forwarding: Option<&Forwarding>) -> Option<Rc<Self>> {
        let forwarding = forwarding?;
        Some(Rc::new(Self {
            trust: Trust::new(&forwarding.trusted_hosts),
            rfc7239: forwarding.rfc7239,
            host: forwarding.host,
            prefix: forwarding.prefix,
        }))
    }

    /// Whether this peer may speak for others. Asked once for each connection.
    pub(crate) fn trust(&self, peer: &Peer) -> bool {
        self.trust
            .trusts_peer(peer.client.map(|client| client.ip()))
    }

    /// What a request that a trusted peer sent says; `None` for nothing. Nothing else may be read so.
    ///
    /// Nearly all requests that come directly have no such field: their names are looked over, and that is all.
    #[inline]
    pub(crate) fn read(&self, headers: &HeaderMap) -> Option<Forwarded> {
        let is_ours = |name: &HeaderName| {
            name.as_str().starts_with(PREFIX) || (self.rfc7239 && *name == FORWARDED)
        };
        headers.keys().any(is_ours).then(|| self.gather(headers))
    }

    #[cold]
    fn gather(&self, headers: &HeaderMap) -> Forwarded {
        let fields = Fields::of(headers);
        // The two ways are never mixed: a proxy that writes the one may let the other through, as its client wrote it.
        let mut forwarded = if self.rfc7239 && !fields.standard.is_empty() {
            self.standard(&fields)
        } else {
            self.customary(&fields)
        };
        if self.prefix {
            forwarded.prefix = fields.prefix.and_then(|value| prefix(rightmost(value)));
        }
        forwarded
    }

    /// X-Forwarded-For, -Proto and -Host.
    fn customary(&self, fields: &Fields) -> Forwarded {
        let scheme = fields.proto.and_then(|value| {
            // uvicorn's: the whole of the last field, and only as it is written here.
            let value = latin(value);
            SCHEMES.into_iter().find(|scheme| value.trim() == *scheme)
        });
        let authority = fields
            .host
            .filter(|_| self.host)
            .and_then(|value| Authority::parse(rightmost(value)));
        Forwarded {
            client: self.client(fields),
            scheme,
            authority,
            prefix: None,
        }
    }

    /// The first that is not trusted, from the right; the leftmost if all are. Each proxy adds its peer at the right.
    fn client(&self, fields: &Fields) -> Option<Node> {
        let lines = fields.clients.iter();
        let entries = lines.flat_map(|line| line.split(|byte| *byte == b','));
        let mut entries = entries.map(|entry| Node::parse(latin(entry).trim()));
        let client = if self.trust.is_boundless() {
            entries.next()
        } else {
            let mut leftmost = None;
            let stranger = entries.rev().find_map(|node| {
                if self.trust.trusts(&node.host) {
                    leftmost = Some(node);
                    None
                } else {
                    Some(node)
                }
            });
            stranger.or(leftmost)
        };
        client.filter(|node| !node.host.is_empty())
    }

    /// RFC 7239: the element of the first that is not trusted, from the right, or the leftmost.
    ///
    /// That element was written by the proxy which the client spoke to, so that its `proto` and `host` are the ones that
    /// the client used. What cannot be read hides whoever came before it: the client is unknown then (section 6.2).
    fn standard(&self, fields: &Fields) -> Forwarded {
        let mut chosen = Element::default();
        for line in fields.standard.iter().rev() {
            let Some(elements) = elements(line) else {
                return Forwarded {
                    client: Some(Node::unknown()),
                    ..Forwarded::default()
                };
            };
            for element in elements.into_iter().rev() {
                let node = element.node.as_ref();
                let goes_on = self.trust.is_boundless()
                    || node.is_some_and(|node| self.trust.trusts(&node.host));
                chosen = element;
                if !goes_on {
                    return Forwarded::from(chosen);
                }
            }
        }
        Forwarded::from(chosen)
    }
}

/// The values of one request's fields: of all lines where each proxy adds to those before it, else of the last.
#[derive(Default)]
struct Fields<'a> {
    standard: Vec<&'a [u8]>,
    clients: Vec<&'a [u8]>,
    proto: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    prefix: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            let value = value.as_bytes();
            match name.as_str() {
                "forwarded" => fields.standard.push(value),
                "x-forwarded-for" => fields.clients.push(value),
                "x-forwarded-proto" => fields.proto = Some(value),
                "x-forwarded-host" => fields.host = Some(value),
                "x-forwarded-prefix" => fields.prefix = Some(value),
                _ => {}
            }
        }
        fields
    }
}

const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];

impl From<Element> for Forwarded {
    fn from(element: Element) -> Self {
        let Element { node, proto, host } = element;
        Self {
            client: node.filter(|node| !node.host.is_empty()),
            scheme: proto.and_then(|proto| {
                SCHEMES
                    .into_iter()
                    .find(|scheme| proto.eq_ignore_ascii_case(scheme))
            }),
            authority: host.and_then(|host| Authority::parse(host.as_bytes())),
            prefix: None,
        }
    }
}

impl Node {
    fn unknown() -> Self {
        Self::named("unknown")
    }

    fn named(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            port: 0,
        }
    }

    /// An entry of X-Forwarded-For: `host`, `host:port`, `[host]`, `[host]:port`; anything else is a name as it stands.
    fn parse(entry: &str) -> Self {
        if let Some(bracketed) = entry.strip_prefix('[') {
            return match bracketed.split_once(']') {
                Some((host, "")) => Self::named(host),
                Some((host, tail)) => match tail.strip_prefix(':') {
                    Some(port) => Self {
                        host: host.to_owned(),
                        port: integer(port).unwrap_or(0),
                    },
                    None => Self::named(entry),
                },
                None => Self::named(entry),
            };
        }
        match entry.split_once(':') {
            // More than one colon is an IPv6 address, or nothing that anybody knows.
            Some((host, port)) if !port.contains(':') => match integer(port) {
                Some(port) => Self {
                    host: host.to_owned(),
                    port,
                },
                None => Self::named(entry),
            },
            _ => Self::named(entry),
        }
    }
}

impl Authority {
    fn parse(field: &[u8]) -> Option<Self> {
        if !is_authority(field) {
            return None;
        }
        let text = std::str::from_utf8(field).ok()?;
        let (host, tail) = match text.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        Some(Self {
            field: HeaderValue::from_bytes(field).ok()?,
            host: host.to_owned(),
            port: tail.strip_prefix(':').and_then(|port| port.parse().ok()),
        })
    }
}

/// A path that may stand before any other: no empty segment (`//host/` leads elsewhere) and none that climbs.
fn prefix(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim_end_matches('/');
    let mut segments = text.strip_prefix('/')?.split('/');
    segments.all(is_segment).then(|| text.to_owned())
}

/// `segment-nz` of RFC 3986, without an escape that hides what would be refused if it stood there openly.
fn is_segment(segment: &str) -> bool {
    let mut rest = segment.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) if !is_hideous(high << 4 | low) => after,
                _ => return false,
            },
            (byte, after) if byte.is_ascii_alphanumeric() => after,
            (byte, after) if b"-._~!$&'()*+,;=:@".contains(byte) => after,
            _ => return false,
        };
    }
    !matches!(segment, "" | "." | "..")
}

fn is_hideous(byte: u8) -> bool {
    byte.is_ascii_control() || matches!(byte, b'.' | b'/' | b'\\')
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// What the nearest proxy has said, where it may have been a list before.
fn rightmost(value: &[u8]) -> &[u8] {
    value
        .rsplit(|byte| *byte == b',')
        .next()
        .unwrap_or_default()
        .trim_ascii()
}

/// As uvicorn reads fields: each byte is a character.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// What Python's `int` takes for a number, up to 64 bits of it: blanks around it, a sign, `_` between digits.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    let groups = digits.split(|byte| *byte == b'_');
    let mut number: i64 = 0;
    for group in groups {
        if group.is_empty() {
            return None;
        }
        for digit in group {
            let digit = char::from(*digit).to_digit(10)?;
            number = number
                .checked_mul(10)?
                .checked_add(sign * i64::from(digit))?;
        }
    }
    Some(number)
}
