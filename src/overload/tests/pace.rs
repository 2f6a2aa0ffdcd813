//! Tokens of a pace.

use crate::overload::pace::Pace;
use crate::overload::tally::TOKEN;

fn pace(may_begin: f64) -> Pace {
    Pace { may_begin, enforce: true }
}

#[test]
fn only_whole_shoppers_begin() {
    assert_eq!(pace(0.99).tokens(), 0);
    assert_eq!(pace(7.5).tokens(), 7 * TOKEN);
}

#[test]
fn nobody_begins_at_none_and_everybody_at_what_is_no_number() {
    assert_eq!((pace(-1.0).is_paced(), pace(-1.0).tokens()), (true, 0));
    assert!(!pace(f64::NAN).is_paced());
    assert!(!Pace::FREE.is_paced());
}
