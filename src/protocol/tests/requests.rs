//! Requests on their way to the application: their order, and which is a connection's last.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::rc::Rc;

use http::{Method, StatusCode, Version};

use super::{Client, World, answer, echo, get, ok, ok_and_close, open};

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
fn request_behind_one_that_closes_never_starts() {
    // Ended within a turn, where another request may start.
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    let exchange = world.exchange(0);
    open(&exchange, "");
    exchange.wait_receive({
        let exchange = Rc::clone(&exchange);
        Box::new(move || {
            exchange.close();
            exchange.finish("a".into());
        })
    });
    client.send(String::from("body") + &get("/b"));
    client
        .hears_and_end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    assert_eq!(world.started(), 1);
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
        let mut head = exchange.head(status);
        if request.method == Method::HEAD {
            head.add(b"content-length", b"5").unwrap();
        }
        exchange.respond(head, "hello".into());
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
        let status = StatusCode::from_u16(299).unwrap();
        exchange.respond(exchange.head(status), "".into());
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
