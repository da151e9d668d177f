//! Opening handshakes, good and bad, as the server judges them (RFC 6455, section 4.2; FLT-F17; ASGI-83; O20).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use http::{Request, Version, request::Parts};

use super::{Accepted, Denied, check, is_handshake};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Each with the value that makes a handshake a good one.
const GOOD: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-key", KEY),
    ("sec-websocket-version", "13"),
];

fn request(method: &str, version: Version, fields: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).version(version);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn get(fields: &[(&str, &str)]) -> Parts {
    request("GET", Version::HTTP_11, fields)
}

/// The good handshake with these values of one field in place of its own.
fn with(name: &str, values: &[&str]) -> Parts {
    let kept = GOOD.into_iter().filter(|(other, _)| *other != name);
    let fields: Vec<_> = kept
        .chain(values.iter().map(|value| (name, *value)))
        .collect();
    get(&fields)
}

fn denied(request: &Parts) -> Option<Denied> {
    assert!(is_handshake(request), "it would not be judged");
    check(request, false, true).err()
}

fn lines(accepted: &Accepted) -> String {
    String::from_utf8(accepted.fields()).unwrap()
}

/// The example of RFC 6455, sections 1.2 and 1.3.
#[test]
fn good_handshake_is_answered() {
    let request = get(&[
        ("host", "server.example.com"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", KEY),
        ("origin", "http://example.com"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-version", "13"),
    ]);
    assert!(is_handshake(&request));
    let accepted = check(&request, false, true).unwrap();
    assert!(accepted.deflate.is_none());
    assert_eq!(
        lines(&accepted),
        format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n")
    );
}

/// Tokens in any case, anywhere in a list, on any line (section 4.2.1, items 3 and 4; RFC 9110, section 5.3).
#[test]
fn handshake_is_told_by_its_tokens() {
    for connection in [
        &["upgrade"][..],
        &["UPGRADE"],
        &["keep-alive, Upgrade"],
        &["Upgrade,keep-alive"],
        &["x ,\tupgrade\t, y"],
        &["keep-alive", "upgrade"],
        &["", ",, Upgrade ,"],
    ] {
        let request = with("connection", connection);
        assert!(is_handshake(&request), "{connection:?}");
        assert_eq!(denied(&request), None, "{connection:?}");
    }
    for upgrade in [
        &["WebSocket"][..],
        &["h2c, WEBSOCKET"],
        &["websocket,h2c"],
        &["h2c", "\twebsocket "],
    ] {
        let request = with("upgrade", upgrade);
        assert!(is_handshake(&request), "{upgrade:?}");
        assert_eq!(denied(&request), None, "{upgrade:?}");
    }
}

#[test]
fn other_request_is_no_handshake() {
    for connection in [
        &[][..],
        &[""],
        &["close"],
        &["upgraded"],
        &["\"upgrade\""],
        &["up", "grade"],
        &["keep-alive upgrade"],
    ] {
        assert!(!is_handshake(&with("connection", connection)));
    }
    for upgrade in [
        &[][..],
        &[""],
        &["h2c"],
        &["websocketx"],
        &["websocket/13"],
        &["web socket"],
        &["\"websocket\""],
    ] {
        assert!(!is_handshake(&with("upgrade", upgrade)));
    }
}

/// RFC 9110, section 7.8: never over HTTP/1.0 (FLT-F17, O20).
#[test]
fn http_10_request_is_no_handshake() {
    for (version, is_one) in [(Version::HTTP_10, false), (Version::HTTP_11, true)] {
        assert_eq!(is_handshake(&request("GET", version, &GOOD)), is_one);
    }
}

#[test]
fn other_method_is_denied() {
    for method in ["POST", "HEAD", "PUT", "OPTIONS", "BREW"] {
        let request = request(method, Version::HTTP_11, &GOOD);
        assert_eq!(denied(&request), Some(Denied::Method), "FLT-F17: {method}");
    }
    assert_eq!(Denied::Method.status(), 405, "FLT-F17");
    assert_eq!(Denied::Method.fields(), [("allow", "GET")], "FLT-F17");
}

/// Section 4.2.1, item 6, and section 4.4.
#[test]
fn other_version_is_denied_with_the_right_one() {
    for (values, reason) in [
        (&[][..], Denied::VersionMissing),
        (&["13", "13"], Denied::VersionRepeated),
        (&["13", "8"], Denied::VersionRepeated),
        (&[""], Denied::VersionUnsupported),
        (&["8"], Denied::VersionUnsupported),
        (&["14"], Denied::VersionUnsupported),
        (&["013"], Denied::VersionUnsupported),
        (&["+13"], Denied::VersionUnsupported),
        (&["13.0"], Denied::VersionUnsupported),
        (&["13, 8"], Denied::VersionUnsupported),
        (&["1 3"], Denied::VersionUnsupported),
    ] {
        let request = with("sec-websocket-version", values);
        assert_eq!(denied(&request), Some(reason), "ASGI-83, O20: {values:?}");
        assert_eq!(reason.status(), 426, "ASGI-83, O20");
        assert!(reason.fields().contains(&("sec-websocket-version", "13")));
        // RFC 9110, sections 15.5.22 and 7.8.
        assert!(reason.fields().contains(&("upgrade", "websocket")));
        assert!(reason.fields().contains(&("connection", "Upgrade, close")));
    }
    for padded in [" 13", "13\t"] {
        assert_eq!(denied(&with("sec-websocket-version", &[padded])), None);
    }
}

/// A client of another version may have no such key: it is told which version to use.
#[test]
fn version_is_judged_before_the_key() {
    let request = get(&[("connection", "Upgrade"), ("upgrade", "websocket")]);
    assert_eq!(denied(&request), Some(Denied::VersionMissing));
}

/// Section 4.2.1, item 5.
#[test]
fn key_is_one_of_sixteen_bytes() {
    for (values, reason) in [
        (&[][..], Denied::KeyMissing),
        (&[KEY, KEY], Denied::KeyRepeated),
        (&[KEY, ""], Denied::KeyRepeated),
        (&[""], Denied::KeyMalformed),
        (&["=="], Denied::KeyMalformed),
        // 15, 17 and 18 bytes.
        (&["dGhlIHNhbXBsZSBub25j"], Denied::KeyMalformed),
        (&["dGhlIHNhbXBsZSBub25jZWU="], Denied::KeyMalformed),
        (&["dGhlIHNhbXBsZSBub25jZWVl"], Denied::KeyMalformed),
        // No padding, too much, in the midst.
        (&["dGhlIHNhbXBsZSBub25jZQ"], Denied::KeyMalformed),
        (&["dGhlIHNhbXBsZSBub25jZQ="], Denied::KeyMalformed),
        (&["dGhlIHNhbXBsZSBub25jZQ==="], Denied::KeyMalformed),
        (&["dGhlIHNhbXBs==SBub25jZQ="], Denied::KeyMalformed),
        (&["dGhlIHNhbXBsZSBub25jZ==="], Denied::KeyMalformed),
        // Other alphabets.
        (&["dGhlIHNhbXBs-SBub25jZQ=="], Denied::KeyMalformed),
        (&["dGhlIHNhbXBs_SBub25jZQ=="], Denied::KeyMalformed),
        (&["dGhlIHNhbXB ZSBub25jZQ=="], Denied::KeyMalformed),
        (&["dGhlIHNhbXBsZSBub25jZQ==, x"], Denied::KeyMalformed),
        (&["dGhlIHNhbXBsZSBub25j\u{e9}Q=="], Denied::KeyMalformed),
    ] {
        let request = with("sec-websocket-key", values);
        assert_eq!(denied(&request), Some(reason), "FLT-F17: {values:?}");
        assert_eq!(reason.status(), 400, "FLT-F17");
        assert!(reason.fields().is_empty());
    }
    for (key, accept) in [
        (" \tdGhlIHNhbXBsZSBub25jZQ== ", ACCEPT),
        ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
        // Bits beyond the sixteenth byte: another string, and another answer.
        ("dGhlIHNhbXBsZSBub25jZR==", "Zgw8jYXtqX5qJr7MJ1Q/MqzeSRI="),
    ] {
        let accepted = check(&with("sec-websocket-key", &[key]), false, true).unwrap();
        let line = format!("Sec-WebSocket-Accept: {accept}\r\n");
        assert!(lines(&accepted).ends_with(&line), "{key:?}");
    }
}

#[test]
fn body_is_denied() {
    let denied = check(&get(&GOOD), true, true).unwrap_err();
    assert_eq!((denied, denied.status().as_u16()), (Denied::Body, 400));
}

/// Section 9.1: an extension that nobody knows, and a field that is not of the grammar, cost nothing (FLT-F17).
#[test]
fn extensions_are_agreed_to_or_passed_over() {
    let offer = |value: &str, deflate: bool| {
        let fields: Vec<_> = GOOD
            .into_iter()
            .chain([
                ("sec-websocket-extensions", "x-unknown; a=1"),
                ("sec-websocket-extensions", value),
            ])
            .collect();
        check(&get(&fields), false, deflate).unwrap()
    };
    let accepted = offer("permessage-deflate; client_max_window_bits", true);
    let agreed = accepted.deflate.unwrap().field();
    assert!(agreed.starts_with("permessage-deflate"));
    let line = format!("\r\nSec-WebSocket-Extensions: {agreed}\r\n");
    assert!(lines(&accepted).ends_with(&line));

    for (value, deflate) in [
        ("permessage-deflate", false),
        ("permessage-deflate; server_max_window_bits=99", true),
        (";;=,\"", true),
    ] {
        let accepted = offer(value, deflate);
        assert!(accepted.deflate.is_none(), "{value:?}");
        assert!(!lines(&accepted).contains("Extensions"), "{value:?}");
    }
}

#[test]
fn sentences_are_those_of_uvicorn() {
    for (denied, sentence) in [
        (Denied::KeyMissing, "missing Sec-WebSocket-Key header"),
        (
            Denied::KeyRepeated,
            "invalid Sec-WebSocket-Key header: multiple values",
        ),
        (
            Denied::VersionMissing,
            "missing Sec-WebSocket-Version header",
        ),
    ] {
        assert_eq!(denied.sentence(), sentence, "U4.2");
    }
}
