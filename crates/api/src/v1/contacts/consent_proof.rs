//! `GET /contacts/{id}/consents/proof`.

use actix_web::get;
use actix_web::http::header::CONTENT_DISPOSITION;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::consents::proof::{self, Covered, Proof, Proven, StandingPurpose, StoredSeal};
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::integrity::merkle::Side;
use kartoteka_domain::integrity::{Hash, hex};

use super::consents::{ActorView, AsOf, SourceView, evidence_of, state_of};
use crate::extract::{Path, Query, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply, etag_of};
use crate::state::State;

/// The proof of a contact's consents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentProof {
    /// Name and version of this form.
    #[schema(example = "kartoteka-consent-proof/1")]
    pub(crate) format: &'static str,
    /// When it was made.
    pub(crate) made_at: DateTime<Utc>,
    /// As of which instant.
    pub(crate) as_of: DateTime<Utc>,
    /// The workspace that answers for it.
    pub(crate) workspace: ProofWorkspace,
    /// Whose consents, as the contact is now.
    pub(crate) contact: ProofContact,
    /// What was said on each purpose, and the wordings that were shown.
    pub(crate) purposes: Vec<ProofPurpose>,
    /// Every entry of the ledger up to the instant, oldest first.
    pub(crate) entries: Vec<ProofEntry>,
    /// The seals over the entries, in their order.
    pub(crate) seals: Vec<ProofSeal>,
    /// Where the chain of seals ended when this was made; `null` when nothing is sealed yet.
    #[schema(required = true)]
    pub(crate) head: Option<ProofHead>,
}

/// Who answers for a proof.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofWorkspace {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "main")]
    pub(crate) name: String,
}

/// Whose consents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofContact {
    /// Its id.
    pub(crate) id: Uuid,
    /// Ids of all contacts whose entries are here: this one, and those that became one with it.
    pub(crate) ids: Vec<Uuid>,
    /// Its name.
    #[schema(required = true, example = "Jana Nováková")]
    pub(crate) name: Option<String>,
    /// Its e-mail address.
    #[schema(required = true, example = "jana@example.com")]
    pub(crate) email: Option<String>,
    /// Its phone number.
    #[schema(required = true, example = "+420601123456")]
    pub(crate) phone: Option<String>,
}

/// A purpose as it stood at the instant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofPurpose {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "email_basic")]
    pub(crate) name: String,
    /// `email`, `sms` or `post`.
    #[schema(example = "email")]
    pub(crate) channel: String,
    /// What people see of it.
    #[schema(example = "News by e-mail")]
    pub(crate) title: String,
    /// `granted`, `withdrawn` or `never`.
    #[schema(example = "granted")]
    pub(crate) state: &'static str,
    /// Since when; `null` when nobody ever asked.
    #[schema(required = true)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// The entry that says so.
    #[schema(required = true)]
    pub(crate) entry_id: Option<Uuid>,
    /// The wordings that the entries name.
    pub(crate) wordings: Vec<ProofWording>,
}

/// A wording that was shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofWording {
    /// Its number.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// The text.
    #[schema(example = "I agree to receive news and offers by e-mail.")]
    pub(crate) wording: String,
    /// SHA-256 of the text in UTF-8: it stands in the row of each entry that names the wording.
    #[schema(example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d")]
    pub(crate) sha256: String,
    /// From when on it was used.
    pub(crate) created_at: DateTime<Utc>,
}

