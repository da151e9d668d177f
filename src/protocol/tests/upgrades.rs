//! Requests that list `websocket` in `Upgrade` and are no handshakes: ordinary ones, but the last of their connections.

use super::{World, answer, get, ok, ok_and_close};

/// Without `Connection: upgrade` (RFC 9110, section 7.8).
fn half_a_handshake(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n{fields}\r\n")
}

#[test]
fn nothing_after_it_is_taken_for_http() {
    for after in [
        get("/b"),
        "\u{1}\n".into(),
        "GET /b HTTP/1.1\nHost: a\n\n".into(),
    ] {
        let world = World::echoing();
        let mut client = world.connect();
        client.send(half_a_handshake("/a", "") + &after);
        client.hears_and_end(ok_and_close("/a"));
        assert_eq!((world.started(), world.refused()), (1, 0), "{after:?}");
    }
}

#[test]
fn nor_is_what_comes_later() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says(half_a_handshake("/a", ""));
    client.says(get("/b"));
    answer(&world.exchange(0), "a");
    client.hears_and_end(ok_and_close("a"));
    assert_eq!(world.started(), 1);
}

/// What was asked before it is not the last.
#[test]
fn request_before_it_keeps_the_connection() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send(get("/a") + &half_a_handshake("/b", "") + &get("/c"));
    client.hears_and_end(ok("/a") + &ok_and_close("/b"));
    assert_eq!(world.started(), 2);
}

#[test]
fn its_body_is_read() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says(half_a_handshake("/a", "Content-Length: 3\r\n") + "ab");
    let exchange = world.exchange(0);
    client.says("c\u{1}");
    assert_eq!(world.receive_all(&exchange), (b"abc".to_vec(), true));
    answer(&exchange, "a");
    client.hears_and_end(ok_and_close("a"));
}

/// It is not idle, however long its answer takes, and is not parked.
#[test]
fn it_may_take_its_time() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says(half_a_handshake("/a", ""));
    world.skip(super::PATIENCE * 100);
    client.hears_nothing();
    answer(&world.exchange(0), "a");
    client.hears_and_end(ok_and_close("a"));
}
