//! `Conversation`: what an HTTP exchange and a WebSocket session are to the application call that serves them: somebody to
//! receive from and send to, who is told how the call ended.

use std::{rc::Rc, sync::Arc};

use pyo3::prelude::*;

use super::{Asgi, Raised};
use crate::protocol::{Home, Ticket, Waiter};

pub(super) trait Conversation: 'static {
    fn asgi(&self) -> &Rc<Asgi>;

    /// The thread that it belongs to.
    fn home(&self) -> &Arc<Home>;

    /// Whether a turn is under way: then nothing else runs on this thread but what the turn itself called.
    fn is_turning(&self) -> bool;

    /// The next event for the application, if there is one now.
    fn try_receive<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>>;

    /// Carries a message of the application's out, or raises.
    fn send(&self, message: &Bound<'_, PyAny>) -> PyResult<Sent>;

    /// Whether the peer keeps up: when not, the application should wait.
    fn has_room(&self) -> bool;

    /// Calls `waiter` when `try_receive` may have something, unless it is forgotten before.
    fn wait_receive(&self, waiter: Waiter) -> Ticket;

    fn forget_receive(&self, ticket: Ticket);

    /// Calls `waiter` when there may be room, unless it is forgotten before.
    fn wait_room(&self, waiter: Waiter) -> Ticket;

    fn forget_room(&self, ticket: Ticket);

    /// The application's own coroutine is being stepped for as long as what is returned lives.
    fn on_stepping(&self) -> Option<Raised<'_>> {
        None
    }

    /// The application waits.
    fn on_suspended(&self, _py: Python<'_>) {}

    /// The application returned `value`.
    fn on_returned(&self, py: Python<'_>, value: &Bound<'_, PyAny>);

    /// The application raised.
    fn on_raised(&self, py: Python<'_>, error: &PyErr);

    /// The application is gone, and has not said how.
    fn end(&self, py: Python<'_>);
}

/// What a `send` leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Done,
    /// The peer does not keep up.
    Wait,
    /// Nobody will read it. A stream that never ends must not keep the loop to itself for that.
    Nowhere,
    /// Something is held until the application waits, and nobody will see that: it is told of when the loop comes to it.
    Held,
}
