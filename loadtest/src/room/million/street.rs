//! The street before the room: everybody who comes, each at the own time, over as few connections as keep up with them.

use std::cell::{RefCell, RefMut};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tokio::time::sleep;

use super::guest::{Fate, Guest, SECOND};
use crate::room::witness::Micros;
use crate::room::witness::book::Book;
use crate::room::witness::talk::Talk;
use crate::stage::runtime;

/// Who comes, and what they do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) shoppers: u32,
    /// Arrivals a second.
    pub(super) arrivals: u32,
    /// Most that may be inside.
    pub(super) cap: usize,
    /// Of a hundred, how many leave before their turn;
    pub(super) leaving: u32,
    /// how many of these come back,
    pub(super) returning: u32,
    /// and how many say so instead of closing the page.
    pub(super) saying: u32,
}

/// What happened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) joined: u64,
    pub(super) waiting: u64,
    pub(super) polls: u64,
    pub(super) called: u64,
    pub(super) left: u64,
    pub(super) done: u64,
    pub(super) unanswered: u64,
    /// The latest that anybody asked after the time to ask.
    pub(super) latest: Micros,
}

/// What all shoppers know together.
#[derive(Debug)]
pub(super) struct World {
    pub(super) book: Book,
    pub(super) tally: Tally,
    pub(super) dice: fastrand::Rng,
    /// Waits of those who stayed all the time, as parts of the late estimate at joining.
    pub(super) waits: Vec<f64>,
    /// Who came in, by second.
    admissions: Vec<u64>,
    /// Who was in line at the end of each second.
    lines: Vec<u64>,
    guests: Vec<Option<Guest>>,
    agenda: BinaryHeap<Reverse<(Micros, u32)>>,
    busy: u32,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Street {
    pub(super) address: SocketAddr,
    plan: Plan,
    began: Instant,
    world: RefCell<World>,
}

/// What is known when everybody has gone.
#[derive(Debug)]
pub(super) struct Evening {
    pub(super) book: Book,
    pub(super) tally: Tally,
    pub(super) waits: Vec<f64>,
    pub(super) admissions: Vec<u64>,
    pub(super) lines: Vec<u64>,
}

/// Connections; each asks one thing at a time.
const LANES: usize = 64;
/// While nothing is due.
const IDLE: Duration = Duration::from_millis(1);
/// Without any promise, people are patient for this long.
const PATIENCE: Micros = 30 * SECOND;

impl Street {
    /// Lets everybody come, and calls `each_second` with what has happened so far.
    pub(super) fn open(
        address: SocketAddr,
        plan: Plan,
        mut each_second: impl FnMut(&Tally),
    ) -> Result<Evening, String> {
        let world = World {
            book: Book::new(plan.cap),
            tally: Tally::default(),
            dice: fastrand::Rng::with_seed(11),
            waits: Vec::new(),
            admissions: Vec::new(),
            lines: Vec::new(),
            guests: Vec::with_capacity(plan.shoppers as usize),
            agenda: BinaryHeap::new(),
            busy: 0,
        };
        let street = Rc::new(Self { address, plan, began: Instant::now(), world: RefCell::new(world) });
        LocalSet::new().block_on(&runtime()?, async {
            let lanes: Vec<_> = (0..LANES).map(|_| tokio::task::spawn_local(lane(Rc::clone(&street)))).collect();
            while lanes.iter().any(|lane| !lane.is_finished()) {
                sleep(Duration::from_secs(1)).await;
                let mut world = street.world();
                let waiting = world.tally.waiting;
                world.lines.push(waiting);
                each_second(&world.tally);
            }
        });
        let world = Rc::into_inner(street).ok_or("somebody is still there")?.world.into_inner();
        let World { book, tally, mut waits, admissions, lines, .. } = world;
        waits.sort_by(f64::total_cmp);
        Ok(Evening { book, tally, waits, admissions, lines })
    }

    pub(super) fn now(&self) -> Micros {
        self.began.elapsed().as_micros() as Micros
    }

    /// Not to be held while anything is waited for.
    pub(super) fn world(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    /// Whose turn it is to do something, if anybody's.
    fn next(&self) -> Next {
        let (now, mut world) = (self.now(), self.world());
        let due = now.saturating_mul(self.plan.arrivals.into()) / SECOND;
        let arrived = world.guests.len() as u32;
        if let Some(Reverse((at, client))) = world.agenda.peek().copied()
            && at <= now
        {
            world.agenda.pop();
            world.tally.latest = world.tally.latest.max(now - at);
            let guest = world.guests.get_mut(client as usize).and_then(Option::take);
            return guest.map_or(Next::Nobody, |guest| world.goes(client, guest));
        }
        if arrived < self.plan.shoppers && u64::from(arrived) < due {
            let guest = Guest::new(self.plan.fate(&mut world.dice));
            world.guests.push(None);
            return world.goes(arrived, guest);
        }
        let is_over = arrived == self.plan.shoppers && world.agenda.is_empty() && world.busy == 0;
        if is_over { Next::Over } else { Next::Nobody }
    }
}

enum Next {
    Guest(u32, Guest),
    Nobody,
    Over,
}

async fn lane(street: Rc<Street>) {
    let mut talk = Talk::default();
    loop {
        match street.next() {
            Next::Guest(client, mut guest) => {
                let again = guest.act(&street, &mut talk, client).await;
                let mut world = street.world();
                world.busy -= 1;
                if let Some(at) = again {
                    world.agenda.push(Reverse((at, client)));
                    if let Some(seat) = world.guests.get_mut(client as usize) {
                        *seat = Some(guest);
                    }
                }
            }
            Next::Nobody => sleep(IDLE).await,
            Next::Over => return,
        }
    }
}

impl World {
    fn goes(&mut self, client: u32, guest: Guest) -> Next {
        self.busy += 1;
        Next::Guest(client, guest)
    }

    /// Somebody came in.
    pub(super) fn admitted(&mut self, now: Micros) {
        let second = (now / SECOND) as usize;
        if self.admissions.len() <= second {
            self.admissions.resize(second + 1, 0);
        }
        if let Some(count) = self.admissions.get_mut(second) {
            *count += 1;
        }
    }

    /// How long somebody waits who was promised to wait less than `late` seconds: somewhat less.
    pub(super) fn patience(&mut self, late: Option<u32>) -> Micros {
        let promised = late.map_or(PATIENCE, |late| Micros::from(late) * SECOND);
        (promised as f64 * (0.05 + 0.6 * self.dice.f64())) as Micros
    }
}

impl Plan {
    fn fate(&self, dice: &mut fastrand::Rng) -> Fate {
        if dice.u32(..100) >= self.leaving {
            Fate::Stays
        } else if dice.u32(..100) < self.returning {
            Fate::ComesBack
        } else if dice.u32(..100) < self.saying {
            Fate::GivesUp
        } else {
            Fate::Vanishes
        }
    }
}
