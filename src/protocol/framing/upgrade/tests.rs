//! Which heads lead away from HTTP (RFC 6455, section 4.2.1; RFC 9110, section 7.8), whole and cut at every byte.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail by panicking"
)]

use super::super::{Fault, Framing, Limits, Place, escape};

const ON: Limits = Limits {
    head: 65_536,
    fields: 100,
    body: 0,
    websocket: true,
};
const OFF: Limits = Limits {
    websocket: false,
    ..ON
};
/// No HTTP: every byte of it would be refused, had it to be judged.
const FRAMES: &[u8] = b"\x81\x85\0\0\0\0hello\n\r\r\n \0";

/// What is known once all of `reads` has been accepted.
fn framing<'a>(limits: Limits, reads: impl IntoIterator<Item = &'a [u8]>) -> Framing {
    let mut framing = Framing::new(limits);
    for read in reads {
        framing.feed(read).unwrap();
    }
    framing
}

fn position(framing: &Framing) -> (bool, bool, bool, bool) {
    let is_between = framing.is_between();
    assert!(is_between || !framing.at_rest());
    (
        is_between,
        framing.in_head(),
        framing.in_body(),
        framing.is_opaque(),
    )
}

/// Whether the connection ends up opaque, the same at every cut. Where it does not, it is at rest.
fn is_opaque(limits: Limits, request: &str) -> bool {
    let bytes = request.as_bytes();
    let whole = framing(limits, [bytes]);
    for cut in 0..bytes.len() {
        let halves = framing(limits, [&bytes[..cut], &bytes[cut..]]);
        assert_eq!(
            position(&halves),
            position(&whole),
            "{request:?} cut at {cut}"
        );
    }
    let by_byte = framing(limits, bytes.chunks(1));
    assert_eq!(position(&by_byte), position(&whole), "{request:?}");
    assert_eq!((whole.heads(), by_byte.heads()), (1, 1), "{request:?}");
    assert_ne!(whole.at_rest(), whole.is_opaque(), "{request:?}");
    assert_eq!(whole.upgrades(), whole.is_opaque(), "{request:?}");
    whole.is_opaque()
}

fn head(fields: &str) -> String {
    format!("GET /chat HTTP/1.1\r\nHost: a\r\n{fields}\r\nConnection: Upgrade\r\n\r\n")
}

#[test]
fn head_that_lists_websocket_is_the_last_of_http() {
    for fields in [
        "Upgrade: websocket",
        "upgrade:websocket",
        "UPGRADE: \t WebSocket \t ",
        "Upgrade: h2c, WebSocket",
        "Upgrade: websocket, h2c",
        "Upgrade: h2c\t,\twebsocket\t,foo/2",
        "Upgrade: ,, websocket ,",
        "Upgrade: websocketx, websocket",
        "Upgrade: websocket\r\nUpgrade: h2c",
        "Upgrade: h2c\r\nX: y\r\nUpgrade: websocket",
        "Upgrade:\r\nUpgrade: websocket",
        "Upgrade-Insecure-Requests: 1\r\nUser-Agent: x\r\nUpgrade: websocket",
    ] {
        assert!(is_opaque(ON, &head(fields)), "{fields:?}");
        assert!(!is_opaque(OFF, &head(fields)), "{fields:?}");
    }
}

#[test]
fn other_head_is_followed_by_http() {
    for fields in [
        "Upgrade: websocketx",
        "Upgrade: xwebsocket",
        "Upgrade: websocke",
        "Upgrade: web socket",
        "Upgrade: websocket x",
        "Upgrade: websocket; a=b",
        "Upgrade: websocket/13",
        "Upgrade: \"websocket\"",
        "Upgrade: web\r\nUpgrade: socket",
        "Upgrade: web,socket",
        "Upgrade:",
        "Upgrade: h2c",
        "X-Upgrade: websocket",
        "Upgrade-X: websocket",
        "Upgrad: websocket",
        "U: websocket",
        "Upgrade-Insecure-Requests: websocket",
        "X: y\tUpgrade: websocket",
    ] {
        assert!(!is_opaque(ON, &head(fields)), "{fields:?}");
    }
}

/// RFC 9110, section 7.8; O20.
#[test]
fn http_10_head_is_followed_by_http() {
    let old = head("Upgrade: websocket").replace("1.1", "1.0");
    assert!(!is_opaque(ON, &old));
}

#[test]
fn nothing_is_judged_after_the_last_head() {
    let head = head("Upgrade: websocket");
    let all = [head.as_bytes(), FRAMES, head.as_bytes()].concat();
    for cut in 0..all.len() {
        let framing = framing(ON, [&all[..cut], &all[cut..]]);
        let opaque = (false, false, false, true);
        assert_eq!(position(&framing), opaque, "cut at {cut}");
        assert_eq!(framing.heads(), 1, "cut at {cut}");
    }
    let mut off = Framing::new(OFF);
    let refusal = off.feed(&all).unwrap_err();
    assert_eq!(
        (refusal.fault, refusal.good),
        (Fault::RequestLineMalformed, head.len())
    );
}

