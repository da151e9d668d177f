//! Every state of a reply against every call that an application can make: no panic, and this outcome.

use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;

use super::{Client, World, answer, body, get, ok, ok_and_close, open, receiver};
use crate::protocol::{Exchange, Received};

/// How far the reply has come when the call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Owed,
    /// In one piece; hyper has not taken it.
    Whole,
    /// Begun; hyper has not taken it.
    Opening,
    /// Begun and ended; hyper has not taken it.
    Ending,
    /// Begun and cut; hyper has not taken it.
    Cutting,
    Streaming,
    Finished,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Respond,
    Open,
    Push,
    Finish,
    Cut,
    Receive,
}

/// What is to be seen afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// The exchange is over and the connection serves another.
    Usable,
    /// It can still be answered.
    Owed,
    /// It can still be answered, as the last.
    OwedAsTheLast,
    /// It is being answered.
    Open,
    /// The connection has ended.
    Closed,
}

const OPENED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n";

impl State {
    /// Whether it only exists within the application's call: hyper takes it right afterwards.
    fn is_fleeting(self) -> bool {
        matches!(
            self,
            Self::Whole | Self::Opening | Self::Ending | Self::Cutting
        )
    }

    fn enter(self, exchange: &Exchange) {
        match self {
            Self::Owed | Self::Gone => {}
            Self::Whole | Self::Finished => answer(exchange, "w"),
            Self::Opening | Self::Streaming => open(exchange, "a"),
            Self::Ending => {
                open(exchange, "a");
                exchange.finish("z".into());
            }
            Self::Cutting => {
                open(exchange, "a");
                exchange.cut();
            }
        }
    }

    /// What of it the peer sees, whatever is called.
    fn bytes(self) -> String {
        match self {
            Self::Owed | Self::Gone => String::new(),
            Self::Whole | Self::Finished => ok("w"),
            Self::Opening | Self::Cutting | Self::Streaming => OPENED.to_owned(),
            Self::Ending => OPENED.to_owned() + "1\r\nz\r\n0\r\n\r\n",
        }
    }
}

impl Call {
    const ALL: [Self; 6] = [
        Self::Respond,
        Self::Open,
        Self::Push,
        Self::Finish,
        Self::Cut,
        Self::Receive,
    ];

    fn make(self, exchange: &Exchange) -> Option<Received> {
        match self {
            Self::Respond => answer(exchange, "r"),
            Self::Open => exchange.open(exchange.head(StatusCode::OK), Bytes::from("o")),
            Self::Push => exchange.push("p".into()),
            Self::Finish => exchange.finish("f".into()),
            Self::Cut => exchange.cut(),
            Self::Receive => return exchange.try_receive(),
        }
        None
    }
}

/// What the peer sees of the call, beyond what it sees of the state, and what becomes of the exchange.
fn outcome(state: State, call: Call) -> (String, After) {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (bytes, after) = match (state, call) {
        (State::Owed, Call::Respond) => (ok("r"), After::Usable),
        (State::Owed, Call::Open) => (format!("{chunked}1\r\no\r\n"), After::Open),
        (State::Owed, Call::Cut) => (String::new(), After::OwedAsTheLast),
        (State::Owed, _) => (String::new(), After::Owed),
        (State::Opening | State::Streaming, Call::Push) => ("1\r\np\r\n".into(), After::Open),
        (State::Opening | State::Streaming, Call::Finish) => {
            ("1\r\nf\r\n0\r\n\r\n".into(), After::Usable)
        }
        // A failure after the answer, too: the connection ends with it.
        (State::Cutting | State::Gone, _) | (_, Call::Cut) => (String::new(), After::Closed),
        (State::Opening | State::Streaming, _) => (String::new(), After::Open),
        (State::Whole | State::Ending | State::Finished, _) => (String::new(), After::Usable),
    };
    (state.bytes() + &bytes, after)
}

fn received(state: State) -> Received {
    match state {
        State::Owed | State::Opening | State::Streaming => body("", false),
        _ => Received::Disconnect,
    }
}

