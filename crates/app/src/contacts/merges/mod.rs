//! Several contacts become one, and are parted again (CON-16).
//!
//! [`preview`] and [`merge`] are one use case that ends before or after it has written: what the preview says is what
//! the merge does, as long as nobody changes one of the contacts in between.

mod undo;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::{Action, LegalBasis, Source};
use kartoteka_domain::contacts::merges::{self, Plan, Side, Taken, most_restrictive};
use kartoteka_domain::contacts::owners::{Deed, Level, MAX_OWNERS};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ContactId, MergeId, PurposeId};
use kartoteka_persistence::consents::{self as ledger, Entry, Evidence};
use kartoteka_persistence::contacts::merges::moving::{self, Moving};
use kartoteka_persistence::contacts::merges::{self as store, Snapshot, Word};
use kartoteka_persistence::contacts::{owners, read};
use kartoteka_persistence::definitions::runs;
use kartoteka_persistence::{StoreError, Tenant, erasures, workspaces};

use super::{Stored, room};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::contacts::merges::Merge;
pub use kartoteka_persistence::contacts::merges::back::Left;
pub use undo::{Parted, undo};

/// What is to be merged.
#[derive(Clone, Debug)]
pub struct Request {
    /// The contact that stays.
    pub winner: ContactId,
    /// Those that become a part of it; where it has no value, that of the first one counts.
    pub losers: Vec<ContactId>,
    /// Whose value a field takes, where it is not to be the first there is.
    pub fields: BTreeMap<String, ContactId>,
}

/// A tag the winner will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedTag {
    /// Its name.
    pub name: String,
    /// The highest of all scores.
    pub score: i64,
    /// Who has it.
    pub contact_ids: Vec<Uuid>,
}

/// An owner the winner will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedOwner {
    /// The person.
    pub user_id: Uuid,
    /// The highest of all levels.
    pub level: String,
    /// Whom they own.
    pub contact_ids: Vec<Uuid>,
}

/// The word on a purpose the winner will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedConsent {
    /// Name of the purpose.
    pub purpose: String,
    /// The last word of each contact, the winner first; `None` when there was none.
    pub words: Vec<(Uuid, Option<bool>)>,
    /// What will hold.
    pub granted: Option<bool>,
}

/// What a merge does, or did.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Each field in which any of them has something.
    pub fields: Vec<Taken>,
    /// The tags of all, in order of their names.
    pub tags: Vec<MergedTag>,
    /// The groups of all, in order of their ids.
    pub group_ids: Vec<Uuid>,
    /// The owners of all, those who may most first.
    pub owners: Vec<MergedOwner>,
    /// Each purpose on which any of them said a word.
    pub consents: Vec<MergedConsent>,
    /// Takes marketing: when all of them do.
    pub subscribed: bool,
    /// Takes no message at all: when any of them does not.
    pub muted: bool,
    /// Its address bounced hard, on whichever of them.
    pub email_invalid: bool,
    /// How much more hangs on the winner, by kind.
    pub moves: Vec<(&'static str, usize)>,
}

/// What would be done.
///
/// # Errors
/// As [`merge`].
pub fn preview(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    request: &Request,
) -> Result<Preview, Error> {
    Ok(Merging::begin(tenant, ctx, request)?.preview())
}

/// Merges the losers into the winner, with all that hangs on them.
///
/// # Errors
/// All faults of the request; `contact_merged` when one of them was merged before, `not_permitted`, `conflict` when
/// one of them is in the trash, `never_merge`, `too_many` owners.
pub fn merge(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    request: &Request,
) -> Result<(Merge, Preview, Stored), Error> {
    let merging = Merging::begin(tenant, ctx, request)?;
    let preview = merging.preview();
    let id = merging.write(tenant, ctx, &preview)?;
    let merge = store::get(tenant, id, false)?.ok_or(Error::NotFound)?;
    Ok((merge, preview, super::get(tenant, request.winner)?))
}

/// One merge.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: MergeId) -> Result<Merge, Error> {
    store::get(tenant, id, false)?.ok_or(Error::NotFound)
}

