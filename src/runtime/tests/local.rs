//! Values of one thread whose handles die on another, and wakes that come from there.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    rc::Rc,
    sync::{Arc, Mutex, mpsc},
    thread::{self, ThreadId},
};

use super::Runtime;
use crate::runtime::Local;

/// Where values were dropped.
type Deaths = Arc<Mutex<Vec<ThreadId>>>;

/// Not `Send`, as what a `Local` holds.
struct Mortal(
    Deaths,
    #[expect(dead_code, reason = "makes it thread-bound")] Rc<()>,
);

impl Mortal {
    fn new(deaths: &Deaths) -> Self {
        Self(Arc::clone(deaths), Rc::default())
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(thread::current().id());
    }
}

fn drop_elsewhere<T: Send + 'static>(value: T) {
    thread::spawn(move || drop(value)).join().unwrap();
}

#[test]
fn value_dropped_at_home_is_dropped_at_once() {
    let runtime = Runtime::new().unwrap();
    let deaths = Deaths::default();
    drop(Local::new(runtime.home(), Mortal::new(&deaths)));
    assert_eq!(*deaths.lock().unwrap(), [thread::current().id()]);
}

#[test]
fn value_dropped_elsewhere_is_dropped_at_home_by_the_next_turn() {
    let runtime = Runtime::new().unwrap();
    let deaths = Deaths::default();
    drop_elsewhere(Local::new(runtime.home(), Mortal::new(&deaths)));
    assert!(
        deaths.lock().unwrap().is_empty(),
        "nobody may touch it elsewhere"
    );
    runtime.whole_turn();
    assert_eq!(*deaths.lock().unwrap(), [thread::current().id()]);
    runtime.whole_turn();
    assert_eq!(deaths.lock().unwrap().len(), 1);
}

#[test]
fn value_dropped_elsewhere_is_dropped_by_the_close_of_its_runtime() {
    let runtime = Runtime::new().unwrap();
    let deaths = Deaths::default();
    drop_elsewhere(Local::new(runtime.home(), Mortal::new(&deaths)));
    runtime.close();
    assert_eq!(*deaths.lock().unwrap(), [thread::current().id()]);
}

#[test]
fn value_dropped_elsewhere_is_dropped_at_home_with_its_runtime() {
    let runtime = Runtime::new().unwrap();
    let deaths = Deaths::default();
    drop_elsewhere(Local::new(runtime.home(), Mortal::new(&deaths)));
    drop(runtime);
    assert_eq!(*deaths.lock().unwrap(), [thread::current().id()]);
}

#[test]
fn many_threads_drop_at_once_and_all_values_die_at_home() {
    const THREADS: usize = 8;
    const EACH: usize = 500;
    let runtime = Runtime::new().unwrap();
    let deaths = Deaths::default();
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let values: Vec<_> = (0..EACH)
                .map(|_| Local::new(runtime.home(), Mortal::new(&deaths)))
                .collect();
            thread::spawn(move || drop(values))
        })
        .collect();
    runtime.turn_until("every death", || {
        deaths.lock().unwrap().len() == THREADS * EACH
    });
    for thread in threads {
        thread.join().unwrap();
    }
    let home = thread::current().id();
    assert!(deaths.lock().unwrap().iter().all(|place| *place == home));
}

#[test]
fn value_is_seen_at_home_only() {
    let runtime = Runtime::new().unwrap();
    let local = Local::new(runtime.home(), 7);
    assert_eq!(local.try_ref(), Some(&7));
    let local = thread::spawn(move || {
        assert_eq!(local.try_ref(), None);
        local
    })
    .join()
    .unwrap();
    assert_eq!(local.try_ref(), Some(&7));
}

#[test]
fn value_whose_home_has_ended_is_never_dropped() {
    let deaths = Deaths::default();
    let value = thread::spawn({
        let deaths = Arc::clone(&deaths);
        move || {
            let runtime = Runtime::new().unwrap();
            Local::new(runtime.home(), Mortal::new(&deaths))
        }
    })
    .join()
    .unwrap();
    drop(value);
    assert!(deaths.lock().unwrap().is_empty());
}

#[test]
fn value_left_for_a_home_that_ends_without_looking_is_never_dropped_elsewhere() {
    let deaths = Deaths::default();
    let (give, take) = mpsc::channel();
    let (finish, finished) = mpsc::channel::<()>();
    let home = thread::spawn({
        let deaths = Arc::clone(&deaths);
        move || {
            let runtime = Runtime::new().unwrap();
            let values = [(); 2].map(|()| Local::new(runtime.home(), Mortal::new(&deaths)));
            give.send(values).unwrap();
            finished.recv().unwrap();
        }
    });
    let [early, late] = take.recv().unwrap();
    // One handle dies while the home lives and does not turn; the other keeps the inbox until the home is gone.
    drop(early);
    finish.send(()).unwrap();
    home.join().unwrap();
    drop(late);
    assert!(deaths.lock().unwrap().is_empty());
}

#[test]
fn wake_for_a_home_that_has_ended_harms_nobody() {
    let waker = thread::spawn(|| {
        let runtime = Runtime::new().unwrap();
        let (give, take) = mpsc::channel();
        runtime.spawn_forever(move |cx| give.send(cx.waker().clone()).unwrap());
        runtime.whole_turn();
        take.recv().unwrap()
    })
    .join()
    .unwrap();
    waker.wake_by_ref();
    waker.wake();
}

#[test]
fn wakes_from_many_threads_all_arrive() {
    let runtime = Runtime::new().unwrap();
    let polls = super::Count::default();
    let (give, take) = mpsc::channel();
    for _ in 0..64 {
        let (polls, give) = (polls.clone(), give.clone());
        runtime.spawn_forever(move |cx| {
            polls.add();
            give.send(cx.waker().clone()).unwrap();
        });
    }
    runtime.whole_turn();
    assert_eq!(polls.take(), 64);
    let threads: Vec<_> = take
        .try_iter()
        .map(|waker| thread::spawn(move || waker.wake()))
        .collect();
    runtime.turn_until("every wake", || polls.now() == 64);
    for thread in threads {
        thread.join().unwrap();
    }
}
