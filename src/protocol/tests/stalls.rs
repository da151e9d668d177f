//! Bodies and writes that stall, under a clock that the test moves.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Client, End, World, body, get, ok, open, receiver,
    timeouts::{assert_quiet_until, only, seconds, too_late},
};
use crate::protocol::Received;

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";

#[test]
fn body_that_stops_is_refused_while_an_answer_is_owed() {
    // FLT-B8.
    let world = World::with(only(|to| to.request_body = Some(seconds(60))), |_, _| ());
    let mut client = world.connect();
    client.says(POST);
    let exchange = world.exchange(0);
    // Nobody waits for it: the peer is not to blame.
    assert_quiet_until(&mut client, seconds(500));
    assert_eq!(world.act(|| exchange.try_receive()), None);
    let news = world.act(|| receiver(&exchange));
    world.skip(seconds(50));
    client.says("x");
    assert_eq!(
        (news.now(), world.act(|| exchange.try_receive())),
        (1, Some(body("x", true)))
    );
    let news = world.act(|| receiver(&exchange));
    assert_quiet_until(&mut client, seconds(60));
    client.hears_and_end(too_late());
    assert_eq!(news.now(), 1);
    assert_eq!(
        world.act(|| exchange.try_receive()),
        Some(Received::Disconnect)
    );
}

#[test]
fn body_that_drips_is_not_stopped_by_the_time_between_bytes() {
    let world = World::with(only(|to| to.request_body = Some(seconds(60))), |_, _| ());
    let mut client = world.connect();
    client.says(POST);
    let exchange = world.exchange(0);
    for _ in 0..10 {
        let news = world.act(|| receiver(&exchange));
        world.skip(seconds(50));
        client.says("x");
        assert_eq!(
            (news.now(), world.act(|| exchange.try_receive())),
            (1, Some(body("x", true)))
        );
    }
}

#[test]
fn body_that_stops_after_the_answer_began_is_a_close() {
    let world = World::with(only(|to| to.request_body = Some(seconds(60))), |_, _| ());
    let mut client = world.connect();
    client.says(POST);
    let exchange = world.exchange(0);
    world.act(|| open(&exchange, "a"));
    client.hears("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    let news = world.act(|| receiver(&exchange));
    assert_quiet_until(&mut client, seconds(60));
    client.hears_end();
    assert_eq!(news.now(), 1);
    assert_eq!(
        world.act(|| exchange.try_receive()),
        Some(Received::Disconnect)
    );
    assert!(exchange.is_lost());
}

#[test]
fn body_slower_than_the_least_rate_is_refused() {
    let world = World::with(only(|to| to.min_request_body_rate = Some(10)), |_, _| ());
    let mut client = world.connect();
    client.says(POST);
    let exchange = world.exchange(0);
    let drip = |client: &mut Client<'_>, bytes: &'static str, count: u64| {
        for _ in 0..count {
            let news = world.act(|| receiver(&exchange));
            world.skip(seconds(1));
            client.says(bytes);
            assert_eq!(
                (news.now(), world.act(|| exchange.try_receive())),
                (1, Some(body(bytes, true)))
            );
        }
    };
    // Twice as fast as it must be, for twice the window: what was paid for is granted.
    drip(&mut client, "1234567890123456789012", 20);
    let news = world.act(|| receiver(&exchange));
    assert_quiet_until(&mut client, seconds(24));
    client.hears_and_end(too_late());
    assert_eq!(news.now(), 1);
}

#[test]
fn body_that_is_slow_for_less_than_the_window_is_borne() {
    let world = World::with(only(|to| to.min_request_body_rate = Some(1_000)), |_, _| ());
    let mut client = world.connect();
    client.says(POST);
    let exchange = world.exchange(0);
    let news = world.act(|| receiver(&exchange));
    assert_quiet_until(&mut client, seconds(10));
    client.hears_and_end(too_late());
    assert_eq!(news.now(), 1);
}

#[test]
fn answer_that_nobody_reads_is_reset() {
    // FLT-B10.
    let world = World::with(only(|to| to.write = Some(seconds(60))), |_, _| ());
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open(&exchange, "");
    assert_eq!(exchange.try_receive(), Some(body("", false)));
    let news = receiver(&exchange);
    let fill = || {
        world.until("a full socket", || {
            world.act(|| exchange.push(Bytes::from(vec![b'x'; 64 * 1024])));
            world.settle();
            !exchange.has_room() || exchange.is_lost()
        });
    };
    fill();
    world.skip(seconds(50));
    // Some of it is read: there is progress, and time again.
    let mut buffer = vec![0; 1 << 20];
    let mut taken = 0;
    world.until("progress", || {
        taken += std::io::Read::read(&mut client.socket, &mut buffer).unwrap_or(0);
        exchange.has_room()
    });
    fill();
    world.skip(seconds(50));
    assert_eq!((world.connections(), news.now()), (1, 0));
    // The system may still find room for a little more by itself, which is progress too.
    for _ in 0..10 {
        fill();
        world.skip(seconds(20));
    }
    assert_eq!((world.connections(), news.now()), (0, 1));
    assert!(exchange.is_lost());
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    client.listen_until(|_| false);
    assert_eq!(client.end, Some(End::Reset));
}

#[test]
fn whole_answer_that_nobody_reads_is_reset() {
    let world = World::with(only(|to| to.write = Some(seconds(60))), |_, exchange| {
        let head = exchange.head(http::StatusCode::OK);
        exchange.respond(head, vec![b'x'; 32 << 20].into());
    });
    let mut client = world.connect();
    client.says(get("/"));
    world.skip(seconds(50));
    assert_eq!(world.connections(), 1);
    world.skip(seconds(20));
    assert_eq!(world.connections(), 0);
    client.listen_until(|_| false);
    assert_eq!(client.end, Some(End::Reset));
}

#[test]
fn body_that_nobody_wants_is_read_for_half_a_minute() {
    let world = World::with(only(|_| ()), super::echo);
    let mut client = world.connect();
    client.says(POST);
    client.hears(ok("/"));
    for _ in 0..10 {
        client.says("x");
        world.skip(Duration::from_millis(2_900));
    }
    client.hears_nothing();
    world.skip(seconds(2));
    client.hears_end();
}

#[test]
fn bytes_that_are_no_data_show_that_the_peer_is_there() {
    let world = World::with(only(|to| to.request_body = Some(seconds(60))), |_, _| ());
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let exchange = world.exchange(0);
    let news = world.act(|| receiver(&exchange));
    for _ in 0..5 {
        world.skip(seconds(50));
        client.says("0");
    }
    client.says("1\r\nx");
    assert_eq!(news.now(), 1);
    assert_eq!(world.act(|| exchange.try_receive()), Some(body("x", true)));
}
