//! `Home`: the thread a runtime belongs to, and the only door through which another thread reaches it. `Local`: a value that
//! only its home may touch, wherever the handle to it happens to be dropped.
//!
//! The cyclic garbage collector of Python runs on whichever thread allocates. An object of ours that it finds elsewhere
//! is queued for its home; it is never touched there.
#![allow(unsafe_code)]

use std::{
    any::Any,
    cell::{Cell, UnsafeCell},
    collections::VecDeque,
    fmt,
    mem::ManuallyDrop,
    ptr::NonNull,
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
    /// How many [`Local`]s there are. Together they are one owner of this: a request has several, and the loop's thread
    /// would count each of them twice with the whole machine's attention.
    locals: Cell<usize>,
}

/// What another thread may leave.
enum Letter {
    Wake(usize),
    Drop(Box<dyn Any>),
}

// SAFETY: `ready` and `locals` are touched only after `is_here` has said that this is the home thread. A letter is read and dropped only
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
            locals: Cell::new(0),
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
            match letter {
                Letter::Wake(task) => self.push_ready(task),
                Letter::Drop(value) => drop(value),
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
    home: NonNull<Home>,
}

// SAFETY: the value is reached only through `try_ref`, which checks the thread, and is dropped only at home.
unsafe impl<T> Send for Local<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    /// `home` must be the calling thread's: a value that starts elsewhere could never be reached.
    pub(crate) fn new(home: &Arc<Home>, value: T) -> Self {
        debug_assert!(home.is_here());
        let others = home.locals.get();
        home.locals.set(others + 1);
        if others == 0 {
            std::mem::forget(Arc::clone(home));
        }
        Self {
            value: ManuallyDrop::new(value),
            home: NonNull::from(&**home),
        }
    }

    /// The thread it belongs to.
    pub(crate) fn home(&self) -> Arc<Home> {
        // SAFETY: it came from an `Arc`, which lives as long as this is counted.
        unsafe {
            Arc::increment_strong_count(self.home.as_ptr());
            Arc::from_raw(self.home.as_ptr())
        }
    }

    fn is_here(&self) -> bool {
        // SAFETY: as in `home`.
        unsafe { self.home.as_ref() }.is_here()
    }

    /// The value, or `None` on any other thread.
    pub(crate) fn try_ref(&self) -> Option<&T> {
        self.is_here().then_some(&*self.value)
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: `value` is not used again, this being its drop.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        let counted = Counted(self.home);
        if self.is_here() {
            drop(value);
            drop(counted);
        } else {
            // An owner of its own: the letter may be read, and the last `Local` gone, before this has returned.
            let home = self.home();
            home.post(Letter::Drop(Box::new((value, counted))));
        }
    }
}

/// That a `Local` is counted. Dropped at home.
struct Counted(NonNull<Home>);

impl Drop for Counted {
    fn drop(&mut self) {
        // SAFETY: the `Home` lives as long as this is counted; the count is its home thread's, which this is.
        let home = unsafe { self.0.as_ref() };
        debug_assert!(home.is_here());
        let others = home.locals.get() - 1;
        home.locals.set(others);
        if others == 0 {
            // SAFETY: the first `Local` has left one owner uncounted by anybody else.
            unsafe { Arc::decrement_strong_count(self.0.as_ptr()) };
        }
    }
}

impl<T> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("here", &self.is_here())
            .finish_non_exhaustive()
    }
}