/// Merges, newest first, older than `before`; of one contact those it won or lost.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    contact: Option<ContactId>,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Merge>, Error> {
    Ok(store::list(tenant, contact, before, limit)?)
}

/// Where the id of a merged contact leads; `None` when it is not one.
///
/// # Errors
/// What the database said.
pub fn winner_of(tenant: &mut Tenant<'_>, id: ContactId) -> Result<Option<ContactId>, Error> {
    let merged = store::merged(tenant, &[id.0])?;
    Ok(merged.first().map(|merged| ContactId(merged.winner_id)))
}

/// The contacts, locked and looked at.
struct Merging {
    winner: Stored,
    losers: Vec<Stored>,
    plan: Plan,
    words: Vec<Word>,
    snapshots: Vec<Snapshot>,
}

impl Merging {
    fn begin(tenant: &mut Tenant<'_>, ctx: &Context, request: &Request) -> Result<Self, Error> {
        room::enter_beside(tenant)?;
        let ids: Vec<Uuid> = std::iter::once(request.winner)
            .chain(request.losers.iter().copied())
            .map(|id| id.0)
            .collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        // in order of their ids: of two merges that share a contact, one waits and then does not find it
        read::lock(tenant, &sorted)?;
        let there = read::get_many(tenant, &sorted)?;
        let of = |id: ContactId| there.iter().find(|contact| contact.id == id);
        let merged = store::merged(tenant, &sorted)?;
        let mut faults = faults_of_ids(request, |id| {
            of(id).is_some() || merged.iter().any(|merged| merged.loser_id == id.0)
        });
        let losers: Vec<Stored> = request.losers.iter().filter_map(|id| of(*id)).cloned().collect();
        let winner = of(request.winner).cloned();
        let plan = winner.as_ref().map(|winner| plan(winner, &losers, request));
        let plan = match plan {
            Some(Ok(plan)) => Some(plan),
            Some(Err(found)) => {
                faults.extend(found);
                None
            }
            None => None,
        };
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        if !merged.is_empty() {
            return Err(already_merged(&merged));
        }
        let (Some(winner), Some(plan)) = (winner, plan) else { return Err(Error::NotFound) };
        refuse_forbidden(tenant, ctx, request, &winner, &losers)?;
        refuse_in_trash(&winner, &losers)?;
        refuse_rejected(tenant, &ids)?;
        if erasures::under_way(tenant, &ids)?.is_some() {
            // what is looked for in lists and files would change under its hands
            let detail = "One of the contacts is being erased.";
            return Err(Error::refused(Code::Conflict, detail));
        }
        let words = store::words(tenant, &ids)?;
        let snapshots = store::snapshots(tenant, &ids)?;
        Ok(Self { winner, losers, plan, words, snapshots })
    }

    fn all(&self) -> impl Iterator<Item = &Stored> {
        std::iter::once(&self.winner).chain(&self.losers)
    }

    fn preview(&self) -> Preview {
        let Some((winner, losers)) = self.snapshots.split_first() else {
            return self.preview_of(Vec::new());
        };
        self.preview_of(Snapshot::more_than(losers, winner))
    }

