//! A whole search over records in memory: for lists of some ten thousands, and for measuring. A large base is
//! searched in the same steps by a job, which keeps keys in the database.

use std::collections::{BTreeMap, HashMap};

use super::keys::{Key, MOST_MEMBERS, keys, most_members};
use super::learn::Tally;
use super::model::{Frequencies, Score, Weights};
use super::profile::{Profile, Record};

/// Two records, by their places, the smaller first.
pub type Places = (usize, usize);

/// What a search found.
#[derive(Debug)]
pub struct Found {
    /// Candidates with their scores, in the order of their places.
    pub pairs: Vec<(Places, Score)>,
    /// The weights used.
    pub weights: Weights,
}

/// Pairs drawn at random for the shares among pairs that are not one contact.
pub const RANDOM_PAIRS: usize = 60_000;

/// Compares all candidates among `records`.
#[must_use]
pub fn search(records: &[Record]) -> Found {
    let profiles: Vec<Profile> = records.iter().map(Profile::from).collect();
    let count = profiles.len();
    let frequencies = frequencies(&profiles);
    let candidates = candidates(&profiles);
    let pair = |(a, b): Places| Some((profiles.get(a)?, profiles.get(b)?));
    let mut random = Tally::default();
    if count > 1 {
        // steps that share no factor with the count go everywhere
        for step in 0..RANDOM_PAIRS.min(count * 20) {
            let a = step.wrapping_mul(7_919) % count;
            let b = step.wrapping_mul(104_729).wrapping_add(step / count + 1) % count;
            if let Some((a, b)) = pair((a, b)).filter(|_| a != b) {
                random.add(a, b);
            }
        }
    }
    let mut sample = Tally::default();
    candidates.iter().filter_map(|places| pair(*places)).for_each(|(a, b)| sample.add(a, b));
    let weights = Weights::learn(count, &random, &sample, 1.0);
    let pairs = candidates
        .into_iter()
        .filter_map(|places| {
            let (a, b) = pair(places)?;
            Some((places, weights.score(a, b, &frequencies)))
        })
        .collect();
    Found { pairs, weights }
}

fn frequencies(profiles: &[Profile]) -> Frequencies {
    let mut counts: HashMap<Key, u32> = HashMap::new();
    for key in profiles.iter().flat_map(Frequencies::terms) {
        *counts.entry(key).or_default() += 1;
    }
    Frequencies::new(profiles.len(), counts)
}

fn candidates(profiles: &[Profile]) -> Vec<Places> {
    let mut blocks: HashMap<Key, Vec<usize>> = HashMap::new();
    for (at, profile) in profiles.iter().enumerate() {
        for key in keys(profile, profiles.len()) {
            blocks.entry(key).or_default().push(at);
        }
    }
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    blocks.values().for_each(|members| *sizes.entry(members.len()).or_default() += 1);
    let sizes: Vec<(usize, usize)> = sizes.into_iter().collect();
    let most = most_members(&sizes, profiles.len()).min(MOST_MEMBERS);
    let mut pairs: Vec<Places> = Vec::new();
    for members in blocks.values().filter(|members| members.len() <= most) {
        for (at, a) in members.iter().enumerate() {
            pairs.extend(members.iter().skip(at + 1).map(|b| (*a, *b)));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
