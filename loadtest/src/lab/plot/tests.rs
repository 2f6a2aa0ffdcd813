use super::*;
use crate::lab::scenario::catalogue;

fn sample(at: f64) -> Sample {
    Sample {
        at,
        lasts: 0.125,
        offered: 200.0,
        possible: 40.0,
        goodput: [10.0, 5.0, 20.0, 3.0],
        best: 40.0,
        jobs: 41,
        limit: Some(39.0),
        state: Some("overloaded".to_owned()),
        p50: 62.0,
        p99: 0.0,
        requests: 100,
        refused: 60,
        lost: 0,
        arrived: 10,
        begun: 5,
        finished: 5,
        broken_off: 0,
    }
}

fn act(samples: Vec<Sample>) -> Act {
    let scenario = catalogue().into_iter().next().unwrap();
    let mut act = Act::with(&scenario, &[(Subject::Spillway, None), (Subject::Direct, None)]);
    act.entries[0].samples = samples;
    act
}

#[test]
fn each_plot_names_what_it_shows() {
    let act = act((1..200).map(|tick| sample(f64::from(tick) / 8.0)).collect());
    let goodput = goodput(&act);
    assert!(goodput.starts_with("<svg") && goodput.contains("possible") && goodput.contains("Spillway"));
    assert!(!goodput.contains("no proxy"), "it has no samples");
    assert!(limits(&act).contains("best"));
    let everything = entry(&act, &act.entries[0]);
    for name in ["checkout", "background", "offered", "limit", "at the shop", "overloaded", "p50"] {
        assert!(everything.contains(name), "{name}");
    }
    assert!(!everything.contains("NaN"));
    assert!(everything.len() < 40_000, "{}", everything.len());
}

#[test]
fn nothing_can_be_plotted_as_well() {
    let act = act(Vec::new());
    assert!(goodput(&act).starts_with("<svg") && limits(&act).starts_with("<svg"));
}

#[test]
fn a_point_is_the_mean_of_what_is_known() {
    let samples: Vec<Sample> = [0.0, 2.0, 4.0, 6.0]
        .iter()
        .enumerate()
        .map(|(n, limit)| Sample { limit: (n > 1).then_some(*limit), ..sample((n + 1) as f64 * 0.125) })
        .collect();
    assert_eq!(each(&samples, |sample| sample.limit), [(0.25, 5.0)]);
    assert_eq!(each(&samples, |_| None), []);
}
