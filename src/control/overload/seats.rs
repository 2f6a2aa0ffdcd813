//! Between the seats of an origin and who decides on them.

use crate::clock::Nanos;
use crate::config::settings::CapacitySettings;
use crate::edge::snapshot::OriginHandle;
use crate::overload::{Directive, QueueCounts};

/// What happened at the seats since the last time.
pub(super) fn counts(handle: &OriginHandle, _now: Nanos) -> QueueCounts {
    let waiting: usize = handle.slots.iter().map(|slot| handle.seats.waiting(*slot)).sum();
    QueueCounts { waiting: u32::try_from(waiting).unwrap_or(u32::MAX), ..QueueCounts::default() }
}

/// Has the seats follow; with `enforce` only.
pub(super) fn follow(handle: &OriginHandle, directive: &Directive, enforce: bool, _now: Nanos) {
    let limit = enforce.then_some(directive.limit);
    if handle.seats.limit() != limit {
        handle.seats.set_limit(limit);
    }
    handle.origin.set_shedding(enforce && directive.shedding);
}

/// Has the seats be as configured, where nothing is measured.
pub(super) fn release(handle: &OriginHandle, capacity: CapacitySettings, _now: Nanos) {
    let limit = match capacity {
        CapacitySettings::Adaptive { .. } => return,
        CapacitySettings::Unlimited => None,
        CapacitySettings::Fixed { limit } => Some(limit),
    };
    if handle.seats.limit() != limit {
        handle.seats.set_limit(limit);
    }
    handle.origin.set_shedding(false);
}
