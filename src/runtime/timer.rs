//! Deadlines. Knows what time it is and whom to wake; never sleeps.
//!
//! A connection moves its deadline with every request and hardly ever reaches it. So moving one *later* only writes it
//! down: the queue entry that is already there is looked at when its time comes, and put back. Hundreds of thousands of
//! armed deadlines cost nothing per request; each costs one queue operation per period.

#[cfg(test)]
mod tests;

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::BinaryHeap,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use slab::Slab;

use super::{Runtime, local::Local};

pub(super) struct Timers {
    now: Cell<Instant>,
    queue: RefCell<BinaryHeap<Reverse<(Instant, usize)>>>,
    slots: RefCell<Slab<Slot>>,
}

#[derive(Default)]
struct Slot {
    /// When its owner wants to be woken.
    due: Option<Instant>,
    /// The queue entry that counts; others of this slot are stale and fall out when their time comes.
    queued: Option<Instant>,
    waker: Option<Waker>,
}

impl Timers {
    pub(super) fn new() -> Self {
        Self {
            now: Cell::new(Instant::now()),
            queue: RefCell::default(),
            slots: RefCell::default(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.now.get()
    }

    pub(super) fn tick(&self, now: Instant) {
        self.now.set(now);
    }

    /// When the first queue entry must be looked at.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.borrow().peek().map(|Reverse((at, _))| *at)
    }

    /// Wakes the owners of deadlines that have passed.
    pub(super) fn expire(&self) {
        let now = self.now.get();
        loop {
            let waker = {
                let mut queue = self.queue.borrow_mut();
                let Some(Reverse((at, key))) = queue.peek().copied() else {
                    return;
                };
                if at > now {
                    return;
                }
                queue.pop();
                let mut slots = self.slots.borrow_mut();
                let Some(slot) = slots.get_mut(key) else {
                    continue;
                };
                if slot.queued != Some(at) {
                    continue;
                }
                match slot.due {
                    Some(due) if due > now => {
                        slot.queued = Some(due);
                        queue.push(Reverse((due, key)));
                        None
                    }
                    due => {
                        slot.queued = None;
                        slot.due = None;
                        due.and_then(|_| slot.waker.take())
                    }
                }
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn set(&self, key: usize, due: Instant, waker: &Waker) {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(key) else {
            return;
        };
        if !slot
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            slot.waker = Some(waker.clone());
        }
        slot.due = Some(due);
        if slot.queued.is_none_or(|queued| due < queued) {
            slot.queued = Some(due);
            self.queue.borrow_mut().push(Reverse((due, key)));
        }
    }
}

/// One deadline that can be moved at will.
pub(crate) struct Deadline {
    timers: Rc<Timers>,
    key: usize,
}

impl Deadline {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let timers = Rc::clone(&runtime.0.timers);
        let key = timers.slots.borrow_mut().insert(Slot::default());
        Self { timers, key }
    }

    /// Wakes the task of `waker` at `due` (or a little later), once; replaces what was set before.
    pub(crate) fn set(&self, due: Instant, waker: &Waker) {
        self.timers.set(self.key, due, waker);
    }

    /// Nobody is woken.
    pub(crate) fn clear(&self) {
        if let Some(slot) = self.timers.slots.borrow_mut().get_mut(self.key) {
            slot.due = None;
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let slot = self.timers.slots.borrow_mut().try_remove(self.key);
        drop(slot);
    }
}

/// `hyper::rt::Timer` on this runtime.
#[derive(Debug)]
pub(crate) struct Clock(Local<Runtime>);

impl Clock {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        Self(Local::new(runtime.home(), runtime.clone()))
    }
}

impl hyper::rt::Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, due: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        // hyper's connections never leave the runtime's thread; elsewhere the sleep simply never ends.
        let deadline = self
            .0
            .try_ref()
            .map(|runtime| Local::new(runtime.home(), Deadline::new(runtime)));
        Box::pin(Sleep { due, deadline })
    }
}

/// Ready once `due` has passed.
struct Sleep {
    due: Instant,
    deadline: Option<Local<Deadline>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.due {
            return Poll::Ready(());
        }
        if let Some(deadline) = self.deadline.as_ref().and_then(Local::try_ref) {
            deadline.set(self.due, cx.waker());
        }
        Poll::Pending
    }
}

impl hyper::rt::Sleep for Sleep {}
