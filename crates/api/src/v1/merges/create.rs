//! `POST /contacts/merge`.

use std::collections::BTreeMap;

use actix_web::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::merges::{
    self, MergedConsent, MergedOwner, MergedTag, Preview, Request,
};
use kartoteka_domain::contacts::merges::Taken;
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::scopes::Scope;

use super::MergeView;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply, etag_of};
use crate::state::State;
use crate::v1::contacts::view::ContactView;

/// What is to be merged.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "winner_id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10", "loser_ids": ["0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a11"],
    "fields": {"phone": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a11"}, "dry_run": true
}))]
pub(crate) struct NewMerge {
    /// The contact that stays.
    pub(crate) winner_id: Uuid,
    /// Those that become a part of it. Where it has no value, that of the first one counts.
    #[schema(min_items = 1, max_items = 20)]
    pub(crate) loser_ids: Vec<Uuid>,
    /// Whose value a field takes: the field as the contact calls it (`phone`, `address.city`, `details.size`, `address` for
    /// all of it) and the id of the winner or a loser, whose value is taken even when it has none.
    #[schema(value_type = Option<BTreeMap<String, Uuid>>)]
    pub(crate) fields: Option<BTreeMap<String, Uuid>>,
    /// Only say what would be done.
    #[serde(default)]
    #[schema(default = false)]
    pub(crate) dry_run: bool,
}

/// What a merge does, or did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergeResult {
    /// The merge, for `POST /merges/{id}/undo`; `null` when nothing was written.
    #[schema(required = true)]
    pub(crate) id: Option<Uuid>,
    /// Nothing was written.
    pub(crate) dry_run: bool,
    /// The contact that stays.
    pub(crate) winner_id: Uuid,
    /// Those that become a part of it.
    pub(crate) loser_ids: Vec<Uuid>,
    /// Each field in which any of them has something.
    pub(crate) fields: Vec<MergedFieldView>,
    /// The tags of all, in order of their names.
    pub(crate) tags: Vec<MergedTagView>,
    /// The groups of all, in order of their ids.
    pub(crate) group_ids: Vec<Uuid>,
    /// The owners of all, those who may most first.
    pub(crate) owners: Vec<MergedOwnerView>,
    /// Each purpose on which any of them said a word; `null` for tokens that may not read consents.
    #[schema(required = true)]
    pub(crate) consents: Option<Vec<MergedConsentView>>,
    /// May it be written to?
    pub(crate) communication: MergedCommunication,
    /// How much more hangs on the winner afterwards.
    pub(crate) moves: Moves,
    /// The winner as it is now; `null` when nothing was written.
    #[schema(required = true)]
    pub(crate) contact: Option<ContactView>,
}

/// What becomes of one field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedFieldView {
    /// As the contact calls it.
    #[schema(example = "phone")]
    pub(crate) field: String,
    /// They have different values there.
    pub(crate) differs: bool,
    /// What each of them has, the winner first.
    pub(crate) values: Vec<FieldValue>,
    /// Whose value is taken; `null` when nobody has one.
    #[schema(required = true)]
    pub(crate) taken_from: Option<Uuid>,
    /// The value that is taken.
    #[schema(required = true, value_type = Value, example = json!("+420601123456"))]
    pub(crate) value: Value,
}

/// What one contact has in a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldValue {
    /// The contact.
    pub(crate) contact_id: Uuid,
    /// What it has; `null` for nothing.
    #[schema(required = true, value_type = Value, example = json!("+420601123456"))]
    pub(crate) value: Value,
}

/// A tag of the merged contact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedTagView {
    /// Its name.
    #[schema(example = "vip")]
    pub(crate) name: String,
    /// The highest score of all.
    #[schema(example = 5)]
    pub(crate) score: i64,
    /// Who has it.
    pub(crate) contact_ids: Vec<Uuid>,
}

/// An owner of the merged contact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedOwnerView {
    /// The user.
    pub(crate) user_id: Uuid,
    /// The highest level of all: `main`, `co_owner` or `read_only`.
    #[schema(example = "main")]
    pub(crate) level: String,
    /// Whom they own.
    pub(crate) contact_ids: Vec<Uuid>,
}

/// The last words on a purpose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedConsentView {
    /// Name of the purpose.
    #[schema(example = "email_basic")]
    pub(crate) purpose: String,
    /// The state of each of them, the winner first.
    pub(crate) states: Vec<ConsentState>,
    /// What holds afterwards: a consent that was withdrawn on any of them is withdrawn.
    #[schema(example = "withdrawn")]
    pub(crate) state: &'static str,
}

/// What one contact said on a purpose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentState {
    /// The contact.
    pub(crate) contact_id: Uuid,
    /// `granted`, `withdrawn` or `never`.
    #[schema(example = "granted")]
    pub(crate) state: &'static str,
}

/// May the merged contact be written to? The most restrictive of all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedCommunication {
    /// Takes marketing, where consent is given: when all of them do.
    pub(crate) subscribed: bool,
    /// Takes no message at all: when any of them does not.
    pub(crate) muted: bool,
    /// The address that is taken bounced hard, on whichever of them.
    pub(crate) email_invalid: bool,
}

