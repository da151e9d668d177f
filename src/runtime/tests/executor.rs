//! Tasks and their wakers: nothing is lost, nothing is polled twice at once, a panic costs one task.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by panicking"
)]

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::Waker,
    thread,
};

use super::{Count, Runtime};
use crate::runtime::TaskId;

/// A task's name for itself, which it gets after it is spawned.
type Name = Rc<Cell<Option<TaskId>>>;

#[test]
fn waker_that_fires_during_its_own_poll_queues_the_task_again() {
    let runtime = Runtime::new().unwrap();
    let polls = Count::default();
    runtime.spawn_forever({
        let polls = polls.clone();
        move |cx| {
            polls.add();
            if polls.now() == 1 {
                cx.waker().wake_by_ref();
            }
        }
    });
    runtime.whole_turn();
    assert_eq!(polls.take(), 1);
    polls.add();
    runtime.whole_turn();
    assert_eq!(polls.take(), 2, "the wake was lost");
    runtime.whole_turn();
    assert_eq!(polls.now(), 0, "nobody woke it");
}

#[test]
fn wake_by_name_during_its_own_poll_queues_the_task_again() {
    let runtime = Runtime::new().unwrap();
    let (polls, name) = (Count::default(), Name::default());
    let task = runtime.spawn_forever({
        let (runtime, polls, name) = (runtime.clone(), polls.clone(), Rc::clone(&name));
        move |_| {
            polls.add();
            if polls.now() == 1 {
                runtime.wake(name.get().unwrap());
            }
        }
    });
    name.set(Some(task));
    runtime.whole_turn();
    assert_eq!(polls.now(), 1);
    runtime.whole_turn();
    assert_eq!(polls.now(), 2);
}

#[test]
fn wake_from_another_thread_during_its_own_poll_queues_the_task_again() {
    let runtime = Runtime::new().unwrap();
    let polls = Count::default();
    runtime.spawn_forever({
        let polls = polls.clone();
        move |cx| {
            polls.add();
            if polls.now() == 1 {
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake()).join().unwrap();
            }
        }
    });
    runtime.whole_turn();
    assert_eq!(polls.now(), 1);
    runtime.whole_turn();
    assert_eq!(polls.now(), 2);
}

#[test]
fn several_wakes_are_one_poll() {
    let runtime = Runtime::new().unwrap();
    let (polls, waker) = (Count::default(), Rc::new(RefCell::new(None)));
    let task = runtime.spawn_forever({
        let (polls, waker) = (polls.clone(), Rc::clone(&waker));
        move |cx| {
            polls.add();
            *waker.borrow_mut() = Some(cx.waker().clone());
        }
    });
    runtime.whole_turn();
    let known: Waker = waker.borrow_mut().take().unwrap();
    for _ in 0..10 {
        known.wake_by_ref();
        runtime.wake(task);
        runtime.wake_all();
    }
    runtime.whole_turn();
    runtime.whole_turn();
    assert_eq!(polls.now(), 2);
}

#[test]
fn task_is_polled_by_poll_now_without_a_turn() {
    let runtime = Runtime::new().unwrap();
    let polls = Count::default();
    let task = runtime.spawn_forever({
        let polls = polls.clone();
        move |_| polls.add()
    });
    runtime.poll_now(task);
    assert_eq!(polls.now(), 1);
    assert!(!runtime.is_turning());
}

#[test]
fn task_polled_further_up_is_only_woken_by_poll_now() {
    let runtime = Runtime::new().unwrap();
    let (polls, depth) = (Count::default(), Rc::new(Cell::new(0)));
    let (outer, calls_back) = (Name::default(), Count::default());
    // What the outer task calls calls it back, as an application's `send` does within a connection's poll.
    let inner = runtime.spawn_forever({
        let (runtime, outer, calls_back) = (runtime.clone(), Rc::clone(&outer), calls_back.clone());
        move |_| {
            if let Some(outer) = outer.take() {
                calls_back.add();
                runtime.poll_now(outer);
            }
        }
    });
    let task = runtime.spawn_forever({
        let (runtime, polls, depth) = (runtime.clone(), polls.clone(), Rc::clone(&depth));
        move |_| {
            depth.set(depth.get() + 1);
            assert_eq!(depth.get(), 1, "polled within its own poll");
            polls.add();
            runtime.poll_now(inner);
            depth.set(depth.get() - 1);
        }
    });
    runtime.whole_turn();
    polls.take();
    outer.set(Some(task));
    runtime.poll_now(task);
    assert_eq!((polls.now(), calls_back.now()), (1, 1));
    runtime.whole_turn();
    assert_eq!(polls.now(), 2, "the wake was lost");
    assert_eq!(runtime.take_panics(), 0);
}

