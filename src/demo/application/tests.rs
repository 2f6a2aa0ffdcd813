use super::*;
use crate::demo::database::{Database, Parameters};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Ends are rounded up to the nanosecond.
fn soon_after(millis: u64) -> Duration {
    ms(millis) + Duration::from_micros(1)
}

fn shop() -> Application<Database> {
    Application::new(Database::new(Parameters { best_concurrency: 10, ..Parameters::default() }))
}

fn job(id: JobId, class: Class, hot: bool) -> Job {
    Job { id, work: ms(100), class, hot }
}

#[test]
fn a_delayed_class_waits_outside_and_the_others_do_not_notice() {
    let mut shop = shop();
    shop.trouble(Trouble::Delay(Class::Browse, ms(2000)), ms(0));
    for id in 0..20 {
        shop.start(job(id, Class::Browse, false), ms(0));
    }
    shop.start(job(20, Class::Checkout, false), ms(0));
    assert_eq!(shop.optimum(Offered::MORE_THAN_ENOUGH), Optimum { concurrency: 30.0, goodput: 10.0 });
    assert_eq!(shop.finished(soon_after(100)).collect::<Vec<_>>(), [20]);
    assert_eq!((shop.jobs(), shop.next()), (20, Some(ms(2000))));
    // Twenty where ten do best.
    assert_eq!(shop.finished(ms(2399)).count(), 0);
    assert_eq!(shop.finished(soon_after(2400)).count(), 20);
    shop.trouble(Trouble::Delay(Class::Browse, Duration::ZERO), soon_after(2400));
    shop.start(job(0, Class::Browse, false), soon_after(2400));
    assert_eq!(shop.next().map(|at| at.as_millis()), Some(2500));
}

#[test]
fn hot_jobs_run_one_after_the_other_while_the_lock_is_there() {
    let mut shop = shop();
    shop.trouble(Trouble::HotLock(true), ms(0));
    for id in 0..5 {
        shop.start(job(id, Class::Browse, true), ms(0));
    }
    shop.start(job(5, Class::Browse, false), ms(0));
    assert_eq!(shop.finished(soon_after(100)).collect::<Vec<_>>(), [0, 5]);
    assert_eq!(shop.finished(soon_after(200)).collect::<Vec<_>>(), [1]);
    assert_eq!(shop.jobs(), 3);
    let hot = Offered { work: 8.0, hot: 3.0 };
    // Two stand in line, one has the lock.
    assert_eq!(shop.optimum(hot), Optimum { concurrency: 12.0, goodput: 6.0 });
    shop.trouble(Trouble::HotLock(false), soon_after(200));
    assert_eq!(shop.finished(ms(301)).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(shop.optimum(hot).goodput, 8.0);
}
