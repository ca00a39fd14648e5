//! A part of a gauge that counts itself down: by its drop, so that the panic or the kill of an
//! actor leaves the gauge right.

use super::Gauge;

/// What is counted as long as this lives.
#[derive(Debug)]
pub struct GaugeGuard {
    gauge: Gauge,
    amount: i64,
}

impl GaugeGuard {
    /// One more in `gauge`.
    #[must_use]
    pub fn one(gauge: &Gauge) -> Self {
        let mut held = Self::none(gauge);
        held.add(1);
        held
    }

    /// Nothing yet.
    #[must_use]
    pub fn none(gauge: &Gauge) -> Self {
        let gauge = gauge.clone();
        Self { gauge, amount: 0 }
    }

    /// So much more.
    pub fn add(&mut self, amount: usize) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        self.amount += amount;
        self.gauge.inc_by(amount);
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.gauge.dec_by(self.amount);
    }
}
