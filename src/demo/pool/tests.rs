use super::*;
use crate::demo::page::Class;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Ends are rounded up to the nanosecond.
fn soon_after(millis: u64) -> Duration {
    ms(millis) + Duration::from_micros(1)
}

/// A pool with `jobs` jobs of 100 ms.
fn pool(threads: u32, jobs: u64) -> Pool {
    let mut pool = Pool::new(Parameters { best_concurrency: threads, ..Parameters::default() });
    for id in 0..jobs {
        pool.start(Job { id, work: ms(100), class: Class::Browse, hot: false }, ms(0));
    }
    pool
}

#[test]
fn who_comes_first_is_served_first_and_nobody_is_slower_for_the_others() {
    let mut pool = pool(2, 5);
    assert_eq!(pool.finished(soon_after(100)).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(pool.finished(soon_after(200)).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((pool.jobs(), pool.next().map(|at| at.as_millis())), (1, Some(300)));
}

#[test]
fn a_late_look_hands_threads_on_when_they_were_free() {
    let mut pool = pool(2, 5);
    assert_eq!(pool.finished(soon_after(300)).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn threads_taken_away_end_with_their_jobs_and_new_ones_begin_at_once() {
    let mut fewer = pool(4, 8);
    fewer.trouble(Trouble::BestConcurrency(1), ms(50));
    assert_eq!(fewer.finished(soon_after(100)).count(), 4);
    assert_eq!(fewer.finished(soon_after(200)).count(), 1);
    let mut more = pool(1, 3);
    more.trouble(Trouble::BestConcurrency(3), ms(50));
    assert_eq!(more.finished(soon_after(150)).count(), 3);
}
