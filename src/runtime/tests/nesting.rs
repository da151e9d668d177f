//! A runtime within a host loop: when a turn is asked for, and what a turn may do before it gives way.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};

use super::{Count, Recorder, Runtime};
use crate::runtime::{Deadline, TURN_TIME};

#[test]
fn host_is_asked_once_for_whatever_is_ready() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    assert_eq!(host.take_soon(), 0, "there is nothing to do");
    let task = runtime.spawn_forever(|_| ());
    runtime.spawn(async {});
    runtime.wake(task);
    assert_eq!(host.take_soon(), 1);
    runtime.whole_turn();
    assert_eq!(host.take_soon(), 0, "nothing is left");
    runtime.wake_all();
    assert_eq!(host.take_soon(), 1);
    assert_eq!(host.take_at(), []);
}

#[test]
fn host_is_asked_by_the_end_of_a_turn_and_not_within() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    runtime.spawn_forever({
        let (runtime, host) = (runtime.clone(), Rc::clone(&host));
        move |cx| {
            cx.waker().wake_by_ref();
            runtime.spawn(async {});
            assert_eq!(host.take_soon(), 0);
        }
    });
    assert_eq!(host.take_soon(), 1);
    runtime.whole_turn();
    assert_eq!(host.take_soon(), 1);
    assert_eq!(runtime.take_panics(), 0);
}

#[test]
fn host_that_comes_late_is_asked_for_what_is_ready() {
    let runtime = Runtime::new().unwrap();
    runtime.spawn(async {});
    assert_eq!(Recorder::nest(&runtime).take_soon(), 1);
    let host = Recorder::nest(&runtime);
    assert_eq!(
        host.take_soon(),
        1,
        "another host knows nothing of the one before"
    );
    runtime.nest(None);
    runtime.spawn(async {});
    assert_eq!(host.take_soon(), 0, "it was let go");
}

#[test]
fn turn_gives_way_when_its_time_is_up_and_asks_for_another() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    let order = Rc::new(RefCell::new(Vec::new()));
    let all = 5;
    for number in 0..all {
        let order = Rc::clone(&order);
        runtime.spawn(async move {
            // One poll takes all of a turn's time.
            let started = Instant::now();
            while started.elapsed() < TURN_TIME {
                std::hint::spin_loop();
            }
            order.borrow_mut().push(number);
        });
    }
    assert_eq!(host.take_soon(), 1);
    for turn in 1..=all {
        runtime.turn();
        assert!(
            order.borrow().iter().copied().eq(0..turn),
            "one a turn, in their order"
        );
        assert_eq!(
            host.take_soon(),
            usize::from(turn < all),
            "a turn for what is left"
        );
    }
}

#[test]
fn task_that_always_wakes_itself_starves_nobody() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    let (greedy, modest) = (Count::default(), Count::default());
    runtime.spawn_forever({
        let greedy = greedy.clone();
        move |cx| {
            greedy.add();
            cx.waker().wake_by_ref();
        }
    });
    let task = runtime.spawn_forever({
        let modest = modest.clone();
        move |_| modest.add()
    });
    for turn in 1..=5 {
        runtime.whole_turn();
        assert_eq!((greedy.now(), modest.now()), (turn, turn));
        assert!(host.take_soon() >= 1);
        runtime.wake(task);
    }
}

#[test]
fn task_spawned_by_a_task_waits_for_the_next_turn() {
    let runtime = Runtime::new().unwrap();
    let ran = Count::default();
    runtime.spawn({
        let (runtime, ran) = (runtime.clone(), ran.clone());
        async move {
            runtime.spawn(async move { ran.add() });
        }
    });
    runtime.whole_turn();
    assert_eq!(ran.now(), 0);
    runtime.whole_turn();
    assert_eq!(ran.now(), 1);
}

#[test]
fn turn_within_a_turn_serves_the_other_tasks() {
    let runtime = Runtime::new().unwrap();
    let (outer, other) = (Count::default(), Count::default());
    runtime.spawn_forever({
        let (runtime, outer, other) = (runtime.clone(), outer.clone(), other.clone());
        move |cx| {
            outer.add();
            cx.waker().wake_by_ref();
            // An application that runs the host's loop from within.
            runtime.whole_turn();
            assert!(runtime.is_turning());
            assert_eq!(other.now(), 1);
        }
    });
    runtime.spawn({
        let other = other.clone();
        async move { other.add() }
    });
    runtime.whole_turn();
    assert_eq!(outer.now(), 1);
    assert!(!runtime.is_turning());
    assert_eq!(runtime.take_panics(), 0);
}

