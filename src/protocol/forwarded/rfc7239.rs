//! The grammar of the `Forwarded` field (RFC 7239, section 4): elements, parameters, nodes. Believes nobody.
//!
//! Beyond the grammar it takes what is common and has one meaning: blanks around `;`, and addresses with colons or
//! brackets that should have been quoted.

use super::Node;

/// What one proxy says of the request that reached it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) node: Option<Node>,
    pub(super) proto: Option<String>,
    pub(super) host: Option<String>,
}

/// The elements of one line, in order; `None` if it is not of the grammar.
pub(super) fn elements(line: &[u8]) -> Option<Vec<Element>> {
    let mut rest = line;
    let mut elements = Vec::new();
    loop {
        let (element, after) = element(rest)?;
        elements.extend(element);
        match after {
            [] => return Some(elements),
            [_comma, after @ ..] => rest = after,
        }
    }
}

/// Up to a comma or the end; no element where there is nothing but blanks, which a list may have (RFC 9110, 5.6.1).
fn element(line: &[u8]) -> Option<(Option<Element>, &[u8])> {
    let mut rest = line.trim_ascii_start();
    let mut element = None;
    loop {
        let found = match rest {
            [] | [b',', ..] => return Some((element, rest)),
            _ => element.get_or_insert_with(Element::default),
        };
        if let [b';', after @ ..] = rest {
            rest = after.trim_ascii_start();
            continue;
        }
        let (name, value, after) = parameter(rest)?;
        found.put(&name, value)?;
        rest = after.trim_ascii_start();
        if !matches!(rest, [] | [b',' | b';', ..]) {
            return None;
        }
    }
}

impl Element {
    /// `None` for a second value: which would be the proxy's?
    fn put(&mut self, name: &str, value: String) -> Option<()> {
        let is_first = match name {
            "for" => self.node.replace(node(&value)).is_none(),
            "proto" => self.proto.replace(value).is_none(),
            "host" => self.host.replace(value).is_none(),
            _ => true,
        };
        is_first.then_some(())
    }
}

/// `token "=" ( token / quoted-string )`, the name in lower case.
fn parameter(line: &[u8]) -> Option<(String, String, &[u8])> {
    let (name, after) = split_while(line, is_token);
    let after = after.strip_prefix(b"=").filter(|_| !name.is_empty())?;
    let is_loose = |byte: u8| is_token(byte) || matches!(byte, b':' | b'[' | b']');
    let (value, after) = match after.strip_prefix(b"\"") {
        Some(quoted) => quoted_rest(quoted)?,
        None => match split_while(after, is_loose) {
            ([], _) => return None,
            (value, after) => (super::latin(value), after),
        },
    };
    Some((super::latin(name).to_ascii_lowercase(), value, after))
}

/// What follows an opening quote, up to the closing one (RFC 9110, 5.6.4).
fn quoted_rest(mut rest: &[u8]) -> Option<(String, &[u8])> {
    let mut value = String::new();
    loop {
        let (byte, after) = match rest {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', byte, after @ ..] | [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        if byte.is_ascii_control() && byte != b'\t' {
            return None;
        }
        value.push(char::from(byte));
        rest = after;
    }
}

/// `nodename [ ":" node-port ]`; anything else is a name as it stands. A port may be a word that hides it, as a name may
/// (section 6.3): that is no number.
fn node(value: &str) -> Node {
    let split = match value.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').and_then(|(host, tail)| {
            let port = tail.strip_prefix(':').map(Some);
            port.or(tail.is_empty().then_some(None))
                .map(|port| (host, port))
        }),
        None => match value.split_once(':') {
            Some((host, port)) => Some((host, Some(port))),
            None => Some((value, None)),
        },
    };
    match split {
        Some((host, None)) => Node::named(host),
        Some((host, Some(port))) if is_hidden(port) => Node::named(host),
        Some((host, Some(port))) if is_port(port) => Node {
            host: host.to_owned(),
            port: port.parse().unwrap_or(0),
        },
        _ => Node::named(value),
    }
}

fn is_port(port: &str) -> bool {
    (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hidden(port: &str) -> bool {
    port.strip_prefix('_').is_some_and(|rest| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !rest.is_empty() && rest.bytes().all(is_plain)
    })
}

fn split_while(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = bytes.iter().take_while(|byte| belongs(**byte)).count();
    bytes.split_at(length)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
