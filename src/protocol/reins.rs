//! `Reins`: the hand on the task that drives a connection, for whatever the connection serves. Knows nothing of what the
//! driver does when it is polled.

use std::{cell::Cell, rc::Rc};

use crate::runtime::{Runtime, TaskId};

/// Who is polling the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polling {
    Nobody,
    /// The runtime, in a turn: new requests may start.
    Turn,
    /// A `send` or `receive` of the application: new requests wait for the next turn.
    Inline,
}

pub(super) struct Reins {
    runtime: Runtime,
    task: Cell<Option<TaskId>>,
    polling: Cell<Polling>,
    /// The next poll is an inline one.
    inline: Cell<bool>,
    /// Something changed while the connection was being polled: the driver must look again.
    stirred: Cell<bool>,
}

impl Reins {
    pub(super) fn new(runtime: &Runtime) -> Rc<Self> {
        Rc::new(Self {
            runtime: runtime.clone(),
            task: Cell::new(None),
            polling: Cell::new(Polling::Nobody),
            inline: Cell::new(false),
            stirred: Cell::new(false),
        })
    }

    pub(super) fn set_task(&self, task: TaskId) {
        self.task.set(Some(task));
    }

    /// The driver ends: its name may be another's next.
    pub(super) fn forget_task(&self) {
        self.task.set(None);
    }

    /// The driver's poll begins; the guard ends it, whatever happens.
    pub(super) fn enter(self: &Rc<Self>) -> PollGuard {
        self.polling.set(if self.inline.get() {
            Polling::Inline
        } else {
            Polling::Turn
        });
        PollGuard(Rc::clone(self))
    }

    pub(super) fn polling(&self) -> Polling {
        self.polling.get()
    }

    pub(super) fn is_polled(&self) -> bool {
        self.polling.get() != Polling::Nobody
    }

    /// The application did something: the connection is polled now, or again if it is being polled.
    pub(super) fn kick(&self) {
        if self.is_polled() {
            self.stirred.set(true);
            return;
        }
        let Some(task) = self.task.get() else { return };
        self.inline.set(true);
        self.runtime.poll_now(task);
        self.inline.set(false);
    }

    /// The connection is polled again by a turn.
    pub(super) fn wake(&self) {
        if let Some(task) = self.task.get() {
            self.runtime.wake(task);
        }
    }

    /// The driver is to look again before it rests.
    pub(super) fn stir(&self) {
        self.stirred.set(true);
    }

    pub(super) fn take_stirred(&self) -> bool {
        self.stirred.replace(false)
    }
}

/// The driver is polling the connection for as long as this lives.
pub(super) struct PollGuard(Rc<Reins>);

impl Drop for PollGuard {
    fn drop(&mut self) {
        self.0.polling.set(Polling::Nobody);
    }
}