/// An entry of the ledger with what shows that it is as it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofEntry {
    /// Its id.
    pub(crate) id: Uuid,
    /// The contact it was written for.
    pub(crate) contact_id: Uuid,
    /// The purpose.
    pub(crate) purpose_id: Uuid,
    /// `grant` or `withdraw`.
    #[schema(example = "grant")]
    pub(crate) action: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Who wrote it.
    pub(crate) actor: ActorView,
    /// Where it came from.
    pub(crate) source: SourceView,
    /// What the processing stands on.
    #[schema(example = "consent")]
    pub(crate) legal_basis: String,
    /// Number of the wording that was shown.
    #[schema(example = 1)]
    pub(crate) wording_version: i32,
    /// What proves it; `null` when nothing was given, or what was given was erased. The seals do not cover it.
    #[schema(required = true, value_type = Option<Object>, additional_properties = true)]
    pub(crate) evidence: Option<Map<String, Value>>,
    /// The row as the text that is hashed: a JSON array of a word for its form, workspace, contact, purpose, id,
    /// action, time, kind and id of who wrote it, kind and id of the source, legal basis, number and SHA-256 of the
    /// wording, and number of the transaction.
    #[schema(example = "[\"consent/1\", \"0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10\"]")]
    pub(crate) row: String,
    /// SHA-256 of a zero byte and `row`.
    #[schema(example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d")]
    pub(crate) hash: String,
    /// `sealed`; `waiting` when it is so new that no seal covers it yet; `not_under_seal` when its seal was made over
    /// something else: it was changed, or put in afterwards.
    #[schema(example = "sealed")]
    pub(crate) state: &'static str,
    /// Number of its seal.
    #[schema(required = true)]
    pub(crate) seal: Option<i64>,
    /// The way from `hash` to the `root` of the seal (RFC 9162, 2.1.3): each step hashes the byte 1 and both hashes,
    /// the one that is named on its side.
    pub(crate) path: Vec<ProofStep>,
}

/// A step of a way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofStep {
    /// `left` or `right`: where this hash stands beside the one that is known.
    #[schema(example = "left")]
    pub(crate) side: &'static str,
    /// The hash.
    #[schema(example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d")]
    pub(crate) hash: String,
}

/// A seal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofSeal {
    /// Its number.
    #[schema(example = 1)]
    pub(crate) seq: i64,
    /// When it was made: its entries have not changed since.
    pub(crate) sealed_at: DateTime<Utc>,
    /// How many rows it covers.
    #[schema(example = 812)]
    pub(crate) rows: i64,
    /// Root of the tree over them.
    #[schema(example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d")]
    pub(crate) root: String,
    /// The seal as the text that is hashed: a JSON array of a word for its form, workspace, stream, number, transaction
    /// and key of the last row, number of rows, root, hash of the seal before it, and time.
    #[schema(example = "[\"seal/1\",\"0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10\",\"consents\",1]")]
    pub(crate) text: String,
    /// SHA-256 of `text`, which the next seal names.
    #[schema(example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d")]
    pub(crate) hash: String,
    /// Signature of `hash` (HMAC-SHA-256) with the key of the installation, which alone can check it.
    #[schema(example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d")]
    pub(crate) mac: String,
}

/// The end of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofHead {
    /// Number of the last seal.
    #[schema(example = 1)]
    pub(crate) seq: i64,
    /// Its hash.
    #[schema(example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d")]
    pub(crate) hash: String,
}

/// Prove the consents of a contact
///
/// One document with all that the ledger says of a contact up to an instant: what was agreed to, in which words, when,
/// where and by whose hand, and what shows that no entry was changed since it was sealed. Each entry's hash leads by
/// its `path` to the `root` of a seal, whose hash stands in the seal after it, up to the `head` (compare it with one
/// that was written down elsewhere). Anybody can follow that with SHA-256 alone.
#[utoipa::path(
    tag = "consents",
    operation_id = "prove_consents",
    params(("id" = Uuid, Path, description = "The contact"), AsOf),
    responses((status = 200, description = "The proof", body = ConsentProof)),
    security(("bearer" = ["consents:read"])),
)]
#[get("/contacts/{id}/consents/proof")]
pub(crate) async fn prove_consents(
    state: State,
    caller: Scoped<scope::ConsentsRead>,
    id: Path<Uuid>,
    as_of: Query<AsOf>,
) -> Result<Reply, Problem> {
    let as_of = as_of.into_inner().as_of;
    let id = *id;
    let mut proof = state
        .read(&caller, move |tenant, ctx| {
            Ok(ConsentProof::from(proof::of_contact(tenant, ctx, ContactId(id), as_of)?))
        })
        .await?;
    // one that says the same a moment later is the same
    let moments = (proof.made_at, proof.as_of);
    proof.made_at = DateTime::UNIX_EPOCH;
    proof.as_of = as_of.unwrap_or(DateTime::UNIX_EPOCH);
    let tag = etag_of(&proof)?;
    (proof.made_at, proof.as_of) = moments;
    let name = format!("attachment; filename=\"consents-{id}.json\"");
    let reply = Reply::from(Done(proof)).with_header(CONTENT_DISPOSITION.as_str(), name);
    Ok(reply.with_tag(tag))
}

