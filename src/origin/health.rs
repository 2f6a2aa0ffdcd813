//! Active health checks: what a row of answers means (here, pure) and asking for them ([`check`]).

pub(super) mod check;

/// Health of one server as seen by its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    healthy: bool,
    /// Results in a row that contradict `healthy`.
    against: u32,
}

impl Default for Health {
    /// Healthy until checks say otherwise: the proxy must not refuse traffic because it has just begun.
    fn default() -> Self {
        Self { healthy: true, against: 0 }
    }
}

impl Health {
    /// Takes the result of one check; `Some` with the new health when it changed.
    pub(super) fn observe(&mut self, good: bool, healthy_after: u32, unhealthy_after: u32) -> Option<bool> {
        if good == self.healthy {
            self.against = 0;
            return None;
        }
        self.against = self.against.saturating_add(1);
        let needed = if good { healthy_after } else { unhealthy_after };
        if self.against < needed {
            return None;
        }
        *self = Self { healthy: good, against: 0 };
        Some(good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_results_in_a_row_change_health() {
        let mut health = Health::default();
        let results = [false, false, true, false, false, false, true, false, true, true];
        let changes: Vec<_> = results.into_iter().map(|good| health.observe(good, 2, 3)).collect();
        let none = None;
        assert_eq!(changes, [none, none, none, none, none, Some(false), none, none, none, Some(true)]);
    }
}
