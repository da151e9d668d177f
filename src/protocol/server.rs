//! `Server`: what all connections of one bridge share: settings, counters, and how far the end has come.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::StatusCode;
use hyper::rt::Timer;

use super::{Application, connection::Driver, defaults::Defaults, head::Head, http1, timeouts};
use crate::{
    runtime::{Clock, Runtime, TaskId, give_back},
    settings::Settings,
    transport::{Admission, Listener, Peer, Stream},
};

/// ```text
/// Serving --drain--> Draining --close--> Closing
///    `-----------------close-----------------^
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Serving,
    /// Nothing is accepted; what runs is finished, idle connections have a grace.
    Draining {
        since: Instant,
    },
    /// Every connection closes at once.
    Closing,
}

/// What any thread may read. Only the runtime's thread writes, so a load and a store do for an addition.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicUsize,
    answered: AtomicU64,
}

impl Counters {
    /// Open connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Responses handed over in full.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

/// So many parked connections hold some megabytes: worth the milliseconds that giving back may take.
const MANY: u32 = 500;
/// Connections of one burst park within about as long.
const MANY_PARK_WITHIN: Duration = Duration::from_secs(2);

/// The most memory that is kept of a head.
const SPARE: usize = 4096;
/// How much of a WebSocket is read at once.
const SCRATCH: usize = 64 * 1024;

/// The part that knows nothing of the application.
pub(crate) struct Shared {
    pub(super) runtime: Runtime,
    pub(super) settings: Settings,
    pub(super) defaults: Defaults,
    /// See [`timeouts::patience`].
    pub(super) patience: Duration,
    stage: Cell<Stage>,
    counters: Arc<Counters>,
    /// Connections that have parked since memory was last given back.
    parked: Cell<u32>,
    listeners: RefCell<Vec<TaskId>>,
    /// The memory of a head, or of frames, that have been written.
    spare: Cell<Vec<u8>>,
    /// What a WebSocket is read into; an idle one has no memory of its own for that.
    scratch: RefCell<Vec<u8>>,
}

/// The hand on one listener.
pub(crate) struct Accepting {
    runtime: Runtime,
    task: TaskId,
    is_stopped: Rc<Cell<bool>>,
}

impl Accepting {
    /// Closes the listener. What it has accepted goes on.
    pub(crate) fn stop(&self) {
        self.is_stopped.set(true);
        self.runtime.wake(self.task);
    }
}

/// One application, served.
pub(crate) struct Server<A> {
    pub(super) shared: Rc<Shared>,
    pub(super) application: A,
    http1: hyper::server::conn::http1::Builder,
}

impl<A: Application> Server<A> {
    pub(crate) fn new(runtime: Runtime, settings: Settings, application: A) -> Rc<Self> {
        let defaults = Defaults::new(&settings.headers, settings.date_header);
        let shared = Rc::new(Shared {
            patience: timeouts::patience(&settings),
            runtime,
            settings,
            defaults,
            stage: Cell::new(Stage::Serving),
            counters: Arc::default(),
            parked: Cell::new(0),
            listeners: RefCell::default(),
            spare: Cell::default(),
            scratch: RefCell::default(),
        });
        let http1 = http1::builder(&shared);
        Rc::new(Self {
            shared,
            application,
            http1,
        })
    }

    pub(crate) fn application(&self) -> &A {
        &self.application
    }

    /// Accepts from `listener` until the server drains, or what is returned is told to stop.
    pub(crate) fn listen(self: &Rc<Self>, listener: Listener) -> Accepting {
        let server = Rc::clone(self);
        let is_stopped = Rc::new(Cell::new(false));
        let is_over = Rc::clone(&is_stopped);
        let task = self.shared.runtime.spawn(async move {
            listener
                .run(
                    || match server.shared.admission() {
                        Admission::Open if is_over.get() => Admission::Last,
                        Admission::Full if is_over.get() => Admission::Closed,
                        admission => admission,
                    },
                    |stream, peer| server.serve(stream, peer),
                    |error| server.application.on_accept_trouble(error),
                )
                .await;
        });
        self.shared.listeners.borrow_mut().push(task);
        Accepting {
            runtime: self.shared.runtime.clone(),
            task,
            is_stopped,
        }
    }

    /// Serves one connection.
    pub(crate) fn serve(self: &Rc<Self>, stream: Stream, peer: Peer) {
        Driver::spawn(self, stream, peer);
    }

    pub(super) fn builder(&self) -> &hyper::server::conn::http1::Builder {
        &self.http1
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Shared {
    pub(crate) fn stage(&self) -> Stage {
        self.stage.get()
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Stops accepting and lets what runs finish.
    pub(crate) fn drain(&self) {
        if self.stage.get() == Stage::Serving {
            self.stage.set(Stage::Draining {
                since: Instant::now(),
            });
            self.runtime.wake_all();
        }
    }

    /// Closes every connection at once.
    pub(crate) fn close(&self) {
        self.stage.set(Stage::Closing);
        self.runtime.wake_all();
    }

    pub(super) fn is_draining(&self) -> bool {
        self.stage.get() != Stage::Serving
    }

    /// Memory to write into.
    pub(super) fn spare(&self) -> Vec<u8> {
        let mut spare = self.spare.take();
        spare.clear();
        spare
    }

    /// Shows memory to read into: what was read does not outlive `read`.
    pub(super) fn with_scratch<R>(&self, read: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut scratch = self.scratch.borrow_mut();
        if scratch.is_empty() {
            scratch.resize(SCRATCH, 0);
        }
        read(&mut scratch)
    }

    /// The beginning of a response: the status and the server's own fields.
    pub(super) fn head(&self, status: StatusCode) -> Head {
        Head::new(
            status,
            self.spare.take(),
            &self.defaults,
            self.runtime.now(),
        )
    }

    /// Gives memory that was written from back, for the next head: most are written before another is begun.
    pub(super) fn recycle(&self, buffer: Vec<u8>) {
        if buffer.capacity() <= SPARE {
            self.spare.set(buffer);
        }
    }

    pub(super) fn on_answered(&self) {
        self.counters
            .answered
            .store(self.counters.answered() + 1, Ordering::Relaxed);
    }

    pub(super) fn on_opened(&self) {
        self.counters
            .connections
            .store(self.counters.connections() + 1, Ordering::Relaxed);
    }

    pub(super) fn on_closed(&self) {
        let open = self.counters.connections();
        self.counters
            .connections
            .store(open.saturating_sub(1), Ordering::Relaxed);
        if open >= self.settings.connections {
            let listeners = self.listeners.borrow().clone();
            for task in listeners {
                self.runtime.wake(task);
            }
        }
    }

    /// A connection has let its buffers go. When many have, the memory goes back to the system a little later.
    pub(super) fn on_parked(self: &Rc<Self>) {
        self.parked.set(self.parked.get() + 1);
        if self.parked.get() == MANY {
            let shared = Rc::clone(self);
            let pause = Clock::new(&self.runtime).sleep(MANY_PARK_WITHIN);
            self.runtime.spawn(async move {
                pause.await;
                shared.parked.set(0);
                give_back();
            });
        }
    }

    fn admission(&self) -> Admission {
        let is_full = self.counters.connections() >= self.settings.connections;
        match self.stage.get() {
            Stage::Serving if is_full => Admission::Full,
            Stage::Serving => Admission::Open,
            Stage::Draining { .. } if !is_full => Admission::Last,
            Stage::Draining { .. } | Stage::Closing => Admission::Closed,
        }
    }
}
