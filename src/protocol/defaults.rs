//! `Defaults`: the fields that every response carries: `date`, `server` and what was configured.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderName, HeaderValue, header::DATE};

pub(crate) struct Defaults {
    /// What was configured, a line for each.
    lines: Vec<u8>,
    date: Option<Date>,
}

/// The line with the date, written once a second.
struct Date {
    line: RefCell<Vec<u8>>,
    fresh_until: Cell<Option<Instant>>,
}

impl Defaults {
    pub(crate) fn new(headers: &[(HeaderName, HeaderValue)], date_header: bool) -> Self {
        let is_configured = headers.iter().any(|(name, _)| *name == DATE);
        let date = (date_header && !is_configured).then(|| Date {
            line: RefCell::default(),
            fresh_until: Cell::new(None),
        });
        let mut lines = Vec::new();
        for (name, value) in headers {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value.as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
        Self { lines, date }
    }

    /// Adds a line for each.
    pub(crate) fn write(&self, lines: &mut Vec<u8>, now: Instant) {
        if let Some(date) = &self.date {
            date.write(lines, now);
        }
        lines.extend_from_slice(&self.lines);
    }
}

impl Date {
    fn write(&self, lines: &mut Vec<u8>, now: Instant) {
        if self.fresh_until.get().is_none_or(|until| now >= until) {
            let time = SystemTime::now();
            let past = time
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let left = Duration::from_nanos(1_000_000_000 - u64::from(past.subsec_nanos()));
            self.fresh_until.set(Some(now + left));
            let line = format!("date: {}\r\n", httpdate::fmt_http_date(time));
            self.line.replace(line.into_bytes());
        }
        lines.extend_from_slice(&self.line.borrow());
    }
}
