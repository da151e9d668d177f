//! Fields one by one, what hyper adds to them, and the way back into a map.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Instant;

use http::{HeaderName, HeaderValue, StatusCode};

use super::{super::defaults::Defaults, Head, MAX_FIELDS, MAX_GROUPED};
use crate::error::AppError;

const FRAMED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

fn defaults(fields: &[(&str, &str)], date: bool) -> Defaults {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect();
    Defaults::new(&fields, date)
}

fn head(status: u16, own: &[(&str, &str)]) -> Head {
    let status = StatusCode::from_u16(status).unwrap();
    Head::new(
        status,
        b"left over".to_vec(),
        &defaults(own, false),
        Instant::now(),
    )
}

fn with(own: &[(&str, &str)], fields: &[(&str, &str)]) -> Head {
    let mut head = head(200, own);
    for (name, value) in fields {
        head.add(name.as_bytes(), value.as_bytes()).unwrap();
    }
    head
}

/// The lines between the status and the end.
fn lines(head: Head) -> Vec<String> {
    let text = String::from_utf8(head.complete(FRAMED)).unwrap();
    let text = text.strip_prefix("HTTP/1.1 200 OK\r\n").unwrap();
    let text = text.strip_suffix("\r\n").unwrap();
    text.split_terminator("\r\n").map(str::to_owned).collect()
}

#[test]
fn status_line_has_the_registered_reason_or_none() {
    for (status, line) in [
        (200, "HTTP/1.1 200 OK"),
        (404, "HTTP/1.1 404 Not Found"),
        (299, "HTTP/1.1 299 "),
        (599, "HTTP/1.1 599 "),
    ] {
        let bytes = head(status, &[]).complete(FRAMED);
        assert_eq!(bytes, format!("{line}\r\n\r\n").as_bytes());
    }
}

#[test]
fn names_become_lower_case_and_values_stay() {
    // FLT-C16.
    let head = with(
        &[],
        &[("X-Some-NAME!#$%&'*+-.^_`|~09", " a\tb  "), ("x", "")],
    );
    assert_eq!(
        lines(head),
        ["x-some-name!#$%&'*+-.^_`|~09:  a\tb  ", "x: "]
    );
}

#[test]
fn every_byte_is_judged_alone() {
    // FLT-C15: with the map's own judgement to compare with.
    for byte in 0..=u8::MAX {
        let name = [b'a', byte, b'b'];
        let mut head = head(200, &[]);
        let outcome = head.add(&name, b"v");
        let is_name = HeaderName::from_bytes(&name).is_ok();
        assert_eq!(outcome.is_ok(), is_name, "name with {byte:#x}: {outcome:?}");
        let outcome = head.add(b"n", &name);
        let is_value = HeaderValue::from_bytes(&name).is_ok();
        assert_eq!(
            outcome.is_ok(),
            is_value,
            "value with {byte:#x}: {outcome:?}"
        );
    }
}

#[test]
fn what_is_refused_leaves_nothing() {
    let mut head = with(&[("server", "rsgi")], &[("a", "1")]);
    for (name, value, error) in [
        ("", "v", AppError::HeaderNameInvalid),
        ("a b", "v", AppError::HeaderNameInvalid),
        ("a:", "v", AppError::HeaderNameInvalid),
        ("b", "v\r\nc: d", AppError::HeaderValueInvalid),
        ("server", "a\0", AppError::HeaderValueInvalid),
        (
            "content-length",
            "",
            AppError::ContentLengthInvalid(String::new()),
        ),
        (
            "content-length",
            "+5",
            AppError::ContentLengthInvalid("+5".into()),
        ),
        (
            "content-length",
            "18446744073709551616",
            AppError::ContentLengthInvalid("18446744073709551616".into()),
        ),
    ] {
        assert_eq!(head.add(name.as_bytes(), value.as_bytes()), Err(error));
    }
    assert_eq!(head.content_length(), None);
    assert_eq!(lines(head), ["server: rsgi", "a: 1"]);
}

#[test]
fn names_may_be_long_and_no_longer() {
    let mut head = head(200, &[]);
    let long = "n".repeat(32_768);
    assert_eq!(head.add(long.as_bytes(), b""), Ok(()));
    let longer = long + "n";
    assert_eq!(
        head.add(longer.as_bytes(), b""),
        Err(AppError::HeaderNameInvalid)
    );
}

#[test]
fn fields_are_counted() {
    // FLT-C15.
    let mut head = head(200, &[]);
    for number in 0..MAX_FIELDS {
        let name = format!("x-{}", number % 3);
        head.add(name.as_bytes(), b"v").unwrap();
    }
    assert_eq!(head.add(b"one-more", b"v"), Err(AppError::HeadersTooMany));
}

#[test]
fn as_many_fields_as_there_may_be_fit_into_a_map() {
    let mut head = head(200, &[("server", "rsgi"), ("x-own", "1")]);
    for number in 0..MAX_FIELDS {
        head.add(format!("x-{number}").as_bytes(), b"v").unwrap();
    }
    let mut map = head.to_map();
    // hyper's own.
    map.append("connection", HeaderValue::from_static("close"));
    assert_eq!(map.len(), MAX_FIELDS + 3);
}

