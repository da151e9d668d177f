//! Answers on their way to the peer: at once, in order, held back, cut.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use bytes::Bytes;
use http::HeaderValue;

use super::{Client, World, answer, get, head_with, ok, open, settings};
use crate::{
    protocol::{Exchange, Received},
    runtime::tests::Count,
    settings::Settings,
};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

fn open_sized(exchange: &Exchange, length: u64, words: &'static str) {
    let head = head_with(exchange, "content-length", &length.to_string());
    exchange.open(head, Bytes::from(words));
}

/// A waiter for room, as a count of its calls.
fn sender(exchange: &Exchange) -> Count {
    let news = Count::default();
    let count = news.clone();
    exchange.wait_room(Box::new(move || count.add()));
    news
}

/// Pushes until the peer is behind; gives the number of bytes.
fn fill(world: &World, exchange: &Exchange) -> usize {
    let chunk = Bytes::from(vec![b'x'; 256 * 1024]);
    let mut pushed = 0;
    world.until("a full socket", || {
        if exchange.has_room() {
            exchange.push(chunk.clone());
            pushed += chunk.len();
        }
        !exchange.has_room()
    });
    world.settle();
    pushed
}

/// How much of the body has come, without the framing of a chunked one.
fn count_body(heard: &[u8]) -> usize {
    memchr::memchr_iter(b'x', heard).count()
}

#[test]
fn every_piece_leaves_in_the_call_that_gave_it() {
    // ASGI-48.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open(&exchange, "");
    client.has_heard(CHUNKED);
    exchange.push("one".into());
    client.has_heard("3\r\none\r\n");
    exchange.push(Bytes::new());
    client.has_heard("");
    exchange.finish("two".into());
    client.has_heard("3\r\ntwo\r\n0\r\n\r\n");
    assert!(exchange.is_over());
    client.send(get("/next"));
    answer(&world.exchange(1), "next");
    client.hears(ok("next"));
}

#[test]
fn answer_in_one_piece_is_one_write_with_its_length() {
    // ASGI-47, O15.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    answer(&world.exchange(0), "whole");
    client.has_heard(ok("whole"));
}

#[test]
fn body_of_unknown_length_ends_an_old_connection() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let exchange = world.exchange(0);
    open(&exchange, "one");
    exchange.push("two".into());
    exchange.finish(Bytes::new());
    client.hears_and_end("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo");
}

#[test]
fn promised_length_is_kept_as_it_was_promised() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open_sized(&exchange, 6, "one");
    exchange.finish("two".into());
    client.hears("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nonetwo");
    client.send(get("/next"));
    world.exchange(1);
}

#[test]
fn default_fields_are_on_every_answer() {
    let headers = vec![
        ("server".parse().unwrap(), HeaderValue::from_static("rsgi")),
        ("x-twice".parse().unwrap(), HeaderValue::from_static("1")),
        ("x-twice".parse().unwrap(), HeaderValue::from_static("2")),
    ];
    let settings = Settings {
        date_header: true,
        headers,
        ..settings()
    };
    let world = World::with(settings, super::echo);
    let mut client = world.connect();
    client.send(get("/") + "rubbish\0");
    client.listen_until(|heard| heard.ends_with(b"received."));
    let heard = String::from_utf8(std::mem::take(&mut client.heard)).unwrap();
    let heads: Vec<_> = heard.split("HTTP/1.1 ").skip(1).collect();
    assert_eq!(heads.len(), 2, "{heard}");
    for head in heads {
        let fields: Vec<_> = head.split("\r\n").skip(1).take(4).collect();
        let [date, rest @ ..] = fields.as_slice() else {
            return assert_eq!(fields, [""]);
        };
        assert!(
            date.starts_with("date: ") && date.ends_with(" GMT"),
            "{head}"
        );
        assert_eq!(rest, ["server: rsgi", "x-twice: 1", "x-twice: 2"]);
    }
}

#[test]
fn peer_that_does_not_read_holds_the_application_back() {
    // FLT-B10.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open(&exchange, "");
    assert!(exchange.has_room());
    let pushed = fill(&world, &exchange);
    let news = sender(&exchange);
    world.settle();
    assert_eq!((news.now(), exchange.has_room()), (0, false));
    // It may go on once little is left.
    client.listen_until(|_| news.now() > 0);
    assert!(exchange.has_room());
    exchange.finish(Bytes::new());
    client.listen_until(|heard| heard.ends_with(b"0\r\n\r\n"));
    assert_eq!(count_body(&client.heard), pushed);
    assert_eq!(client.end, None);
    client.heard.clear();
    client.send(get("/next"));
    answer(&world.exchange(1), "next");
    client.hears(ok("next"));
}

#[test]
fn answer_that_ends_while_the_peer_is_behind_arrives_whole() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open(&exchange, "");
    let pushed = fill(&world, &exchange);
    exchange.finish("xyz".into());
    assert!(exchange.has_room(), "nobody waits for what has ended");
    client.listen_until(|heard| heard.ends_with(b"0\r\n\r\n"));
    assert_eq!(count_body(&client.heard), pushed + 1);
}

