//! What no application sees: the server's own words, its lingering, and that nothing after the fault is looked at.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use super::{Client, World, answer, get, invalid, ok, open, receiver, refusal, settings};
use crate::{protocol::Received, settings::Settings};

/// The request is refused with this, and no byte after it is served.
fn assert_refused(world: &World, request: &str, expected: &str) {
    let (started, refused) = (world.started(), world.refused());
    let mut client = world.connect();
    client.send(request);
    client.hears_and_end(expected);
    assert_eq!(world.refused(), refused + 1, "{request:?}");
    assert_eq!(world.started(), started, "{request:?}");
}

#[test]
fn fault_of_a_head_is_answered_and_nothing_after_it_is_looked_at() {
    // FLT-A1, FLT-A2. Each is followed by a request that would be fine.
    let world = World::echoing();
    for request in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "\0",
        "\u{16}\u{3}\u{1}",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nb\0c: d\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nb: c\0d\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_refused(&world, &(request.to_owned() + &get("/evil")), &invalid());
    }
}

#[test]
fn request_that_the_application_could_not_read_is_refused() {
    let world = World::echoing();
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "get / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET x/y HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_refused(&world, &(request.to_owned() + &get("/evil")), &invalid());
    }
}

#[test]
fn refusals_have_the_status_and_words_of_their_reason() {
    let tight = Settings {
        request_head: 1_000,
        request_fields: 5,
        request_body_size: 100,
        ..settings()
    };
    let world = World::with(tight, super::echo);
    let long = "x".repeat(2_000);
    let fields = "a: b\r\n".repeat(6);
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\n"), "414 URI Too Long"),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nx: {long}"),
            "431 Request Header Fields Too Large",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"),
            "431 Request Header Fields Too Large",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n".to_owned(),
            "413 Payload Too Large",
        ),
        (
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(),
            "505 HTTP Version Not Supported",
        ),
        (
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n".to_owned(),
            "405 Method Not Allowed",
        ),
        (
            format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(65)),
            "501 Not Implemented",
        ),
    ] {
        let (_, words) = status.split_once(' ').unwrap();
        assert_refused(&world, &request, &refusal(status, words));
    }
}

#[test]
fn more_fields_than_hypers_default_are_served() {
    let many = Settings {
        request_fields: 1_000,
        ..settings()
    };
    let world = World::with(many, super::echo);
    let mut client = world.connect();
    let fields: Vec<_> = (0..900)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    let fields = fields.concat();
    client.send(format!("GET /many HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    client.hears(ok("/many"));
    let requests = world.application().requests.borrow();
    assert_eq!(requests.first().unwrap().headers.len(), 901);
}

#[test]
fn head_of_more_than_hypers_buffer_is_served() {
    let large = Settings {
        request_head: 1 << 20,
        ..settings()
    };
    let world = World::with(large, super::echo);
    let mut client = world.connect();
    let value = "x".repeat(900_000);
    client.send(format!(
        "GET /large HTTP/1.1\r\nHost: a\r\nx: {value}\r\n\r\n"
    ));
    client.hears(ok("/large"));
}

#[test]
fn refused_peer_is_read_from_for_a_while() {
    // FLT-B17: closing on unread bytes would be a reset, which eats the words.
    let world = World::echoing();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n");
    client.send(vec![b'x'; 3_000_000]);
    client.hears_and_end(invalid());
    client.says(vec![b'x'; 1_000_000]);
    assert_eq!(world.connections(), 1);
    world.skip(Duration::from_millis(1_900));
    assert_eq!(world.connections(), 1);
    world.skip(Duration::from_millis(200));
    assert_eq!(world.connections(), 0, "for two seconds and no longer");
}

#[test]
fn refused_peer_that_never_stops_sending_is_left_after_a_while() {
    let world = World::echoing();
    let mut client = world.connect();
    client.says("\0");
    let rubbish = [b'x'; 1_000];
    for _ in 0..30 {
        let _ = std::io::Write::write(&mut client.socket, &rubbish);
        world.skip(Duration::from_millis(100));
    }
    assert_eq!(world.connections(), 0);
}

#[test]
fn refused_peer_that_closes_ends_the_lingering() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send("\0");
    client.hears_and_end(invalid());
    assert_eq!(world.connections(), 1);
    client.hang_up();
    assert_eq!(world.connections(), 0);
}

#[test]
fn request_before_a_fault_is_answered_first() {
    // O33.
    let world = World::waiting();
    let mut client = world.connect();
    client.says(get("/a") + "rubbish\0");
    client.hears_nothing();
    assert_eq!(world.refused(), 0);
    let exchange = world.exchange(0);
    open(&exchange, "a");
    client.hears("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    exchange.finish("b".into());
    client.hears_and_end("1\r\nb\r\n0\r\n\r\n".to_owned() + &invalid());
    assert_eq!((world.started(), world.refused()), (1, 1));
}

#[test]
fn pipelined_requests_before_a_fault_are_all_answered() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send(get("/a") + &get("/b") + "GET / HTTP/1.1\nHost: a\r\n\r\n" + &get("/c"));
    client.hears_and_end(ok("/a") + &ok("/b") + &invalid());
}

#[test]
fn fault_behind_an_unread_body_is_refused_after_it() {
    // FLT-A56.
    let world = World::echoing();
    let mut client = world.connect();
    client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody!\0");
    client.hears_and_end(ok("/a") + &invalid());
}

#[test]
fn fault_of_a_body_whose_answer_is_owed_is_a_refusal() {
    // FLT-A47.
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(super::body("abc", true)));
    let news = receiver(&exchange);
    client.send(String::from("zz\r\n") + &get("/evil"));
    client.hears_and_end(invalid());
    assert_eq!(news.now(), 1);
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    answer(&exchange, "too late");
    world.settle();
    client.has_heard("");
    assert_eq!((world.started(), world.refused()), (1, 1));
}

