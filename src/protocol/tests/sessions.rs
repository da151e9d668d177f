//! WebSocket sessions under a clock that the test moves: what is due when nobody says anything, and in what order.

use std::{rc::Rc, time::Duration};

use http::StatusCode;

use super::{Client, End, World, refusal, settings, timeouts::seconds};
use crate::{
    protocol::{
        Session,
        websocket::{Close, Kind, NORMAL, Received, Trouble, without_reason},
    },
    settings::{Settings, WebSockets},
};

const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// A masked text message, `a`; the mask is all zeros.
const MESSAGE: &[u8] = b"\x81\x81\0\0\0\0a";
const SECOND: Duration = seconds(1);

fn world(change: impl FnOnce(&mut WebSockets)) -> World {
    let mut websockets = WebSockets {
        ping_interval: None,
        ping_timeout: None,
        deflate: false,
        accept: None,
        ..WebSockets::default()
    };
    change(&mut websockets);
    let settings = Settings {
        websockets: Some(websockets),
        ..settings()
    };
    World::with(settings, |_, _| ())
}

/// A client whose handshake has reached the application.
fn knock(world: &World) -> (Client<'_>, Rc<Session>) {
    let mut client = world.connect();
    client.says(HANDSHAKE);
    let sessions = world.application().sessions.borrow();
    let session = Rc::clone(sessions.last().expect("a session"));
    (client, session)
}

/// A client with an open session.
fn open(world: &World) -> (Client<'_>, Rc<Session>) {
    let (mut client, session) = knock(world);
    world.act(|| session.accept(session.head(StatusCode::SWITCHING_PROTOCOLS)));
    client.hears(SWITCHED);
    (client, session)
}

fn code(session: &Session) -> Option<u16> {
    match session.try_receive() {
        Some(Received::Disconnect(ending)) => Some(ending.code),
        _ => None,
    }
}

fn close(code: u16) -> Close {
    without_reason(code)
}

/// Four bytes after the beginning of a ping; the frame is taken.
fn hears_ping(client: &mut Client<'_>) -> [u8; 4] {
    client.listen_until(|heard| heard.len() >= 6);
    let heard = std::mem::take(&mut client.heard);
    assert_eq!(heard.get(..2), Some(&b"\x89\x04"[..]));
    heard
        .get(2..6)
        .and_then(|payload| payload.try_into().ok())
        .expect("a ping")
}

#[test]
fn handshake_that_nobody_answers_is_refused() {
    let world = world(|to| to.accept = Some(seconds(60)));
    let (mut client, session) = knock(&world);
    world.skip(seconds(59));
    client.hears_nothing();
    world.skip(2 * SECOND);
    client.hears_and_end(refusal(
        "500 Internal Server Error",
        "Internal Server Error",
    ));
    assert_eq!(code(&session), Some(1006));
    assert_eq!(
        *world.application().troubles.borrow(),
        [Trouble::Unanswered]
    );
    assert!(!session.send(Kind::Text, b"late"));
}

#[test]
fn close_that_the_peer_does_not_answer_is_waited_for_ten_seconds() {
    let world = world(|_| ());
    let (mut client, session) = open(&world);
    world.act(|| session.close(&close(NORMAL)));
    client.hears(b"\x88\x02\x03\xe8");
    world.skip(seconds(9));
    client.hears_nothing();
    world.skip(2 * SECOND);
    client.hears_end();
    assert_eq!(world.connections(), 0);
    assert_eq!(code(&session), Some(NORMAL));
}

#[test]
fn silent_peer_is_pinged_and_given_up() {
    // FLT-F26, O16.
    let world = world(|to| {
        to.ping_interval = Some(seconds(20));
        to.ping_timeout = Some(seconds(10));
    });
    let (mut client, session) = open(&world);
    world.skip(seconds(19));
    client.hears_nothing();
    world.skip(2 * SECOND);
    hears_ping(&mut client);
    world.skip(seconds(9));
    client.hears_nothing();
    world.skip(2 * SECOND);
    client.listen_until(|heard| heard.len() >= 26);
    let heard = std::mem::take(&mut client.heard);
    assert_eq!(heard, b"\x88\x18\x03\xf3keepalive ping timeout");
    client.hears_end();
    assert_eq!(code(&session), Some(1005));
    assert_eq!(*world.application().troubles.borrow(), [Trouble::Silent]);
}

