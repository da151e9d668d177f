//! Opens connections and checks the server's half of the handshake (RFC 6455 4.1, RFC 7692 7.1).
//! Knows nothing of frames.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::answers::Inflating;
use crate::failure::Failure;
use crate::script::Compressing;

/// So many handshakes at a time: no server's accept queue overflows.
const LOT: usize = 50;
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_HEAD: usize = 16 << 10;

/// The sample of RFC 6455 1.3, for every connection: what it protects from is no concern here.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// What Chromium and Firefox offer.
const OFFER: &str = "permessage-deflate; client_max_window_bits";

/// What the server agreed to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreed {
    pub field: String,
    pub compressing: Compressing,
    pub inflating: Inflating,
}

#[derive(Debug)]
pub struct Opened {
    pub stream: TcpStream,
    /// What came behind the head: frames already.
    pub early: Vec<u8>,
    pub agreed: Option<Agreed>,
}

/// Opens so many connections to one path.
pub fn open(
    address: SocketAddr,
    path: &str,
    deflate: bool,
    count: usize,
) -> Result<Vec<Opened>, Failure> {
    let extensions = if deflate {
        format!("Sec-WebSocket-Extensions: {OFFER}\r\n")
    } else {
        String::new()
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n"
    );
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let lot: Vec<TcpStream> = (all.len()..count)
            .take(LOT)
            .map(|_| ask(address, &request))
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::Io("connecting", error))?;
        for stream in lot {
            let opened = hear(stream)?;
            if deflate && opened.agreed.is_none() {
                return Err(Failure::Unsupported("no permessage-deflate".to_owned()));
            }
            if !deflate && opened.agreed.is_some() {
                return Err(wrong("an extension that nobody offered"));
            }
            all.push(opened);
        }
    }
    Ok(all)
}

fn ask(address: SocketAddr, request: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

fn hear(mut stream: TcpStream) -> Result<Opened, Failure> {
    let mut received = Vec::with_capacity(512);
    let end = loop {
        if let Some(at) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let mut buffer = [0; 1024];
        let count = stream
            .read(&mut buffer)
            .map_err(|error| Failure::Io("in the handshake", error))?;
        received.extend_from_slice(&buffer[..count]);
        if count == 0 || received.len() > LONGEST_HEAD {
            return Err(wrong(&String::from_utf8_lossy(&received)));
        }
    };
    let early = received.split_off(end);
    let agreed = check(&String::from_utf8_lossy(&received))?;
    stream
        .set_nonblocking(true)
        .map_err(|error| Failure::Io("after the handshake", error))?;
    Ok(Opened {
        stream,
        early,
        agreed,
    })
}

/// The extension agreed to, if any.
fn check(head: &str) -> Result<Option<Agreed>, Failure> {
    let mut lines = head.lines();
    if !lines
        .next()
        .is_some_and(|line| line.starts_with("HTTP/1.1 101"))
    {
        return Err(wrong(head));
    }
    let value = |wanted: &str| {
        let mut found = head.lines().filter_map(|line| line.split_once(':'));
        found
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let upgrades = value("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        && value("connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade"));
    if !upgrades || value("sec-websocket-accept") != Some(ACCEPT) {
        return Err(wrong(head));
    }
    value("sec-websocket-extensions").map(agreed).transpose()
}

fn agreed(field: &str) -> Result<Agreed, Failure> {
    let mut words = field.split(';').map(str::trim);
    if words.next() != Some("permessage-deflate") {
        return Err(wrong(field));
    }
    let mut found = Agreed {
        field: field.to_owned(),
        compressing: Compressing {
            window_bits: 15,
            keeps_context: true,
        },
        inflating: Inflating {
            window_bits: 15,
            keeps_context: true,
        },
    };
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let bits = value
            .trim_matches('"')
            .parse()
            .ok()
            .filter(|bits| (8..=15).contains(bits));
        match (name, bits) {
            ("server_no_context_takeover", None) => found.inflating.keeps_context = false,
            ("client_no_context_takeover", None) => found.compressing.keeps_context = false,
            ("server_max_window_bits", Some(bits)) => found.inflating.window_bits = bits,
            // zlib cannot write what a window of 256 bytes can read.
            ("client_max_window_bits", Some(bits @ 9..)) => found.compressing.window_bits = bits,
            _ => return Err(wrong(field)),
        }
    }
    Ok(found)
}

fn wrong(what: &str) -> Failure {
    Failure::Wrong(format!("not a proper handshake: {what:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_understood() {
        let field = "permessage-deflate; server_max_window_bits=12; client_no_context_takeover";
        let found = agreed(field).unwrap();
        assert_eq!(
            found.inflating,
            Inflating {
                window_bits: 12,
                keeps_context: true
            }
        );
        assert_eq!(
            found.compressing,
            Compressing {
                window_bits: 15,
                keeps_context: false
            }
        );
        for wrong in [
            "x-webkit-deflate-frame",
            "permessage-deflate; server_max_window_bits=16",
        ] {
            assert!(agreed(wrong).is_err());
        }
    }

    #[test]
    fn a_head_that_accepts_nothing_is_refused() {
        let right = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nupgrade: websocket\r\n\
             Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
        );
        assert_eq!(check(&right).unwrap(), None);
        for part in ["101", "Connection: Upgrade", "upgrade: websocket", ACCEPT] {
            assert!(check(&right.replace(part, "x")).is_err());
        }
    }
}