#[test]
fn panic_costs_the_task_that_panicked() {
    let runtime = Runtime::new().unwrap();
    let (before, after, dropped) = (Count::default(), Count::default(), Count::default());
    let bystander = |count: &Count| {
        let count = count.clone();
        runtime.spawn_forever(move |_| count.add())
    };
    let first = bystander(&before);
    let guilty = runtime.spawn({
        let guard = OnDrop::new(&dropped);
        async move {
            let _guard = guard;
            panic!("on purpose");
        }
    });
    let last = bystander(&after);
    runtime.whole_turn();
    assert_eq!(runtime.take_panics(), 1);
    assert_eq!(runtime.take_panics(), 0);
    assert_eq!(dropped.now(), 1);
    for task in [first, guilty, last] {
        runtime.wake(task);
    }
    runtime.whole_turn();
    assert_eq!((before.now(), after.now()), (2, 2));
    assert_eq!(runtime.take_panics(), 0);
}

#[test]
fn panic_does_not_reach_who_polled_the_task_now() {
    let runtime = Runtime::new().unwrap();
    let task = runtime.spawn(async { panic!("on purpose") });
    runtime.poll_now(task);
    assert_eq!(runtime.take_panics(), 1);
    runtime.whole_turn();
    assert_eq!(runtime.take_panics(), 0);
}

#[test]
fn panic_in_a_drop_costs_the_task_that_owned_it() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let runtime = Runtime::new().unwrap();
    let ended = Count::default();
    for _ in 0..2 {
        let bomb = Bomb;
        runtime.spawn_forever(move |_| {
            let _bomb = &bomb;
        });
        let guard = OnDrop::new(&ended);
        runtime.spawn_forever(move |_| {
            let _guard = &guard;
        });
    }
    runtime.whole_turn();
    runtime.close();
    assert_eq!(runtime.take_panics(), 2);
    assert_eq!(ended.now(), 2);
}

#[test]
fn name_of_a_task_that_has_ended_harms_nobody() {
    let runtime = Runtime::new().unwrap();
    let ended = runtime.spawn(async {});
    runtime.whole_turn();
    runtime.wake(ended);
    runtime.poll_now(ended);
    let polls = Count::default();
    let heir = runtime.spawn_forever({
        let polls = polls.clone();
        move |_| polls.add()
    });
    assert_eq!(heir, ended, "the name is used again");
    runtime.whole_turn();
    runtime.poll_now(ended);
    assert_eq!(polls.now(), 2);
}

#[test]
fn waker_of_a_task_that_has_ended_harms_nobody() {
    let runtime = Runtime::new().unwrap();
    let waker = Rc::new(RefCell::new(None::<Waker>));
    runtime.spawn({
        let waker = Rc::clone(&waker);
        std::future::poll_fn(move |cx| {
            *waker.borrow_mut() = Some(cx.waker().clone());
            std::task::Poll::Ready(())
        })
    });
    runtime.whole_turn();
    waker.borrow_mut().take().unwrap().wake();
    runtime.whole_turn();
    assert_eq!(runtime.take_panics(), 0);
}

#[test]
fn close_drops_every_task_and_what_they_spawn_while_dropped() {
    let runtime = Runtime::new().unwrap();
    let (polled, dropped) = (Count::default(), Count::default());
    let respawning = OnDrop::calling({
        let (runtime, polled, dropped) = (runtime.clone(), polled.clone(), dropped.clone());
        move || {
            let (polled, guard) = (polled.clone(), OnDrop::new(&dropped));
            runtime.spawn_forever(move |_| {
                let _guard = &guard;
                polled.add();
            });
        }
    });
    runtime.spawn_forever(move |_| {
        let _respawning = &respawning;
    });
    let guard = OnDrop::new(&dropped);
    runtime.spawn_forever(move |_| {
        let _guard = &guard;
    });
    runtime.whole_turn();
    runtime.close();
    assert_eq!(dropped.now(), 2);
    runtime.whole_turn();
    assert_eq!(polled.now(), 0);
}

#[test]
fn task_that_closes_the_runtime_is_dropped_at_the_end_of_its_poll() {
    let runtime = Runtime::new().unwrap();
    let (polled, dropped) = (Count::default(), Count::default());
    let task = runtime.spawn_forever({
        let (runtime, polled, guard) = (runtime.clone(), polled.clone(), OnDrop::new(&dropped));
        let dropped = dropped.clone();
        move |cx| {
            let _guard = &guard;
            polled.add();
            cx.waker().wake_by_ref();
            runtime.close();
            assert_eq!(dropped.now(), 0, "dropped while it runs");
        }
    });
    runtime.whole_turn();
    assert_eq!((polled.now(), dropped.now()), (1, 1));
    runtime.wake(task);
    runtime.whole_turn();
    assert_eq!(polled.now(), 1);
    assert_eq!(runtime.take_panics(), 0);
}

/// Counts, or calls, when it is dropped.
struct OnDrop(Box<dyn Fn()>);

impl OnDrop {
    fn new(count: &Count) -> Self {
        let count = count.clone();
        Self::calling(move || count.add())
    }

    fn calling(act: impl Fn() + 'static) -> Self {
        Self(Box::new(act))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}
