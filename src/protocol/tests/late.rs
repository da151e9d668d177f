//! Answers on their way to a peer that reads late: cut anywhere by a full socket, behind one that has not left, or with
//! something of the request still to come.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::{Client, World, get, head_with, invalid, ok, settings};
use crate::{
    runtime::Source,
    settings::Settings,
    transport::{Peer, ServerAddress, Stream},
};

/// More than the sockets of both sides hold.
const LARGE: usize = 12 << 20;

const POST: &str = "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
const CHUNKED: &str =
    "POST /large HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";

/// Answers at once, without a look at the body: at `/large` with much, elsewhere with the path.
fn hasty(settings: Settings) -> World {
    World::with(settings, |request, exchange| {
        if request.uri.path() == "/large" {
            exchange.respond(exchange.head(StatusCode::OK), vec![b'x'; LARGE].into());
        } else {
            super::echo(request, exchange);
        }
    })
}

/// The large answer, whole; what followed it.
fn expect_large(client: &mut Client<'_>, is_enough: impl Fn(&[u8]) -> bool) -> String {
    client.listen_until(|heard| heard.len() > LARGE && is_enough(heard));
    let heard = std::mem::take(&mut client.heard);
    let start = heard.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let body = heard.get(start..).unwrap();
    let length = body.iter().take_while(|byte| **byte == b'x').count();
    assert_eq!(length, LARGE, "of the body");
    String::from_utf8_lossy(body.get(length..).unwrap()).into_owned()
}

#[test]
fn answers_to_a_peer_that_reads_late_are_whole_and_in_order() {
    // The socket fills up somewhere: in a head, between a head and its body, in a body.
    const REQUESTS: usize = 12_000;
    let path = |number: usize| format!("/{number}{}", "x".repeat(number % 701));
    let world = World::new(|request, exchange| {
        let words = request.uri.path();
        let head = head_with(exchange, "x-filler", &"y".repeat(700));
        exchange.respond(head, Bytes::copy_from_slice(words.as_bytes()));
    });
    let mut client = world.connect();
    let (mut requests, mut expected) = (String::new(), String::new());
    for number in 0..REQUESTS {
        let path = path(number);
        requests += &get(&path);
        let (filler, length) = ("y".repeat(700), path.len());
        expected += "HTTP/1.1 200 OK\r\n";
        let fields = format!("x-filler: {filler}\r\ncontent-length: {length}\r\n\r\n");
        expected += &(fields + &path);
    }
    client.send_and_read_late(requests);
    client.listen_until(|heard| heard.len() >= expected.len());
    let heard = std::mem::take(&mut client.heard);
    assert!(heard == expected.as_bytes(), "not what was answered");
}

#[test]
fn answer_that_was_begun_by_a_stalled_peer_is_whole_once_it_reads() {
    let world = World::new(|_, exchange| {
        let mut head = head_with(exchange, "x-large", &"z".repeat(8 << 20));
        head.add(b"content-length", b"3").unwrap();
        exchange.open(head, "one".into());
    });
    let mut client = world.connect();
    client.says(get("/"));
    world.settle();
    let exchange = world.exchange(0);
    exchange.finish("".into());
    client.listen_until(|heard| heard.ends_with(b"one"));
    let heard = std::mem::take(&mut client.heard);
    let expected = format!(
        "HTTP/1.1 200 OK\r\nx-large: {}\r\ncontent-length: 3\r\n\r\none",
        "z".repeat(8 << 20)
    );
    assert!(heard == expected.as_bytes(), "not what was answered");
    client.send(get("/next"));
    client.listen_until(|heard| heard.ends_with(b"one"));
    assert!(client.heard == expected.as_bytes(), "not what was answered");
}

#[test]
fn answer_behind_one_that_the_peer_has_not_read_has_every_field() {
    // hyper writes this head itself: it stands behind bytes that have not left.
    let settings = Settings {
        headers: vec![("server".parse().unwrap(), HeaderValue::from_static("rsgi"))],
        ..settings()
    };
    let world = World::with(settings, |request, exchange| {
        if request.uri.path() == "/large" {
            let body = vec![b'x'; 32 << 20];
            exchange.respond(exchange.head(StatusCode::OK), body.into());
        } else {
            exchange.respond(head_with(exchange, "connection", "close"), "last".into());
        }
    });
    let mut client = world.connect();
    client.says(get("/large") + &get("/last"));
    client.listen_until(|heard| heard.ends_with(b"last"));
    let heard = std::mem::take(&mut client.heard);
    let end = heard
        .get(heard.len().saturating_sub(120)..)
        .unwrap_or_default();
    let end = String::from_utf8_lossy(end);
    let (_, last) = end.rsplit_once("HTTP/1.1").unwrap();
    let mut lines: Vec<_> = last.lines().collect();
    lines.sort_unstable();
    let expected = [
        "",
        " 200 OK",
        "connection: close",
        "content-length: 4",
        "last",
        "server: rsgi",
    ];
    assert_eq!(lines, expected);
    client.hears_end();
}

