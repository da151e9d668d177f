//! Requests on their way to the application: order, bodies, what ends with a connection.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{cell::RefCell, rc::Rc};

use http::{Method, StatusCode, Version};

use super::{Client, World, answer, body, echo, get, ok, ok_and_close, open, receiver};
use crate::protocol::Received;

#[test]
fn hello() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send(get("/hello"));
    client.hears(ok("/hello"));
    client.hears_nothing();
    let requests = world.application().requests.borrow();
    let request = requests.first().unwrap();
    assert_eq!(
        (&request.method, request.uri.path(), request.version),
        (&Method::GET, "/hello", Version::HTTP_11)
    );
}

#[test]
fn request_may_come_byte_by_byte() {
    let world = World::echoing();
    let mut client = world.connect();
    for byte in get("/slow").bytes() {
        client.says([byte]);
    }
    client.hears(ok("/slow"));
}

#[test]
fn connection_is_kept_and_has_one_client() {
    let world = World::echoing();
    let mut client = world.connect();
    assert_eq!(
        world.application().clients.get(),
        0,
        "it has asked for nothing"
    );
    for path in ["/a", "/b", "/c"] {
        client.send(get(path));
        client.hears(ok(path));
    }
    assert_eq!(world.application().clients.get(), 1);
    assert_eq!(world.connections(), 1);
    assert_eq!(world.server.shared.counters().answered(), 3);
    world.connect().send(get("/d"));
    world.exchange(3);
    assert_eq!(world.application().clients.get(), 2);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    // FLT-A54.
    let world = World::echoing();
    let mut client = world.connect();
    let paths: Vec<_> = (0..50).map(|number| format!("/{number}")).collect();
    client.send(paths.iter().map(|path| get(path)).collect::<String>());
    client.hears(paths.iter().map(|path| ok(path)).collect::<String>());
}

#[test]
fn pipelined_request_waits_for_the_answer_before_it() {
    // FLT-B18.
    let world = World::waiting();
    let mut client = world.connect();
    client.says(get("/a") + &get("/b"));
    assert_eq!(world.started(), 1);
    answer(&world.exchange(0), "a");
    assert_eq!(
        world.started(),
        1,
        "the second must not start within the first one's send"
    );
    client.has_heard(ok("a"));
    world.turn();
    assert_eq!(world.started(), 2);
    answer(&world.exchange(1), "b");
    client.has_heard(ok("b"));
}

#[test]
fn pipelined_request_does_not_start_within_the_end_of_a_stream() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says(get("/a") + &get("/b"));
    let exchange = world.exchange(0);
    open(&exchange, "a");
    exchange.push("b".into());
    exchange.finish("c".into());
    assert_eq!(world.started(), 1);
    world.turn();
    assert_eq!(world.started(), 2);
}

#[test]
fn request_found_by_a_receive_starts_with_the_next_turn() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    let exchange = world.exchange(0);
    client.send(String::from("body") + &get("/b"));
    assert_eq!(world.receive_all(&exchange), (b"body".to_vec(), true));
    answer(&exchange, "a");
    assert_eq!(world.started(), 1);
    world.settle();
    assert_eq!(world.started(), 2);
}

#[test]
fn application_that_answers_within_a_turn_lets_the_next_one_start_in_it() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send(get("/a") + &get("/b"));
    world.turn();
    world.turn();
    client.has_heard(ok("/a") + &ok("/b"));
}

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
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    let exchange = world.exchange(0);
    client.hears_nothing();
    assert_eq!(exchange.try_receive(), None);
    client.has_heard("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    assert_eq!(world.receive_all(&exchange), (b"hello".to_vec(), true));
    answer(&exchange, "ok");
    client.hears(ok("ok"));
    client.send(get("/next"));
    world.exchange(1);
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

#[test]
fn answers_to_head_and_without_content_have_no_body() {
    // ASGI-53, FLT-A50, FLT-C19.
    let world = World::new(|request, exchange| {
        let status = request
            .uri
            .path()
            .trim_start_matches('/')
            .parse()
            .unwrap_or(200);
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = http::HeaderMap::new();
        if request.method == Method::HEAD {
            headers.insert("content-length", 5.into());
        }
        exchange.respond(status, headers, "hello".into());
    });
    let mut client = world.connect();
    client.send("HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n");
    client.hears("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    client.send(get("/204"));
    client.hears("HTTP/1.1 204 No Content\r\n\r\n");
    client.send(get("/304"));
    client.hears("HTTP/1.1 304 Not Modified\r\n\r\n");
    client.send(get("/200"));
    client.hears(ok("hello"));
}

#[test]
fn unknown_status_has_no_reason() {
    let world = World::new(|_, exchange| {
        exchange.respond(
            StatusCode::from_u16(299).unwrap(),
            http::HeaderMap::new(),
            "".into(),
        );
    });
    let mut client = world.connect();
    client.send(get("/"));
    client.hears("HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");
}

#[test]
fn old_version_is_answered_with_our_own_and_closed() {
    let world = World::echoing();
    for field in ["", "Connection: keep-alive\r\n"] {
        let mut client = world.connect();
        client.send(format!("GET /old HTTP/1.0\r\n{field}\r\n"));
        client.hears_and_end(ok_and_close("/old"));
    }
}

#[test]
fn what_follows_the_last_request_is_ignored() {
    // FLT-A55.
    let world = World::echoing();
    for (head, rest) in [
        (
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            get("/b"),
        ),
        (
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            String::from("\0rubbish"),
        ),
        ("GET /a HTTP/1.0\r\n\r\n", get("/b")),
        ("GET /a HTTP/1.0\r\n\r\n", String::from("\0rubbish")),
    ] {
        let mut client = world.connect();
        client.send(head.to_owned() + &rest);
        client.hears_and_end(ok_and_close("/a"));
    }
    assert_eq!((world.started(), world.refused()), (4, 0));
}

#[test]
fn authority_of_the_target_replaces_host() {
    // O7, FLT-A14.
    let world = World::new(|request, exchange| {
        let host = request.headers.get("host").unwrap().to_str().unwrap();
        answer(exchange, host);
    });
    let mut client = world.connect();
    client.send("GET http://b.example:8/x HTTP/1.1\r\nHost: a\r\n\r\n");
    client.hears(ok("b.example:8"));
}

#[test]
fn panic_of_the_application_costs_its_exchange() {
    let world = World::new(|request, exchange| {
        if request.uri.path() == "/open" {
            open(exchange, "half");
        }
        assert!(request.uri.path() == "/", "on purpose");
        echo(request, exchange);
    });
    let mut bystander = world.connect();
    let mut client = world.connect();
    client.send(get("/panic"));
    client.hears_and_end(super::refusal(
        "500 Internal Server Error",
        "Internal Server Error",
    ));
    let mut client = world.connect();
    client.send(get("/open"));
    client.hears_and_end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    assert_fine(&mut bystander);
}

fn assert_fine(client: &mut Client<'_>) {
    client.send(get("/"));
    client.hears(ok("/"));
}
