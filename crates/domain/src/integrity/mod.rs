//! Seals over the consent ledger and the audit trail: whoever changes a row that is sealed is found out (CNS-5).
//!
//! Rows are **sealed afterwards**, not when they are written. A chain through the rows themselves would need its
//! last row before the next can be written: writers would queue for it, and an import that writes a million rows
//! set-based would have to go one by one. So a row only carries the number of its transaction, and every some
//! minutes what is settled by then is taken in its order, at most [`SEAL_ROWS`] rows a seal. A seal has the root
//! of a Merkle tree over the hashes of its rows and the hash of the seal before it, and is signed with a key that
//! is not in the database.
//!
//! **What it finds**, from then on: a row that was changed in any column, removed, or put in among the sealed ones;
//! a wording that was changed after people agreed to it (its hash is part of each entry's row); a seal that was
//! changed, made up or taken out; seals cut off at the end. A purge is no fault: it leaves the hashes of the
//! entries behind (*removals*), which are sealed in a chain of their own.
//!
//! **What it does not find**: a row that was changed before it was sealed, so within some minutes; a row that
//! somebody who can write into the database adds as a new one (but it carries when it was sealed, whatever time
//! it claims); a purge made past the program, which leaves its removals but no line in the audit trail; and a
//! whole database that was put back to an older state with its chain. Against the last one, keep the head of the
//! chain (it is in the log and in `GET /workspace/integrity`) somewhere else: a later chain must contain it.
//! Evidence, which can be erased, is not covered. Who has both the database and the installation's key can make
//! a new chain, and is found out by a head that was kept elsewhere, too.

pub mod merkle;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::WorkspaceId;

/// SHA-256.
pub type Hash = [u8; 32];

/// Most rows of a seal.
pub const SEAL_ROWS: usize = 4096;

/// What is sealed, each in a chain of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The consent ledger.
    Consents,
    /// The audit trail.
    Audit,
    /// What purged contacts left of their entries.
    Removals,
}

impl Stream {
    /// All of them, in the order in which they are sealed and verified.
    pub const ALL: [Self; 3] = [Self::Consents, Self::Audit, Self::Removals];

    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consents => "consents",
            Self::Audit => "audit",
            Self::Removals => "removals",
        }
    }
}

/// Where a row stands in its stream: its transaction, then its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Number of the transaction.
    pub txn: i64,
    /// The key; parts that a stream does not have are nil.
    pub key: [Uuid; 3],
}

impl Place {
    /// Before every row.
    pub const START: Self = Self { txn: -1, key: [Uuid::nil(); 3] };

    /// Behind every row of a transaction.
    #[must_use]
    pub fn end_of(txn: i64) -> Self {
        Self { txn, key: [Uuid::max(); 3] }
    }
}

/// A row by its place and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub place: Place,
    /// Its hash.
    pub leaf: Hash,
}

/// What a seal keeps of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Hash of the row.
    pub leaf: Hash,
    /// Part of the hash of its key: so a row with another hash is known to be the one that was sealed.
    pub tag: [u8; 4],
}

impl Record {
    const BYTES: usize = 36;

    fn of(row: &Row) -> Self {
        let mut hash = Sha256::new();
        row.place.key.iter().for_each(|part| hash.update(part.as_bytes()));
        let [a, b, c, d, ..] = <Hash>::from(hash.finalize());
        Self { leaf: row.leaf, tag: [a, b, c, d] }
    }
}

/// The records of rows in ascending order, which is the order of the tree.
#[must_use]
pub fn records(rows: &[Row]) -> Vec<Record> {
    let mut records: Vec<Record> = rows.iter().map(Record::of).collect();
    records.sort_unstable();
    records
}

/// Records as they are kept.
#[must_use]
pub fn pack(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(|record| record.leaf.into_iter().chain(record.tag)).collect()
}

