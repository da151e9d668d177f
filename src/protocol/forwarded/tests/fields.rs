//! X-Forwarded-For, -Proto, -Host and -Prefix.

use super::{client, headers, proxies, read, with};

type Line<'a> = &'a [&'a [u8]];
type Client = Option<(&'static str, i64)>;
type Authority = Option<(&'static str, Option<u16>)>;

/// (trusted, fields, client)
const CLIENTS: &[(&str, Line, Client)] = &[
    ("127.0.0.1", &[b"1.2.3.4"], Some(("1.2.3.4", 0))),
    ("127.0.0.1", &[b"1.2.3.4, 5.6.7.8"], Some(("5.6.7.8", 0))),
    ("127.0.0.1", &[b"1.2.3.4", b"5.6.7.8"], Some(("5.6.7.8", 0))),
    ("*", &[b"1.2.3.4, 5.6.7.8"], Some(("1.2.3.4", 0))),
    ("*", &[b"1.2.3.4", b"5.6.7.8"], Some(("1.2.3.4", 0))),
    ("5.6.7.8", &[b"1.2.3.4, 5.6.7.8"], Some(("1.2.3.4", 0))),
    (
        "5.6.7.8",
        &[b"9.9.9.9,1.2.3.4,5.6.7.8"],
        Some(("1.2.3.4", 0)),
    ),
    ("0.0.0.0/0", &[b"1.2.3.4, 5.6.7.8"], Some(("1.2.3.4", 0))),
    ("0.0.0.0/0", &[b"::1, 1.2.3.4, 5.6.7.8"], Some(("::1", 0))),
    (
        "10.0.0.0/8",
        &[b"1.2.3.4:99, 10.0.0.1:80"],
        Some(("1.2.3.4", 99)),
    ),
    (
        "::1",
        &[b"2001:db8::1, [::1]:443"],
        Some(("2001:db8::1", 0)),
    ),
    (
        "::1",
        &[b"[2001:db8::1]:8080, ::1"],
        Some(("2001:db8::1", 8080)),
    ),
    ("*", &[b"[2001:DB8::1]"], Some(("2001:DB8::1", 0))),
    ("*", &[b"[2001:db8::1]:x"], Some(("2001:db8::1", 0))),
    ("*", &[b"[2001:db8::1]x"], Some(("[2001:db8::1]x", 0))),
    ("*", &[b"[2001:db8::1"], Some(("[2001:db8::1", 0))),
    ("*", &[b"1.2.3.4:x"], Some(("1.2.3.4:x", 0))),
    ("*", &[b"1.2.3.4:"], Some(("1.2.3.4:", 0))),
    ("*", &[b"1.2.3.4: 80"], Some(("1.2.3.4", 80))),
    ("*", &[b"1.2.3.4 :80"], Some(("1.2.3.4 ", 80))),
    ("*", &[b"1.2.3.4:99999"], Some(("1.2.3.4", 99999))),
    ("*", &[b"1.2.3.4:-1"], Some(("1.2.3.4", -1))),
    ("*", &[b"1.2.3.4:+1"], Some(("1.2.3.4", 1))),
    ("*", &[b"1.2.3.4:1_0"], Some(("1.2.3.4", 10))),
    ("*", &[b"1.2.3.4:1__0"], Some(("1.2.3.4:1__0", 0))),
    ("*", &[b"1.2.3.4:_1"], Some(("1.2.3.4:_1", 0))),
    ("*", &[b"1.2.3.4:007"], Some(("1.2.3.4", 7))),
    ("*", &[b"1.2.3.4:\xb2"], Some(("1.2.3.4:\u{b2}", 0))),
    (
        "*",
        &[b"1.2.3.4:9223372036854775807"],
        Some(("1.2.3.4", i64::MAX)),
    ),
    (
        "*",
        &[b"1.2.3.4:-9223372036854775808"],
        Some(("1.2.3.4", i64::MIN)),
    ),
    // uvicorn takes it for a number; no port is anywhere near.
    (
        "*",
        &[b"a:9223372036854775808"],
        Some(("a:9223372036854775808", 0)),
    ),
    ("127.0.0.1", &[b"unknown"], Some(("unknown", 0))),
    ("127.0.0.1", &[b"_hidden, 127.0.0.1"], Some(("_hidden", 0))),
    ("unknown", &[b"1.2.3.4, unknown"], Some(("1.2.3.4", 0))),
    ("127.0.0.1", &[b"caf\xe9"], Some(("caf\u{e9}", 0))),
    ("127.0.0.1", &[b"\"1.2.3.4\""], Some(("\"1.2.3.4\"", 0))),
    ("127.0.0.1", &[b"1.2.3.4;q=1"], Some(("1.2.3.4;q=1", 0))),
    ("127.0.0.1", &[b"\xa01.2.3.4\xa0"], Some(("1.2.3.4", 0))),
    ("127.0.0.1", &[b"\t1.2.3.4 \t"], Some(("1.2.3.4", 0))),
    ("127.0.0.1", &[b""], None),
    ("127.0.0.1", &[b","], None),
    ("*", &[b", 1.2.3.4"], None),
    ("127.0.0.1", &[b"1.2.3.4,"], None),
    ("127.0.0.1", &[b"1.2.3.4", b""], None),
    ("127.0.0.1", &[b"[]:80"], None),
    ("127.0.0.1", &[b":80"], None),
    ("127.0.0.1", &[b"1.2.3.4, , 127.0.0.1"], None),
];

#[test]
fn clients() {
    for (trusted, lines, expected) in CLIENTS {
        let fields: Vec<(&str, &[u8])> = lines
            .iter()
            .map(|line| ("x-forwarded-for", *line))
            .collect();
        let found = read(&proxies(trusted), &fields);
        assert_eq!(client(&found), *expected, "{lines:?} with {trusted}");
        assert_eq!(found.scheme, None);
    }
}

#[test]
fn schemes() {
    let cases: &[(Line, Option<&str>)] = &[
        (&[b"http"], Some("http")),
        (&[b"https"], Some("https")),
        (&[b"ws"], Some("ws")),
        (&[b"wss"], Some("wss")),
        (&[b" https\t"], Some("https")),
        (&[b"http", b"https"], Some("https")),
        (&[b"https", b"http"], Some("http")),
        (&[b"https", b""], None),
        (&[b"https", b"gopher"], None),
        (&[b"HTTPS"], None),
        (&[b"https, http"], None),
        (&[b"https,"], None),
        (&[b"\xff"], None),
        (&[b""], None),
    ];
    for (lines, expected) in cases {
        let fields: Vec<(&str, &[u8])> = lines
            .iter()
            .map(|line| ("x-forwarded-proto", *line))
            .collect();
        let found = read(&proxies("127.0.0.1"), &fields);
        assert_eq!(found.scheme, *expected, "{lines:?}");
        assert_eq!(found.client, None);
    }
}

#[test]
fn hosts() {
    let cases: &[(Line, Authority)] = &[
        (&[b"example.com"], Some(("example.com", None))),
        (&[b"example.com:8443"], Some(("example.com", Some(8443)))),
        (&[b"example.com:"], Some(("example.com", None))),
        (&[b"[2001:db8::1]:80"], Some(("2001:db8::1", Some(80)))),
        (&[b"[2001:db8::1]"], Some(("2001:db8::1", None))),
        // The nearest proxy stands at the right.
        (&[b"evil.example, example.com"], Some(("example.com", None))),
        (
            &[b"evil.example", b"example.com"],
            Some(("example.com", None)),
        ),
        (&[b"example.com,"], None),
        (&[b"2001:db8::1"], None),
        (&[b"example.com/path"], None),
        (&[b"user@example.com"], None),
        (&[b"example.com:99999"], None),
        (&[b"a b"], None),
        (&[b"caf\xe9"], None),
        (&[b""], None),
    ];
    for (lines, expected) in cases {
        let fields: Vec<(&str, &[u8])> = lines
            .iter()
            .map(|line| ("x-forwarded-host", *line))
            .collect();
        let found = read(&proxies("127.0.0.1"), &fields).authority;
        let found = found
            .as_ref()
            .map(|found| (found.host.as_str(), found.port));
        assert_eq!(found, *expected, "{lines:?}");
    }
}

#[test]
fn prefixes() {
    let cases: &[(&[u8], Option<&str>)] = &[
        (b"/api", Some("/api")),
        (b"/api/", Some("/api")),
        (b"/api//", Some("/api")),
        (b"/api/v1", Some("/api/v1")),
        (b"/a%20b/%C3%A9", Some("/a%20b/%C3%A9")),
        (b"/~x/.well-known/a:b@c", Some("/~x/.well-known/a:b@c")),
        (b"/evil, /api", Some("/api")),
        (b"/", None),
        (b"", None),
        (b"api", None),
        (b"//evil.example", None),
        (b"/a//b", None),
        (b"/../a", None),
        (b"/a/..", None),
        (b"/a/./b", None),
        (b"/a/%2e%2e/b", None),
        (b"/a%2Fb", None),
        (b"/a%5cb", None),
        (b"/a%0d%0ab", None),
        (b"/a%zz", None),
        (b"/a%2", None),
        (b"/a?b", None),
        (b"/a#b", None),
        (b"/a b", None),
        (b"/a\\b", None),
        (b"/caf\xe9", None),
        (b"/caf\xc3\xa9", None),
        (b"http://evil.example/", None),
    ];
    for (value, expected) in cases {
        let found = read(&proxies("127.0.0.1"), &[("x-forwarded-prefix", value)]);
        assert_eq!(found.prefix.as_deref(), *expected, "{value:?}");
    }
}

#[test]
fn what_is_not_asked_for_is_not_read() {
    let all: &[(&str, &[u8])] = &[
        ("x-forwarded-host", b"example.com"),
        ("x-forwarded-prefix", b"/api"),
        ("x-forwarded-proto", b"https"),
        ("forwarded", b"for=9.9.9.9;proto=http;host=other.example"),
    ];
    let plain = read(&with("127.0.0.1", |_| ()), all);
    assert_eq!(plain.scheme, Some("https"));
    assert_eq!(
        (plain.client, plain.authority, plain.prefix),
        (None, None, None)
    );
    let standard = with("127.0.0.1", |_| ());
    assert_eq!(
        standard.read(&headers(&[("forwarded", b"for=9.9.9.9")])),
        None
    );
}
