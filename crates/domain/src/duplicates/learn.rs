//! Learning the weights from the base itself, without anybody saying which pairs are one contact: expectation
//! maximisation, as Winkler showed for the model of Fellegi and Sunter.
//!
//! `u` is counted among pairs drawn at random, which are hardly ever one contact; `m` is learnt from candidates.
//! What the data do not tell stays near the usual share: each share begins with some pairs it is sure of.

use std::collections::HashMap;

use super::compare::{Field, LEVELS, Pattern, compare};
use super::model::{Weights, probability, real};
use super::profile::Profile;

/// Patterns and how often each was met.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: HashMap<Pattern, f64>,
    pairs: usize,
}

impl Tally {
    /// Counts a pair.
    pub fn add(&mut self, a: &Profile, b: &Profile) {
        *self.counts.entry(compare(a, b)).or_default() += 1.0;
        self.pairs += 1;
    }

    /// Pairs counted.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.pairs
    }
}

/// Pairs the usual share of a level counts as, beside those that are met.
const DOUBT_M: f64 = 60.0;
const DOUBT_U: f64 = 2_000.0;
/// Pairs that are one contact from which on something is learnt.
const ENOUGH: f64 = 100.0;
const ROUNDS: usize = 25;

impl Weights {
    /// Learns from `random` pairs and from `candidates`, which are `share` of all candidates of a base of
    /// `contacts`. Where there are too few, the usual weights stay.
    #[must_use]
    pub fn learn(contacts: usize, random: &Tally, candidates: &Tally, share: f64) -> Self {
        let mut weights = Self::usual(contacts);
        if real(random.pairs) >= DOUBT_U {
            weights.u = shares(random.counts.iter().map(|(p, n)| (p, *n)), &weights.u, DOUBT_U);
        }
        let usual = weights.clone();
        // in an order of its own, so that a sum is the same in each run
        let mut candidates: Vec<(&Pattern, f64)> =
            candidates.counts.iter().map(|(pattern, n)| (pattern, *n)).collect();
        candidates.sort_unstable_by_key(|(pattern, _)| **pattern);
        for _ in 0..ROUNDS {
            let expected: Vec<(&Pattern, f64)> = candidates
                .iter()
                .map(|(pattern, n)| (*pattern, n * probability(weights.bits_of(pattern))))
                .collect();
            let found: f64 = expected.iter().map(|(_, n)| n).sum();
            if found < ENOUGH {
                weights.m = usual.m;
                return weights;
            }
            weights.m = shares(expected.into_iter(), &usual.m, DOUBT_M);
            weights.doubles = (found / share.max(1e-6) / real(contacts)).clamp(0.01, 2.0);
        }
        weights
    }
}

/// Shares of the levels, among the pairs and `doubt` pairs that are as `usual`.
fn shares<'a>(
    pairs: impl Iterator<Item = (&'a Pattern, f64)>,
    usual: &[Vec<f64>],
    doubt: f64,
) -> Vec<Vec<f64>> {
    let mut sums: Vec<Vec<f64>> =
        usual.iter().map(|levels| levels.iter().map(|share| share * doubt).collect()).collect();
    for (pattern, n) in pairs {
        for field in Field::ALL {
            let level = usize::from(pattern.of(field));
            if let Some(sum) = sums.get_mut(field.at()).and_then(|levels| levels.get_mut(level)) {
                *sum += n;
            }
        }
    }
    for (sums, levels) in sums.iter_mut().zip(LEVELS) {
        let all: f64 = sums.iter().sum();
        debug_assert_eq!(sums.len(), levels.len());
        sums.iter_mut().for_each(|sum| *sum /= all);
    }
    sums
}
