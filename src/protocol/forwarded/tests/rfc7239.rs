//! The `Forwarded` field: its grammar, whose element counts, and what becomes of the other fields beside it.

use super::{
    super::rfc7239::{Element, elements},
    client, proxies, read,
};

type Shown<'a> = (Option<(&'a str, i64)>, Option<&'a str>, Option<&'a str>);

fn shown(element: &Element) -> Shown<'_> {
    let node = element.node.as_ref();
    (
        node.map(|node| (node.host.as_str(), node.port)),
        element.proto.as_deref(),
        element.host.as_deref(),
    )
}

/// Each node as the value of a `for` of its own.
const NODES: &[(&[u8], &str, i64)] = &[
    (b"192.0.2.43", "192.0.2.43", 0),
    (b"\"192.0.2.43\"", "192.0.2.43", 0),
    (b"\"192.0.2.43:47011\"", "192.0.2.43", 47011),
    (b"192.0.2.43:47011", "192.0.2.43", 47011),
    (b"\"192.0.2.43:_port\"", "192.0.2.43", 0),
    (b"\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17", 0),
    (b"\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17", 4711),
    (b"[2001:db8:cafe::17]:4711", "2001:db8:cafe::17", 4711),
    (b"\"2001:db8:cafe::17\"", "2001:db8:cafe::17", 0),
    (b"\"[2001:db8::1]:_a.b-c\"", "2001:db8::1", 0),
    (b"unknown", "unknown", 0),
    (b"\"unknown:80\"", "unknown", 80),
    (b"_gazonk", "_gazonk", 0),
    (b"\"_SEVKISEK:_x\"", "_SEVKISEK", 0),
    (b"\"\\1.2.3.4\"", "1.2.3.4", 0),
    (b"\"a\\\"b\\\\c\"", "a\"b\\c", 0),
    (b"\"caf\xe9\"", "caf\u{e9}", 0),
    // No nodes: names as they stand.
    (b"\"1.2.3.4:\"", "1.2.3.4:", 0),
    (b"\"1.2.3.4:x\"", "1.2.3.4:x", 0),
    (b"\"1.2.3.4:123456\"", "1.2.3.4:123456", 0),
    (b"\"1.2.3.4:_\"", "1.2.3.4:_", 0),
    (b"\"1.2.3.4:+1\"", "1.2.3.4:+1", 0),
    (b"\"[::1\"", "[::1", 0),
    (b"\"[::1]x\"", "[::1]x", 0),
    (b"\"\"", "", 0),
];

#[test]
fn nodes() {
    for (value, host, port) in NODES {
        let line = [b"for=", *value].concat();
        let found = elements(&line).unwrap();
        let [element] = found.as_slice() else {
            unreachable_line(value)
        };
        assert_eq!(shown(element).0, Some((*host, *port)), "{value:?}");
    }
}

#[expect(clippy::panic, reason = "a test may fail by panicking")]
fn unreachable_line(value: &[u8]) -> ! {
    panic!("not one element: {value:?}")
}

#[test]
fn lines() {
    let cases: &[(&[u8], &[Shown])] = &[
        (b"", &[]),
        (b" , ,", &[]),
        (b";", &[(None, None, None)]),
        (
            b"for=192.0.2.60;proto=http;by=203.0.113.43",
            &[(Some(("192.0.2.60", 0)), Some("http"), None)],
        ),
        (
            b"FOR=a;Proto=HTTPS;hOsT=\"example.com:80\";secret=x;;",
            &[(Some(("a", 0)), Some("HTTPS"), Some("example.com:80"))],
        ),
        (
            b" for=a ; proto=http\t,for=\"b,;=c\"",
            &[
                (Some(("a", 0)), Some("http"), None),
                (Some(("b,;=c", 0)), None, None),
            ],
        ),
        (
            b"for=a,, for=b",
            &[(Some(("a", 0)), None, None), (Some(("b", 0)), None, None)],
        ),
        (b"x=1;x=2;for=a", &[(Some(("a", 0)), None, None)]),
    ];
    for (line, expected) in cases {
        let found = elements(line).unwrap();
        assert_eq!(
            found.iter().map(shown).collect::<Vec<_>>(),
            *expected,
            "{line:?}"
        );
    }
}

