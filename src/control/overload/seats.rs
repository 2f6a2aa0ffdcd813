//! Between the seats of an origin and who decides on them.

use crate::clock::Nanos;
use crate::edge::snapshot::{Adaptive, OriginHandle};
use crate::overload::{Directive, Pace};

/// Has the seats follow, and everything else that goes by them. Without `enforce` the seats are in shadow, and only they
/// are told.
pub(super) fn follow(handle: &OriginHandle, adaptive: &Adaptive, directive: &Directive, enforce: bool, now: Nanos) {
    if handle.seats.limit() != Some(directive.limit) {
        handle.seats.set_limit(Some(directive.limit));
    }
    handle.seats.set_caps(&directive.caps);
    handle.seats.set_pace(Pace { may_begin: directive.may_begin, enforce: directive.pressed });
    // A second's worth, or more where many are missing.
    adaptive.cursor.tick(directive.begin_rate.max(directive.may_begin), directive.pressed, now);
    handle.origin.set_shedding(enforce && directive.shedding);
}
