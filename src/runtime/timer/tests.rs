//! The queue of deadlines under simulated time, and hyper's timer under the real one.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
    time::{Duration, Instant},
};

use hyper::rt::Timer as _;

use super::{Clock, Deadline, Runtime};
use crate::runtime::tests::Count;

/// Counts how often it is woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Alarm {
    fn new() -> (Arc<Self>, Waker) {
        let alarm = Arc::new(Self::default());
        (Arc::clone(&alarm), Waker::from(alarm))
    }

    fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A runtime whose deadlines are looked at when the test says so.
struct Simulation {
    runtime: Runtime,
    start: Instant,
}

impl Simulation {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let start = runtime.now();
        Self { runtime, start }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    /// It is now so many seconds after the start.
    fn reach(&self, seconds: u64) {
        self.runtime.0.timers.tick(self.at(seconds));
        self.runtime.0.timers.expire();
    }

    fn queued(&self) -> usize {
        self.runtime.0.timers.queue.borrow().len()
    }
}

#[test]
fn deadline_wakes_once_when_its_time_has_come() {
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    let deadline = Deadline::new(&simulation.runtime);
    deadline.set(simulation.at(10), &waker);
    simulation.reach(9);
    assert_eq!(alarm.take(), 0);
    simulation.reach(10);
    assert_eq!(alarm.take(), 1);
    simulation.reach(100);
    assert_eq!(alarm.take(), 0);
    assert_eq!(simulation.queued(), 0);
}

#[test]
fn deadline_moved_later_costs_no_queue_entry() {
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    let deadline = Deadline::new(&simulation.runtime);
    for seconds in 10..1_000 {
        deadline.set(simulation.at(seconds), &waker);
        assert_eq!(simulation.queued(), 1);
    }
    simulation.reach(10);
    assert_eq!(alarm.take(), 0, "it was moved");
    assert_eq!(simulation.queued(), 1, "it was put back");
    assert_eq!(simulation.runtime.0.timers.next(), Some(simulation.at(999)));
    simulation.reach(999);
    assert_eq!(alarm.take(), 1);
}

#[test]
fn deadline_moved_earlier_wakes_then_and_not_again() {
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    let deadline = Deadline::new(&simulation.runtime);
    deadline.set(simulation.at(20), &waker);
    deadline.set(simulation.at(10), &waker);
    simulation.reach(10);
    assert_eq!(alarm.take(), 1);
    simulation.reach(20);
    assert_eq!(alarm.take(), 0);
    assert_eq!(simulation.queued(), 0);
}

#[test]
fn deadline_moved_to_and_fro_wakes_at_the_last_time_set() {
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    let deadline = Deadline::new(&simulation.runtime);
    for seconds in [20, 10, 30, 20, 25] {
        deadline.set(simulation.at(seconds), &waker);
    }
    for seconds in 1..25 {
        simulation.reach(seconds);
    }
    assert_eq!(alarm.take(), 0);
    assert_eq!(simulation.queued(), 1, "stale entries fall out");
    simulation.reach(25);
    assert_eq!(alarm.take(), 1);
    simulation.reach(100);
    assert_eq!(alarm.take(), 0);
}

#[test]
fn deadline_set_in_the_past_wakes_at_the_next_look() {
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    simulation.reach(10);
    let deadline = Deadline::new(&simulation.runtime);
    deadline.set(simulation.at(5), &waker);
    simulation.reach(10);
    assert_eq!(alarm.take(), 1);
}

#[test]
fn cleared_deadline_wakes_nobody_and_can_be_set_again() {
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    let deadline = Deadline::new(&simulation.runtime);
    deadline.set(simulation.at(10), &waker);
    deadline.clear();
    simulation.reach(10);
    assert_eq!(alarm.take(), 0);
    deadline.set(simulation.at(20), &waker);
    deadline.clear();
    deadline.set(simulation.at(30), &waker);
    simulation.reach(20);
    assert_eq!(alarm.take(), 0);
    simulation.reach(30);
    assert_eq!(alarm.take(), 1);
}

#[test]
fn deadline_wakes_whoever_set_it_last() {
    let simulation = Simulation::new();
    let ((first, first_waker), (last, last_waker)) = (Alarm::new(), Alarm::new());
    let deadline = Deadline::new(&simulation.runtime);
    deadline.set(simulation.at(10), &first_waker);
    deadline.set(simulation.at(20), &last_waker);
    simulation.reach(20);
    assert_eq!((first.take(), last.take()), (0, 1));
}

#[test]
fn deadline_dropped_while_queued_wakes_nobody_nor_the_heir_of_its_slot() {
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    let deadline = Deadline::new(&simulation.runtime);
    deadline.set(simulation.at(10), &waker);
    let key = deadline.key;
    drop(deadline);
    let heir = Deadline::new(&simulation.runtime);
    assert_eq!(heir.key, key);
    simulation.reach(9);
    heir.set(simulation.at(20), &waker);
    simulation.reach(10);
    assert_eq!(alarm.take(), 0);
    simulation.reach(20);
    assert_eq!(alarm.take(), 1);
    drop(heir);
    simulation.reach(100);
    assert_eq!((alarm.take(), simulation.queued()), (0, 0));
}

#[test]
fn hundreds_of_thousands_are_armed_and_moved() {
    const MANY: usize = 300_000;
    let (simulation, (alarm, waker)) = (Simulation::new(), Alarm::new());
    let mut deadlines: Vec<_> = (0..MANY)
        .map(|_| Deadline::new(&simulation.runtime))
        .collect();
    for seconds in [10, 20, 30] {
        for deadline in &deadlines {
            deadline.set(simulation.at(seconds), &waker);
        }
        assert_eq!(simulation.queued(), MANY);
    }
    simulation.reach(10);
    assert_eq!((alarm.take(), simulation.queued()), (0, MANY));
    deadlines.truncate(MANY / 3);
    simulation.reach(30);
    assert_eq!((alarm.take(), simulation.queued()), (MANY / 3, 0));
}

#[test]
fn clock_is_hypers_timer() {
    let runtime = Runtime::new().unwrap();
    let woken = Count::default();
    let clock = Clock::new(&runtime);
    let started = Instant::now();
    let time = Duration::from_millis(5);
    for sleep in [clock.sleep(time), clock.sleep_until(started + time)] {
        let woken = woken.clone();
        runtime.spawn(async move {
            sleep.await;
            woken.add();
        });
    }
    runtime.whole_turn();
    runtime.turn_until("the end of both sleeps", || woken.now() == 2);
    assert!(started.elapsed() >= time);
}

#[test]
fn sleep_that_is_over_is_ready_at_once() {
    let runtime = Runtime::new().unwrap();
    let woken = Count::default();
    let sleep = Clock::new(&runtime).sleep(Duration::ZERO);
    runtime.spawn({
        let woken = woken.clone();
        async move {
            sleep.await;
            woken.add();
        }
    });
    runtime.whole_turn();
    assert_eq!(woken.now(), 1);
}

#[test]
fn clock_and_sleeps_may_be_dropped_on_another_thread() {
    let runtime = Runtime::new().unwrap();
    let slots = || runtime.0.timers.slots.borrow().len();
    let clock = Clock::new(&runtime);
    let sleep = clock.sleep(Duration::from_secs(100));
    assert_eq!(slots(), 1);
    std::thread::spawn(move || {
        drop(clock.sleep(Duration::from_secs(100)));
        drop(sleep);
        drop(clock);
    })
    .join()
    .unwrap();
    assert_eq!(slots(), 1, "nothing is touched elsewhere");
    runtime.whole_turn();
    assert_eq!(slots(), 0);
}