#[test]
fn what_was_sent_before_a_cut_arrives() {
    // FLT-C4.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open(&exchange, "one");
    exchange.push("two".into());
    exchange.cut();
    client.hears_and_end(CHUNKED.to_owned() + "3\r\none\r\n3\r\ntwo\r\n");
}

#[test]
fn what_was_sent_within_the_call_before_a_cut_arrives() {
    let world = World::new(|_, exchange| {
        open(exchange, "one");
        exchange.push("two".into());
        exchange.cut();
    });
    let mut client = world.connect();
    client.send(get("/"));
    client.hears_and_end(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n",
    );
}

#[test]
fn cut_answer_with_a_length_ends_short_of_it() {
    // FLT-C5.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open_sized(&exchange, 6, "one");
    exchange.cut();
    client.hears_and_end("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none");
}

#[test]
fn answer_cut_while_the_peer_is_behind_arrives_to_the_cut() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open(&exchange, "");
    let pushed = fill(&world, &exchange);
    exchange.cut();
    client.listen_until(|_| false);
    assert_eq!(count_body(&client.heard), pushed);
    assert!(
        !client.heard.ends_with(b"0\r\n\r\n"),
        "it must not look whole"
    );
    world.until("the end", || world.connections() == 0);
}

#[test]
fn finished_too_early_is_never_taken_for_whole() {
    // FLT-C6: hyper is told the truth about the end, and cannot keep the promise.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open_sized(&exchange, 6, "one");
    exchange.finish(Bytes::new());
    client.hears_and_end("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none");
}

#[test]
fn promised_length_that_is_reached_does_not_end_the_exchange() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says(get("/a") + &get("/b"));
    let exchange = world.exchange(0);
    open_sized(&exchange, 5, "hello");
    client.has_heard("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    world.settle();
    assert_eq!(
        world.started(),
        1,
        "the application has not said that it is done"
    );
    assert!(!exchange.is_over());
    exchange.finish(Bytes::new());
    assert!(exchange.is_over());
    assert_eq!(world.started(), 1, "not within the first one's send");
    world.turn();
    assert_eq!(world.started(), 2);
    answer(&world.exchange(1), "b");
    client.has_heard(ok("b"));
}

#[test]
fn cut_after_the_promised_length_starts_no_other_request() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says(get("/a") + &get("/b"));
    let exchange = world.exchange(0);
    open_sized(&exchange, 5, "hello");
    exchange.cut();
    client.hears_and_end("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(world.started(), 1);
}

#[test]
fn close_ends_the_connection_with_the_answer() {
    let world = World::waiting();
    let mut client = world.connect();
    client.says(get("/a") + &get("/b"));
    let exchange = world.exchange(0);
    open(&exchange, "a");
    exchange.close();
    client.has_heard(CHUNKED.to_owned() + "1\r\na\r\n");
    exchange.finish("b".into());
    client.hears_and_end("1\r\nb\r\n0\r\n\r\n");
    assert_eq!(world.started(), 1);
}

#[test]
fn close_before_the_answer_is_announced_by_it() {
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/a"));
    let exchange = world.exchange(0);
    exchange.close();
    client.hears_nothing();
    answer(&exchange, "last");
    client.hears_and_end(super::ok_and_close("last"));
}

#[test]
fn close_that_the_application_announces_is_kept() {
    let world = World::new(|_, exchange| {
        let head = head_with(exchange, "connection", "x-thing , Close");
        exchange.respond(head, "last".into());
    });
    let mut client = world.connect();
    client.send(get("/"));
    client.hears_and_end(
        "HTTP/1.1 200 OK\r\nconnection: x-thing , Close\r\ncontent-length: 4\r\n\r\nlast",
    );
}

#[test]
fn failure_is_answered_with_our_words() {
    // FLT-C1, O10.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    world.exchange(0).fail();
    client.hears_and_end(super::refusal(
        "500 Internal Server Error",
        "Internal Server Error",
    ));
    assert_eq!(world.server.shared.counters().answered(), 1);
}

#[test]
fn reset_wakes_an_application_that_is_held_back() {
    // FLT-B3.
    let world = World::waiting();
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    open(&exchange, "");
    fill(&world, &exchange);
    let (room, news) = (sender(&exchange), super::receiver(&exchange));
    client.reset();
    world.until("the loss", || world.connections() == 0);
    assert_eq!((room.now(), news.now()), (1, 1));
    assert!(exchange.is_lost() && exchange.is_disconnected() && exchange.has_room());
    assert_eq!(exchange.try_receive(), Some(Received::Disconnect));
    // O1, O30: what it still sends harms nobody.
    exchange.push("more".into());
    exchange.finish("last".into());
    assert_fine(&world);
}

fn assert_fine(world: &World) {
    let mut client: Client<'_> = world.connect();
    let number = world.started();
    client.send(get("/"));
    answer(&world.exchange(number), "fine");
    client.hears(ok("fine"));
}
