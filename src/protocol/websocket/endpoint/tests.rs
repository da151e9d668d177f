//! Bytes in, bytes out: each rule of a session that no single frame decides.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

use super::*;
use crate::protocol::websocket::{Handshake, code::without_reason, inbox::WAITING};

const MASK: [u8; 4] = [1, 2, 3, 4];
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A masked frame of a client's.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    assert!(length < 126);
    let mut bytes = vec![first, 0x80 | length];
    bytes.extend_from_slice(&MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
    bytes
}

fn connecting(max_queue: usize) -> Endpoint {
    let request = http::Request::builder()
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .expect("a request");
    let Handshake::Good(_, accepted) = Handshake::check(request.into_parts().0, false, false)
    else {
        panic!("a good handshake");
    };
    Endpoint::new(accepted, 1 << 20, max_queue)
}

fn open() -> Endpoint {
    let mut endpoint = connecting(32);
    endpoint.accept(b"101");
    assert_eq!(sent(&mut endpoint), b"101");
    endpoint
}

/// What the endpoint has to send, taken.
fn sent(endpoint: &mut Endpoint) -> Vec<u8> {
    let mut all = Vec::new();
    while endpoint.unsent_len() > 0 {
        let bytes = endpoint.unsent().to_vec();
        endpoint.on_sent(bytes.len());
        all.extend(bytes);
    }
    all
}

fn texts(endpoint: &mut Endpoint) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| endpoint.pop())
        .map(|message| message.payload.to_vec())
        .collect()
}

fn ending(endpoint: &Endpoint) -> (u16, Option<&str>) {
    let ending = endpoint.ending().expect("it has ended");
    (ending.code, ending.reason.as_deref())
}

#[test]
fn frames_that_come_early_wait_for_the_answer() {
    let mut endpoint = connecting(32);
    assert!(!endpoint.may_read());
    endpoint.feed(&mut frame(TEXT, b"early"));
    endpoint.feed(&mut frame(TEXT, b"too"));
    assert!(endpoint.pop().is_none());
    endpoint.accept(b"101");
    assert_eq!(texts(&mut endpoint), [b"early".to_vec(), b"too".to_vec()]);
    assert!(endpoint.may_read());
}

#[test]
fn reading_stops_at_the_queue_and_goes_on_where_it_stopped() {
    let mut endpoint = connecting(2);
    endpoint.accept(b"");
    let mut bytes: Vec<u8> = (b'a'..=b'e').flat_map(|it| frame(TEXT, &[it])).collect();
    endpoint.feed(&mut bytes);
    assert!(!endpoint.may_read());
    assert_eq!(texts(&mut endpoint).concat(), b"abcde");
    assert!(endpoint.may_read());
}

#[test]
fn reading_stops_at_the_bytes_that_wait() {
    let mut endpoint = connecting(usize::MAX);
    endpoint.accept(b"");
    let message = vec![b'x'; 100];
    let mut fed = 0;
    while endpoint.may_read() {
        endpoint.feed(&mut frame(TEXT, &message));
        fed += 1;
    }
    assert_eq!(fed, WAITING.div_ceil(message.len() + size_of::<Message>()));
}

#[test]
fn the_peers_close_is_echoed_and_ends_it() {
    let mut endpoint = open();
    endpoint.feed(
        &mut [
            frame(TEXT, b"last"),
            frame(CLOSE, b"\x0f\xa5why"),
            frame(TEXT, b"x"),
        ]
        .concat(),
    );
    assert_eq!(sent(&mut endpoint), b"\x88\x05\x0f\xa5why");
    assert!(endpoint.is_over() && !endpoint.is_sudden());
    assert_eq!(texts(&mut endpoint), [b"last".to_vec()]);
    assert_eq!(ending(&endpoint), (4005, Some("why")));
    assert!(!endpoint.send(Kind::Text, b"late"));
}

#[test]
fn an_empty_close_is_1005_and_echoed_empty() {
    let mut endpoint = open();
    endpoint.feed(&mut frame(CLOSE, b""));
    assert_eq!(sent(&mut endpoint), b"\x88\x00");
    assert_eq!(ending(&endpoint), (1005, Some("")));
}

#[test]
fn our_close_waits_for_the_peers_and_drops_what_comes_between() {
    let mut endpoint = open();
    endpoint.feed(&mut frame(TEXT, b"before"));
    endpoint.close(&without_reason(1000));
    assert_eq!(sent(&mut endpoint), b"\x88\x02\x03\xe8");
    assert!(endpoint.is_closing() && endpoint.may_read());
    endpoint.feed(&mut [frame(TEXT, b"after"), frame(PING, b"?")].concat());
    assert!(endpoint.is_closing());
    endpoint.feed(&mut frame(CLOSE, b"\x03\xe9"));
    assert!(endpoint.is_over());
    assert_eq!(sent(&mut endpoint), b"");
    assert_eq!(texts(&mut endpoint), [b"before".to_vec()]);
    assert_eq!(ending(&endpoint), (1000, Some("")));
}

#[test]
fn our_close_finds_the_peers_behind_a_full_queue() {
    let mut endpoint = connecting(1);
    endpoint.accept(b"");
    endpoint.feed(&mut [frame(TEXT, b"1"), frame(TEXT, b"2"), frame(CLOSE, b"")].concat());
    assert!(!endpoint.may_read() && !endpoint.is_over());
    endpoint.close(&without_reason(1000));
    assert!(endpoint.is_over());
}

