//! `Unwritten`: what of an answer has not left: hyper, or the stream under it, still holds it. Knows neither.

use std::cell::Cell;

pub(super) struct Unwritten(Cell<State>);

/// ```text
/// Nothing --head, piece, blocked--> Part --hyper has all of it--> Rest --hyper would go on--> Held
///    ^-------------written------------'---------------------------'----------------------------'
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Nothing,
    Part,
    /// All that is left. Over it hyper would be done with the connection, or begin the next request, as soon as it saw
    /// the end of this one.
    Rest,
    /// The same, and hyper has been kept from going on.
    Held,
}

impl Unwritten {
    pub(super) fn nothing() -> Self {
        Self(Cell::new(State::Nothing))
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0.get() == State::Nothing
    }

    /// Whether hyper has all of the answer, and only its bytes are still on their way out.
    pub(super) fn is_rest(&self) -> bool {
        matches!(self.0.get(), State::Rest | State::Held)
    }

    /// The same; hyper waits for that.
    pub(super) fn holds(&self) -> bool {
        let is_rest = self.is_rest();
        if is_rest {
            self.0.set(State::Held);
        }
        is_rest
    }

    /// hyper gets a part of an answer; whether there was nothing before it.
    pub(super) fn on_part(&self) -> bool {
        self.0.replace(State::Part) == State::Nothing
    }

    /// hyper has all of the answer.
    pub(super) fn on_answered(&self) {
        if !self.is_nothing() {
            self.0.set(State::Rest);
        }
    }

    /// A write is blocked: of an answer that hyper has all of, or not.
    pub(super) fn on_blocked(&self, is_answered: impl FnOnce() -> bool) {
        if self.is_nothing() {
            // The end of a stream, which finds the socket full; or an invitation to send a body.
            self.0.set(if is_answered() {
                State::Rest
            } else {
                State::Part
            });
        }
    }

    /// Everything has left; whether hyper waited for that.
    pub(super) fn on_written(&self) -> bool {
        self.0.replace(State::Nothing) == State::Held
    }
}
