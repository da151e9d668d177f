//! Idle connections give hyper's connection and its buffers back, and only when nothing is half done.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    net::{TcpListener, TcpStream},
    time::Duration,
};

use super::{Client, World, answer, get, ok, open, settings};
use crate::{
    runtime::Source,
    settings::Settings,
    transport::{Peer, ServerAddress, Stream},
};

/// The handles on a parked connection's stream: the test's and the driver's. hyper's would be a third.
const PARKED: usize = 2;
const ACTIVE: usize = 3;

const SECOND: Duration = Duration::from_secs(1);

/// A connection that was not accepted but handed over, so that its stream can be watched.
fn connect(world: &World) -> (Client<'_>, impl Fn() -> usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, client) = listener.accept().unwrap();
    ours.set_nonblocking(true).unwrap();
    let ours = mio::net::TcpStream::from_std(ours);
    let source = Source::duplex(&world.runtime, ours).unwrap();
    let peer = Peer {
        client: Some(client),
        server: ServerAddress::Unknown,
    };
    world.server.serve(Stream::Tcp(source.clone()), peer);
    (Client::new(world, socket), move || source.owners())
}

fn without_time_outs() -> Settings {
    Settings {
        keep_alive: Duration::from_secs(1_000_000),
        request_header: None,
        request_body: None,
        write: None,
        ..settings()
    }
}

#[test]
fn connection_parks_a_second_after_its_last_answer_and_wakes_with_the_next_byte() {
    // FLT-B12.
    let world = World::with(without_time_outs(), super::echo);
    let (mut client, owners) = connect(&world);
    for _ in 0..3 {
        client.send(get("/a"));
        client.hears(ok("/a"));
        world.skip(SECOND / 2);
        assert_eq!(owners(), ACTIVE, "not yet");
        client.send(get("/b"));
        client.hears(ok("/b"));
        world.skip(SECOND * 9 / 10);
        assert_eq!(owners(), ACTIVE, "it was in use");
        world.skip(SECOND);
        assert_eq!(owners(), PARKED);
        client.says("G");
        assert_eq!(owners(), ACTIVE);
        client.send("ET /c HTTP/1.1\r\nHost: a\r\n\r\n");
        client.hears(ok("/c"));
    }
    assert_eq!(
        world.application().clients.get(),
        1,
        "it is the same client all along"
    );
}

#[test]
fn connection_on_which_nothing_has_come_parks() {
    let world = World::with(without_time_outs(), super::echo);
    let (client, owners) = connect(&world);
    world.settle();
    world.skip(SECOND);
    assert_eq!(owners(), PARKED);
    client.hang_up();
    world.until("the end", || world.connections() == 0);
    assert_eq!(owners(), 1);
}

#[test]
fn parked_connection_costs_no_turns() {
    let world = World::with(without_time_outs(), super::echo);
    let (mut client, owners) = connect(&world);
    client.send(get("/"));
    client.hears(ok("/"));
    world.skip(SECOND);
    assert_eq!(owners(), PARKED);
    world.host.take_soon();
    world.turn();
    assert_eq!(world.host.take_soon(), 0);
}

#[test]
fn parked_connection_notices_that_its_peer_leaves() {
    let world = World::with(without_time_outs(), super::echo);
    for is_reset in [false, true] {
        let (mut client, owners) = connect(&world);
        client.send(get("/"));
        client.hears(ok("/"));
        world.skip(SECOND);
        assert_eq!(owners(), PARKED);
        if is_reset {
            client.reset();
        } else {
            client.hang_up();
        }
        world.until("the end", || world.connections() == 0);
        assert_eq!(owners(), 1);
    }
}

