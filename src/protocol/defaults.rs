//! `Defaults`: the fields that every response carries: `date`, `server` and what was configured.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderMap, HeaderName, HeaderValue, header::DATE};

pub(crate) struct Defaults {
    headers: Vec<(HeaderName, HeaderValue)>,
    date: Option<Date>,
}

/// The date, formatted once a second.
struct Date {
    value: RefCell<HeaderValue>,
    fresh_until: Cell<Option<Instant>>,
}

impl Defaults {
    pub(crate) fn new(headers: Vec<(HeaderName, HeaderValue)>, date_header: bool) -> Self {
        let is_configured = headers.iter().any(|(name, _)| *name == DATE);
        let date = (date_header && !is_configured).then(|| Date {
            value: RefCell::new(HeaderValue::from_static("")),
            fresh_until: Cell::new(None),
        });
        Self { headers, date }
    }

    /// Adds them to an empty map.
    pub(crate) fn fill(&self, headers: &mut HeaderMap, now: Instant) {
        if let Some(date) = &self.date {
            headers.append(DATE, date.value(now));
        }
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
    }
}

impl Date {
    fn value(&self, now: Instant) -> HeaderValue {
        if self.fresh_until.get().is_none_or(|until| now >= until) {
            let time = SystemTime::now();
            let past = time
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let left = Duration::from_nanos(1_000_000_000 - u64::from(past.subsec_nanos()));
            self.fresh_until.set(Some(now + left));
            if let Ok(value) = HeaderValue::from_str(&httpdate::fmt_http_date(time)) {
                self.value.replace(value);
            }
        }
        self.value.borrow().clone()
    }
}