    fn preview_of(&self, moves: Vec<(&'static str, usize)>) -> Preview {
        let mut group_ids: Vec<Uuid> =
            self.all().flat_map(|contact| contact.group_ids.iter().copied()).collect();
        group_ids.sort_unstable();
        group_ids.dedup();
        Preview {
            fields: self.plan.fields.clone(),
            tags: self.tags(),
            group_ids,
            owners: self.owners(),
            consents: self.consents(),
            subscribed: self.all().all(|contact| contact.subscribed),
            muted: self.all().any(|contact| contact.muted),
            email_invalid: self.email_invalid_at().is_some(),
            moves,
        }
    }

    /// Since when the address that is taken bounces, on whichever of them has it.
    fn email_invalid_at(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let key = self.plan.contact.email_key.as_ref()?;
        let same = self.all().filter(|contact| contact.contact.email_key.as_ref() == Some(key));
        same.filter_map(|contact| contact.email_invalid_at).min()
    }

    fn tags(&self) -> Vec<MergedTag> {
        let mut tags: BTreeMap<&str, MergedTag> = BTreeMap::new();
        for contact in self.all() {
            for tag in &contact.tags {
                let merged = tags.entry(&tag.key).or_insert_with(|| MergedTag {
                    name: tag.name.clone(),
                    score: tag.score,
                    contact_ids: Vec::new(),
                });
                merged.score = merged.score.max(tag.score);
                merged.contact_ids.push(contact.id.0);
            }
        }
        tags.into_values().collect()
    }

    fn owners(&self) -> Vec<MergedOwner> {
        let mut owners: BTreeMap<Uuid, (Option<Level>, Vec<Uuid>)> = BTreeMap::new();
        for contact in self.all() {
            for owner in &contact.owners {
                let level = Level::from_word(&owner.level);
                let (highest, of) = owners.entry(owner.user_id).or_insert((level, Vec::new()));
                // the levels are in order, the one that may most first
                *highest = (*highest).min(level);
                of.push(contact.id.0);
            }
        }
        let mut owners: Vec<(Option<Level>, Uuid, Vec<Uuid>)> =
            owners.into_iter().map(|(user, (level, of))| (level, user, of)).collect();
        owners.sort_unstable();
        owners
            .into_iter()
            .map(|(level, user_id, contact_ids)| MergedOwner {
                user_id,
                level: level.map_or("", Level::as_str).to_owned(),
                contact_ids,
            })
            .collect()
    }

    fn consents(&self) -> Vec<MergedConsent> {
        let mut purposes: Vec<&str> = self.words.iter().map(|word| word.purpose.as_str()).collect();
        purposes.dedup();
        purposes
            .into_iter()
            .map(|purpose| {
                let of = |contact: &Stored| {
                    let mut words = self.words.iter();
                    let word = words
                        .find(|word| word.purpose == purpose && word.contact_id == contact.id.0);
                    (contact.id.0, word.map(|word| word.granted))
                };
                let words: Vec<(Uuid, Option<bool>)> = self.all().map(of).collect();
                MergedConsent {
                    purpose: purpose.to_owned(),
                    granted: most_restrictive(words.iter().map(|(_, word)| *word)),
                    words,
                }
            })
            .collect()
    }

    fn write(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        preview: &Preview,
    ) -> Result<MergeId, Error> {
        let (winner, losers) = match self.snapshots.split_first() {
            Some(split) if split.1.len() == self.losers.len() => split,
            _ => return Err(Error::NotFound),
        };
        let (id, winner_id) = (MergeId(ctx.new_id()), self.winner.id);
        let moving = Moving {
            winner,
            losers,
            contact: &self.plan.contact,
            subscribed: preview.subscribed,
            muted: preview.muted,
            email_invalid_at: self.email_invalid_at(),
        };
        self.end_runs(tenant, ctx)?;
        let changes = moving::merge(tenant, &moving, ctx.now)?;
        moving::record(tenant, id, ctx.actor, (winner_id, losers), changes, ctx.now)?;
        let consents = self.declare(tenant, ctx, id, preview)?;
        let n = i64::try_from(losers.len()).unwrap_or(i64::MAX);
        workspaces::add_usage(tenant, -n, 0, winner_id.0)?;
        self.tell(tenant, ctx, id, preview, consents)?;
        Ok(id)
    }

    /// Lets the winner be on its way through a rule or scenario once: the same steps twice side by side would send it
    /// everything twice (SCN-10).
    fn end_runs(&self, tenant: &mut Tenant<'_>, ctx: &Context) -> Result<(), Error> {
        let losers: Vec<Uuid> = self.losers.iter().map(|loser| loser.id.0).collect();
        let ended = runs::end_beside(tenant, self.winner.id, &losers, "merged", ctx.now)?;
        let line = |run: runs::EndedRun| {
            (run.id, Some(json!({"contact_id": run.contact_id, "fields": ["state"]})))
        };
        let lines = ended.into_iter().map(line).collect();
        Ok(audit::record_each(tenant, ctx, "run.end", "run", lines)?)
    }

    /// Writes into the winner's ledger what the losers' change of it.
    fn declare(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        id: MergeId,
        preview: &Preview,
    ) -> Result<bool, Error> {
        let mut any = false;
        for consent in &preview.consents {
            let Some(granted) = consent.granted else { continue };
            let mine = consent.words.first().and_then(|(_, word)| *word);
            if mine == Some(granted) {
                continue;
            }
            // the newest of those who said so speaks for all
            let said = self.words.iter().filter(|word| word.purpose == consent.purpose);
            let said = said.filter(|word| word.granted == granted).max_by_key(|word| word.at);
            let Some(said) = said else { continue };
            let word = Said {
                purpose: (said.purpose_id, &said.purpose),
                granted,
                legal_basis: &said.legal_basis,
                wording_version: said.wording_version,
            };
            declare(tenant, ctx, self.winner.id, id, &word)?;
            any = true;
        }
        Ok(any)
    }

    fn tell(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        id: MergeId,
        preview: &Preview,
        consents: bool,
    ) -> Result<(), Error> {
        let winner = &self.winner;
        let mut fields = self.plan.contact.changed(&winner.contact);
        let tags: Vec<(&str, i64)> =
            winner.tags.iter().map(|tag| (tag.name.as_str(), tag.score)).collect();
        let merged = preview.tags.iter().map(|tag| (tag.name.as_str(), tag.score));
        let owners: Vec<(Uuid, &str)> =
            winner.owners.iter().map(|owner| (owner.user_id, owner.level.as_str())).collect();
        let merged_owners =
            preview.owners.iter().map(|owner| (owner.user_id, owner.level.as_str()));
        for (name, changed) in [
            ("tags", !merged.eq(tags)),
            ("group_ids", preview.group_ids != winner.group_ids),
            ("owners", !merged_owners.eq(owners)),
            ("subscribed", preview.subscribed != winner.subscribed),
            ("muted", preview.muted != winner.muted),
            ("consents", consents),
        ] {
            fields.extend(changed.then(|| name.to_owned()));
        }
        let losers: Vec<Uuid> = self.losers.iter().map(|loser| loser.id.0).collect();
        let changes = json!({"fields": fields, "loser_ids": losers, "merge_id": id});
        audit::record(tenant, ctx, "contact.merge", "contact", Some(winner.id.0), Some(changes))?;
        Ok(tell_losers(tenant, ctx, "contact.merged", &losers, winner.id, id)?)
    }
}

fn tell_losers(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    losers: &[Uuid],
    winner: ContactId,
    id: MergeId,
) -> Result<(), StoreError> {
    let changes: Value = json!({"winner_id": winner, "merge_id": id});
    let lines = losers.iter().map(|loser| (*loser, Some(changes.clone()))).collect();
    audit::record_each(tenant, ctx, action, "contact", lines)
}

/// A word on a purpose that a merge, or undoing it, puts into the winner's ledger.
struct Said<'a> {
    purpose: (Uuid, &'a str),
    granted: bool,
    legal_basis: &'a str,
    wording_version: i32,
}

fn declare(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    merge: MergeId,
    said: &Said<'_>,
) -> Result<(), Error> {
    let action = if said.granted { Action::Grant } else { Action::Withdraw };
    let entry = Entry {
        id: ctx.new_id(),
        contact,
        purpose: PurposeId(said.purpose.0),
        action,
        at: ctx.now,
        actor: ctx.actor,
        source: Source::Merge,
        source_id: Some(merge.0),
        legal_basis: LegalBasis::from_word(said.legal_basis).unwrap_or(LegalBasis::Consent),
        wording_version: said.wording_version,
        evidence: Evidence::default(),
    };
    ledger::append(tenant, &entry)?;
    let changes = json!({"purpose": said.purpose.1, "entry_id": entry.id});
    let action = format!("consent.{}", action.as_str());
    Ok(audit::record(tenant, ctx, &action, "contact", Some(contact.0), Some(changes))?)
}

fn plan(winner: &Stored, losers: &[Stored], request: &Request) -> Result<Plan, Vec<Fault>> {
    let losers: Vec<Side<'_>> = losers.iter().map(side).collect();
    merges::plan(side(winner), &losers, &request.fields)
}

fn side(stored: &Stored) -> Side<'_> {
    Side { id: stored.id, contact: &stored.contact }
}

