//! Heads and idleness that take too long, under a clock that the test moves; and that the host is asked for the turns.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Client, World, answer, get, ok, open, refusal, settings};
use crate::settings::Settings;

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) fn too_late() -> String {
    refusal("408 Request Timeout", "Request Timeout")
}

/// With one time-out, the others being off or out of reach.
pub(super) fn only(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings {
        keep_alive: seconds(1_000_000),
        request_header: None,
        request_body: None,
        write: None,
        ..settings()
    };
    change(&mut settings);
    settings
}

/// Nothing happens before that time, whatever happens then.
pub(super) fn assert_quiet_until(client: &mut Client<'_>, time: Duration) {
    client
        .world
        .skip(time.saturating_sub(Duration::from_millis(500)));
    client.hears_nothing();
    client.world.skip(Duration::from_millis(600));
}

#[test]
fn silent_connection_is_closed_without_words() {
    // FLT-B6.
    let world = World::with(
        only(|to| to.request_header = Some(seconds(30))),
        super::echo,
    );
    let mut client = world.connect();
    assert_quiet_until(&mut client, seconds(30));
    client.hears_end();
    world.skip(seconds(3));
    assert_eq!((world.connections(), world.refused()), (0, 0));
}

#[test]
fn connection_that_sends_empty_lines_is_not_kept_for_ever() {
    // FLT-B6: an empty line is no request.
    let world = World::with(
        only(|to| to.request_header = Some(seconds(30))),
        super::echo,
    );
    let mut client = world.connect();
    client.says("\r\n");
    world.skip(seconds(31));
    client.hears_end();
}

#[test]
fn kept_connection_that_sends_empty_lines_is_not_kept_for_ever() {
    // FLT-B9.
    let world = World::with(only(|to| to.keep_alive = seconds(5)), super::echo);
    let mut client = world.connect();
    client.send(get("/"));
    client.hears(ok("/"));
    client.says("\r\n");
    world.skip(seconds(6));
    client.hears_end();
}

#[test]
fn head_that_drips_is_timed_from_the_opening() {
    // FLT-B7.
    let world = World::with(
        only(|to| to.request_header = Some(seconds(30))),
        super::echo,
    );
    let mut client = world.connect();
    for byte in get("/").bytes().take(20) {
        client.says([byte]);
        world.skip(seconds(1));
    }
    assert_quiet_until(&mut client, seconds(10));
    client.hears_and_end(too_late());
    assert_eq!((world.started(), world.refused()), (0, 1));
}

#[test]
fn head_that_begins_late_is_timed_from_the_opening() {
    let world = World::with(
        only(|to| to.request_header = Some(seconds(300))),
        super::echo,
    );
    let mut client = world.connect();
    world.skip(seconds(200));
    client.says("GET");
    assert_quiet_until(&mut client, seconds(100));
    client.hears_and_end(too_late());
}

#[test]
fn later_head_is_timed_from_its_first_byte() {
    let world = World::with(
        only(|to| to.request_header = Some(seconds(30))),
        super::echo,
    );
    let mut client = world.connect();
    client.send(get("/"));
    client.hears(ok("/"));
    assert_quiet_until(&mut client, seconds(100));
    client.says("GET");
    world.skip(seconds(20));
    client.says(" /");
    assert_quiet_until(&mut client, seconds(10));
    client.hears_and_end(too_late());
}

#[test]
fn answer_before_a_head_that_takes_too_long_is_not_lost() {
    let world = World::with(only(|to| to.request_header = Some(seconds(30))), |_, _| ());
    let mut client = world.connect();
    client.says(get("/a") + "GET /b");
    assert_quiet_until(&mut client, seconds(100));
    let exchange = world.exchange(0);
    world.act(|| answer(&exchange, "a"));
    client.hears_and_end(ok("a") + &too_late());
}

#[test]
fn idle_connection_is_closed_after_its_keep_alive() {
    // FLT-B9.
    let world = World::with(only(|to| to.keep_alive = seconds(5)), super::echo);
    let mut client = world.connect();
    for _ in 0..3 {
        client.send(get("/"));
        client.hears(ok("/"));
        world.skip(seconds(4));
    }
    client.says("G");
    world.skip(seconds(100));
    client.send("ET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.hears(ok("/"));
    assert_quiet_until(&mut client, seconds(5));
    client.hears_end();
}

#[test]
fn keep_alive_of_no_time_closes_at_once() {
    let world = World::with(only(|to| to.keep_alive = Duration::ZERO), super::echo);
    let mut client = world.connect();
    world.settle();
    client.send(get("/"));
    client.hears_and_end(ok("/"));
}

#[test]
fn keep_alive_does_not_count_while_an_answer_is_owed_or_written() {
    let world = World::with(only(|to| to.keep_alive = seconds(5)), |_, _| ());
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    world.skip(seconds(100));
    world.act(|| open(&exchange, "a"));
    world.skip(seconds(100));
    world.act(|| exchange.finish(Bytes::new()));
    client.hears("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    assert_quiet_until(&mut client, seconds(5));
    client.hears_end();
}

#[test]
fn host_is_asked_for_every_deadline() {
    // With the real clock: what the others skip must be asked for.
    let soon = Duration::from_millis(30);
    let expire = |settings: Settings, send: &str, expected: &str| {
        let world = World::with(settings, super::echo);
        let mut client = world.connect();
        client.send(send);
        client.listen_until(|heard| heard.len() >= expected.len());
        client.has_heard(expected);
        let waited = Instant::now();
        // A host that turns only when it was asked to, or has something to read.
        while client.end.is_none() {
            let at = world.host.take_at();
            assert!(waited.elapsed() < seconds(10), "nobody asked");
            if at.iter().any(|at| *at <= waited + soon * 2) {
                client.listen_until(|_| false);
            }
            world.turn();
            client.listen();
        }
    };
    expire(only(|to| to.request_header = Some(soon)), "", "");
    expire(only(|to| to.keep_alive = soon), &get("/"), &ok("/"));
}

#[test]
fn host_is_asked_for_nothing_without_a_deadline() {
    let world = World::with(only(|_| ()), |_, _| ());
    let mut client = world.connect();
    client.send(get("/"));
    world.exchange(0);
    world.settle();
    world.host.take_at();
    world.host.take_soon();
    world.settle();
    assert_eq!((world.host.take_at(), world.host.take_soon()), (vec![], 0));
}

#[test]
fn time_out_of_a_busy_connection_is_moved_without_asking_the_host() {
    let world = World::with(only(|to| to.keep_alive = seconds(5)), super::echo);
    let mut client = world.connect();
    client.send(get("/"));
    client.hears(ok("/"));
    world.host.take_at();
    for _ in 0..20 {
        client.send(get("/"));
        client.hears(ok("/"));
    }
    assert_eq!(world.host.take_at(), []);
    assert_eq!(world.started(), 21);
}
