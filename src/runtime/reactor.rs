//! The poller: which source became ready for what. Knows no tasks, only the wakers that sources have left.

use std::{
    cell::RefCell,
    io,
    os::fd::{AsRawFd, RawFd},
    rc::Rc,
    time::Duration,
};

use mio::{Events, Interest, Poll, Token, event};
use slab::Slab;

use super::source::Readiness;

/// Events taken by one call; the poller stays ready while more are due, so the host calls again.
const EVENTS: usize = 1024;
/// The token of the inbox, which needs no source: that the poller fired is all it says.
const INBOX: Token = Token(usize::MAX);

pub(super) struct Reactor {
    poll: RefCell<Poll>,
    events: RefCell<Events>,
    sources: RefCell<Slab<Rc<Readiness>>>,
}

impl Reactor {
    pub(super) fn new() -> io::Result<(Self, mio::Waker)> {
        let poll = Poll::new()?;
        let inbox_waker = mio::Waker::new(poll.registry(), INBOX)?;
        let reactor = Self {
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(EVENTS)),
            sources: RefCell::default(),
        };
        Ok((reactor, inbox_waker))
    }

    /// Watches `io` (edge-triggered); gives the token to hand to [`Reactor::forget`].
    pub(super) fn watch<T: event::Source>(
        &self,
        io: &mut T,
        interest: Interest,
        readiness: &Rc<Readiness>,
    ) -> io::Result<usize> {
        let mut sources = self.sources.borrow_mut();
        let entry = sources.vacant_entry();
        let token = entry.key();
        self.poll
            .borrow()
            .registry()
            .register(io, Token(token), interest)?;
        entry.insert(Rc::clone(readiness));
        Ok(token)
    }

    pub(super) fn forget<T: event::Source>(&self, io: &mut T, token: usize) {
        // It fails only for a descriptor that is not watched, which is what is wanted.
        let _ = self.poll.borrow().registry().deregister(io);
        let _ = self.sources.borrow_mut().try_remove(token);
    }

    /// Takes the events that are due and marks their sources; never waits.
    pub(super) fn collect(&self) -> io::Result<()> {
        let mut events = self.events.borrow_mut();
        loop {
            match self
                .poll
                .borrow_mut()
                .poll(&mut events, Some(Duration::ZERO))
            {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let sources = self.sources.borrow();
        for event in events.iter() {
            // An event for a source that was forgotten since finds nobody, or a newcomer that looks once in vain.
            if let Some(readiness) = sources.get(event.token().0) {
                readiness.on_event(event);
            }
        }
        Ok(())
    }
}

impl AsRawFd for Reactor {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.borrow().as_raw_fd()
    }
}