#[test]
fn content_length_is_said_once() {
    // O11, ASGI-46.
    let mut head = with(
        &[],
        &[
            ("Content-Length", "5"),
            ("x", "1"),
            ("content-length", "05"),
        ],
    );
    assert_eq!(head.content_length(), Some(5));
    let again = head.add(b"content-length", b"6");
    assert_eq!(again, Err(AppError::ContentLengthsDiffer));
    assert_eq!(lines(head), ["content-length: 5", "x: 1"]);
}

#[test]
fn no_content_has_no_length() {
    // ASGI-53.
    let mut head = head(204, &[]);
    head.add(b"content-length", b"5").unwrap();
    let bytes = head.complete(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(bytes, b"HTTP/1.1 204 No Content\r\n\r\n");
}

#[test]
fn framing_is_not_the_applications() {
    // O11.
    let head = with(
        &[],
        &[("Transfer-Encoding", "gzip, chunked"), ("te", "trailers")],
    );
    assert_eq!(lines(head), ["te: trailers"]);
}

#[test]
fn date_and_server_of_the_application_replace_the_servers() {
    // O13, ASGI-N14.
    let own = [
        ("server", "rsgi"),
        ("x-own", "1"),
        ("server", "too"),
        ("date", "then"),
    ];
    let head = with(
        &own,
        &[
            ("x", "1"),
            ("Server", "mine"),
            ("date", "now"),
            ("server", "also"),
        ],
    );
    assert_eq!(
        lines(head),
        [
            "x-own: 1",
            "x: 1",
            "server: mine",
            "server: also",
            "date: now"
        ]
    );
}

#[test]
fn date_of_the_server_comes_first() {
    let own = defaults(&[("server", "rsgi")], true);
    let head = Head::new(StatusCode::OK, Vec::new(), &own, Instant::now());
    let lines = lines(head);
    let [date, server] = lines.as_slice() else {
        return assert_eq!(lines, ["date", "server"]);
    };
    assert!(
        date.starts_with("date: ") && date.ends_with(" GMT"),
        "{date}"
    );
    assert_eq!(server, "server: rsgi");
}

#[test]
fn equal_names_stand_together() {
    // O35.
    let fields = [
        ("a", "1"),
        ("b", "2"),
        ("A", "3"),
        ("c", "4"),
        ("a", "5"),
        ("b", "6"),
        ("ab", "7"),
    ];
    let head = with(&[("b", "0"), ("server", "rsgi")], &fields);
    assert_eq!(
        lines(head),
        [
            "b: 0",
            "server: rsgi",
            "a: 1",
            "a: 3",
            "a: 5",
            "b: 2",
            "b: 6",
            "c: 4",
            "ab: 7"
        ]
    );
}

#[test]
fn equal_names_stand_together_after_the_servers_own_went() {
    let fields = [
        ("a", "1"),
        ("b", "2"),
        ("server", "mine"),
        ("a", "3"),
        ("server", "too"),
    ];
    let head = with(&[("server", "rsgi")], &fields);
    assert_eq!(
        lines(head),
        ["a: 1", "a: 3", "b: 2", "server: mine", "server: too"]
    );
}

#[test]
fn grouping_ends_where_it_would_cost_too_much() {
    let mut head = head(200, &[]);
    for number in 0..=MAX_GROUPED {
        head.add(format!("x-{number}").as_bytes(), b"").unwrap();
    }
    head.add(b"x-0", b"again").unwrap();
    let lines = lines(head);
    assert_eq!(lines.last().map(String::as_str), Some("x-0: again"));
}

#[test]
fn what_hyper_frames_is_added_unless_it_is_said() {
    let framed = b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody";
    let complete = |fields: &[(&str, &str)]| {
        let bytes = with(&[], fields).complete(framed);
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(
        complete(&[]),
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody"
    );
    assert_eq!(
        complete(&[("connection", "x, Close"), ("content-length", "4")]),
        "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 4\r\n\r\nbody"
    );
    assert_eq!(
        complete(&[("connection", "keep-alive")]),
        "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 4\r\n\
         connection: close\r\n\r\nbody"
    );
}

#[test]
fn map_has_the_same_fields() {
    let fields = [
        ("a", " 1"),
        ("b", ""),
        ("a", "\u{e9}: x"),
        ("connection", "close"),
    ];
    let head = with(&[("server", "rsgi")], &fields);
    assert!(head.says_close());
    let map = head.to_map();
    let pairs: Vec<_> = map
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let expected: [(&str, &[u8]); 5] = [
        ("server", b"rsgi"),
        ("a", b" 1"),
        ("a", "\u{e9}: x".as_bytes()),
        ("b", b""),
        ("connection", b"close"),
    ];
    assert_eq!(pairs, expected);
}
