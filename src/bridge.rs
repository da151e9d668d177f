//! `Bridge`: joins listening sockets, one application and the running loop; start, turn, drain, close.

use std::{
    cell::RefCell,
    collections::HashMap,
    os::fd::{AsRawFd, RawFd},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use pyo3::{
    exceptions::{PyOSError, PyRuntimeError},
    intern,
    prelude::*,
    types::PyDict,
};

use crate::{
    asgi::{Asgi, Options},
    interpreter::EventLoop,
    protocol::{Accepting, Counters, Local, Proxies, Server},
    runtime::{Host, Runtime},
    settings::Settings,
    transport::Listener,
};

/// Joins listening sockets, one ASGI application and the running event loop.
#[pyclass(frozen, module = "rsgi_bridge._core")]
pub(crate) struct Bridge {
    /// Gone once the bridge is closed: nothing of it may be left for another thread to drop.
    joined: Local<RefCell<Option<Rc<Joined>>>>,
    counters: Arc<Counters>,
    running: Arc<AtomicUsize>,
}

struct Joined {
    runtime: Runtime,
    server: Rc<Server<Rc<Asgi>>>,
    event_loop: Rc<EventLoop>,
    /// By the caller's descriptors.
    listeners: RefCell<HashMap<RawFd, Accepting>>,
    /// The descriptor that the loop watches, until the bridge is closed.
    watched: RefCell<Option<RawFd>>,
}

/// The loop, as the runtime asks it for turns.
struct LoopHost {
    event_loop: Rc<EventLoop>,
    turn: Py<PyAny>,
}

impl Host for LoopHost {
    fn call_soon(&self) {
        Python::attach(|py| report(py, self.event_loop.call_soon(py, self.turn.bind(py))));
    }

    fn call_at(&self, at: Instant) {
        let delay = at.saturating_duration_since(Instant::now());
        Python::attach(|py| {
            report(
                py,
                self.event_loop.call_later(py, delay, self.turn.bind(py)),
            );
        });
    }
}

/// It fails only when the loop is closed under the server, and then there is nobody to raise to.
fn report(py: Python<'_>, outcome: PyResult<()>) {
    if let Err(error) = outcome {
        error.write_unraisable(py, None);
    }
}

impl Bridge {
    /// What is joined; `None` once closed.
    fn joined(&self) -> PyResult<Option<Rc<Joined>>> {
        match self.joined.try_ref() {
            Some(joined) => Ok(joined.borrow().clone()),
            None => Err(PyRuntimeError::new_err(
                "called from another thread than the event loop's",
            )),
        }
    }
}

#[pymethods]
impl Bridge {
    #[new]
    #[pyo3(signature = (config, state, logger, access_logger, disconnected))]
    fn new(
        py: Python<'_>,
        config: &Bound<'_, PyAny>,
        state: Bound<'_, PyDict>,
        logger: Bound<'_, PyAny>,
        access_logger: Option<Bound<'_, PyAny>>,
        disconnected: Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let settings = Settings::parse(config)?;
        let event_loop = Rc::new(EventLoop::running(py)?);
        let runtime = Runtime::new()?;
        let options = Options {
            application: config.getattr(intern!(py, "loaded_app"))?,
            asgi_version: config.getattr(intern!(py, "asgi_version"))?.extract()?,
            root_path: config.getattr(intern!(py, "root_path"))?.extract()?,
            proxies: Proxies::new(settings.forwarding.as_ref()),
            concurrency: settings.concurrency,
            reset_context: config
                .getattr(intern!(py, "reset_contextvars"))?
                .extract()?,
            state,
            logger,
            access_logger,
            disconnected,
        };
        let asgi = Asgi::new(py, Rc::clone(&event_loop), runtime.home(), options)?;
        let server = Server::new(runtime.clone(), settings, asgi);
        let home = Arc::clone(runtime.home());
        Ok(Self {
            counters: Arc::clone(server.shared().counters()),
            running: Arc::clone(server.application().running()),
            joined: Local::new(
                &home,
                RefCell::new(Some(Rc::new(Joined {
                    runtime,
                    server,
                    event_loop,
                    listeners: RefCell::default(),
                    watched: RefCell::new(None),
                }))),
            ),
        })
    }

    /// Adopts a duplicate of a bound, listening socket and accepts from it.
    #[pyo3(signature = (fd, server_path=None))]
    fn listen(slf: &Bound<'_, Self>, fd: RawFd, server_path: Option<&str>) -> PyResult<()> {
        let Some(joined) = slf.get().joined()? else {
            return Err(PyRuntimeError::new_err("the bridge is closed"));
        };
        if fd < 0 {
            return Err(PyOSError::new_err("the socket is closed"));
        }
        joined.watch(slf)?;
        let listener = Listener::adopt(&joined.runtime, fd, server_path)?;
        let accepting = joined.server.listen(listener);
        joined.listeners.borrow_mut().insert(fd, accepting);
        Ok(())
    }

    /// Accepts no more from the socket that was given by this descriptor; its connections go on.
    fn unlisten(&self, fd: RawFd) -> PyResult<()> {
        if let Some(joined) = self.joined()? {
            let accepting = joined.listeners.borrow_mut().remove(&fd);
            if let Some(accepting) = accepting {
                accepting.stop();
            }
        }
        Ok(())
    }

    /// One turn of the runtime; the loop calls it.
    fn turn(&self, py: Python<'_>) -> PyResult<()> {
        let Some(joined) = self.joined()? else {
            return Ok(());
        };
        joined.event_loop.look_for_factory(py)?;
        let asgi = joined.server.application();
        asgi.in_fresh_context(py, || {
            joined.runtime.turn();
            Ok(())
        })?;
        let panics = joined.runtime.take_panics();
        if panics > 0 {
            let text = format!("{panics} connection(s) ended by an internal error of the server.");
            joined.server.application().log(py, "error", &text);
        }
        Ok(())
    }

    /// Stops accepting, closes the listeners, and lets what runs finish.
    fn drain(&self) -> PyResult<()> {
        if let Some(joined) = self.joined()? {
            joined.server.shared().drain();
        }
        Ok(())
    }

    /// Closes every connection at once.
    fn abort(&self) -> PyResult<()> {
        if let Some(joined) = self.joined()? {
            joined.server.shared().close();
        }
        Ok(())
    }

    /// Cancels every running call of the application; gives how many there were.
    fn cancel_tasks(&self, py: Python<'_>, message: &str) -> PyResult<usize> {
        match self.joined()? {
            Some(joined) => joined.server.application().cancel_all(py, message),
            None => Ok(0),
        }
    }

    /// Gives everything back: sockets, the loop's reader, every Python object. Once is enough; more does no harm.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(joined) = self.joined()? else {
            return Ok(());
        };
        self.joined.try_ref().map(RefCell::take);
        joined.server.shared().close();
        joined.runtime.nest(None);
        joined.runtime.close();
        joined.server.application().forget_all();
        if let Some(fd) = joined.watched.take() {
            joined.event_loop.cancel_timer(py)?;
            joined.event_loop.remove_reader(py, fd)?;
        }
        Ok(())
    }

    /// Open connections. Any thread may ask, as for the next two.
    #[getter]
    fn connections(&self) -> usize {
        self.counters.connections()
    }

    /// Running calls of the application.
    #[getter]
    fn tasks(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Completed responses.
    #[getter]
    fn total_requests(&self) -> u64 {
        self.counters.answered()
    }
}

impl Joined {
    /// Nests the runtime in the loop, the first time.
    fn watch(&self, bridge: &Bound<'_, Bridge>) -> PyResult<()> {
        if self.watched.borrow().is_some() {
            return Ok(());
        }
        let py = bridge.py();
        let turn = bridge.getattr(intern!(py, "turn"))?;
        let fd = self.runtime.as_raw_fd();
        self.event_loop.add_reader(py, fd, &turn)?;
        self.watched.replace(Some(fd));
        let host = LoopHost {
            event_loop: Rc::clone(&self.event_loop),
            turn: turn.unbind(),
        };
        self.runtime.nest(Some(Rc::new(host)));
        Ok(())
    }
}
