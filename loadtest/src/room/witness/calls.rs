//! Which numbers are known to have been called after a moment.

use std::collections::BTreeMap;

use super::Micros;

/// For every moment the highest number that was still waiting then and has been called since.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By moment; numbers fall as moments rise, for whatever is later and higher says more.
    highest: BTreeMap<Micros, u32>,
}

impl Calls {
    /// `number`, which waited at `moment`, is called.
    pub(super) fn add(&mut self, moment: Micros, number: u32) {
        if self.highest_after(moment) >= Some(number) {
            return;
        }
        while let Some((&earlier, _)) = self.highest.range(..=moment).next_back().filter(|(_, other)| **other <= number)
        {
            self.highest.remove(&earlier);
        }
        self.highest.insert(moment, number);
    }

    /// The highest number that waited at `moment` or later and has been called since.
    pub(super) fn highest_after(&self, moment: Micros) -> Option<u32> {
        self.highest.range(moment..).next().map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_highest_of_those_that_waited_then() {
        let mut calls = Calls::default();
        let mut all = Vec::new();
        for step in 0..500u64 {
            let (moment, number) = (step * 7919 % 101, (step * 104_729 % 997) as u32);
            calls.add(moment, number);
            all.push((moment, number));
            for probe in 0..105 {
                let expected = all.iter().filter(|(moment, _)| *moment >= probe).map(|(_, number)| *number).max();
                assert_eq!(calls.highest_after(probe), expected, "after {probe}, step {step}");
            }
        }
    }
}