#[test]
fn end_of_a_stream_that_finds_the_socket_full_is_written_later() {
    // What the socket holds depends on the system: some of these fill it to the brim and leave no room for the end.
    let sizes = (20_000..130_000).step_by(5_000);
    let cases = sizes.flat_map(|size| (3..9).map(move |count| (size, count)));
    for (size, count) in cases {
        for (fields, rest, pause) in [
            ("Connection: close\r\n", "", 0),
            ("Connection: close\r\nContent-Length: 5\r\n", "ababa", 0),
            ("", "", 2),
        ] {
            let world = World::waiting();
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            ours.set_nonblocking(true).unwrap();
            theirs.set_nonblocking(true).unwrap();
            let ours = mio::net::UnixStream::from_std(ours);
            let source = Source::duplex(&world.runtime, ours).unwrap();
            let peer = Peer {
                client: None,
                server: ServerAddress::Unknown,
            };
            world.server.serve(Stream::Unix(source), peer);
            write!(theirs, "GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").unwrap();
            let exchange = world.exchange(0);
            exchange.open(exchange.head(StatusCode::OK), Bytes::new());
            for _ in 0..count {
                exchange.push(vec![b'x'; size].into());
            }
            exchange.finish(Bytes::new());
            world.settle();
            theirs.write_all(rest.as_bytes()).unwrap();
            world.skip(Duration::from_secs(pause));
            let (mut heard, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
            while !heard.ends_with(b"\r\n0\r\n\r\n") {
                match theirs.read(&mut buffer) {
                    Ok(0) => break,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => world.turn(),
                    read => heard.extend(buffer.iter().take(read.unwrap())),
                }
            }
            let is_whole = heard.ends_with(b"\r\n0\r\n\r\n");
            assert!(is_whole, "{count} times {size}, {fields}");
        }
    }
}

#[test]
fn last_answer_to_an_unread_body_is_whole() {
    let closing = POST.replace("Host", "Connection: close\r\nHost");
    let old = POST.replace("1.1", "1.0");
    let withheld = POST.replace("Host", "Expect: 100-continue\r\nHost");
    for head in [closing, old, withheld] {
        for rest in [0, 10, 1_000] {
            let world = hasty(settings());
            let mut client = world.connect();
            client.says(&head);
            client.says("a".repeat(rest));
            assert_eq!(expect_large(&mut client, |_| true), "", "{head}");
            client.hears_end();
        }
    }
}

#[test]
fn answer_to_a_body_that_then_breaks_off_is_whole() {
    for (beginning, end, hangs_up) in [
        (POST, "aaa", true),
        (CHUNKED, "3\r\na", true),
        (CHUNKED, "what?\r\n", false),
    ] {
        let world = hasty(settings());
        let mut client = world.connect();
        client.says(beginning);
        client.says(end);
        if hangs_up {
            client.hang_up();
        }
        assert_eq!(expect_large(&mut client, |_| true), "", "{end}");
        client.hears_end();
    }
}

#[test]
fn request_behind_an_unread_body_is_answered_after_the_answer_to_that() {
    let invited =
        "POST /next HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok";
    // hyper alone knows that this is no authority.
    let faulty = "GET http://a[b/ HTTP/1.1\r\nHost: a\r\n\r\n";
    let closed = ok("/next").replace("content", "connection: close\r\ncontent");
    for (next, expected) in [
        (get("/next"), ok("/next")),
        (invited.to_owned(), closed),
        (faulty.to_owned(), invalid()),
    ] {
        for beginning in [POST, CHUNKED] {
            let rest = if beginning == POST {
                "a".repeat(1_000)
            } else {
                "0\r\n\r\n".to_owned()
            };
            let world = hasty(settings());
            let mut client = world.connect();
            client.says(beginning);
            client.says(rest + &next);
            let after = expect_large(&mut client, |heard| heard.ends_with(expected.as_bytes()));
            assert_eq!(after, expected, "{next}");
        }
    }
}

#[test]
fn large_body_that_nobody_wants_is_taken_while_the_answer_to_it_waits() {
    let world = hasty(settings());
    let mut client = world.connect();
    client.send(format!(
        "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"
    ));
    client.send(vec![b'a'; LARGE]);
    client.says(get("/next"));
    // The answer is read for longer than it would be waited for more of the body.
    world.skip(Duration::from_secs(40));
    let after = expect_large(&mut client, |heard| heard.ends_with(b"/next"));
    assert_eq!(after, ok("/next"));
}
