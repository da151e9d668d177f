//! A single-threaded async runtime that lives inside someone else's event loop.
//!
//! It owns a poller whose descriptor the host loop watches. When it fires, the host calls [`Runtime::turn`]: collect
//! events, wake tasks, poll ready tasks within a budget, ask the host for the next call. A turn never blocks.
//!
//! Contract: no borrow of this layer's state is held while a task is polled or dropped, so a task may spawn, wake,
//! arm deadlines, poll another task ([`Runtime::poll_now`]) or even run a nested turn. Knows no transport and no HTTP.

mod executor;
mod local;
mod memory;
mod reactor;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod timer;

use std::{
    cell::{Cell, RefCell},
    io,
    os::fd::{AsRawFd, RawFd},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use executor::TaskId;
pub(crate) use local::{Home, Local};
pub(crate) use memory::give_back;
pub(crate) use source::{Readiness, Source, duplicate, is_listening};
pub(crate) use timer::{Clock, Deadline};

use executor::Executor;
use reactor::Reactor;
use timer::Timers;

/// The loop that this runtime is nested in.
pub(crate) trait Host {
    /// Calls [`Runtime::turn`] again after the callbacks that the host loop has already queued.
    fn call_soon(&self);
    /// Calls [`Runtime::turn`] at `at`; replaces an earlier request.
    fn call_at(&self, at: Instant);
}

/// How much one turn may do before the host's own callbacks get their go.
///
/// 64 framework calls are 8 ms of Python: a turn that serves every ready connection would hold up timers and other
/// tasks for as long. Four milliseconds is under one frame of anything a person can see, and long enough that the
/// price of a host iteration (about 5 us) disappears.
const TURN_TIME: Duration = Duration::from_millis(4);

/// Host loops round a delay to milliseconds, in either direction (libuv's timers).
const HOST_RESOLUTION: Duration = Duration::from_millis(2);

/// A handle to the runtime of one thread; clones are the same runtime.
#[derive(Clone)]
pub(crate) struct Runtime(Rc<Inner>);

struct Inner {
    home: Arc<Home>,
    reactor: Rc<Reactor>,
    timers: Rc<Timers>,
    executor: Executor,
    host: RefCell<Option<Rc<dyn Host>>>,
    /// Nesting depth of `turn`: a task that runs the host loop from within causes a second level.
    turning: Cell<u32>,
    soon_asked: Cell<bool>,
    asked_at: Cell<Option<Instant>>,
}

impl Runtime {
    /// Opens the poller.
    pub(crate) fn new() -> io::Result<Self> {
        let (reactor, inbox_waker) = Reactor::new()?;
        let home = Home::new(inbox_waker);
        Ok(Self(Rc::new(Inner {
            executor: Executor::new(Arc::clone(&home)),
            home,
            reactor: Rc::new(reactor),
            timers: Rc::new(Timers::new()),
            host: RefCell::new(None),
            turning: Cell::new(0),
            soon_asked: Cell::new(false),
            asked_at: Cell::new(None),
        })))
    }

    /// Whom to ask for the next turn. Until one is set, and after `None`, the caller turns by itself.
    pub(crate) fn nest(&self, host: Option<Rc<dyn Host>>) {
        self.0.soon_asked.set(false);
        self.0.asked_at.set(None);
        let old = self.0.host.replace(host);
        drop(old);
        self.ask_host();
    }

    /// The thread this runtime belongs to, and the way back to it from another.
    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.0.home
    }

    /// A time at most one poll old: read once per turn, not once per request.
    pub(crate) fn now(&self) -> Instant {
        self.0.timers.now()
    }

    /// Whether a turn is under way on this thread.
    pub(crate) fn is_turning(&self) -> bool {
        self.0.turning.get() > 0
    }

    /// Starts a task; it is first polled by the next turn.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        let id = self.0.executor.spawn(Box::pin(future));
        self.ask_host_outside_of_turns();
        id
    }

    /// Polls a task here and now, unless it is being polled further up the stack: then it is only woken.
    ///
    /// This is how bytes leave in the very call that produced them.
    pub(crate) fn poll_now(&self, task: TaskId) {
        if !self.is_turning() {
            self.0.timers.tick(Instant::now());
        }
        self.0.executor.poll(task);
        // Also within a turn: the caller may run the host loop from within it, and then that turn's end is far.
        self.ask_host();
    }

    /// Wakes a task.
    pub(crate) fn wake(&self, task: TaskId) {
        self.0.executor.wake(task);
        self.ask_host_outside_of_turns();
    }

    /// Wakes every task: something that concerns them all has changed.
    pub(crate) fn wake_all(&self) {
        self.0.executor.wake_all();
        self.ask_host_outside_of_turns();
    }

    /// Drops every task, and with them what they own; nothing runs any more.
    pub(crate) fn close(&self) {
        self.0.executor.close();
        self.0.home.bury();
    }

    /// One turn: events, deadlines, then ready tasks within the budget.
    pub(crate) fn turn(&self) {
        self.0.turning.set(self.0.turning.get() + 1);
        self.0.soon_asked.set(false);
        self.0.home.collect();
        if let Err(error) = self.0.reactor.collect() {
            // EINTR is retried inside; anything else means that the poller itself is broken. Tasks that are ready
            // still run, and the next turn tries again.
            debug_assert!(false, "poller: {error}");
        }
        let started = Instant::now();
        self.0.timers.tick(started);
        self.0.timers.expire();
        if self
            .0
            .asked_at
            .get()
            .is_some_and(|at| at <= started + HOST_RESOLUTION)
        {
            // This turn may be the one that was asked for, come a little early: what is still due is asked for again.
            self.0.asked_at.set(None);
        }
        let enough = started + TURN_TIME;
        let mut polls = self.0.executor.ready_len();
        while polls > 0 && self.0.executor.poll_next() {
            polls -= 1;
            let now = Instant::now();
            self.0.timers.tick(now);
            if now >= enough {
                break;
            }
        }
        self.0.turning.set(self.0.turning.get() - 1);
        self.ask_host();
    }

    /// How many tasks panicked since the last call.
    pub(crate) fn take_panics(&self) -> u64 {
        self.0.executor.take_panics()
    }

    /// A turn asks at its end for whatever its tasks have left.
    fn ask_host_outside_of_turns(&self) {
        if !self.is_turning() {
            self.ask_host();
        }
    }

    /// Asks the host for the turn that what is queued needs, once.
    fn ask_host(&self) {
        let Some(host) = self.0.host.borrow().clone() else {
            return;
        };
        if self.0.executor.ready_len() > 0 {
            if !self.0.soon_asked.replace(true) {
                host.call_soon();
            }
            return;
        }
        if let Some(at) = self.0.timers.next() {
            // A call that comes too early costs one turn; one that is already asked for is never moved later.
            if self.0.asked_at.get().is_none_or(|asked| at < asked) {
                self.0.asked_at.set(Some(at));
                host.call_at(at);
            }
        }
    }
}

impl AsRawFd for Runtime {
    fn as_raw_fd(&self) -> RawFd {
        self.0.reactor.as_raw_fd()
    }
}