fn check(state: State, call: Call) {
    let told = Rc::new(std::cell::RefCell::new(None));
    let world = World::new({
        let told = Rc::clone(&told);
        move |request, exchange| {
            if state.is_fleeting() && request.uri.path() == "/" {
                state.enter(exchange);
                *told.borrow_mut() = call.make(exchange);
            }
        }
    });
    let mut client = world.connect();
    client.send(get("/"));
    let exchange = world.exchange(0);
    let mut gone = None;
    if state == State::Gone {
        let client = std::mem::replace(&mut client, world.connect());
        client.reset();
        gone = Some(());
    }
    if !state.is_fleeting() {
        state.enter(&exchange);
        *told.borrow_mut() = call.make(&exchange);
    }
    if call == Call::Receive {
        assert_eq!(told.take(), Some(received(state)), "{state:?}, {call:?}");
    }
    let (bytes, after) = outcome(state, call);
    if gone.is_some() {
        assert!(exchange.is_lost() && exchange.is_over(), "{call:?}");
        assert_usable(&mut client);
        return;
    }
    client.hears(bytes);
    assert_eq!(
        exchange.is_over(),
        matches!(after, After::Usable | After::Closed),
        "{state:?}, {call:?}"
    );
    match after {
        After::Usable => assert_usable(&mut client),
        After::Owed => {
            answer(&exchange, "later");
            client.hears(ok("later"));
            assert_usable(&mut client);
        }
        After::OwedAsTheLast => {
            answer(&exchange, "later");
            client.hears_and_end(ok_and_close("later"));
        }
        After::Open => {
            exchange.finish(Bytes::new());
            client.hears("0\r\n\r\n");
            assert_usable(&mut client);
        }
        After::Closed => client.hears_end(),
    }
}

fn assert_usable(client: &mut Client<'_>) {
    let number = client.world.started();
    client.send(get("/next"));
    answer(&client.world.exchange(number), "next");
    client.hears(ok("next"));
}

fn check_all(state: State) {
    for call in Call::ALL {
        check(state, call);
    }
}

#[test]
fn calls_while_an_answer_is_owed() {
    check_all(State::Owed);
}

#[test]
fn calls_while_a_whole_answer_is_not_taken() {
    check_all(State::Whole);
}

#[test]
fn calls_while_a_begun_answer_is_not_taken() {
    check_all(State::Opening);
}

#[test]
fn calls_while_an_ended_answer_is_not_taken() {
    check_all(State::Ending);
}

#[test]
fn calls_while_a_cut_answer_is_not_taken() {
    check_all(State::Cutting);
}

#[test]
fn calls_while_an_answer_streams() {
    check_all(State::Streaming);
}

#[test]
fn calls_after_the_answer() {
    check_all(State::Finished);
}

#[test]
fn calls_after_the_peer_left() {
    check_all(State::Gone);
}

#[test]
fn calls_of_a_finished_exchange_do_not_reach_its_successor() {
    for call in Call::ALL {
        let world = World::waiting();
        let mut client = world.connect();
        client.send(get("/a") + &get("/b"));
        let finished = world.exchange(0);
        answer(&finished, "a");
        let successor = world.exchange(1);
        client.hears(ok("a"));
        assert_eq!(
            call.make(&finished),
            (call == Call::Receive).then_some(Received::Disconnect)
        );
        assert!(!successor.is_over(), "{call:?}");
        assert_eq!(successor.try_receive(), Some(body("", false)), "{call:?}");
        answer(&successor, "b");
        client.hears(if call == Call::Cut {
            ok_and_close("b")
        } else {
            ok("b")
        });
    }
}

#[test]
fn waiters_of_every_end_are_called_once() {
    for call in [Call::Respond, Call::Finish, Call::Cut] {
        let world = World::waiting();
        let mut client = world.connect();
        client.send(get("/"));
        let exchange = world.exchange(0);
        assert_eq!(exchange.try_receive(), Some(body("", false)));
        let news = receiver(&exchange);
        if call != Call::Respond {
            open(&exchange, "a");
        }
        assert_eq!(news.now(), 0);
        call.make(&exchange);
        assert_eq!(
            news.now(),
            1,
            "{call:?}: at once, in the call that ended it"
        );
        assert_eq!(
            exchange.try_receive(),
            Some(Received::Disconnect),
            "ASGI-52"
        );
        world.settle();
        assert_eq!(news.now(), 1);
    }
}

#[test]
fn waiter_may_go_on_with_its_exchange() {
    // A waiting `receive` is resumed in place: what it does runs within the connection's poll.
    let world = World::waiting();
    let mut client = world.connect();
    client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    let exchange = world.exchange(0);
    assert_eq!(exchange.try_receive(), None);
    exchange.wait_receive({
        let exchange = Rc::clone(&exchange);
        Box::new(move || {
            assert!(exchange.is_turning());
            assert_eq!(exchange.try_receive(), Some(body("body", false)));
            answer(&exchange, "resumed");
        })
    });
    client.send(String::from("body") + &get("/next"));
    client.hears(ok("resumed"));
    assert_eq!(world.started(), 2);
}