/// The way back from [`pack`]; `None` when the bytes cannot come from there.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<Vec<Record>> {
    let chunks = bytes.chunks_exact(Record::BYTES);
    if !chunks.remainder().is_empty() {
        return None;
    }
    chunks
        .map(|chunk| {
            let (leaf, rest) = chunk.split_first_chunk::<32>()?;
            Some(Record { leaf: *leaf, tag: rest.try_into().ok()? })
        })
        .collect()
}

/// The hashes of records, in their order.
#[must_use]
pub fn leaves(records: &[Record]) -> Vec<Hash> {
    records.iter().map(|record| record.leaf).collect()
}

/// A seal over some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Whose rows.
    pub workspace: WorkspaceId,
    /// Of which stream.
    pub stream: Stream,
    /// Its number, from 1.
    pub seq: i64,
    /// The last row it covers.
    pub upto: Place,
    /// How many rows it covers.
    pub rows: i64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Hash of the seal before it; zeros when there is none.
    pub previous: Hash,
    /// When it was made. Kept to the microsecond.
    pub sealed_at: DateTime<Utc>,
}

impl Seal {
    /// The seal as text, which is what is hashed.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { workspace, stream, seq, upto, rows, root, previous, sealed_at } = self;
        let Place { txn, key: [a, b, c] } = upto;
        let at = sealed_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let (root, previous, stream) = (hex(root), hex(previous), stream.as_str());
        json!(["seal/1", workspace, stream, seq, txn, a, b, c, rows, root, previous, at])
            .to_string()
    }

    /// SHA-256 of [`Seal::text`].
    #[must_use]
    pub fn hash(&self) -> Hash {
        Sha256::digest(self.text()).into()
    }
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub workspace: WorkspaceId,
    /// Of which stream.
    pub stream: Stream,
    /// Number of the last seal; 0 when there is none.
    pub seq: i64,
    /// Rows under all seals.
    pub rows: i64,
    /// Hash of the last seal; zeros when there is none.
    pub hash: Hash,
    /// The last row that is sealed.
    pub upto: Place,
}

impl Head {
    /// The head as text, which is what is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { workspace, stream, seq, rows, hash, upto } = self;
        let Place { txn, key: [a, b, c] } = upto;
        json!(["head/1", workspace, stream.as_str(), seq, rows, hex(hash), txn, a, b, c])
            .to_string()
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The row holds something else than when it was sealed.
    Changed,
    /// A row that was sealed is gone.
    Missing,
    /// The row was put in where all rows were sealed.
    Added,
    /// The seal is not the one that was made.
    SealBroken,
    /// Seals are gone.
    SealMissing,
    /// Something says that the row was removed with its contact, who is still there.
    RemovalForged,
}

/// A difference between what was sealed and what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The row with this key holds something else.
    Changed([Uuid; 3]),
    /// The row with this key is not under the seal.
    Added([Uuid; 3]),
    /// A row with this hash was sealed and is not there.
    Missing(Hash),
}

/// Hashes that were sealed and that no row has.
#[must_use]
pub fn without_row(sealed: &[Record], rows: &[Row]) -> Vec<Hash> {
    let there: HashSet<Hash> = rows.iter().map(|row| row.leaf).collect();
    sealed.iter().map(|record| record.leaf).filter(|leaf| !there.contains(leaf)).collect()
}