#[test]
fn a_violation_is_said_and_ends_it_at_once() {
    let mut endpoint = open();
    endpoint.feed(&mut [0x81, 0x01, b'x']);
    assert!(endpoint.is_sudden());
    let (code, reason) = ending(&endpoint);
    let mut close = code.to_be_bytes().to_vec();
    close.extend_from_slice(reason.expect("a sentence").as_bytes());
    assert_eq!(code, 1002);
    assert_eq!(sent(&mut endpoint).get(2..), Some(&close[..]));
}

#[test]
fn what_came_before_a_violation_can_be_answered() {
    let mut endpoint = open();
    endpoint.feed(&mut [&frame(TEXT, b"good")[..], &[0x81, 0x01, b'x']].concat());
    assert!(endpoint.work().ends && !endpoint.may_read());
    assert_eq!(texts(&mut endpoint), [b"good".to_vec()]);
    assert!(endpoint.send(Kind::Text, b"echo"));
    endpoint.fail_if_faulty();
    assert!(endpoint.is_sudden());
    assert_eq!(ending(&endpoint).0, 1002);
    let sent = sent(&mut endpoint);
    assert!(sent.starts_with(b"\x81\x04echo\x88"));
}

#[test]
fn a_ping_behind_a_full_queue_is_work_once_the_queue_is_not() {
    let mut endpoint = connecting(1);
    endpoint.accept(b"");
    endpoint.feed(&mut [frame(TEXT, b"1"), frame(PING, b"?")].concat());
    let before = endpoint.work();
    assert!(endpoint.pop().is_some());
    assert!(endpoint.work() != before);
    assert_eq!(sent(&mut endpoint), b"\x8a\x01?");
}

#[test]
fn only_the_matching_pong_answers_a_ping() {
    let mut endpoint = open();
    endpoint.ping(*b"ping");
    assert_eq!(sent(&mut endpoint), b"\x89\x04ping");
    endpoint.feed(&mut [frame(PONG, b"pong"), frame(PONG, b"")].concat());
    assert!(endpoint.is_pinged());
    endpoint.feed(&mut frame(PONG, b"ping"));
    assert!(!endpoint.is_pinged());
}

#[test]
fn pings_are_answered_each_while_there_is_room_and_then_the_last() {
    let mut endpoint = open();
    endpoint.feed(&mut [frame(PING, b"1"), frame(PING, b"2")].concat());
    assert_eq!(sent(&mut endpoint), b"\x8a\x011\x8a\x012");
    assert!(endpoint.send(Kind::Binary, &[0; UNSENT_PONGS]));
    for number in 0..=255u8 {
        endpoint.feed(&mut frame(PING, &[number]));
    }
    let length = endpoint.unsent_len();
    assert!(endpoint.on_sent(length).is_none());
    assert_eq!(sent(&mut endpoint), b"\x8a\x01\xff");
}

#[test]
fn a_refusal_is_all_there_is() {
    let mut endpoint = connecting(32);
    endpoint.feed(&mut frame(TEXT, b"early"));
    endpoint.refuse(b"HTTP/1.1 403");
    assert!(endpoint.is_sudden());
    assert_eq!(ending(&endpoint), (1006, None));
    assert!(endpoint.pop().is_none());
    endpoint.accept(b"101");
    assert_eq!(sent(&mut endpoint), b"HTTP/1.1 403");
}

#[test]
fn a_loss_is_1006_before_the_answer_and_1005_after() {
    let mut endpoint = connecting(32);
    endpoint.lose();
    assert_eq!(ending(&endpoint), (1006, None));
    let mut endpoint = open();
    endpoint.send(Kind::Text, b"unsent");
    endpoint.lose();
    assert_eq!(ending(&endpoint), (1005, None));
    assert_eq!(endpoint.unsent_len(), 0);
}

#[test]
fn the_first_ending_stays() {
    let mut endpoint = open();
    endpoint.close(&without_reason(4000));
    endpoint.lose();
    assert_eq!(ending(&endpoint), (4000, Some("")));
}

#[test]
fn a_silent_peer_is_told_1011_and_the_application_1005() {
    let mut endpoint = open();
    endpoint.give_up(&Close {
        code: 1011,
        reason: "keepalive ping timeout".to_owned(),
    });
    assert_eq!(ending(&endpoint), (1005, None));
    assert_eq!(sent(&mut endpoint).get(2..4), Some(&[0x03, 0xf3][..]));
}

#[test]
fn what_has_been_sent_in_part_goes_on_where_it_stopped() {
    let mut endpoint = open();
    endpoint.send(Kind::Binary, &[7; 100]);
    let whole = endpoint.unsent().to_vec();
    let mut all = Vec::new();
    while endpoint.unsent_len() > 0 {
        all.extend_from_slice(endpoint.unsent().get(..1).expect("a byte"));
        endpoint.on_sent(1);
    }
    assert_eq!(all, whole);
}

#[test]
fn reading_that_may_go_on_is_news_whatever_else_there_is_to_do() {
    let mut endpoint = connecting(1);
    endpoint.accept(b"101");
    endpoint.send(Kind::Binary, &[0; 1000]);
    endpoint.feed(&mut frame(TEXT, b"1"));
    let before = endpoint.work();
    assert!(!endpoint.may_read());
    assert!(endpoint.pop().is_some());
    assert!(endpoint.may_read() && endpoint.work() != before);
}

#[test]
fn empty_messages_fill_the_queue_as_well() {
    let mut endpoint = connecting(usize::MAX);
    endpoint.accept(b"");
    let flood = frame(TEXT, b"").repeat(WAITING);
    endpoint.feed(&mut flood.clone());
    assert!(!endpoint.may_read());
}