#[test]
fn fault_of_a_body_that_came_with_its_head_never_reaches_the_application() {
    let world = World::echoing();
    for chunk in [
        "zz\r\n",
        "1\nx\r\n0\r\n\r\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "0\r\nx\0: y\r\n\r\n",
    ] {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_refused(&world, &(head.to_owned() + chunk), &invalid());
    }
}

#[test]
fn fault_of_a_body_whose_answer_has_begun_is_a_close() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let exchange = world.exchange(0);
    open(&exchange, "a");
    let news = receiver(&exchange);
    client.hears("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    client.says(String::from("zz\r\n") + &get("/evil"));
    assert_eq!(news.now(), 1);
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    exchange.finish("b".into());
    client.listen_until(|_| false);
    assert!(
        !client.heard.ends_with(invalid().as_bytes()),
        "no words in an answer"
    );
    assert_eq!(world.started(), 1);
}

#[test]
fn body_that_grows_beyond_its_limit_is_refused() {
    let tight = Settings {
        request_body_size: 10,
        ..settings()
    };
    let world = World::with(tight, |_, _| ());
    let mut client = world.connect();
    client
        .says("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n");
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(super::body("abcdefgh", true)));
    let news = receiver(&exchange);
    client.send("3\r\nijk\r\n0\r\n\r\n");
    client.hears_and_end(refusal("413 Payload Too Large", "Payload Too Large"));
    assert_eq!(news.now(), 1);
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
}

#[test]
fn fault_that_nobody_receives_is_noticed_with_the_answer() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let exchange = world.exchange(0);
    client.says("zz\r\n");
    answer(&exchange, "ok");
    client.listen_until(|_| false);
    let heard = String::from_utf8(std::mem::take(&mut client.heard)).unwrap();
    // Whether the bytes have been read by now is the network's to say; never both, and never a usable connection.
    assert!(
        [ok("ok"), super::ok_and_close("ok"), invalid()].contains(&heard),
        "{heard}"
    );
    assert_fine(&mut world.connect());
}

fn assert_fine(client: &mut Client<'_>) {
    let number = client.world.started();
    client.send(get("/"));
    answer(&client.world.exchange(number), "fine");
    client.hears(ok("fine"));
}

#[test]
fn refusal_of_an_old_peer_does_not_promise_to_keep_it() {
    let world = World::echoing();
    let request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\nHost: a b\r\n\r\n";
    assert_refused(&world, request, &invalid());
}
