//! Request bodies: gathered, invited, held back, discarded.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{cell::RefCell, rc::Rc};

use super::{World, answer, body, get, ok, ok_and_close, receiver};
use crate::protocol::Received;

#[test]
fn request_without_a_body_yields_one_empty_message() {
    // ASGI-41.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(body("", false)));
    assert_eq!(exchange.try_receive(), None);
}

#[test]
fn body_that_came_with_its_head_is_one_event() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(world.exchange(0).try_receive(), Some(body("hello", false)));
}

#[test]
fn chunks_that_came_together_are_one_event() {
    // ASGI-33.
    let received = Rc::new(RefCell::new(None));
    let world = World::new({
        let received = Rc::clone(&received);
        move |_, exchange| {
            *received.borrow_mut() = exchange.try_receive();
            answer(exchange, "ok");
        }
    });
    let mut client = world.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         1\r\na\r\n2;x=y\r\nbc\r\n3\r\ndef\r\n0\r\nx-trailer: t\r\n\r\n",
    );
    client.hears(ok("ok"));
    assert_eq!(received.borrow_mut().take(), Some(body("abcdef", false)));
    let requests = world.application().requests.borrow();
    assert!(
        !requests.first().unwrap().headers.contains_key("x-trailer"),
        "FLT-A46"
    );
}

#[test]
fn body_is_received_while_it_arrives() {
    // ASGI-40.
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), None);
    let news = receiver(&exchange);
    world.settle();
    assert_eq!(news.now(), 0);
    client.send("abc");
    world.until("news", || news.now() == 1);
    assert_eq!(exchange.try_receive(), Some(body("abc", true)));
    assert_eq!(exchange.try_receive(), None);
    // It is looked for in the socket: no turn is needed for what has come.
    client.send("def");
    world.until("the rest", || {
        exchange.try_receive() == Some(body("def", false))
    });
    assert_eq!(exchange.try_receive(), None);
    answer(&exchange, "ok");
    client.hears(ok("ok"));
    assert_eq!(
        exchange.try_receive(),
        Some(Received::Disconnect),
        "ASGI-52"
    );
}

#[test]
fn chunked_body_is_received_while_it_arrives() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(body("ab", true)));
    client.says("c\r\n1\r\nd\r\n");
    assert_eq!(exchange.try_receive(), Some(body("cd", true)));
    let news = receiver(&exchange);
    client.says("0\r\n\r\n");
    assert_eq!(news.now(), 1);
    assert_eq!(exchange.try_receive(), Some(body("", false)));
}

#[test]
fn peer_is_held_back_by_an_application_that_does_not_receive() {
    // ASGI-42, FLT-B11.
    const LENGTH: usize = 32 << 20;
    let world = World::waiting();
    let mut client = world.connect();
    client.says(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LENGTH}\r\n\r\n"
    ));
    let chunk = vec![b'x'; 1 << 20];
    let mut sent = 0;
    let mut idle = 0;
    while idle < 20 {
        match std::io::Write::write(&mut client.socket, &chunk) {
            Ok(count) => (sent, idle) = (sent + count, 0),
            Err(_) => idle += 1,
        }
        world.turn();
    }
    assert!(sent < LENGTH, "nothing held it back");
    let exchange = world.exchange(0);
    let mut received = 0;
    world.until("the whole body", || {
        while let Some(Received::Body { bytes, .. }) = exchange.try_receive() {
            assert!(bytes.len() <= 256 * 1024, "{} in one event", bytes.len());
            received += bytes.len();
        }
        let left = chunk.len().min(LENGTH - sent);
        let rest = chunk.get(..left).unwrap_or_default();
        sent += std::io::Write::write(&mut client.socket, rest).unwrap_or(0);
        received == LENGTH
    });
}

#[test]
fn continue_leaves_when_the_application_receives() {
    // ASGI-43, FLT-A48.
    for (field, sent) in [
        ("Content-Length: 5", "hello"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let world = World::waiting();
        let mut client = world.connect();
        client.says(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{field}\r\nExpect: 100-continue\r\n\r\n"
        ));
        let exchange = world.exchange(0);
        client.hears_nothing();
        assert_eq!(exchange.try_receive(), None);
        client.has_heard("HTTP/1.1 100 Continue\r\n\r\n");
        client.send(sent);
        assert_eq!(world.receive_all(&exchange), (b"hello".to_vec(), true));
        answer(&exchange, "ok");
        client.hears(ok("ok"));
        client.send(get("/next"));
        world.exchange(1);
    }
}

#[test]
fn body_that_was_never_invited_ends_the_connection() {
    let world = World::echoing();
    let mut client = world.connect();
    client
        .send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    client.hears_and_end(ok_and_close("/no"));
}

#[test]
fn old_version_gets_no_interim_answer() {
    // FLT-A49.
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), None);
    client.hears_nothing();
    client.says("hello");
    assert_eq!(exchange.try_receive(), Some(body("hello", false)));
    answer(&exchange, "ok");
    client.hears_and_end(ok_and_close("ok"));
}

#[test]
fn unread_body_is_discarded_and_the_connection_stays_usable() {
    let world = World::echoing();
    let (head, chunked) = (
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2DC6C0\r\n",
    );
    for (head, rest) in [(head, ""), (chunked, "\r\n0\r\n\r\n")] {
        let mut client = world.connect();
        client.send(head);
        client.hears(ok("/a"));
        // A body that looks like a request is not one.
        let junk = get("/evil").repeat(3_000_000 / get("/evil").len() + 1);
        client.send(junk.get(..3_000_000).unwrap());
        client.send(rest);
        client.hears_nothing();
        client.send(get("/b"));
        client.hears(ok("/b"));
    }
    assert_eq!(world.started(), 4);
}

#[test]
fn pipelined_request_after_an_unread_body_is_served() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send(
        String::from("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody") + &get("/b"),
    );
    client.hears(ok("/a") + &ok("/b"));
}

#[test]
fn unread_body_on_a_connection_that_closes_does_not_reset_it() {
    // FLT-B17.
    let world = World::echoing();
    let mut client = world.connect();
    client.send(
        "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n",
    );
    client.send(vec![b'x'; 500_000]);
    client.hears_and_end(ok_and_close("/a"));
    client.send(vec![b'x'; 500_000]);
    world.settle();
    assert_eq!(world.connections(), 1, "it still reads");
    drop(client);
    world.until("the end", || world.connections() == 0);
}
