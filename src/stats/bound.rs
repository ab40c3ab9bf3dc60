//! What a number of trials can prove, and how many a claim needs.

use statrs::function::beta::beta_reg;

/// The share of lost requests that lies above the true one in 95 of 100 cases, when `failed`
/// of `sent` were lost: the one-sided Clopper–Pearson bound. Without a failure that is
/// 1 − 0.05^(1/n), about 3/n (Jovanovic and Levy 1997, "A look at the rule of three").
///
/// It holds for requests that fail independently. Failures of an update come in clusters, so
/// read it as what this many requests could show at best.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 requests")]
pub fn error_rate_upper_95(failed: u64, sent: u64) -> f64 {
    if failed >= sent {
        return 1.0;
    }
    let (failed, sent) = (failed as f64, sent as f64);
    if failed == 0.0 {
        return -f64::exp_m1(f64::ln(0.05) / sent);
    }
    // By halving: the library's own inverse does not come to an end for some large numbers. More
    // steps than a float has digits change nothing.
    let (mut low, mut high) = (failed / sent, 1.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if beta_reg(failed + 1.0, sent - failed, middle) < 0.95 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

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

    fn assert_close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }

    #[test]
    fn the_rule_of_three() {
        for (sent, bound) in [(300, 0.01), (1_000, 0.003), (3_000, 0.001), (30_000, 0.000_1)] {
            assert_close(error_rate_upper_95(0, sent), bound, bound * 0.01);
        }
    }

    #[test]
    fn values_of_printed_tables() {
        // Upper one-sided 95 % limits of a binomial proportion.
        assert_close(error_rate_upper_95(0, 10), 0.2589, 0.000_05);
        assert_close(error_rate_upper_95(1, 10), 0.3942, 0.000_05);
        assert_close(error_rate_upper_95(2, 20), 0.2826, 0.000_05);
        assert_close(error_rate_upper_95(9, 10), 0.9949, 0.000_05);
    }

    #[test]
    fn large_numbers_come_to_an_end() {
        // With so many trials the number of losses is as good as Poisson's, whose limits are
        // printed: 4.744 for one and 7.754 for three.
        for sent in [1_000_000_u32, 8_388_608, 10_000_000, 1_000_000_000] {
            let scaled = |lost| error_rate_upper_95(lost, u64::from(sent)) * f64::from(sent);
            assert_close(scaled(1), 4.744, 0.001);
            assert_close(scaled(3), 7.754, 0.001);
        }
        // Nearly normal: the mean and 1.645 deviations.
        assert_close(error_rate_upper_95(500_000, 1_000_000), 0.500_823, 0.000_01);
    }

    #[test]
    fn nothing_and_everything() {
        assert_close(error_rate_upper_95(0, 0), 1.0, 0.0);
        assert_close(error_rate_upper_95(5, 5), 1.0, 0.0);
    }

    /// The chance of at most `failed` failures in `sent` trials, summed term by term.
    fn binomial_tail(failed: u32, sent: u32, p: f64) -> f64 {
        let mut log_term = f64::from(sent) * (-p).ln_1p();
        let mut sum = log_term.exp();
        for k in 0..failed {
            log_term += (f64::from(sent - k) / f64::from(k + 1)).ln() + p.ln() - (-p).ln_1p();
            sum += log_term.exp();
        }
        sum
    }

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
        fn it_is_where_so_few_failures_become_unlikely(failed in 0_u32..60, more in 1_u32..40_000) {
            let sent = failed + more;
            let bound = error_rate_upper_95(u64::from(failed), u64::from(sent));
            prop_assert!(bound > f64::from(failed) / f64::from(sent) && bound < 1.0);
            let tail = binomial_tail(failed, sent, bound);
            prop_assert!((tail - 0.05).abs() < 1e-6, "{} at {}", tail, bound);
        }

        #[test]
        fn it_is_what_counting_up_finds(lost in 0_u64..8, one_in in 2_u32..60) {
            let claim = 1.0 / f64::from(one_in);
            let counted =
                (lost.max(1)..10_000).find(|trials| error_rate_upper_95(lost, *trials) <= claim);
            prop_assert_eq!(trials_needed(lost, claim), counted);
        }
    }
}
