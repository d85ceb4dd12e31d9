//! Merkle trees over hashes of rows, as in RFC 9162 (2.1): of one row it can be shown that it is under a root
//! without showing the others.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Hash;

/// The hash of a row: SHA-256 over a zero byte and its text.
#[must_use]
pub fn leaf(text: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(text).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Where a tree of `n` > 1 leaves is parted: the largest power of two below `n`.
fn part(n: usize) -> usize {
    n.div_ceil(2).next_power_of_two()
}

/// The root over leaves in their order; of none, the hash of nothing.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest(b"").into(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(part(many.len()));
            node(&root(left), &root(right))
        }
    }
}

/// On which side of what is known so far the other hash stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It comes first.
    Left,
    /// It comes second.
    Right,
}

/// The way from leaf `index` to the root: what it is hashed with, from below. `None` when there is no such leaf.
#[must_use]
pub fn path(leaves: &[Hash], index: usize) -> Option<Vec<(Side, Hash)>> {
    if index >= leaves.len() {
        return None;
    }
    let mut steps = Vec::new();
    let (mut rest, mut index) = (leaves, index);
    while rest.len() > 1 {
        let (left, right) = rest.split_at(part(rest.len()));
        if index < left.len() {
            steps.push((Side::Right, root(right)));
            rest = left;
        } else {
            steps.push((Side::Left, root(left)));
            index -= left.len();
            rest = right;
        }
    }
    steps.reverse();
    Some(steps)
}

/// The root that a leaf and its way lead to.
#[must_use]
pub fn climb(leaf: Hash, steps: &[(Side, Hash)]) -> Hash {
    steps.iter().fold(leaf, |known, (side, other)| match side {
        Side::Left => node(other, &known),
        Side::Right => node(&known, other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n).map(|n| leaf(n.to_string().as_bytes())).collect()
    }

    /// CNS-5: every leaf of every size of tree leads to the root, and no other one does.
    #[test]
    fn every_leaf_leads_to_the_root() {
        for n in 1..40 {
            let all = leaves(n);
            let top = root(&all);
            for (index, one) in all.iter().enumerate() {
                let steps = path(&all, index).unwrap();
                assert_eq!(climb(*one, &steps), top, "{index} of {n}");
                assert_ne!(climb(leaf(b"another"), &steps), top);
                assert!(steps.len() <= 6);
            }
            assert_eq!(path(&all, n), None);
        }
    }

    /// The vectors of RFC 6962 as its reference implementation has them.
    #[test]
    fn the_tree_is_that_of_the_rfc() {
        let hex = |hash: Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let all: Vec<Hash> = inputs.iter().map(|input| leaf(input)).collect();
        let of = |n: usize| hex(root(&all[..n]));
        assert_eq!(of(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(of(1), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(of(2), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(of(3), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
        assert_eq!(of(8), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn any_change_changes_the_root() {
        let all = leaves(9);
        let mut swapped = all.clone();
        swapped.swap(2, 7);
        assert_ne!(root(&all), root(&swapped));
        assert_ne!(root(&all), root(&all[..8]));
        // a node is no leaf
        assert_ne!(root(&all[..2]), leaf(&[all[0], all[1]].concat()));
    }
}
