//! The proof of a contact's consents (CNS-5): every entry of the ledger with the wording of its time and what
//! proves it, and what shows that nobody changed it since.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use kartoteka_domain::ids::ContactId;
use kartoteka_domain::integrity::merkle::{self, Side};
use kartoteka_domain::integrity::{Hash, Stream, leaves, unpack};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::consents as ledger;
use kartoteka_persistence::contacts::{Stored, merges};
use kartoteka_persistence::integrity::{self as store, ProvenEntry, ShownWording, StoredHead};
use kartoteka_persistence::workspaces;

use crate::contacts;
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::consents::Purpose;
pub use kartoteka_persistence::integrity::StoredSeal;

/// Seals of which the tree is held at once.
const SEALS: usize = 64;

/// The way from the hash of a row to the root of its seal.
pub type Steps = Vec<(Side, Hash)>;

/// What is under a seal, and how that is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered {
    /// It is to be sealed with what else is new, in some minutes.
    Waiting,
    /// It is under this seal: from its hash these steps lead to the root.
    Sealed(i64, Steps),
    /// It should be under this seal and is not: it was changed or put in.
    NotUnder(i64),
}

/// An entry with what covers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// The entry.
    pub entry: ProvenEntry,
    /// Its seal.
    pub covered: Covered,
}

/// A purpose as it stood at the instant.
#[derive(Clone, Debug, PartialEq)]
pub struct StandingPurpose {
    /// The purpose as it is now.
    pub purpose: Purpose,
    /// The last word on it: given, taken back, or none.
    pub granted: Option<bool>,
    /// When it was said.
    pub since: Option<DateTime<Utc>>,
    /// The entry that says so.
    pub entry_id: Option<Uuid>,
    /// The wordings that the entries name.
    pub wordings: Vec<ShownWording>,
}

/// All of a proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The workspace and its name.
    pub workspace: (Uuid, String),
    /// Whose consents, as the contact is now.
    pub contact: Stored,
    /// All contacts whose entries are here: this one, and those that became one with it.
    pub contact_ids: Vec<Uuid>,
    /// The instant.
    pub as_of: DateTime<Utc>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Purposes that were there or that an entry names, by name.
    pub purposes: Vec<StandingPurpose>,
    /// The entries, oldest first.
    pub entries: Vec<Proven>,
    /// The seals over them, in order.
    pub seals: Vec<StoredSeal>,
    /// Where the chain ended when it was made.
    pub head: Option<StoredHead>,
}

/// The proof of a contact as of an instant, the present one when none is given.
///
/// # Errors
/// `not_found`.
pub fn of_contact(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    as_of: Option<DateTime<Utc>>,
) -> Result<Proof, Error> {
    let all = merges::ids_of(tenant, contact)?;
    of_contacts(tenant, ctx, contact, &all, as_of)
}

/// The same for a contact and those that became one with it.
///
/// # Errors
/// `not_found`.
pub fn of_contacts(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    all: &[Uuid],
    as_of: Option<DateTime<Utc>>,
) -> Result<Proof, Error> {
    let whose = contacts::get(tenant, contact)?;
    let as_of = as_of.unwrap_or(ctx.now);
    let entries = store::proven_entries(tenant, all, as_of)?;
    let wordings = store::shown_wordings(tenant, all, as_of)?;
    let purposes = purposes(tenant, &entries, wordings, as_of)?;
    let (entries, seals) = cover(tenant, entries)?;
    let workspace = workspaces::get(tenant)?;
    Ok(Proof {
        workspace: (workspace.id, workspace.name),
        contact: whose,
        contact_ids: all.to_vec(),
        as_of,
        made_at: ctx.now,
        purposes,
        entries,
        seals,
        head: store::head(tenant, Stream::Consents)?,
    })
}

/// What the entries come to, purpose by purpose.
fn purposes(
    tenant: &mut Tenant<'_>,
    entries: &[ProvenEntry],
    wordings: Vec<ShownWording>,
    as_of: DateTime<Utc>,
) -> Result<Vec<StandingPurpose>, Error> {
    let last: HashMap<Uuid, &ProvenEntry> =
        entries.iter().map(|entry| (entry.purpose_id, entry)).collect();
    let mut shown: BTreeMap<Uuid, Vec<ShownWording>> = BTreeMap::new();
    for wording in wordings {
        shown.entry(wording.purpose_id).or_default().push(wording);
    }
    let all = ledger::purposes(tenant, None, usize::MAX)?;
    let there = all
        .into_iter()
        .filter(|purpose| purpose.created_at <= as_of || last.contains_key(&purpose.id));
    Ok(there
        .map(|purpose| {
            let entry = last.get(&purpose.id);
            StandingPurpose {
                granted: entry.map(|entry| entry.action == "grant"),
                since: entry.map(|entry| entry.at),
                entry_id: entry.map(|entry| entry.id),
                wordings: shown.remove(&purpose.id).unwrap_or_default(),
                purpose,
            }
        })
        .collect())
}

/// Finds each entry under its seal.
fn cover(
    tenant: &mut Tenant<'_>,
    entries: Vec<ProvenEntry>,
) -> Result<(Vec<Proven>, Vec<StoredSeal>), Error> {
    let mut numbers: Vec<i64> = entries.iter().filter_map(|entry| entry.seal).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut steps: HashMap<(i64, &[u8]), Steps> = HashMap::new();
    let mut seals = Vec::new();
    for part in numbers.chunks(SEALS) {
        for mut stored in store::seals_numbered(tenant, Stream::Consents, part.to_vec())? {
            let seq = stored.seal.seq;
            let records = unpack(&std::mem::take(&mut stored.records)).unwrap_or_default();
            let tree = leaves(&records);
            let fits = stored.seal.hash().as_slice() == stored.hash
                && merkle::root(&tree) == stored.seal.root;
            // under a seal that is not the one that was made nothing is proven
            for entry in entries.iter().filter(|entry| fits && entry.seal == Some(seq)) {
                let at = tree.iter().position(|leaf| leaf.as_slice() == entry.leaf.as_slice());
                if let Some(way) = at.and_then(|at| merkle::path(&tree, at)) {
                    steps.insert((seq, entry.leaf.as_slice()), way);
                }
            }
            seals.push(stored);
        }
    }
    let covers: Vec<Covered> = entries
        .iter()
        .map(|entry| match entry.seal {
            None => Covered::Waiting,
            Some(seq) => match steps.remove(&(seq, entry.leaf.as_slice())) {
                Some(way) => Covered::Sealed(seq, way),
                None => Covered::NotUnder(seq),
            },
        })
        .collect();
    drop(steps);
    let entries = entries.into_iter().zip(covers);
    Ok((entries.map(|(entry, covered)| Proven { entry, covered }).collect(), seals))
}