/// Holds the rows that are there against those that were sealed; `removed` are hashes of rows that went with
/// their contacts.
#[must_use]
pub fn compare(sealed: &[Record], rows: &[Row], removed: &HashSet<Hash>) -> Vec<Difference> {
    let known: HashSet<Hash> = sealed.iter().map(|record| record.leaf).collect();
    let mut missing: HashMap<[u8; 4], Vec<Hash>> = HashMap::new();
    let without: HashSet<Hash> = without_row(sealed, rows).into_iter().collect();
    let lost = |record: &&Record| without.contains(&record.leaf) && !removed.contains(&record.leaf);
    for record in sealed.iter().filter(lost) {
        missing.entry(record.tag).or_default().push(record.leaf);
    }
    let mut found: Vec<Difference> = rows
        .iter()
        .filter(|row| !known.contains(&row.leaf))
        .map(|row| {
            let was = missing.get_mut(&Record::of(row).tag).and_then(Vec::pop);
            let key = row.place.key;
            if was.is_some() { Difference::Changed(key) } else { Difference::Added(key) }
        })
        .collect();
    found.extend(missing.into_values().flatten().map(Difference::Missing));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u128, text: &str) -> Row {
        let key = [Uuid::from_u128(n), Uuid::nil(), Uuid::nil()];
        Row { place: Place { txn: 1, key }, leaf: merkle::leaf(text.as_bytes()) }
    }

    fn seal() -> Seal {
        Seal {
            workspace: WorkspaceId(Uuid::from_u128(1)),
            stream: Stream::Audit,
            seq: 3,
            upto: Place { txn: 7, key: [Uuid::from_u128(2), Uuid::nil(), Uuid::nil()] },
            rows: 2,
            root: [1; 32],
            previous: [2; 32],
            sealed_at: DateTime::from_timestamp_micros(1_795_299_136_000_001).unwrap(),
        }
    }

    /// CNS-5: nothing of a seal can be another without its hash being another.
    #[test]
    fn everything_of_a_seal_is_hashed() {
        let whole = seal();
        let mut others = vec![whole.clone(); 8];
        others[0].workspace = WorkspaceId(Uuid::nil());
        others[1].stream = Stream::Consents;
        others[2].seq = 4;
        others[3].upto.txn = 8;
        others[4].upto.key[2] = Uuid::from_u128(1);
        others[5].rows = 3;
        others[6].root = [2; 32];
        others[7].sealed_at += chrono::TimeDelta::microseconds(1);
        let mut hashes: HashSet<Hash> = others.iter().map(Seal::hash).collect();
        hashes.insert(Seal { previous: [1; 32], ..whole.clone() }.hash());
        hashes.insert(whole.hash());
        assert_eq!(hashes.len(), 10);
        assert_eq!(
            whole.text(),
            format!(
                "[\"seal/1\",\"00000000-0000-0000-0000-000000000001\",\"audit\",3,7,\
                 \"00000000-0000-0000-0000-000000000002\",\"00000000-0000-0000-0000-000000000000\",\
                 \"00000000-0000-0000-0000-000000000000\",2,\"{}\",\"{}\",\"2026-11-21T22:12:16.000001Z\"]",
                "01".repeat(32),
                "02".repeat(32)
            )
        );
    }

    #[test]
    fn records_come_back_as_they_were_kept() {
        let kept = records(&[row(1, "a"), row(2, "b"), row(3, "c")]);
        assert!(kept.is_sorted());
        let bytes = pack(&kept);
        assert_eq!(bytes.len(), 3 * Record::BYTES);
        assert_eq!(unpack(&bytes), Some(kept));
        assert_eq!(unpack(&bytes[1..]), None);
        assert_eq!(unpack(&[]), Some(Vec::new()));
    }

    /// CNS-5: each kind of harm is told by its name.
    #[test]
    fn differences_have_names() {
        let sealed = records(&[row(1, "a"), row(2, "b"), row(3, "c")]);
        let none = HashSet::new();
        assert_eq!(compare(&sealed, &[row(3, "c"), row(2, "b"), row(1, "a")], &none), []);
        let changed = [row(1, "a"), row(2, "x"), row(3, "c")];
        assert_eq!(compare(&sealed, &changed, &none), [Difference::Changed(changed[1].place.key)]);
        let added = [row(1, "a"), row(2, "b"), row(3, "c"), row(4, "d")];
        assert_eq!(compare(&sealed, &added, &none), [Difference::Added(added[3].place.key)]);
        let gone = [row(1, "a"), row(2, "b")];
        let lost = row(3, "c").leaf;
        assert_eq!(compare(&sealed, &gone, &none), [Difference::Missing(lost)]);
        assert_eq!(without_row(&sealed, &gone), [lost]);
        assert_eq!(compare(&sealed, &gone, &HashSet::from([lost])), []);
    }
}
