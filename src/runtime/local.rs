//! `Home`: the thread a runtime belongs to, and the only door through which another thread reaches it. `Local`: a value that
//! only its home may touch, wherever the handle to it happens to be dropped.
//!
//! The cyclic garbage collector of Python runs on whichever thread allocates. An object of ours that it finds elsewhere
//! is queued for its home; it is never touched there.
#![allow(unsafe_code)]

use std::{
    any::Any,
    cell::UnsafeCell,
    collections::VecDeque,
    fmt,
    mem::ManuallyDrop,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

thread_local!(static MARK: u8 = const { 0 });

/// The address of a thread-local byte: no two live threads have the same, and reading it costs less than a thread id.
fn here() -> usize {
    MARK.with(|mark| std::ptr::from_ref(mark) as usize)
}

/// The identity of a runtime's thread, its queue of woken tasks, and its inbox for other threads.
pub(crate) struct Home {
    thread: usize,
    ready: UnsafeCell<VecDeque<usize>>,
    inbox: Mutex<Vec<Letter>>,
    inbox_full: AtomicBool,
    inbox_waker: mio::Waker,
}

/// What another thread may leave.
enum Letter {
    Wake(usize),
    Drop(#[expect(dead_code, reason = "it is held only to be dropped at home")] Box<dyn Any>),
}

// SAFETY: `ready` is touched only after `is_here` has said that this is the home thread. A letter is read and dropped only
// by the home thread, or, when that thread has ended, by nobody: `Home::drop` forgets what it finds elsewhere.
unsafe impl Send for Home {}
// SAFETY: as above; the inbox is behind a lock, the rest is immutable.
unsafe impl Sync for Home {}

impl Home {
    pub(super) fn new(inbox_waker: mio::Waker) -> Arc<Self> {
        Arc::new(Self {
            thread: here(),
            ready: UnsafeCell::default(),
            inbox: Mutex::default(),
            inbox_full: AtomicBool::new(false),
            inbox_waker,
        })
    }

    /// Whether the calling thread is the home thread. (A thread that reuses a dead thread's address cannot do harm: the
    /// owner is gone, so access is still exclusive.)
    pub(crate) fn is_here(&self) -> bool {
        self.thread == here()
    }

    /// Queues a woken task. Home thread only.
    pub(super) fn push_ready(&self, task: usize) {
        debug_assert!(self.is_here());
        // SAFETY: as in `pop_ready`; the only callers look at `is_here` first.
        unsafe { (*self.ready.get()).push_back(task) }
    }

    /// The same from another thread.
    pub(super) fn post_wake(&self, task: usize) {
        self.post(Letter::Wake(task));
    }

    /// The next woken task. Home thread only.
    pub(super) fn pop_ready(&self) -> Option<usize> {
        debug_assert!(self.is_here());
        // SAFETY: as in `push_ready`; the executor, which alone calls this, is not `Send`.
        unsafe { (*self.ready.get()).pop_front() }
    }

    /// How many tasks are woken. Home thread only.
    pub(super) fn ready_len(&self) -> usize {
        debug_assert!(self.is_here());
        // SAFETY: as in `pop_ready`.
        unsafe { (*self.ready.get()).len() }
    }

    fn post(&self, letter: Letter) {
        self.inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(letter);
        if !self.inbox_full.swap(true, Ordering::AcqRel) {
            // It fails only when the poller is gone, and then nobody will read the letter anyway.
            let _ = self.inbox_waker.wake();
        }
    }

    /// Reads the inbox: wakes what was woken elsewhere, drops what was dropped elsewhere. Home thread only.
    pub(super) fn collect(&self) {
        if !self.inbox_full.load(Ordering::Acquire) {
            return;
        }
        self.inbox_full.store(false, Ordering::Release);
        let letters =
            std::mem::take(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner));
        for letter in letters {
            if let Letter::Wake(task) = letter {
                self.push_ready(task);
            }
        }
    }

    /// Drops what other threads have left, whether or not a turn was asked for.
    pub(super) fn bury(&self) {
        self.inbox_full.store(true, Ordering::Release);
        self.collect();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.is_here() {
            // The values belong to a thread that is not this one: leaking them is the only thing that is safe.
            let letters =
                std::mem::take(self.inbox.get_mut().unwrap_or_else(PoisonError::into_inner));
            std::mem::forget(letters);
        }
    }
}

/// A value of the home thread. It can be carried anywhere and dropped anywhere; only its home can look inside.
pub(crate) struct Local<T: 'static> {
    value: ManuallyDrop<T>,
    home: Arc<Home>,
}

// SAFETY: the value is reached only through `try_ref`, which checks the thread, and is dropped only at home.
unsafe impl<T> Send for Local<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    /// `home` must be the calling thread's: a value that starts elsewhere could never be reached.
    pub(crate) fn new(home: &Arc<Home>, value: T) -> Self {
        debug_assert!(home.is_here());
        Self {
            value: ManuallyDrop::new(value),
            home: Arc::clone(home),
        }
    }

    /// The thread it belongs to.
    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// The value, or `None` on any other thread.
    pub(crate) fn try_ref(&self) -> Option<&T> {
        self.home.is_here().then_some(&*self.value)
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: `value` is not used again, this being its drop.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        if self.home.is_here() {
            drop(value);
        } else {
            self.home.post(Letter::Drop(Box::new(value)));
        }
    }
}

impl<T> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("here", &self.home.is_here())
            .finish_non_exhaustive()
    }
}
