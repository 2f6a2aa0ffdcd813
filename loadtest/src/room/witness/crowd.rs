//! A crowd on a thread of its own that keeps coming, whatever becomes of the proxy.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tokio::time::timeout;

use super::Micros;
use super::book::Book;
use super::shopper;
use super::talk::{Answer, Talk, What};

/// See the module.
#[derive(Debug)]
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    thread: JoinHandle<io::Result<(Book, Tally)>>,
}

/// Where a proxy is now.
pub(crate) type Address = Arc<Mutex<SocketAddr>>;

#[derive(Debug)]
struct Shared {
    address: Address,
    answers: AtomicU64,
    over: AtomicBool,
}

/// What the crowd did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) joined: u64,
    pub(crate) polls: u64,
    pub(crate) called: u64,
    pub(crate) directly: u64,
    pub(crate) left: u64,
    pub(crate) done: u64,
    pub(crate) unanswered: u64,
}

/// What all shoppers share.
#[derive(Debug)]
pub(super) struct World {
    shared: Arc<Shared>,
    began: Instant,
    pub(super) book: RefCell<Book>,
    pub(super) tally: RefCell<Tally>,
}

/// An answer that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(10);
/// After which somebody who got no answer asks again.
const PAUSE: Duration = Duration::from_millis(20);

impl Crowd {
    /// So many shoppers at once come to a room in which `cap` may be, wherever `address` says it is. `seed` decides what they
    /// do.
    pub(crate) fn gather(address: Address, shoppers: u32, cap: usize, seed: u64) -> io::Result<Self> {
        let shared = Shared { address, answers: AtomicU64::new(0), over: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        let own = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            let world = World {
                shared: own,
                began: Instant::now(),
                book: RefCell::new(Book::new(cap)),
                tally: RefCell::default(),
            };
            let world = Rc::new(world);
            LocalSet::new().block_on(&runtime, everybody(Rc::clone(&world), shoppers, seed));
            let world = Rc::into_inner(world).ok_or_else(|| io::Error::other("somebody is still there"))?;
            Ok((world.book.into_inner(), world.tally.into_inner()))
        })?;
        Ok(Self { shared, thread })
    }

    /// Answers so far.
    pub(crate) fn answers(&self) -> u64 {
        self.shared.answers.load(Ordering::Acquire)
    }

    /// Whether nobody comes any more, for whatever reason.
    pub(crate) fn is_gone(&self) -> bool {
        self.thread.is_finished()
    }

    /// Sends everybody home, and gives what they were told.
    pub(crate) fn finish(self) -> io::Result<(Book, Tally)> {
        self.shared.over.store(true, Ordering::Release);
        self.thread.join().map_err(|_| io::Error::other("a shopper broke"))?
    }
}

async fn everybody(world: Rc<World>, shoppers: u32, seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let visits: Vec<_> = (0..shoppers)
        .map(|client| tokio::task::spawn_local(shopper::keep_coming(Rc::clone(&world), client, dice.fork())))
        .collect();
    for visit in visits {
        // One that broke is found by the world it still holds.
        let _ = visit.await;
    }
}

impl World {
    pub(super) fn now(&self) -> Micros {
        self.began.elapsed().as_micros() as Micros
    }

    pub(super) fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Acquire)
    }

    /// One question; without an answer, after a pause, nothing.
    pub(super) async fn ask(&self, talk: &mut Talk, what: What, client: u32, cookie: Option<&str>) -> Option<Answer> {
        let address = *self.shared.address.lock().unwrap_or_else(PoisonError::into_inner);
        match timeout(PATIENCE, talk.ask(address, what, client, cookie)).await {
            Ok(Ok(answer)) => {
                self.shared.answers.fetch_add(1, Ordering::Release);
                Some(answer)
            }
            Ok(Err(_)) | Err(_) => {
                self.tally.borrow_mut().unanswered += 1;
                tokio::time::sleep(PAUSE).await;
                None
            }
        }
    }
}
