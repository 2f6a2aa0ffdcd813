//! One thread against two.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use super::shop::{Shop, Visitor};

const ROUNDS: usize = 9;
const JUDGEMENTS: u32 = 500_000;

/// Prints medians over alternating rounds.
pub(crate) fn report() {
    let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round()).collect();
    let [one, two, free] = [0, 1, 2].map(|which| median(rounds.iter().map(|round| round[which])));
    println!("\njudgement, medians of {ROUNDS} rounds of {JUDGEMENTS} a thread");
    println!("  one thread                      {:6.0} ns each, {:5.2} M/s", 1e9 / one, one / 1e6);
    println!("  two threads, all shared         {:6.2} M/s, {:.2} × one", two / 1e6, two / one);
    println!(
        "  two threads, nothing shared     {:6.2} M/s, {:.2} × one: what this machine allows",
        free / 1e6,
        free / one
    );
}

/// One thread, two that share everything, two that share nothing. Each in shops of its own: a visitor's time begins anew,
/// and buckets do not bear a clock that goes back.
fn round() -> [f64; 3] {
    let (one, both) = (Shop::new(2), Shop::new(2));
    let apart = [Shop::new(2), Shop::new(2)];
    [run(&[&one]), run(&[&both, &both]), run(&[&apart[0], &apart[1]])]
}

/// Judgements a second, with a thread for each shop.
fn run(shops: &[&Shop]) -> f64 {
    let start = Barrier::new(shops.len());
    let work = |worker: usize, shop: &Shop| {
        let mut visitor = Visitor::new(worker);
        start.wait();
        let began = Instant::now();
        let admitted = (0..JUDGEMENTS).filter(|_| shop.judge(&mut visitor)).count();
        assert_eq!(admitted, JUDGEMENTS as usize);
        f64::from(JUDGEMENTS) / began.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let threads = shops.iter().enumerate().map(|(worker, shop)| scope.spawn(move || work(worker, shop)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