/// Ids that are not there, or twice.
fn faults_of_ids(request: &Request, known: impl Fn(ContactId) -> bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let unknown = |pointer: &str| {
        Fault::new(pointer, Code::UnknownReference, "There is no contact with this id.")
    };
    if !known(request.winner) {
        faults.push(unknown("#/winner_id"));
    }
    for (place, id) in request.losers.iter().enumerate() {
        let pointer = format!("#/loser_ids/{place}");
        if *id == request.winner {
            let detail = "The winner cannot be merged into itself.";
            faults.push(Fault::new(pointer, Code::InvalidValue, detail));
        } else if request.losers.iter().take(place).any(|other| other == id) {
            faults.push(Fault::new(pointer, Code::InvalidValue, "This contact is named twice."));
        } else if !known(*id) {
            faults.push(unknown(&pointer));
        }
    }
    faults
}

/// The refusal of what was meant for contacts that were merged into others.
fn already_merged(merged: &[store::Merged]) -> Error {
    let list: Vec<Value> = merged
        .iter()
        .map(|merged| json!({"contact_id": merged.loser_id, "winner_id": merged.winner_id}))
        .collect();
    let detail = "Some of these contacts were merged into others; merge those.";
    Error::refused_with(Code::ContactMerged, detail, json!({ "merged": list }))
}

