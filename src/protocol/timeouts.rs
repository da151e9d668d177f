//! `Timeouts`: when something on a connection has taken too long, and what then becomes of it. Touches nothing: the
//! driver does what is due.

use std::time::{Duration, Instant};

use http::StatusCode;

use super::{Exchange, link::Link, server::Stage};
use crate::settings::Settings;

/// Idle for so long, a connection gives its buffers back: hyper's for reading alone is 8 KiB. Building them anew costs
/// something too, so a busy connection must not park between its requests.
const PARK_AFTER: Duration = Duration::from_secs(1);
/// How long a request that was on its way when the drain began may take to arrive.
const DRAIN_GRACE: Duration = Duration::from_millis(500);
/// An unwanted body is read and dropped for so long (nginx's `lingering_time`), then the connection closes.
const DISCARD: Duration = Duration::from_secs(30);
/// The time over which `--min-request-body-rate` is measured.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// The least time in which anything can become due that has not begun yet.
pub(super) fn patience(settings: &Settings) -> Duration {
    let times = [
        Some(settings.keep_alive),
        settings.request_header,
        settings.request_body,
        settings.write,
    ];
    times.into_iter().flatten().fold(PARK_AFTER, Duration::min)
}

/// What is to be done when a time has come.
pub(super) enum Due {
    Park,
    Close,
    Refuse(StatusCode),
    Reset,
}

/// Whether hyper's connection, with its buffers, exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IsActive(pub(super) bool);

pub(super) struct Timeouts {
    /// When the connection was opened or last became idle, and how many requests had been answered then.
    quiet: Option<(Instant, u64)>,
    discard_since: Option<Instant>,
}

impl Timeouts {
    pub(super) fn new(opened: Instant) -> Self {
        Self {
            quiet: Some((opened, 0)),
            discard_since: None,
        }
    }

    /// A body that nobody wants is being read.
    pub(super) fn on_discarding(&mut self, now: Instant) {
        self.discard_since.get_or_insert(now);
    }

    pub(super) fn on_discarded(&mut self) {
        self.discard_since = None;
    }

    /// Something came that was no request.
    pub(super) fn on_stirred(&mut self) {
        self.quiet = None;
    }

    /// Whether nothing can be due before `armed`, so that nothing need be worked out: whatever has begun since that was
    /// found cannot be due before the least of all time-outs has passed.
    pub(super) fn may_rest_until(&mut self, armed: Instant, link: &Link) -> bool {
        let shared = &link.shared;
        let now = shared.runtime.now();
        if armed <= now
            || armed > now + shared.patience
            || shared.stage() != Stage::Serving
            || link.is_unflushed()
            || link.has_rest()
        {
            return false;
        }
        let answered = link.answered();
        self.quiet = match self.quiet {
            _ if link.has_exchange() => None,
            Some((since, before)) if before == answered => Some((since, before)),
            _ => Some((now, answered)),
        };
        true
    }

    /// What is due next, and when.
    pub(super) fn next(&mut self, link: &Link, is_active: IsActive) -> Option<(Instant, Due)> {
        let shared = &link.shared;
        let now = shared.runtime.now();
        let settings = &shared.settings;
        let after = |since: Option<Instant>, time: Option<Duration>| {
            since.zip(time).map(|(since, time)| since + time)
        };
        let write = after(link.write_blocked_since(), settings.write).map(|at| (at, Due::Reset));
        if let Some(exchange) = link.exchange() {
            self.quiet = None;
            let since = exchange
                .receiving_since()
                .map(|since| since.max(link.last_read()));
            // While an earlier answer is being written, the write time-out governs: words of ours would stand in it.
            let since = since.filter(|_| !link.is_unflushed() || !exchange.is_owed());
            let due = || {
                if exchange.is_owed() {
                    Due::Refuse(StatusCode::REQUEST_TIMEOUT)
                } else {
                    Due::Close
                }
            };
            let body = after(since, settings.request_body).map(|at| (at, due()));
            let rate = slow_body_due(link, &exchange).map(|at| (at, due()));
            return [write, body, rate]
                .into_iter()
                .flatten()
                .min_by_key(|(at, _)| *at);
        }
        if let Some(since) = link.head_since() {
            self.quiet = None;
            // A connection's first head is timed from its opening.
            let since = if link.answered() > 0 {
                since
            } else {
                since.min(link.opened())
            };
            let since = Some(since).filter(|_| !link.is_unflushed());
            let head = after(since, settings.request_header)
                .map(|at| (at, Due::Refuse(StatusCode::REQUEST_TIMEOUT)));
            return [head, write, drain_due(link)]
                .into_iter()
                .flatten()
                .min_by_key(|(at, _)| *at);
        }
        if !link.is_idle() {
            self.quiet = None;
            // While an answer is being written, the write time-out governs.
            let discard = self
                .discard_since
                .filter(|_| !link.is_unflushed())
                .map(|since| (since + DISCARD, Due::Close));
            return [discard, write, drain_due(link)]
                .into_iter()
                .flatten()
                .min_by_key(|(at, _)| *at);
        }
        // A request may have come and gone within one look.
        let answered = link.answered();
        let since = match self.quiet {
            Some((since, before)) if before == answered => since,
            _ => now,
        };
        self.quiet = Some((since, answered));
        idle_due(link, is_active, since)
    }
}

/// What becomes of a connection on which nothing is under way since `quiet`.
fn idle_due(link: &Link, is_active: IsActive, quiet: Instant) -> Option<(Instant, Due)> {
    let settings = &link.shared.settings;
    let close = if link.answered() > 0 {
        Some(quiet + settings.keep_alive)
    } else {
        settings.request_header.map(|time| quiet + time)
    };
    let close = close.map(|at| (at, Due::Close));
    let park = (is_active.0 && link.may_park()).then_some((quiet + PARK_AFTER, Due::Park));
    // Of what falls together, closing comes first.
    [close, drain_due(link), park]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at)
}

/// When a drain has no more patience with what no application is working on. An answer that is still being written is
/// not cut.
fn drain_due(link: &Link) -> Option<(Instant, Due)> {
    match link.shared.stage() {
        Stage::Draining { since } if !link.is_unflushed() => {
            Some((since + DRAIN_GRACE, Due::Close))
        }
        _ => None,
    }
}

/// When a body that comes more slowly than the operator allows has had its time. What the application takes for itself
/// is not counted.
fn slow_body_due(link: &Link, exchange: &Exchange) -> Option<Instant> {
    let rate = link.shared.settings.min_request_body_rate?;
    let since = exchange.receiving_since()?;
    if exchange.is_body_read() {
        return None;
    }
    // So many bytes pay for so much waiting; the window is always granted.
    let paid = Duration::from_secs(link.body_read() / rate.max(1));
    Some(since + RATE_WINDOW.max(paid).saturating_sub(exchange.waited()))
}
