use super::*;
use crate::demo::page::Class;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn one_after_the_other(station: &mut Warming, jobs: u64, mut now: Duration) -> Duration {
    for id in 0..jobs {
        station.start(Job { id, work: ms(10), class: Class::Browse, hot: false }, now);
        now = station.next().unwrap();
        assert_eq!(station.finished(now).count(), 1);
    }
    now
}

#[test]
fn it_is_slow_until_the_cache_is_full_again() {
    let mut station = Warming::new(Parameters::default());
    assert_eq!(one_after_the_other(&mut station, 1, ms(0)), ms(10));
    station.trouble(Trouble::Cold, ms(10));
    assert_eq!(station.optimum(Offered::MORE_THAN_ENOUGH), Optimum { concurrency: 40.0, goodput: 10.0 });
    assert_eq!(one_after_the_other(&mut station, 1, ms(10)), ms(50));
    let warm = one_after_the_other(&mut station, u64::from(WARM_AFTER) - 1, ms(50));
    // On the way there the mean of 1/speed is ln 4 / 0.75, nearly twice as long as warm.
    assert!((18_000..19_000).contains(&warm.as_millis()), "{warm:?}");
    assert_eq!(one_after_the_other(&mut station, 1, warm), warm + ms(10));
}

#[test]
fn other_troubles_come_on_top() {
    let mut station = Warming::new(Parameters::default());
    station.trouble(Trouble::Cold, ms(0));
    station.trouble(Trouble::Speed(0.5), ms(0));
    assert_eq!(one_after_the_other(&mut station, 1, ms(0)), ms(80));
}
