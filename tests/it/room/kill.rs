//! The process is killed at any instant under a crowd that remembers every answer; `loadtest kill` does so a thousand times.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::shop;
use crate::harness::{Origin, PATIENCE, Proxy};
use witness::book::Fault;
use witness::crowd::Crowd;

#[path = "../../../loadtest/src/room/witness.rs"]
mod witness;

const CAP: usize = 12;
const SHOPPERS: u32 = 40;
const KILLS: u32 = 20;
/// A life is at most so many answers long; every tenth is that long, so that somebody is called after a kill too.
const LONGEST: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_that_was_said_is_taken_back_over_twenty_kills() {
    let origin = Origin::saying("hello").await;
    let pay = "[[route]]\nname = \"pay\"\npath = \"/pay/{*rest}\"\nclass = \"browse\"\norigin = \"shop\"\ncompletes = \"sale\"\n";
    let room =
        format!("active_shoppers = {CAP}\nadmit_rate = \"30/s\"\nclaim = \"15s\"\njoins_per_client = \"off\"\n{pay}");
    let config = shop(&origin, &room);
    let mut dice = fastrand::Rng::with_seed(3);
    let mut proxy = Proxy::with(&config);
    let address = Arc::new(Mutex::new(proxy.address()));
    let crowd = Crowd::gather(Arc::clone(&address), SHOPPERS, CAP, 3).unwrap();
    for kill in 0..=KILLS {
        let life = if kill % 10 == 0 { LONGEST } else { (LONGEST as f64).powf(dice.f64() * 0.7) as u64 };
        until_heard(&crowd, life).await;
        if kill < KILLS {
            let dir = proxy.dir();
            drop(proxy);
            proxy = Proxy::within(dir, &config);
            *address.lock().unwrap() = proxy.address();
        }
    }
    let (book, tally) = tokio::task::spawn_blocking(|| crowd.finish()).await.unwrap().unwrap();
    assert_eq!(book.told().collect::<Vec<_>>(), [""; 0], "{tally:?}");
    for fault in [Fault::Lost, Fault::Doubled, Fault::Reordered, Fault::SentBack, Fault::AboveTheCap] {
        assert_eq!(book.count(fault), 0, "{fault:?}");
    }
    assert!(tally.joined > 20 && tally.called > 10 && tally.done > 10 && tally.unanswered > 0, "{tally:?}");
    assert!((1..=CAP).contains(&book.most()));
}

/// Until the crowd has heard so many answers more.
async fn until_heard(crowd: &Crowd, more: u64) {
    let (goal, end) = (crowd.answers() + more, Instant::now() + PATIENCE);
    while crowd.answers() < goal {
        assert!(!crowd.is_gone() && Instant::now() < end, "nobody hears an answer any more");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
