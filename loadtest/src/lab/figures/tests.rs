use std::time::Duration;

use spillway::demo::shoppers::Tally;

use super::*;
use crate::lab::scenario::catalogue;

/// A run of the scenario of that name in which `set` says what each second was like.
fn run(name: &str, set: impl Fn(f64, &mut Sample)) -> (Scenario, Run) {
    let scenario = catalogue().into_iter().find(|scenario| scenario.name == name).unwrap();
    let ticks = (scenario.lasts() * 8.0) as usize;
    let sample = |tick: usize| {
        let at = (tick + 1) as f64 / 8.0;
        let possible = scenario.offered(at - 0.06).work.min(40.0);
        let mut sample = Sample {
            at,
            lasts: 0.125,
            offered: 40.0,
            possible,
            goodput: [possible, 0.0, 0.0, 0.0],
            best: 40.0,
            jobs: 40,
            limit: None,
            state: None,
            p50: 60.0,
            p99: 160.0,
            requests: 100,
            refused: 0,
            lost: 0,
            arrived: 10,
            begun: 10,
            finished: 5,
            broken_off: 0,
        };
        set(at, &mut sample);
        sample
    };
    let samples = (0..ticks).map(sample).collect();
    (scenario, Run { samples, during: Tally::default(), lag: Duration::ZERO })
}

fn figure(figure: Figure, (scenario, run): &(Scenario, Run)) -> Option<f64> {
    Figures::of(scenario, run).get(figure)
}

fn close(value: Option<f64>, to: f64) -> bool {
    value.is_some_and(|value| (value - to).abs() < 1e-6)
}

#[test]
fn all_that_is_possible_is_a_hundred_percent() {
    let run = run("step-5x", |_, _| {});
    assert!(close(figure(Figure::Goodput, &run), 100.0));
    assert!(close(figure(Figure::GoodputAtTheEnd, &run), 100.0));
    assert!(close(figure(Figure::Finished, &run), 100.0));
    assert!(close(figure(Figure::Response, &run), 0.0));
    assert!(close(figure(Figure::Recovery, &run), 0.0));
    assert!(close(figure(Figure::Refused, &run), 0.0));
    // Five each eighth of a second, for 30 s.
    assert!(close(figure(Figure::Completed, &run), 1200.0));
    // Forty a second where fifty are possible.
    assert!(close(figure(Figure::Journeys, &run), 80.0));
}

#[test]
fn a_dip_after_the_step_lasts_until_goodput_is_back() {
    let run = run("step-5x", |at, sample| {
        if (8.0..10.0).contains(&(at - 0.06)) {
            sample.goodput = [10.0, 0.0, 0.0, 0.0];
        }
    });
    // Within the window over which goodput is looked at.
    let response = figure(Figure::Response, &run).unwrap();
    assert!((1.5..=2.0).contains(&response), "{response}");
    assert!(close(figure(Figure::Recovery, &run), 0.0));
}

#[test]
fn whoever_never_comes_back_never_does() {
    let run = run("stuck", |at, sample| {
        if at > 8.0 {
            sample.goodput = [1.0; 4];
        }
    });
    assert_eq!(figure(Figure::Recovery, &run), Some(f64::INFINITY));
    assert_eq!(Figure::Recovery.text(Some(f64::INFINITY)), "never");
    assert!(close(figure(Figure::GoodputAtTheEnd, &run), 100.0 * 4.0 / 36.0));
}

#[test]
fn a_moment_of_goodput_is_no_recovery() {
    let run = run("stuck", |at, sample| {
        if at > 8.0 && !(20.0..21.0).contains(&at) && at < 30.0 {
            sample.goodput = [0.0; 4];
        }
    });
    let recovery = figure(Figure::Recovery, &run).unwrap();
    assert!((13.5..=14.0).contains(&recovery), "{recovery}");
}

#[test]
fn where_trouble_lasts_to_the_end_nothing_recovers() {
    assert_eq!(figure(Figure::Recovery, &run("quarter", |_, _| {})), None);
    assert_eq!(Figure::Recovery.text(None), "–");
}

#[test]
fn journeys_cut_in_the_middle_count_against_those_finished() {
    let run = run("step-5x", |_, sample| sample.broken_off = 15);
    assert!(close(figure(Figure::Finished, &run), 25.0));
}

#[test]
fn refused_and_lost_requests_are_both_missed() {
    let run = run("steady", |_, sample| (sample.refused, sample.lost) = (1, 2));
    assert!(close(figure(Figure::Refused, &run), 3.0));
}
