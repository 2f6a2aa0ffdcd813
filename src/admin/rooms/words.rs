//! A room in words.

use std::fmt::Write;

use crate::control::rooms::state;
use crate::room::view::View;
use crate::telemetry::metrics::RoomState;

/// One sentence about how a room is.
pub(super) fn of(view: &View) -> String {
    let in_line = people(view.waiting);
    let mut words = match state(view) {
        RoomState::Off => "off: everybody is let in".to_owned(),
        RoomState::Lobby => format!("lobby: {in_line} before it opens"),
        RoomState::Paused => format!("paused: {in_line}, and nobody is called"),
        RoomState::Closed => format!("closed by the operator: {in_line}, and nobody is called"),
        RoomState::SoldOut => format!("sold out, says the origin: {in_line}, and nobody is called"),
        RoomState::Open => format!("open: {in_line}{}", wait(view)),
    };
    // Writing to a string does not fail.
    let _ = write!(words, "; {} of {} inside", view.inside, view.cap);
    if view.called > 0 {
        let _ = write!(words, ", {} called", view.called);
    }
    words
}

/// The rank of the last in line, where the line has an order; `None` where nobody waits.
pub(super) fn last(view: &View) -> Option<Option<u32>> {
    use crate::config::settings::RoomOrder;
    let last = view.waiting.checked_sub(1)?;
    Some((view.order == RoomOrder::Arrival).then_some(last))
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn people(waiting: u32) -> String {
    match waiting {
        0 => "nobody is in line".to_owned(),
        1 => "1 is in line".to_owned(),
        several => format!("{several} are in line"),
    }
}

fn wait(view: &View) -> String {
    let estimate = last(view).map(|rank| view.estimate(rank)).unwrap_or_default();
    match (estimate.likely, estimate.late) {
        (Some(likely), Some(late)) => {
            format!(", the last of them for about {}, hardly for more than {}", span(likely), span(late))
        }
        (Some(likely), None) => format!(", the last of them for about {}", span(likely)),
        (None, _) => String::new(),
    }
}

/// Seconds as people say them.
fn span(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h", (seconds + 1_800) / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_one_unit() {
        let said: Vec<_> = [0, 119, 120, 3_629, 7_199, 7_200, 86_400].map(span).into();
        assert_eq!(said, ["0 s", "119 s", "2 min", "60 min", "120 min", "2 h", "24 h"]);
    }
}