/// A body is HTTP's, and is followed to its end before anything else (FLT-F17).
#[test]
fn declared_body_comes_first() {
    for (fields, body) in [
        ("Content-Length: 2\r\nUpgrade: websocket", "ab"),
        ("Upgrade: websocket\r\nContent-Length: 2", "ab"),
        (
            "Upgrade: websocket\r\nTransfer-Encoding: chunked",
            "1\r\na\r\n0\r\nX: y\r\n\r\n",
        ),
    ] {
        let head = head(fields);
        let all = [head.as_bytes(), body.as_bytes(), FRAMES].concat();
        let body_end = head.len() + body.len();
        let mut framing = Framing::new(ON);
        for (index, byte) in all.iter().enumerate() {
            framing.feed(&[*byte]).unwrap();
            let come = index + 1;
            assert_eq!(framing.upgrades(), come >= head.len(), "{fields}: {come}");
            assert_eq!(
                framing.in_body(),
                (head.len()..body_end).contains(&come),
                "{fields}: {come}"
            );
            assert_eq!(framing.is_opaque(), come >= body_end, "{fields}: {come}");
            assert!(!framing.is_between(), "{fields}: {come}");
        }
        assert_eq!(framing.heads(), 1);
    }
    assert!(is_opaque(
        ON,
        &head("Content-Length: 0\r\nUpgrade: websocket")
    ));

    let faulty = head("Transfer-Encoding: chunked\r\nUpgrade: websocket") + "x";
    let refusal = Framing::new(ON).feed(faulty.as_bytes()).unwrap_err();
    assert_eq!(
        (refusal.fault, refusal.place),
        (Fault::ChunkSize, Place::Body)
    );
}

/// What looks like a raw target byte in a frame is left alone.
#[test]
fn escape_ends_with_the_head() {
    let head = head("Upgrade: websocket").replace("/chat", "/\"");
    let all = [head.as_bytes(), b"<\"> <".as_slice()].concat();
    let mut framing = Framing::new(ON);
    let refusal = framing.feed(&all).unwrap_err();
    assert_eq!(refusal.fault, Fault::TargetRaw);
    let escaped = escape(&mut framing, &all[refusal.good..]);
    assert!(escaped.refusal.is_none() && framing.is_opaque());
    assert_eq!(escaped.bytes[..3], *b"%22");
    assert_eq!(escaped.bytes[3..], all[refusal.good + 1..]);
}

#[test]
fn earlier_request_counts_for_nothing() {
    let first = "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n";
    let all = [first, &head("Upgrade: websocket"), "\0"].concat();
    let framing = framing(ON, [all.as_bytes()]);
    assert!(framing.is_opaque());
    assert_eq!(framing.heads(), 2);
}

#[test]
fn upgrade_line_is_still_limited_and_checked() {
    let head = head("Upgrade: websocket, x");
    let exact = Limits {
        head: head.len(),
        fields: 3,
        ..ON
    };
    assert!(is_opaque(exact, &head));
    let fewer = Limits { fields: 2, ..exact };
    let refusal = Framing::new(fewer).feed(head.as_bytes()).unwrap_err();
    assert_eq!(refusal.fault, Fault::FieldsTooMany, "FLT-A23");
    let line = head.find("Upgrade").unwrap();
    for limit in line..head.len() {
        let limits = Limits {
            head: limit,
            ..exact
        };
        for reads in [1, head.len()] {
            let mut framing = Framing::new(limits);
            let refused = head
                .as_bytes()
                .chunks(reads)
                .find_map(|read| framing.feed(read).err());
            assert_eq!(refused.unwrap().fault, Fault::HeadTooLarge, "FLT-A23");
            assert!(!framing.is_opaque() && !framing.upgrades());
        }
    }

    for (fault, end) in [(Fault::BareLf, "\n"), (Fault::StrayCr, "\rx")] {
        for value in ["", "websocket", "websocket ", "websocket,", "h2c"] {
            let bytes = format!("GET / HTTP/1.1\r\nUpgrade:{value}{end}\r\n\r\n");
            let mut framing = Framing::new(ON);
            let refused = bytes
                .as_bytes()
                .chunks(1)
                .find_map(|read| framing.feed(read).err());
            assert_eq!(refused.unwrap().fault, fault, "FLT-A22: {bytes:?}");
            let refusal = Framing::new(ON).feed(bytes.as_bytes()).unwrap_err();
            assert_eq!(refusal.fault, fault, "FLT-A22: {bytes:?}");
        }
    }
}