fn refuse_forbidden(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    request: &Request,
    winner: &Stored,
    losers: &[Stored],
) -> Result<(), Error> {
    let mut people: Vec<Uuid> = std::iter::once(winner)
        .chain(losers)
        .flat_map(|contact| contact.owners.iter().map(|owner| owner.user_id))
        .collect();
    people.sort_unstable();
    people.dedup();
    if people.is_empty() {
        return Ok(());
    }
    let mut faults = Vec::new();
    let mut fault = |pointer: String| {
        faults.push(Fault::new(pointer, Code::NotPermitted, Code::NotPermitted.title()));
    };
    // who owns it is a part of what changes, unless all of them are its owners as they are
    let has = |user: &Uuid| winner.owners.iter().any(|owner| owner.user_id == *user);
    let deed = if people.iter().all(has) { Deed::Change } else { Deed::ChangeOwners };
    if !owners::forbidden(tenant, ctx.actor, &[winner.id.0], deed)?.is_empty() {
        fault("#/winner_id".to_owned());
    }
    let ids: Vec<Uuid> = losers.iter().map(|loser| loser.id.0).collect();
    let forbidden = owners::forbidden(tenant, ctx.actor, &ids, Deed::Delete)?;
    for (place, id) in request.losers.iter().enumerate() {
        if forbidden.contains(&id.0) {
            fault(format!("#/loser_ids/{place}"));
        }
    }
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    if people.len() > MAX_OWNERS {
        let detail =
            format!("A contact has at most {MAX_OWNERS} owners; these have {}.", people.len());
        return Err(Error::refused(Code::TooMany, detail));
    }
    Ok(())
}

fn refuse_in_trash(winner: &Stored, losers: &[Stored]) -> Result<(), Error> {
    let trashed = std::iter::once(winner).chain(losers).filter(|c| c.trashed_at.is_some());
    let trashed: Vec<Uuid> = trashed.map(|contact| contact.id.0).collect();
    if trashed.is_empty() {
        return Ok(());
    }
    let detail = "Some of these contacts are in the trash; restore them first.";
    Err(Error::refused_with(Code::Conflict, detail, json!({ "in_trash": trashed })))
}

fn refuse_rejected(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<(), Error> {
    let pairs = store::rejected_among(tenant, ids)?;
    if pairs.is_empty() {
        return Ok(());
    }
    let pairs: Vec<[Uuid; 2]> = pairs.into_iter().map(|(one, other)| [one, other]).collect();
    let detail = "Somebody said that some of these contacts are not one; take that back first.";
    Err(Error::refused_with(Code::NeverMerge, detail, json!({ "pairs": pairs })))
}