impl From<Proof> for ConsentProof {
    fn from(proof: Proof) -> Self {
        let Proof {
            workspace,
            contact,
            contact_ids,
            as_of,
            made_at,
            purposes,
            entries,
            seals,
            head,
        } = proof;
        let (id, name) = workspace;
        Self {
            format: "kartoteka-consent-proof/1",
            made_at,
            as_of,
            workspace: ProofWorkspace { id, name },
            contact: ProofContact {
                id: contact.id.0,
                ids: contact_ids,
                name: contact.contact.name(),
                email: contact.contact.email,
                phone: contact.contact.phone,
            },
            purposes: purposes.into_iter().map(ProofPurpose::from).collect(),
            entries: entries.into_iter().map(ProofEntry::from).collect(),
            seals: seals.into_iter().map(ProofSeal::from).collect(),
            head: head
                .map(|stored| stored.head)
                .filter(|head| head.seq > 0)
                .map(|head| ProofHead { seq: head.seq, hash: hex(&head.hash) }),
        }
    }
}

impl From<StandingPurpose> for ProofPurpose {
    fn from(standing: StandingPurpose) -> Self {
        let StandingPurpose { purpose, granted, since, entry_id, wordings } = standing;
        let wordings = wordings.into_iter().map(|shown| ProofWording {
            version: shown.version,
            sha256: hex(&Sha256::digest(&shown.wording)),
            wording: shown.wording,
            created_at: shown.created_at,
        });
        Self {
            id: purpose.id,
            name: purpose.name,
            channel: purpose.channel,
            title: purpose.title,
            state: state_of(granted),
            since,
            entry_id,
            wordings: wordings.collect(),
        }
    }
}

impl From<Proven> for ProofEntry {
    fn from(Proven { entry, covered }: Proven) -> Self {
        let (state, seal, path) = match covered {
            Covered::Waiting => ("waiting", None, Vec::new()),
            Covered::NotUnder(seal) => ("not_under_seal", Some(seal), Vec::new()),
            Covered::Sealed(seal, path) => ("sealed", Some(seal), path),
        };
        Self {
            id: entry.id,
            contact_id: entry.contact_id,
            purpose_id: entry.purpose_id,
            action: entry.action,
            at: entry.at,
            actor: ActorView { r#type: entry.actor_type, id: entry.actor_id },
            source: SourceView { r#type: entry.source_type, id: entry.source_id },
            legal_basis: entry.legal_basis,
            wording_version: entry.wording_version,
            evidence: evidence_of(entry.evidence, entry.ip, entry.user_agent),
            row: entry.text,
            hash: hex(&entry.leaf),
            state,
            seal,
            path: path.into_iter().map(ProofStep::from).collect(),
        }
    }
}

impl From<(Side, Hash)> for ProofStep {
    fn from((side, hash): (Side, Hash)) -> Self {
        let side = match side {
            Side::Left => "left",
            Side::Right => "right",
        };
        Self { side, hash: hex(&hash) }
    }
}

impl From<StoredSeal> for ProofSeal {
    fn from(stored: StoredSeal) -> Self {
        let StoredSeal { seal, hash, mac, records: _ } = stored;
        Self {
            seq: seal.seq,
            sealed_at: seal.sealed_at,
            rows: seal.rows,
            root: hex(&seal.root),
            text: seal.text(),
            hash: hex(&hash),
            mac: hex(&mac),
        }
    }
}