#[test]
fn peer_that_answers_is_pinged_again_an_interval_after_the_last_ping() {
    let world = world(|to| {
        to.ping_interval = Some(seconds(20));
        to.ping_timeout = Some(seconds(10));
    });
    let (mut client, session) = open(&world);
    world.skip(seconds(21));
    for _ in 0..3 {
        let ping = hears_ping(&mut client);
        world.skip(seconds(5));
        client.says([&b"\x8a\x84\0\0\0\0"[..], &ping].concat());
        world.skip(seconds(14));
        client.hears_nothing();
        world.skip(2 * SECOND);
    }
    hears_ping(&mut client);
    assert_eq!(code(&session), None);
}

#[test]
fn pong_that_cannot_be_read_is_not_missed() {
    let world = world(|to| {
        to.ping_interval = Some(seconds(20));
        to.ping_timeout = Some(seconds(10));
        to.max_queue = 1;
    });
    let (mut client, session) = open(&world);
    client.says([MESSAGE, MESSAGE].concat());
    world.skip(seconds(21));
    let ping = hears_ping(&mut client);
    client.says([&b"\x8a\x84\0\0\0\0"[..], &ping].concat());
    world.skip(seconds(120));
    client.hears_nothing();
    for _ in 0..2 {
        assert!(matches!(
            world.act(|| session.try_receive()),
            Some(Received::Message(_))
        ));
    }
    world.settle();
    hears_ping(&mut client);
    assert_eq!(code(&session), None);
}

#[test]
fn peer_that_takes_nothing_is_reset() {
    let settings = Settings {
        write: Some(seconds(60)),
        websockets: Some(WebSockets {
            ping_interval: None,
            ..WebSockets::default()
        }),
        ..settings()
    };
    let world = World::with(settings, |_, _| ());
    let (mut client, session) = open(&world);
    while world.act(|| session.has_room()) {
        assert!(world.act(|| session.send(Kind::Binary, &vec![0; 32 * 1024])));
    }
    world.skip(seconds(59));
    assert_eq!(code(&session), None);
    world.skip(2 * SECOND);
    assert_eq!(code(&session), Some(1005));
    client.listen_until(|_| false);
    assert_eq!(client.end, Some(End::Reset));
    assert_eq!(world.connections(), 0);
}

#[test]
fn drain_closes_with_1012_and_waits_a_second_for_the_answer() {
    // FLT-F25.
    let world = world(|_| ());
    let (mut polite, answered) = open(&world);
    let (mut rude, ignored) = open(&world);
    let (mut early, connecting) = knock(&world);
    world.act(|| world.server.shared().drain());
    world.settle();
    let farewell = b"\x88\x02\x03\xf4";
    polite.listen_until(|heard| heard.len() >= 4);
    assert_eq!(std::mem::take(&mut polite.heard), farewell);
    polite.says(b"\x88\x82\0\0\0\0\x03\xf4");
    polite.hears_end();
    rude.listen_until(|heard| heard.len() >= 4);
    assert_eq!(std::mem::take(&mut rude.heard), farewell);
    early.hears_and_end(refusal(
        "500 Internal Server Error",
        "Internal Server Error",
    ));
    for (session, expected) in [(&answered, 1012), (&ignored, 1012), (&connecting, 1006)] {
        assert_eq!(code(session), Some(expected));
    }
    drop(early);
    world.settle();
    assert_eq!(world.connections(), 1);
    world.skip(2 * SECOND);
    rude.hears_end();
    assert_eq!(world.connections(), 0);
}

#[test]
fn what_comes_with_the_handshake_is_the_first_message() {
    let world = world(|_| ());
    let mut client = world.connect();
    client.says([HANDSHAKE.as_bytes(), MESSAGE].concat());
    let session = Rc::clone(world.application().sessions.borrow().first().expect("it"));
    assert_eq!(session.try_receive(), None);
    world.act(|| session.accept(session.head(StatusCode::SWITCHING_PROTOCOLS)));
    let received = session.try_receive();
    assert!(matches!(received, Some(Received::Message(it)) if *it.payload == *b"a"));
}

#[test]
fn application_that_keeps_the_session_does_not_keep_the_connection() {
    let world = world(|_| ());
    let (mut client, session) = open(&world);
    client.says(b"\x88\x82\0\0\0\0\x03\xe8");
    client.listen_until(|_| false);
    assert_eq!(client.end, Some(End::Closed));
    assert_eq!(world.connections(), 0);
    assert!(!session.send(Kind::Text, b"late"));
}
