//! The end: what runs is finished, what is idle has a grace, and the second level closes everything at once.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    cell::RefCell,
    io::{self, Write},
    net::{TcpListener, TcpStream},
    os::fd::AsRawFd,
    rc::Rc,
    time::Duration,
};

use super::{
    World, answer, body, client::Client, echo, get, ok, ok_and_close, open, receiver, settings,
};
use crate::{protocol::Received, settings::Settings, transport::Listener};

/// Within the grace, and after it.
const SOON: Duration = Duration::from_millis(300);
const LATER: Duration = Duration::from_millis(300);

fn drain(world: &World) {
    world.server.shared.drain();
    world.settle();
}

#[test]
fn drained_server_accepts_nobody() {
    let world = World::echoing();
    drain(&world);
    let error = TcpStream::connect(world.address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn peers_that_wait_to_be_accepted_are_served_before_the_end() {
    // FLT-E2: for them the server was there.
    let world = World::echoing();
    let sockets: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(world.address).unwrap())
        .collect();
    let mut clients: Vec<_> = sockets
        .into_iter()
        .map(|socket| Client::new(&world, socket))
        .collect();
    for client in &mut clients {
        client.send(get("/early"));
    }
    drain(&world);
    for client in &mut clients {
        client.hears_and_end(ok_and_close("/early"));
    }
}

#[test]
fn peers_that_wait_to_be_accepted_are_left_by_a_stop_by_force() {
    // O22.
    let world = World::echoing();
    let socket = TcpStream::connect(world.address).unwrap();
    let mut client = Client::new(&world, socket);
    client.send(get("/early"));
    world.server.shared.close();
    world.settle();
    assert_eq!(world.started(), 0);
    assert_eq!(world.connections(), 0);
}

#[test]
fn stopped_listener_closes_and_its_connections_go_on() {
    let world = World::echoing();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let listener = Listener::adopt(&world.runtime, socket.as_raw_fd(), None).unwrap();
    drop(socket);
    let accepting = world.server.listen(listener);
    let mut client = Client::new(&world, TcpStream::connect(address).unwrap());
    let mut waiting = Client::new(&world, TcpStream::connect(address).unwrap());
    accepting.stop();
    world.settle();
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let mut elsewhere = world.connect();
    for client in [&mut client, &mut waiting, &mut elsewhere] {
        client.send(get("/"));
        client.hears(ok("/"));
    }
}

#[test]
fn request_that_came_while_others_had_their_turn_is_answered() {
    // FLT-E1: the poller was asked before the request came, and the grace is over after it.
    let other = Rc::<RefCell<Option<TcpStream>>>::default();
    let script = {
        let other = Rc::clone(&other);
        move |request: &_, exchange: &_| {
            echo(request, exchange);
            if let Some(mut socket) = other.borrow_mut().take() {
                socket.write_all(get("/late").as_bytes()).unwrap();
            }
        }
    };
    let world = World::new(script);
    let mut first = world.connect();
    let mut second = world.connect();
    for client in [&mut first, &mut second] {
        client.send(get("/"));
        client.hears(ok("/"));
    }
    *other.borrow_mut() = Some(second.socket.try_clone().unwrap());
    drain(&world);
    first.send(get("/first"));
    world.ahead.set(SOON + LATER);
    world.settle();
    first.hears_and_end(ok_and_close("/first"));
    second.hears_and_end(ok_and_close("/late"));
}

#[test]
fn idle_connections_close_after_a_grace() {
    // O28, FLT-E1.
    let world = World::echoing();
    let mut fresh = world.connect();
    let mut kept = world.connect();
    kept.send(get("/"));
    kept.hears(ok("/"));
    let mut parked = world.connect();
    parked.send(get("/"));
    parked.hears(ok("/"));
    world.skip(Duration::from_millis(1_500));
    world.ahead.take();
    drain(&world);
    world.skip(SOON);
    for client in [&mut fresh, &mut kept, &mut parked] {
        client.hears_nothing();
    }
    world.skip(LATER);
    for client in [&mut fresh, &mut kept, &mut parked] {
        client.hears_end();
    }
    assert_eq!(world.connections(), 0);
}

#[test]
fn request_that_was_on_its_way_is_answered_as_the_last() {
    let world = World::echoing();
    let mut fresh = world.connect();
    let mut kept = world.connect();
    kept.send(get("/"));
    kept.hears(ok("/"));
    drain(&world);
    for client in [&mut fresh, &mut kept] {
        client.send(get("/last") + &get("/ignored"));
        client.hears_and_end(ok_and_close("/last"));
    }
    assert_eq!(world.started(), 3);
}

#[test]
fn head_that_does_not_arrive_within_the_grace_is_given_up() {
    let world = World::echoing();
    let mut quick = world.connect();
    let mut slow = world.connect();
    for client in [&mut quick, &mut slow] {
        client.says("GET /half");
    }
    drain(&world);
    world.skip(SOON);
    quick.send(" HTTP/1.1\r\nHost: a\r\n\r\n");
    quick.hears_and_end(ok_and_close("/half"));
    world.skip(LATER);
    slow.hears_end();
    world.skip(Duration::from_secs(2));
    assert_eq!(
        world.connections(),
        0,
        "it lingered for what was still to come"
    );
}

#[test]
fn request_under_way_is_finished_and_says_that_it_is_the_last() {
    // FLT-E4.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    drain(&world);
    world.skip(Duration::from_secs(100));
    assert!(!exchange.is_over());
    assert_eq!(world.act(|| exchange.try_receive()), Some(body("", false)));
    world.act(|| answer(&exchange, "slow"));
    client.hears_and_end(ok_and_close("slow"));
}

#[test]
fn stream_under_way_is_finished_and_its_connection_closed() {
    // O37.
    let world = World::waiting();
    let mut client = world.connect();
    client.says(get("/") + &get("/ignored"));
    let exchange = world.exchange(0);
    open(&exchange, "a");
    client.hears("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    drain(&world);
    world.skip(Duration::from_secs(100));
    client.hears_nothing();
    world.act(|| exchange.push("b".into()));
    world.act(|| exchange.finish("c".into()));
    client.hears_and_end("1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
}

#[test]
fn upload_under_way_is_received_to_its_end() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    let exchange = world.exchange(0);
    drain(&world);
    assert_eq!(exchange.try_receive(), Some(body("he", true)));
    let news = receiver(&exchange);
    client.says("llo");
    assert_eq!(
        (news.now(), exchange.try_receive()),
        (1, Some(body("llo", false)))
    );
    answer(&exchange, "ok");
    client.hears_and_end(ok_and_close("ok"));
}

#[test]
fn body_that_nobody_wants_does_not_hold_a_drain_up() {
    let world = World::echoing();
    let mut client = world.connect();
    client.says("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    client.hears(ok("/a"));
    drain(&world);
    world.skip(SOON + LATER);
    client.hears_end();
    world.skip(Duration::from_secs(2));
    assert_eq!(world.connections(), 0);
}

#[test]
fn second_drain_changes_nothing() {
    let world = World::echoing();
    let mut client = world.connect();
    drain(&world);
    world.skip(SOON);
    drain(&world);
    world.skip(LATER);
    client.hears_end();
}

#[test]
fn close_ends_every_connection_at_once() {
    let world = World::waiting();
    let idle = world.connect();
    let mut busy = world.connect();
    busy.send(get("/"));
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(body("", false)));
    let news = receiver(&exchange);
    let mut streaming = world.connect();
    streaming.send(get("/"));
    let stream = world.exchange(1);
    open(&stream, "a");
    let mut sending = world.connect();
    sending.says("GET / HT");
    drain(&world);
    assert_eq!(world.connections(), 4);
    world.server.shared.close();
    world.turn();
    assert_eq!(world.connections(), 0);
    assert_eq!(news.now(), 1);
    for exchange in [&exchange, &stream] {
        assert!(exchange.is_lost());
        assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
        exchange.push("late".into());
        answer(exchange, "late");
        exchange.cut();
    }
    for mut client in [idle, busy, streaming, sending] {
        client.listen_until(|_| false);
        assert!(client.end.is_some());
    }
    world.server.shared.drain();
    world.settle();
}

#[test]
fn closed_runtime_tells_the_applications() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(body("", false)));
    let news = receiver(&exchange);
    world.runtime.close();
    assert_eq!((news.now(), world.connections()), (1, 0));
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    answer(&exchange, "late");
    client.hears_end();
}

#[test]
fn connections_beyond_the_limit_wait_until_one_closes() {
    let few = Settings {
        connections: 2,
        ..settings()
    };
    let world = World::with(few, super::echo);
    let (mut first, mut second) = (world.connect(), world.connect());
    for client in [&mut first, &mut second] {
        client.send(get("/"));
        client.hears(ok("/"));
    }
    let mut third = world.connect();
    third.send(get("/third"));
    third.hears_nothing();
    assert_eq!(world.connections(), 2);
    drop(first);
    third.hears(ok("/third"));
    assert_eq!(world.connections(), 2);
    second.send(get("/"));
    second.hears(ok("/"));
}
