//! When a line stands.

use crate::clock::Nanos;
use crate::overload::standing::*;
use std::time::Duration;

const TARGET: Option<Nanos> = Some(10_000_000);
const MS: Nanos = 1_000_000;

#[test]
fn a_line_stands_when_even_the_least_wait_of_an_interval_was_long() {
    let mut line = Standing::default();
    line.served(30 * MS);
    line.served(11 * MS);
    line.judge(100 * MS, Some(40 * MS), TARGET);
    assert!(line.stands(200 * MS));
    line.served(9 * MS);
    line.judge(200 * MS, Some(40 * MS), TARGET);
    assert!(!line.stands(200 * MS));
}

#[test]
fn a_line_in_which_nobody_is_served_stands() {
    let mut line = Standing::default();
    line.judge(100 * MS, Some(11 * MS), TARGET);
    assert!(line.stands(200 * MS));
}

#[test]
fn a_line_that_is_gone_does_not_stand() {
    let mut line = Standing::default();
    line.served(50 * MS);
    line.judge(100 * MS, None, TARGET);
    assert!(!line.stands(200 * MS));
}

#[test]
fn nothing_is_judged_before_the_interval_is_over() {
    let mut line = Standing::default();
    line.judge(100 * MS, Some(50 * MS), TARGET);
    line.judge(199 * MS, None, TARGET);
    assert!(line.stands(200 * MS));
    line.judge(200 * MS, None, TARGET);
    assert!(!line.stands(200 * MS));
}

#[test]
fn without_a_target_no_line_stands() {
    let mut line = Standing::default();
    line.judge(100 * MS, Some(5_000 * MS), None);
    assert!(!line.stands(200 * MS));
}

#[test]
fn the_target_is_a_part_of_what_the_class_may_wait() {
    for (max_wait, expected) in [(0, 5), (100, 20), (250, 50), (5_000, 100)] {
        assert_eq!(target(Duration::from_millis(max_wait)), expected * MS);
    }
}

#[test]
fn a_judgement_that_is_old_is_not_believed() {
    let mut line = Standing::default();
    line.judge(100 * MS, Some(50 * MS), TARGET);
    assert!(line.stands(1_099 * MS) && !line.stands(1_100 * MS));
}
