use super::*;
use crate::demo::page::Class;

const WORK: Duration = Duration::from_millis(100);

fn database(best_concurrency: u32, retrograde: f64) -> Database {
    Database::new(Parameters { best_concurrency, retrograde, speed: 1.0 })
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn job(id: JobId, work: Duration) -> Job {
    Job { id, work, class: Class::Browse, hot: false }
}

/// Time until `jobs` equal jobs, started together, have all ended.
fn time_for(database: &mut Database, jobs: usize) -> Duration {
    for id in 0..jobs as u64 {
        database.start(job(id, WORK), Duration::ZERO);
    }
    let mut at = Duration::ZERO;
    while let Some(next) = database.next() {
        at = next;
        assert!(database.finished(at).count() > 0);
    }
    at
}

#[test]
fn up_to_its_best_concurrency_jobs_do_not_feel_each_other() {
    assert_eq!(time_for(&mut database(40, 1.0), 1), WORK);
    assert_eq!(time_for(&mut database(40, 1.0), 40), WORK);
}

#[test]
fn past_it_throughput_falls() {
    // 80 jobs at half the throughput of 40: four times as long.
    assert_eq!(time_for(&mut database(40, 1.0), 80).as_millis(), 400);
    assert_eq!(time_for(&mut database(40, 0.0), 80).as_millis(), 200);
    let parameters = Parameters::default();
    assert!((parameters.throughput(40) - 40.0).abs() < 1e-9);
    assert!((parameters.throughput(400) - 4.0).abs() < 1e-9);
}

#[test]
fn a_job_gets_its_share_of_each_stretch() {
    let mut database = database(1, 0.0);
    database.start(job(1, WORK), ms(0));
    database.start(job(2, WORK), ms(50));
    // 50 ms alone, then 100 ms at half speed; the second then has 50 ms left, alone.
    assert_eq!(database.finished(ms(149)).count(), 0);
    assert_eq!(database.finished(ms(151)).collect::<Vec<_>>(), [1]);
    assert_eq!(database.next().map(|at| at.as_millis()), Some(200));
    assert_eq!(database.finished(ms(201)).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_late_look_still_orders_the_ends() {
    let mut database = database(2, 1.0);
    database.start(job(1, ms(200)), ms(0));
    database.start(job(2, ms(100)), ms(0));
    assert_eq!(database.finished(ms(1000)).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(database.jobs(), 0);
    // Idle time is not credited to the next job.
    database.start(job(3, ms(100)), ms(2000));
    assert_eq!(database.next().map(|at| at.as_millis()), Some(2100));
}

#[test]
fn new_parameters_hold_from_their_moment_on() {
    let mut database = database(40, 1.0);
    database.start(job(1, WORK), ms(0));
    database.set_parameters(Parameters { speed: 0.1, ..Parameters::default() }, ms(50));
    assert_eq!(database.next().map(|at| at.as_millis()), Some(550));
    database.set_parameters(Parameters::default(), ms(150));
    assert_eq!(database.next().map(|at| at.as_millis()), Some(190));
}
