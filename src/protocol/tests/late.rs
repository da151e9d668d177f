//! Heads on their way to a peer that reads late: cut anywhere by a full socket, or behind an answer that has not left.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::{World, get, head_with, settings};
use crate::settings::Settings;

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
