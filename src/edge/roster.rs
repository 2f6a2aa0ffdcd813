//! The open connections of one worker: told to finish when the process drains, closed while idle when others need room.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

use super::activity::{Activity, Order};
use crate::clock::Nanos;

/// How long a connection that was closed to make room may take to say so: its client may be long gone.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    connections: RefCell<Slab<Arc<Activity>>>,
    draining: Cell<bool>,
}

impl Roster {
    /// Lists a connection until the guard is dropped.
    pub(crate) fn list(self: &Rc<Self>, activity: &Arc<Activity>) -> Listed {
        if self.draining.get() {
            activity.order(Order::Finish);
        }
        Listed { key: self.connections.borrow_mut().insert(Arc::clone(activity)), roster: Rc::clone(self) }
    }

    /// Tells every connection, and those still to come, to finish.
    pub(crate) fn drain(&self) {
        self.draining.set(true);
        for (_, activity) in self.connections.borrow().iter() {
            activity.order(Order::Finish);
        }
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Closes connections, those first that have been idle for the longest and at least for `idle`, until `wanted` are
    /// on their way out. Answers how many are.
    pub(crate) fn make_room(&self, wanted: usize, idle: Duration, now: Nanos) -> usize {
        let since = |then: Nanos| Duration::from_nanos(now.saturating_sub(then));
        let connections = self.connections.borrow();
        let mut leaving = 0;
        let mut candidates = Vec::new();
        for (_, activity) in connections.iter() {
            if let Some(told) = activity.closing_since() {
                leaving += 1;
                if since(told) > LAST_WORDS {
                    activity.order(Order::Abort);
                }
            } else if let Some(then) = activity.idle_since().filter(|then| since(*then) >= idle) {
                candidates.push((then, activity));
            }
        }
        let count = wanted.saturating_sub(leaving).min(candidates.len());
        if count > 0 && count < candidates.len() {
            candidates.select_nth_unstable_by_key(count - 1, |(then, _)| *then);
        }
        for (_, activity) in candidates.iter().take(count) {
            activity.order(Order::Close);
        }
        leaving + count
    }
}

/// Keeps a connection on its worker's list.
#[derive(Debug)]
pub(crate) struct Listed {
    roster: Rc<Roster>,
    key: usize,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.roster.connections.borrow_mut().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::activity::Patience;
    use crate::edge::patrol::CoarseClock;

    const SECOND: Nanos = 1_000_000_000;
    const NOT_LONG: Duration = Duration::ZERO;

    /// A connection that has been idle since `seconds`, or is busy from then on.
    fn connection(clock: &CoarseClock, seconds: Nanos, busy: bool) -> Arc<Activity> {
        let second = Duration::from_secs(60);
        let activity = Activity::new(clock.clone(), Patience { head: second, idle: second, unread: second });
        activity.request_began();
        clock.set(seconds * SECOND);
        if !busy {
            activity.request_ended();
        }
        Arc::new(activity)
    }

    #[test]
    fn those_idle_for_the_longest_go_first_and_those_that_are_busy_never() {
        let (roster, clock) = (Rc::new(Roster::default()), CoarseClock::default());
        let of = [(1, true), (3, false), (5, false), (2, false), (9, false)];
        let open: Vec<_> = of.iter().map(|&(seconds, busy)| connection(&clock, seconds, busy)).collect();
        let _listed: Vec<_> = open.iter().map(|activity| roster.list(activity)).collect();
        let closing = || open.iter().map(|activity| activity.ordered() == Order::Close).collect::<Vec<_>>();

        assert_eq!(roster.make_room(0, NOT_LONG, 10 * SECOND), 0);
        assert_eq!(roster.make_room(2, NOT_LONG, 10 * SECOND), 2);
        assert_eq!(closing(), [false, true, false, true, false]);
        assert_eq!(roster.make_room(2, NOT_LONG, 10 * SECOND), 2, "two are on their way out already");
        assert_eq!(closing(), [false, true, false, true, false]);
        assert_eq!(roster.make_room(5, Duration::from_secs(5), 10 * SECOND), 3, "one has not been idle for long");
        assert_eq!(closing(), [false, true, true, true, false]);
        assert_eq!(roster.make_room(5, NOT_LONG, 10 * SECOND), 4);
        assert_eq!(closing(), [false, true, true, true, true]);
        assert_eq!(roster.len(), 5);
    }

    #[test]
    fn who_does_not_leave_in_time_is_cut_off() {
        let (roster, clock) = (Rc::new(Roster::default()), CoarseClock::default());
        let (idle, busy) = (connection(&clock, 1, false), connection(&clock, 1, true));
        let _listed = (roster.list(&idle), roster.list(&busy));
        busy.order(Order::Close);
        assert_eq!(roster.make_room(1, NOT_LONG, 2 * SECOND), 1);
        assert_eq!(roster.make_room(1, NOT_LONG, 3 * SECOND), 1);
        assert_eq!((idle.ordered(), busy.ordered()), (Order::Abort, Order::Close));
    }

    #[test]
    fn a_connection_that_comes_while_draining_is_told_at_once() {
        let (roster, clock) = (Rc::new(Roster::default()), CoarseClock::default());
        let (before, after) = (connection(&clock, 1, true), connection(&clock, 1, true));
        let first = roster.list(&before);
        roster.drain();
        let _second = roster.list(&after);
        assert_eq!((before.ordered(), after.ordered()), (Order::Finish, Order::Finish));
        drop(first);
        assert_eq!(roster.len(), 1);
    }
}
