//! Tasks, their wakers and the polling of ready ones. Knows nothing of descriptors or time.
//!
//! A task's future is out of its slot while it is polled: a wake that arrives meanwhile queues it again, a second poll
//! of it finds nothing. A panic costs the task that panicked.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use slab::Slab;

use super::{Runtime, local::Home};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Names a task of one runtime. The name of a task that has ended may be used again: polling or waking by a stale name
/// costs one needless poll and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskId(usize);

pub(super) struct Executor {
    home: Arc<Home>,
    slots: RefCell<Slab<Slot>>,
    panics: Cell<u64>,
    /// Nothing runs any more: a task that is being polled when this is set is dropped when its poll returns.
    closed: Cell<bool>,
}

struct Slot {
    /// `None` while it is being polled: then both are with whoever polls.
    task: Option<(Task, Waker)>,
    flag: Arc<TaskWaker>,
}

struct TaskWaker {
    task: usize,
    /// Whether the task is in the ready queue. Only the home thread looks at it: a wake from elsewhere is a letter.
    queued: AtomicBool,
    home: Arc<Home>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.home.is_here() {
            self.home.post_wake(self.task);
        } else if !self.queued.load(Ordering::Relaxed) {
            self.queued.store(true, Ordering::Relaxed);
            self.home.push_ready(self.task);
        }
    }
}

impl Executor {
    pub(super) fn new(home: Arc<Home>) -> Self {
        Self {
            home,
            slots: RefCell::default(),
            panics: Cell::new(0),
            closed: Cell::new(false),
        }
    }

    pub(super) fn spawn(&self, task: Task) -> TaskId {
        if self.closed.get() {
            self.drop_guarded(task);
            return TaskId(usize::MAX);
        }
        let mut slots = self.slots.borrow_mut();
        let entry = slots.vacant_entry();
        let id = entry.key();
        let flag = Arc::new(TaskWaker {
            task: id,
            queued: AtomicBool::new(false),
            home: Arc::clone(&self.home),
        });
        let waker = Waker::from(Arc::clone(&flag));
        entry.insert(Slot {
            task: Some((task, waker)),
            flag: Arc::clone(&flag),
        });
        drop(slots);
        flag.wake_by_ref();
        TaskId(id)
    }

    pub(super) fn ready_len(&self) -> usize {
        self.home.ready_len()
    }

    /// Polls the next ready task; false when there is none.
    pub(super) fn poll_next(&self) -> bool {
        match self.home.pop_ready() {
            Some(id) => {
                self.poll_slot(id);
                true
            }
            None => false,
        }
    }

    pub(super) fn poll(&self, task: TaskId) {
        if !self.poll_slot(task.0) {
            self.wake(task);
        }
    }

    pub(super) fn wake(&self, task: TaskId) {
        if let Some(slot) = self.slots.borrow().get(task.0) {
            slot.flag.wake_by_ref();
        }
    }

    pub(super) fn wake_all(&self) {
        for (_, slot) in self.slots.borrow().iter() {
            slot.flag.wake_by_ref();
        }
    }

    /// Drops every task, now or at the end of its poll, and runs none any more.
    pub(super) fn close(&self) {
        self.closed.set(true);
        loop {
            let next = self
                .slots
                .borrow()
                .iter()
                .find(|(_, slot)| slot.task.is_some())
                .map(|(id, _)| id);
            let Some(id) = next else { break };
            let slot = self.slots.borrow_mut().try_remove(id);
            self.drop_guarded(slot);
        }
    }

    pub(super) fn take_panics(&self) -> u64 {
        self.panics.replace(0)
    }

    /// False if the task is being polled further up the stack.
    fn poll_slot(&self, id: usize) -> bool {
        let (mut task, waker) = {
            let mut slots = self.slots.borrow_mut();
            let Some(slot) = slots.get_mut(id) else {
                return true;
            };
            // Whoever wakes it from here on must find it queued again.
            let Some(polled) = slot.task.take() else {
                return false;
            };
            slot.flag.queued.store(false, Ordering::Relaxed);
            polled
        };
        let mut cx = Context::from_waker(&waker);
        match catch_unwind(AssertUnwindSafe(|| {
            task.as_mut().poll(&mut cx).is_pending()
        })) {
            Ok(true) => {
                if !self.closed.get()
                    && let Some(slot) = self.slots.borrow_mut().get_mut(id)
                {
                    slot.task = Some((task, waker));
                    return true;
                }
                self.end(id, task);
            }
            outcome => {
                if outcome.is_err() {
                    self.panics.set(self.panics.get() + 1);
                }
                self.end(id, task);
            }
        }
        true
    }

    fn end(&self, id: usize, task: Task) {
        self.drop_guarded(task);
        let slot = self.slots.borrow_mut().try_remove(id);
        drop(slot);
    }

    fn drop_guarded<T>(&self, value: T) {
        if catch_unwind(AssertUnwindSafe(move || drop(value))).is_err() {
            self.panics.set(self.panics.get() + 1);
        }
    }
}

/// hyper's futures need not be `Send` here.
impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Runtime {
    fn execute(&self, future: F) {
        self.spawn(future);
    }
}
