use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn outcomes() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(&Outcome::ALL)
}

#[test]
fn codes_past_the_table_are_counted_together_per_outcome() {
    let requests = Requests::default();
    for code in 0..SLOTS as u16 + 5 {
        requests.add(Outcome::Forwarded, 200 + code);
    }
    requests.add(Outcome::Failed, 502);
    requests.add(Outcome::Forwarded, 200);
    let counts: BTreeMap<_, _> = requests.read().collect();
    assert_eq!(counts[&(Outcome::Forwarded, None)], 5);
    assert_eq!(counts[&(Outcome::Failed, None)], 1);
    assert_eq!(counts[&(Outcome::Forwarded, Some(200))], 2);
    assert_eq!(counts.len(), SLOTS + 2);
}

#[test]
fn every_decision_has_a_cell_of_its_own() {
    let decisions = Decisions::default();
    for (decision, reason, mode) in Decisions::keys() {
        decisions.add(decision, reason, mode);
    }
    assert!(decisions.cells.iter().all(|cell| cell.get() == 1));
}

proptest! {
    #[test]
    fn requests_are_counted_as_a_map_would(finished in prop::collection::vec((outcomes(), 100u16..130), 0..400)) {
        let requests = Requests::default();
        let mut expected = BTreeMap::<_, u64>::new();
        for (outcome, code) in finished {
            requests.add(outcome, code);
            *expected.entry((outcome, code)).or_default() += 1;
        }
        let mut other = BTreeMap::<_, u64>::new();
        for ((outcome, code), count) in requests.read() {
            match code {
                Some(code) => prop_assert_eq!(expected.remove(&(outcome, code)), Some(count)),
                None => _ = other.insert(outcome, count),
            }
        }
        let mut left = BTreeMap::<_, u64>::new();
        for ((outcome, _), count) in expected {
            *left.entry(outcome).or_default() += count;
        }
        prop_assert_eq!(other, left);
    }
}
