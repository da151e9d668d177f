//! What the tests of this and higher layers share: a recorded host, a clock that the test moves, a bounded wait.

mod executor;
mod local;
mod nesting;

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{Host, Runtime};

/// How long the machine may take for what it always does in the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A host loop that only writes down what it was asked for.
#[derive(Default)]
pub(crate) struct Recorder {
    soon: Cell<usize>,
    at: RefCell<Vec<Instant>>,
}

impl Recorder {
    pub(crate) fn nest(runtime: &Runtime) -> Rc<Self> {
        let recorder = Rc::new(Self::default());
        runtime.nest(Some(Rc::<Self>::clone(&recorder)));
        recorder
    }

    /// How often a turn was asked for since the last call.
    pub(crate) fn take_soon(&self) -> usize {
        self.soon.take()
    }

    /// The times that were asked for since the last call.
    pub(crate) fn take_at(&self) -> Vec<Instant> {
        self.at.take()
    }
}

impl Host for Recorder {
    fn call_soon(&self) {
        self.soon.set(self.soon.get() + 1);
    }

    fn call_at(&self, at: Instant) {
        self.at.borrow_mut().push(at);
    }
}

impl Runtime {
    /// A turn at a time of the test's choosing. Without the budget, which is of real time.
    pub(crate) fn turn_at(&self, now: Instant) {
        let inner = &self.0;
        inner.turning.set(inner.turning.get() + 1);
        inner.soon_asked.set(false);
        inner.home.collect();
        assert!(inner.reactor.collect().is_ok());
        inner.timers.tick(now);
        inner.timers.expire();
        if inner
            .asked_at
            .get()
            .is_some_and(|at| at <= now + super::HOST_RESOLUTION)
        {
            inner.asked_at.set(None);
        }
        for _ in 0..inner.executor.ready_len() {
            inner.executor.poll_next();
        }
        inner.turning.set(inner.turning.get() - 1);
        self.ask_host();
    }

    /// A turn that polls whatever is ready: however busy the machine is, none of it is left for the next one.
    pub(crate) fn whole_turn(&self) {
        self.turn_at(Instant::now());
    }

    /// Does something as if in a turn at that time.
    pub(crate) fn act_at<R>(&self, now: Instant, act: impl FnOnce() -> R) -> R {
        let inner = &self.0;
        inner.turning.set(inner.turning.get() + 1);
        inner.timers.tick(now);
        let outcome = act();
        inner.turning.set(inner.turning.get() - 1);
        self.ask_host();
        outcome
    }

    /// Turns until `is_reached`; panics when it never is.
    pub(crate) fn turn_until(&self, what: &str, mut is_reached: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is_reached() {
            assert!(started.elapsed() < PATIENCE, "never came: {what}");
            self.turn();
            std::thread::yield_now();
        }
    }

    /// Spawns a task that never ends and calls `poll` each time it is polled.
    pub(crate) fn spawn_forever(
        &self,
        mut poll: impl FnMut(&mut Context<'_>) + 'static,
    ) -> super::TaskId {
        self.spawn(poll_fn(move |cx| {
            poll(cx);
            Poll::Pending
        }))
    }
}

/// A number that a test and its tasks share.
#[derive(Clone, Default)]
pub(crate) struct Count(Rc<Cell<usize>>);

impl Count {
    pub(crate) fn add(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub(crate) fn now(&self) -> usize {
        self.0.get()
    }

    pub(crate) fn take(&self) -> usize {
        self.0.take()
    }
}