#[test]
fn connection_with_an_unanswered_request_never_parks() {
    let world = World::with(without_time_outs(), |_, _| ());
    let (mut client, owners) = connect(&world);
    client.says(get("/"));
    world.skip(SECOND * 10);
    assert_eq!(owners(), ACTIVE);
    let exchange = world.exchange(0);
    world.act(|| open(&exchange, ""));
    world.skip(SECOND * 10);
    assert_eq!(owners(), ACTIVE);
    world.act(|| exchange.finish("x".into()));
    world.skip(SECOND * 10);
    assert_eq!(owners(), PARKED);
}

#[test]
fn connection_with_an_unread_body_never_parks() {
    // The rest of the body would be taken for a request.
    let world = World::with(without_time_outs(), |_, _| ());
    let (mut client, owners) = connect(&world);
    let smuggled = get("/evil");
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        smuggled.len()
    );
    client.says(head);
    let exchange = world.exchange(0);
    world.skip(SECOND * 10);
    assert_eq!(owners(), ACTIVE);
    world.act(|| answer(&exchange, "ok"));
    client.hears(ok("ok"));
    world.skip(SECOND * 10);
    assert_eq!(owners(), ACTIVE, "the body is still to come");
    client.says(smuggled);
    world.skip(SECOND * 2);
    assert_eq!(owners(), PARKED);
    assert_eq!(world.started(), 1);
    client.send(get("/next"));
    let exchange = world.exchange(1);
    world.act(|| answer(&exchange, "next"));
    client.hears(ok("next"));
}

#[test]
fn connection_with_an_exchange_that_still_holds_its_body_never_parks() {
    // The answer has left; the application has not said that it is done, nor received.
    let world = World::with(without_time_outs(), |_, _| ());
    let (mut client, owners) = connect(&world);
    client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    let exchange = world.exchange(0);
    let head = super::head_with(&exchange, "content-length", "2");
    exchange.open(head, "ok".into());
    client.hears(ok("ok"));
    world.skip(SECOND * 10);
    assert_eq!(owners(), ACTIVE);
    client.send("body");
    assert_eq!(world.receive_all(&exchange), (b"body".to_vec(), true));
    world.act(|| exchange.finish("".into()));
    world.skip(SECOND * 2);
    assert_eq!(owners(), PARKED);
}

#[test]
fn connection_in_the_middle_of_a_head_never_parks() {
    let world = World::with(without_time_outs(), super::echo);
    let (mut client, owners) = connect(&world);
    client.send(get("/a"));
    client.hears(ok("/a"));
    client.says("GET /b HTTP/1.1\r\nHo");
    world.skip(SECOND * 10);
    assert_eq!(owners(), ACTIVE);
    client.send("st: a\r\n\r\n");
    client.hears(ok("/b"));
}

#[test]
fn empty_lines_before_a_request_are_not_lost() {
    let world = World::with(without_time_outs(), super::echo);
    let (mut client, owners) = connect(&world);
    for part in ["\r", "\n", "\r\n"] {
        client.says(part);
        world.skip(SECOND * 10);
    }
    client.send(get("/a"));
    client.hears(ok("/a"));
    world.skip(SECOND * 10);
    assert_eq!(owners(), PARKED);
    client.says("\r\n");
    world.skip(SECOND * 10);
    client.send(get("/b"));
    client.hears(ok("/b"));
}

#[test]
fn connection_whose_answer_has_not_left_never_parks() {
    let world = World::with(without_time_outs(), |_, _| ());
    let (mut client, owners) = connect(&world);
    client.says(get("/"));
    let body = bytes::Bytes::from(vec![b'x'; 32 << 20]);
    let length = body.len();
    let exchange = world.exchange(0);
    exchange.respond(exchange.head(http::StatusCode::OK), body);
    world.skip(SECOND * 10);
    assert_eq!(owners(), ACTIVE);
    client.listen_until(|heard| heard.len() >= length);
    let heard = std::mem::take(&mut client.heard);
    assert_eq!(memchr::memchr_iter(b'x', &heard).count(), length);
    world.skip(SECOND * 2);
    assert_eq!(owners(), PARKED);
}
