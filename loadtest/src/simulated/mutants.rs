//! Governors that stand beside the real one: scenarios that do not tell them apart from it prove nothing.

mod aimd;
mod fixed;
mod gradient2;

pub(crate) use aimd::Aimd;
pub(crate) use fixed::Fixed;
pub(crate) use gradient2::Gradient2;

use spillway::overload::{Cause, Directive, Event, Finish, State, Window};

/// Nothing but a limit, as those who know of no shoppers give it.
fn just(limit: u32) -> Directive {
    Directive {
        limit,
        caps: Vec::new(),
        may_begin: f64::INFINITY,
        begin_rate: f64::INFINITY,
        pressed: false,
        shedding: false,
        state: State::Steady,
        cause: Cause::Start,
    }
}

/// Mean latency of the good answers of a window, in seconds; `None` where there were none.
fn latency(window: &Window<'_>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for event in window.events {
        if let Event::Ended { finish: Finish::Good, latency, .. } = event {
            sum += latency.as_secs_f64();
            count += 1.0;
        }
    }
    (count > 0.0).then(|| sum / count)
}

/// Whether anything of a window failed or came too late.
fn any_failed(window: &Window<'_>) -> bool {
    window.events.iter().any(|event| matches!(event, Event::Ended { finish: Finish::Failed | Finish::TimedOut, .. }))
}

/// Whether half of the limit is in use: without that, there is nothing to be learned of it.
fn is_used(window: &Window<'_>, limit: f64) -> bool {
    2.0 * f64::from(window.in_use) >= limit
}