/// How much more hangs on the winner than before; what it shares with others does not count.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Moves {
    /// Tags.
    pub(crate) tags: usize,
    /// Groups.
    pub(crate) groups: usize,
    /// Stages of funnels.
    pub(crate) funnel_stages: usize,
    /// Owners.
    pub(crate) owners: usize,
    /// Links to companies.
    pub(crate) companies: usize,
    /// Links to opportunities.
    pub(crate) opportunities: usize,
    /// Links to projects.
    pub(crate) projects: usize,
    /// Activities.
    pub(crate) activities: usize,
    /// Notes.
    pub(crate) notes: usize,
    /// Coupons.
    pub(crate) coupons: usize,
}

fn state(granted: Option<bool>) -> &'static str {
    match granted {
        Some(true) => "granted",
        Some(false) => "withdrawn",
        None => "never",
    }
}

impl From<Taken> for MergedFieldView {
    fn from(taken: Taken) -> Self {
        let differs = taken.differs();
        let Taken { field, values, from, value } = taken;
        let values =
            values.into_iter().map(|(id, value)| FieldValue { contact_id: id.0, value }).collect();
        Self { field, differs, values, taken_from: from.map(|id| id.0), value }
    }
}

impl From<MergedConsent> for MergedConsentView {
    fn from(consent: MergedConsent) -> Self {
        let MergedConsent { purpose, words, granted } = consent;
        let of = |(contact_id, word)| ConsentState { contact_id, state: state(word) };
        Self { purpose, states: words.into_iter().map(of).collect(), state: state(granted) }
    }
}

impl From<Vec<(&'static str, usize)>> for Moves {
    fn from(counts: Vec<(&'static str, usize)>) -> Self {
        let of = |word: &str| {
            counts.iter().find(|(name, _)| *name == word).map_or(0, |(_, count)| *count)
        };
        Self {
            tags: of("tags"),
            groups: of("groups"),
            funnel_stages: of("funnel_stages"),
            owners: of("owners"),
            companies: of("companies"),
            opportunities: of("opportunities"),
            projects: of("projects"),
            activities: of("activities"),
            notes: of("notes"),
            coupons: of("coupons"),
        }
    }
}

impl MergeResult {
    fn new(request: &Request, preview: Preview, consents: bool) -> Self {
        let Preview {
            fields,
            tags,
            group_ids,
            owners,
            consents: words,
            subscribed,
            muted,
            email_invalid,
            moves,
        } = preview;
        let tag =
            |MergedTag { name, score, contact_ids }| MergedTagView { name, score, contact_ids };
        let owner = |MergedOwner { user_id, level, contact_ids }| MergedOwnerView {
            user_id,
            level,
            contact_ids,
        };
        Self {
            id: None,
            dry_run: true,
            winner_id: request.winner.0,
            loser_ids: request.losers.iter().map(|id| id.0).collect(),
            fields: fields.into_iter().map(Into::into).collect(),
            tags: tags.into_iter().map(tag).collect(),
            group_ids,
            owners: owners.into_iter().map(owner).collect(),
            consents: consents.then(|| words.into_iter().map(Into::into).collect()),
            communication: MergedCommunication { subscribed, muted, email_invalid },
            moves: moves.into(),
            contact: None,
        }
    }
}

/// Merge contacts
///
/// The losers become a part of the winner, in one step: their tags, groups, owners, notes, activities, companies,
/// opportunities and projects, their timeline, their ways through scenarios, and what they declared. Each field keeps the winner's value, or gets
/// that of the first loser who has one; `fields` says otherwise. An address is filled up only from one that agrees with
/// it. The most restrictive word on each purpose holds, also about subscription, mute and bounces. From then on the ids
/// of the losers lead to the winner, which is on its way through a rule or scenario once: further runs of the losers through
/// the same end (`merged`), also when the merge is undone. With `dry_run` nothing is written, and the answer says what would be.
///
/// Refused: contacts of which somebody said that they are two (`never_merge`, with the `pairs`), contacts that were
/// merged before (`contact_merged`, with whom they are now), contacts in the trash (`conflict`). An owner needs to be
/// allowed to delete the losers. `Location` is that of the merge, which can be undone.
#[utoipa::path(
    tag = "merges",
    operation_id = "merge_contacts",
    params(IdempotencyKey),
    request_body = NewMerge,
    responses((status = 200, description = "What was done, or would be", body = MergeResult)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/contacts/merge")]
pub(crate) async fn merge_contacts(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewMerge>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let consents = caller.may(Scope::ConsentsRead);
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewMerge { winner_id, loser_ids, fields, dry_run } = value;
            let fields = fields.unwrap_or_default().into_iter();
            let request = Request {
                winner: ContactId(winner_id),
                losers: loser_ids.into_iter().map(ContactId).collect(),
                fields: fields.map(|(field, id)| (field, ContactId(id))).collect(),
            };
            if dry_run {
                let preview = merges::preview(tenant, ctx, &request)?;
                return Ok(Reply::from(Done(MergeResult::new(&request, preview, consents))));
            }
            let (merge, preview, contact) = merges::merge(tenant, ctx, &request)?;
            let merge = MergeView::from(merge);
            let (id, tag) = (merge.id, etag_of(&merge)?);
            let body = MergeResult {
                id: Some(id),
                dry_run: false,
                contact: Some(contact.into()),
                ..MergeResult::new(&request, preview, consents)
            };
            let location = format!("/api/v1/merges/{id}");
            Ok(Reply::from(Done(body)).with_header("location", location).with_tag(tag))
        })
        .await
}
