//! Tokens out of time.

use crate::clock::Nanos;
use crate::overload::pace::Mint;
use crate::overload::tally::TOKEN;

const SECOND: Nanos = 1_000_000_000;

#[test]
fn no_part_of_a_token_is_lost() {
    let mut mint = Mint::default();
    mint.set_rate(0.0123);
    let due: i64 = (1..=1_000).map(|tick| mint.due(tick * SECOND / 10)).sum();
    assert!((1_229..=1_231).contains(&due), "{due}");
    assert_eq!(mint.burst(), TOKEN);
}

#[test]
fn half_a_second_is_saved() {
    let mut mint = Mint::default();
    mint.set_rate(100.0);
    assert_eq!((mint.due(SECOND), mint.burst()), (100 * TOKEN, 50 * TOKEN));
    assert_eq!(mint.due(SECOND / 2), 0);
}

#[test]
fn nobody_begins_at_no_rate_and_everybody_at_none_that_is_known() {
    let mut mint = Mint::default();
    assert_eq!((mint.is_paced(), mint.due(SECOND), mint.burst()), (false, 0, 0));
    mint.set_rate(-1.0);
    assert_eq!((mint.is_paced(), mint.due(2 * SECOND), mint.burst()), (true, 0, 0));
    mint.set_rate(f64::NAN);
    assert!(!mint.is_paced());
}
