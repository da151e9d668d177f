//! `Waiters`: who is to be called when there is something to look at.

use std::cell::RefCell;

/// Called once; what it finds may be nothing.
pub(crate) type Waiter = Box<dyn FnOnce()>;

/// Names one wait. No other of the same exchange has ever the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

#[derive(Default)]
pub(super) struct Waiters {
    waiting: Vec<(Ticket, Waiter)>,
    tickets: u64,
}

impl Waiters {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn add(&mut self, waiter: Waiter) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.push((ticket, waiter));
        ticket
    }

    /// Gives the waiter, to be dropped where nothing is borrowed.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Waiter> {
        let place = self
            .waiting
            .iter()
            .position(|(known, _)| *known == ticket)?;
        Some(self.waiting.swap_remove(place).1)
    }
}

/// Calls everybody; true if there was anybody.
pub(super) fn wake_all(waiters: &RefCell<Waiters>) -> bool {
    if waiters.borrow().is_empty() {
        return false;
    }
    let waiting = std::mem::take(&mut waiters.borrow_mut().waiting);
    for (_, waiter) in waiting {
        waiter();
    }
    true
}
