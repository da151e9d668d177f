//! Peers that leave: half, whole, in the middle of something, with a reset.

use super::{World, answer, body, get, ok, open, receiver};
use crate::protocol::Received;

#[test]
fn peer_that_ends_its_side_still_gets_its_answer() {
    // FLT-B5, O14.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    client.hang_up();
    let exchange = world.exchange(0);
    world.settle();
    assert!(exchange.is_disconnected(), "the application is told");
    assert!(!exchange.is_lost(), "and what it sends goes out");
    assert_eq!(
        exchange.try_receive(),
        Some(body("", false)),
        "the whole request comes first"
    );
    // What came before it may still be told first.
    world.receive_all(&exchange);
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    answer(&exchange, "still");
    client.hears_and_end(ok("still"));
    world.until("the end", || world.connections() == 0);
}

#[test]
fn peer_that_ends_its_side_later_wakes_the_receiver() {
    // FLT-B1.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(body("", false)));
    let news = receiver(&exchange);
    world.settle();
    assert_eq!(news.now(), 0);
    client.hang_up();
    assert_eq!(news.now(), 1);
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    open(&exchange, "a");
    exchange.finish("b".into());
    client.hears_and_end(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
    );
}

#[test]
fn whole_body_before_the_end_of_the_peers_side_is_received() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    let exchange = world.exchange(0);
    client.send("hello");
    client.hang_up();
    assert_eq!(exchange.try_receive(), Some(body("hello", false)));
    assert_eq!(world.receive_all(&exchange), (Vec::new(), false));
    answer(&exchange, "ok");
    client.hears_and_end(ok("ok"));
}

#[test]
fn pipelined_requests_before_the_end_of_the_peers_side_are_answered() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send(get("/a") + &get("/b") + &get("/c"));
    client.hang_up();
    client.hears_and_end(ok("/a") + &ok("/b") + &ok("/c"));
}

#[test]
fn pipelined_request_behind_a_slow_one_hides_the_end_until_it_is_read() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/a") + &get("/b"));
    client.hang_up();
    for number in 0..2 {
        let exchange = world.exchange(number);
        answer(&exchange, "x");
        client.hears(ok("x"));
    }
    client.hears_end();
}

#[test]
fn body_that_ends_early_is_a_disconnect_and_never_whole() {
    // FLT-B4.
    let world = World::waiting();
    for head in [
        "Content-Length: 10\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\nA\r\nhello",
    ] {
        let number = world.started();
        let mut client = world.connect();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{head}"));
        let exchange = world.exchange(number);
        client.hang_up();
        let (received, is_whole) = world.receive_all(&exchange);
        assert!(!is_whole && b"hello".starts_with(&received), "{head}");
        assert!(exchange.is_disconnected());
        answer(&exchange, "whatever");
        world.until("the end", || world.connections() == 0);
    }
}

#[test]
fn receiver_that_waits_for_a_body_hears_of_its_early_end() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), None);
    let news = receiver(&exchange);
    client.hang_up();
    assert_eq!(news.now(), 1);
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
}

#[test]
fn reset_is_told_to_the_application() {
    // FLT-B2.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), Some(body("", false)));
    let news = receiver(&exchange);
    client.reset();
    assert_eq!(news.now(), 1);
    assert!(exchange.is_lost());
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    answer(&exchange, "nobody");
    world.until("the end", || world.connections() == 0);
}

#[test]
fn reset_after_a_half_close_is_noticed() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    client.hang_up();
    let exchange = world.exchange(0);
    open(&exchange, "a");
    world.settle();
    assert!(!exchange.is_lost());
    client.reset();
    world.until("the end", || world.connections() == 0);
    assert!(exchange.is_lost());
}

#[test]
fn reset_of_a_body_is_a_disconnect() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    let exchange = world.exchange(0);
    let news = receiver(&exchange);
    client.reset();
    assert_eq!(news.now(), 1);
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    world.until("the end", || world.connections() == 0);
}

#[test]
fn peer_that_leaves_without_a_word_leaves_nothing_behind() {
    // FLT-B16.
    let world = World::echoing();
    for number in 0..20 {
        let client = world.connect();
        if number % 2 == 0 {
            client.reset();
        }
    }
    world.until("the end", || world.connections() == 0);
    assert_eq!((world.started(), world.refused()), (0, 0));
}

#[test]
fn peer_that_leaves_in_the_middle_of_a_head_leaves_nothing_behind() {
    let world = World::echoing();
    let mut client = world.connect();
    client.says("GET / HTTP/1.1\r\nHo");
    client.hang_up();
    client.listen_until(|_| false);
    drop(client);
    let mut client = world.connect();
    client.says("GET / HTTP/1.1\r\nHo");
    client.reset();
    world.until("the end", || world.connections() == 0);
    assert_eq!(world.started(), 0);
}

#[test]
fn peer_that_leaves_between_requests_leaves_nothing_behind() {
    let world = World::echoing();
    let mut client = world.connect();
    client.send(get("/"));
    client.hears(ok("/"));
    client.hang_up();
    client.hears_end();
    world.until("the end", || world.connections() == 0);
}

#[test]
fn exchange_that_outlives_its_connection_harms_nobody() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    client.reset();
    world.until("the end", || world.connections() == 0);
    // Its task's name belongs to another connection now.
    let mut heir = world.connect();
    answer(&exchange, "lost");
    exchange.close();
    exchange.cut();
    heir.send(get("/heir"));
    answer(&world.exchange(1), "heir");
    heir.hears(ok("heir"));
}
