//! How many trials a claim needs.

use super::error_rate_upper_95;

/// More than anybody will ever perform.
const MOST: u64 = 10_000_000;

/// The fewest trials in all, with `lost` losses among them, after which the 95 % upper bound of
/// the share of losses ([`error_rate_upper_95`]) is at most `claim`. Absent for a claim that takes
/// more than ten million trials, or that none can support: one of zero or less, or no number.
#[must_use]
pub fn trials_needed(lost: u64, claim: f64) -> Option<u64> {
    if claim.is_nan() || claim <= 0.0 {
        return None;
    }
    let proves = |trials: u64| error_rate_upper_95(lost, trials) <= claim;
    // The bound only falls with more trials of the same losses.
    let (mut too_few, mut enough) = (lost.max(1) - 1, lost.max(1));
    while !proves(enough) {
        if enough >= MOST {
            return None;
        }
        (too_few, enough) = (enough, (enough * 2).min(MOST));
    }
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if proves(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_a_loss_the_rule_of_three() {
        for (claim, needed) in [(0.1, 29), (0.05, 59), (0.01, 299), (1.0, 1)] {
            assert_eq!(trials_needed(0, claim), Some(needed), "{claim}");
        }
    }

    #[test]
    fn with_losses_it_takes_more() {
        // From printed tables of the one-sided binomial limit.
        assert_eq!(trials_needed(1, 0.1), Some(46));
        assert_eq!(trials_needed(2, 0.1), Some(61));
        assert_eq!(trials_needed(1, 0.05), Some(93));
        assert_eq!(trials_needed(7, 1.0), Some(7));
    }

    #[test]
    fn some_claims_cannot_be_proven() {
        assert_eq!(trials_needed(0, 0.0), None);
        assert_eq!(trials_needed(3, -1.0), None);
        assert_eq!(trials_needed(0, f64::NAN), None);
        assert_eq!(trials_needed(3, 1e-9), None);
        assert!(trials_needed(3, 1e-6).is_some_and(|needed| needed > 7_000_000));
    }

    proptest! {
        #[test]
        fn it_is_what_counting_up_finds(lost in 0_u64..8, one_in in 2_u32..60) {
            let claim = 1.0 / f64::from(one_in);
            let counted =
                (lost.max(1)..10_000).find(|trials| error_rate_upper_95(lost, *trials) <= claim);
            prop_assert_eq!(trials_needed(lost, claim), counted);
        }
    }
}