#[test]
fn malformed_lines() {
    let cases: &[&[u8]] = &[
        b"for",
        b"for=",
        b"for =a",
        b"for= a",
        b"=a",
        b"1.2.3.4",
        b"for=a b",
        b"for=a for=b",
        b"for=a\"b\"",
        b"for=\"a\"b",
        b"for=\"a",
        b"for=\"a\\",
        b"for=\"a\\\"",
        b"for=a/b",
        b"f\xe9=a",
        b"for=\xe9",
        b"for=a;for=b",
        b"proto=a;PROTO=a",
        b"host=a;host=\"a\"",
    ];
    for line in cases {
        assert_eq!(elements(line), None, "{line:?}");
    }
}

type Lines<'a> = &'a [&'a [u8]];
/// Client, scheme, host.
type Said<'a> = (Option<(&'a str, i64)>, Option<&'a str>, Option<&'a str>);

const CHAINS: &[(&str, Lines, Said)] = &[
    (
        "127.0.0.1",
        &[b"for=1.2.3.4;proto=https;host=example.com"],
        (Some(("1.2.3.4", 0)), Some("https"), Some("example.com")),
    ),
    // The element that counts is the one of whoever is not trusted, as a whole.
    (
        "10.0.0.0/8",
        &[b"for=6.6.6.6;proto=ws;host=evil.example, for=1.2.3.4;proto=https, for=10.0.0.1;proto=http;host=inner"],
        (Some(("1.2.3.4", 0)), Some("https"), None),
    ),
    (
        "10.0.0.0/8",
        &[b"for=6.6.6.6;proto=ws", b"for=1.2.3.4;proto=https", b"for=10.0.0.1;proto=http"],
        (Some(("1.2.3.4", 0)), Some("https"), None),
    ),
    (
        "10.0.0.0/8",
        &[b"for=10.0.0.2;proto=https, for=10.0.0.1"],
        (Some(("10.0.0.2", 0)), Some("https"), None),
    ),
    (
        "*",
        &[b"for=_a;proto=HTTPS, proto=http, for=1.2.3.4"],
        (Some(("_a", 0)), Some("https"), None),
    ),
    (
        "_edge",
        &[b"for=\"[2001:db8::1]:99\", for=_edge"],
        (Some(("2001:db8::1", 99)), None, None),
    ),
    ("127.0.0.1", &[b"proto=https"], (None, Some("https"), None)),
    ("127.0.0.1", &[b"for=1.2.3.4, proto=https"], (None, Some("https"), None)),
    ("127.0.0.1", &[b"for=\"\";proto=https"], (None, Some("https"), None)),
    (
        "127.0.0.1",
        &[b"for=1.2.3.4;proto=gopher;host=\"a b\""],
        (Some(("1.2.3.4", 0)), None, None),
    ),
    // What cannot be read counts for somebody who is not known.
    ("127.0.0.1", &[b"for=\"1.2.3.4;proto=https"], (Some(("unknown", 0)), None, None)),
    ("*", &[b"for=1.2.3.4;proto=https", b"nonsense"], (Some(("unknown", 0)), None, None)),
    // But it is not reached where somebody nearer is not trusted.
    (
        "127.0.0.1",
        &[b"nonsense", b"for=1.2.3.4;proto=https"],
        (Some(("1.2.3.4", 0)), Some("https"), None),
    ),
    ("127.0.0.1", &[b""], (None, None, None)),
];

#[test]
fn chains() {
    for (trusted, lines, (node, scheme, host)) in CHAINS {
        let fields: Vec<(&str, &[u8])> = lines.iter().map(|line| ("forwarded", *line)).collect();
        let found = read(&proxies(trusted), &fields);
        assert_eq!(client(&found), *node, "{lines:?}");
        assert_eq!(found.scheme, *scheme, "{lines:?}");
        let authority = found.authority.as_ref().map(|found| found.host.as_str());
        assert_eq!(authority, *host, "{lines:?}");
    }
}

#[test]
fn beside_it_the_other_fields_are_not_read() {
    let mut fields: Vec<(&str, &[u8])> = vec![
        ("x-forwarded-for", b"9.9.9.9"),
        ("x-forwarded-proto", b"wss"),
        ("x-forwarded-host", b"evil.example"),
        ("x-forwarded-prefix", b"/api"),
        ("forwarded", b"for=1.2.3.4"),
    ];
    let proxies = proxies("127.0.0.1");
    let found = read(&proxies, &fields);
    assert_eq!(client(&found), Some(("1.2.3.4", 0)));
    assert_eq!((found.scheme, found.authority), (None, None));
    // It has no parameter for this one.
    assert_eq!(found.prefix.as_deref(), Some("/api"));
    fields.pop();
    assert_eq!(client(&read(&proxies, &fields)), Some(("9.9.9.9", 0)));
}
