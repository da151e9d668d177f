//! `Keepalive`: when a silent peer is pinged, and when it has been silent for too long. Knows the time only as it is
//! told.

use std::time::{Duration, Instant};

pub(super) struct Keepalive {
    /// Between two pings.
    interval: Duration,
    /// How long a pong may take; `None` for ever.
    timeout: Option<Duration>,
    pinged: Instant,
    is_answered: bool,
    /// Nothing was read when somebody last looked.
    is_deaf: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    GiveUp,
}

impl Keepalive {
    /// Begins to count at `now`, as if a ping had just been answered.
    pub(super) fn new(interval: Duration, timeout: Option<Duration>, now: Instant) -> Self {
        Self {
            interval,
            timeout,
            pinged: now,
            is_answered: true,
            is_deaf: false,
        }
    }

    pub(super) fn on_ping(&mut self, now: Instant) {
        self.pinged = now;
        self.is_answered = false;
    }

    /// The pong has come. The next ping is due an interval after the last, whenever that was answered.
    pub(super) fn on_pong(&mut self) {
        self.is_answered = true;
    }

    /// Nothing can be heard at `now`: an answer is given its time from when it can.
    pub(super) fn on_deaf(&mut self, now: Instant) {
        self.is_deaf = true;
        self.pinged = now;
    }

    /// The peer could be heard at `now`, if it said something.
    pub(super) fn on_hearing(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_deaf) {
            self.pinged = now;
        }
    }

    /// What is due next, and when.
    pub(super) fn next(&self) -> (Instant, Due) {
        match self.timeout {
            Some(timeout) if !self.is_answered => (self.pinged + timeout, Due::GiveUp),
            // Without a time-out nobody waits for the pong.
            _ => (self.pinged + self.interval, Due::Ping),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(20);
    const TIMEOUT: Duration = Duration::from_secs(5);

    #[test]
    fn a_ping_is_due_an_interval_after_the_last_one_whenever_it_was_answered() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(INTERVAL, Some(TIMEOUT), start);
        assert_eq!(keepalive.next(), (start + INTERVAL, Due::Ping));
        let pinged = start + INTERVAL;
        keepalive.on_ping(pinged);
        assert_eq!(keepalive.next(), (pinged + TIMEOUT, Due::GiveUp));
        keepalive.on_pong();
        assert_eq!(keepalive.next(), (pinged + INTERVAL, Due::Ping));
    }

    #[test]
    fn without_a_timeout_pings_go_on_unanswered() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(INTERVAL, None, start);
        keepalive.on_ping(start);
        assert_eq!(keepalive.next(), (start + INTERVAL, Due::Ping));
    }

    #[test]
    fn while_nothing_is_read_no_pong_is_missed() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(INTERVAL, Some(TIMEOUT), start);
        keepalive.on_ping(start);
        keepalive.on_deaf(start + INTERVAL);
        assert_eq!(keepalive.next(), (start + INTERVAL + TIMEOUT, Due::GiveUp));
        // The last look that found it deaf may be long ago.
        let heard = start + INTERVAL + TIMEOUT;
        keepalive.on_hearing(heard);
        keepalive.on_hearing(heard + TIMEOUT);
        assert_eq!(keepalive.next(), (heard + TIMEOUT, Due::GiveUp));
    }
}
