//! What a run came to, as a line of JSON. Measures nothing.

use std::fmt;

/// Latencies in buckets of at most 1.6 %; recording one allocates nothing.
pub struct Latencies {
    counts: Vec<u32>,
    total: u64,
}

const STEPS_LOG2: u32 = 6;

impl Latencies {
    pub fn new() -> Self {
        Self {
            counts: vec![0; 64 << STEPS_LOG2],
            total: 0,
        }
    }

    pub fn record(&mut self, nanoseconds: u64) {
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    /// In microseconds; 0 if nothing was recorded.
    pub fn percentile(&self, percent: u64) -> f64 {
        let mut left = (self.total * percent).div_ceil(100);
        for (index, count) in self.counts.iter().enumerate() {
            left = left.saturating_sub(u64::from(*count));
            if left == 0 && self.total > 0 {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a latency, not an amount of money"
                )]
                return lower_bound(index) as f64 / 1e3;
            }
        }
        0.0
    }
}

fn bucket(value: u64) -> usize {
    let exponent = (value | 1).ilog2().saturating_sub(STEPS_LOG2);
    let step = usize::try_from(value >> exponent).unwrap_or(0);
    ((exponent as usize) << STEPS_LOG2) + step
}

fn lower_bound(index: usize) -> u64 {
    let steps = 1 << STEPS_LOG2;
    let exponent = (index / steps).saturating_sub(1);
    ((index - exponent * steps) as u64) << exponent
}

#[derive(Debug)]
pub struct Figures {
    /// Sent, and answered by all who should.
    pub messages: u64,
    /// Received and found right: as many as messages for an echo.
    pub answers: u64,
    /// Of these, compressed.
    pub compressed: u64,
    pub seconds: f64,
    /// The client's own.
    pub cpu_seconds: f64,
    pub p50_us: f64,
    pub p99_us: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            messages,
            answers,
            compressed,
            seconds,
            cpu_seconds,
            p50_us,
            p99_us,
        } = self;
        write!(
            f,
            r#"{{"messages": {messages}, "answers": {answers}, "compressed": {compressed}, "#
        )?;
        write!(
            f,
            r#""seconds": {seconds:.6}, "cpu_seconds": {cpu_seconds:.6}, "#
        )?;
        write!(f, r#""p50_us": {p50_us:.1}, "p99_us": {p99_us:.1}}}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_within_two_percent_of_what_it_holds() {
        for value in (0..63).flat_map(|power| [1_u64 << power, (1 << power) + (1 << power) / 3]) {
            let bound = lower_bound(bucket(value));
            assert!(
                bound <= value && value - bound <= value / 50,
                "{value} {bound}"
            );
        }
    }

    #[test]
    fn percentiles_are_where_they_should_be() {
        let mut latencies = Latencies::new();
        assert!(latencies.percentile(50) < 0.1);
        for microseconds in 1..=100 {
            latencies.record(microseconds * 1000);
        }
        assert!((49.0..=50.0).contains(&latencies.percentile(50)));
        assert!((97.0..=99.0).contains(&latencies.percentile(99)));
    }
}