#[test]
fn descriptor_becomes_readable_when_another_thread_wakes_a_task() {
    let runtime = Runtime::new().unwrap();
    let (polls, waker) = (Count::default(), Rc::new(RefCell::new(None)));
    runtime.spawn_forever({
        let (polls, waker) = (polls.clone(), Rc::clone(&waker));
        move |cx| {
            polls.add();
            *waker.borrow_mut() = Some(cx.waker().clone());
        }
    });
    runtime.whole_turn();
    // The host loop, which sleeps on the runtime's descriptor.
    let mut host = Poll::new().unwrap();
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&runtime);
    host.registry()
        .register(&mut SourceFd(&descriptor), Token(0), Interest::READABLE)
        .unwrap();
    let elsewhere = waker.borrow_mut().take().unwrap();
    let thread = std::thread::spawn(move || elsewhere.wake());
    let mut events = Events::with_capacity(1);
    host.poll(&mut events, Some(Duration::from_secs(20)))
        .unwrap();
    assert!(!events.is_empty());
    thread.join().unwrap();
    runtime.whole_turn();
    assert_eq!(polls.now(), 2);
}

#[test]
fn host_is_asked_for_a_deadline_only_when_it_is_the_next() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let set = {
        let deadlines = [Deadline::new(&runtime), Deadline::new(&runtime)];
        let orders: Rc<RefCell<Vec<(usize, Instant)>>> = Rc::default();
        let task = runtime.spawn_forever({
            let orders = Rc::clone(&orders);
            move |cx| {
                for (which, due) in orders.take() {
                    deadlines.get(which).unwrap().set(due, cx.waker());
                }
            }
        });
        let runtime = runtime.clone();
        move |which, due| {
            orders.borrow_mut().push((which, due));
            runtime.wake(task);
            runtime.whole_turn();
        }
    };
    set(0, at(10));
    assert_eq!(host.take_at(), [at(10)]);
    set(1, at(20));
    assert_eq!(host.take_at(), [], "a later one can wait");
    set(0, at(30));
    assert_eq!(host.take_at(), [], "moved later");
    set(1, at(5));
    assert_eq!(host.take_at(), [at(5)], "moved earlier");
    // One turn at the time asked for: what was moved has its entry looked at, and is asked for in its turn.
    runtime.turn_at(at(5));
    assert_eq!(host.take_at(), [at(10)]);
    runtime.turn_at(at(10));
    assert_eq!(host.take_at(), [at(20)], "a stale entry costs one turn");
    runtime.turn_at(at(20));
    assert_eq!(host.take_at(), [at(30)]);
    runtime.turn_at(at(30));
    assert_eq!(host.take_at(), []);
}

#[test]
fn host_that_fires_early_loses_no_deadline() {
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    let due = Instant::now() + Duration::from_secs(100);
    let fired = Count::default();
    let deadline = Deadline::new(&runtime);
    runtime.spawn_forever({
        let (fired, is_set) = (fired.clone(), std::cell::Cell::new(false));
        move |cx| {
            if is_set.replace(true) {
                fired.add();
            } else {
                deadline.set(due, cx.waker());
            }
        }
    });
    runtime.whole_turn();
    assert_eq!(host.take_at(), [due]);
    for early in [50_000, 1_000, 10] {
        runtime.turn_at(due.checked_sub(Duration::from_millis(early)).unwrap());
        assert_eq!(
            host.take_at(),
            [],
            "the call that was asked for is still to come"
        );
    }
    for early in [1_999, 1_000, 1] {
        runtime.turn_at(due.checked_sub(Duration::from_micros(early)).unwrap());
        assert_eq!(
            host.take_at(),
            [due],
            "this may have been the call that was asked for"
        );
        assert_eq!(fired.now(), 0);
    }
    runtime.turn_at(due);
    assert_eq!(fired.now(), 1);
    assert_eq!(host.take_at(), []);
}

#[test]
fn host_that_always_fires_early_still_serves_every_deadline() {
    // The same with the turn and the clock that are real: each request is honoured once, a millisecond early.
    let runtime = Runtime::new().unwrap();
    let host = Recorder::nest(&runtime);
    let fired = Count::default();
    let deadline = Deadline::new(&runtime);
    runtime.spawn_forever({
        let fired = fired.clone();
        move |cx| {
            fired.add();
            deadline.set(Instant::now() + Duration::from_millis(5), cx.waker());
        }
    });
    let started = Instant::now();
    let mut due = vec![started];
    while fired.now() < 4 {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "a deadline was lost"
        );
        due.extend(host.take_at());
        let early = Instant::now() + Duration::from_millis(1);
        let count = due.len();
        due.retain(|at| *at > early);
        if due.len() < count {
            runtime.turn();
        }
    }
}
