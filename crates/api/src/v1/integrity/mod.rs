//! Whether anybody changed the consent ledger or the audit trail (CNS-5).

mod get;
mod verify;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::integrity::Standing;
use kartoteka_app::integrity::verify::Finding;
use kartoteka_domain::integrity::{Kind, Stream, hex};

/// The operations of this noun.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get::get_integrity).service(verify::verify_integrity);
}

/// How the chains of seals stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Integrity {
    /// `intact`, `faulty`, or `never_verified` while any chain was not verified yet. Of the last verification.
    #[schema(example = "intact")]
    pub(crate) state: &'static str,
    /// The chains.
    pub(crate) streams: Vec<IntegrityStream>,
    /// The first faults, at most 1,000 of each chain.
    pub(crate) faults: Vec<IntegrityFault>,
}

/// One chain of seals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrityStream {
    /// What is sealed.
    pub(crate) stream: StreamWord,
    /// `intact`, `faulty` or `never_verified`.
    #[schema(example = "intact")]
    pub(crate) state: &'static str,
    /// How many seals there are.
    #[schema(example = 300)]
    pub(crate) seals: i64,
    /// How many rows they cover.
    #[schema(example = 1_000_000)]
    pub(crate) rows: i64,
    /// When the last one was made; what is newer waits for the next, some minutes.
    #[schema(required = true)]
    pub(crate) sealed_at: Option<DateTime<Utc>>,
    /// Hash of the last seal. Keep it elsewhere: whoever puts the whole database back to an older state, or makes a
    /// new chain, cannot bring it back.
    #[schema(
        required = true,
        example = "7c7bcf8da6a1c0e8f1d1c0a5a1a3d9d2b2a8dd0e3e9f0c4d9b2a8d0e3e9f0c4d"
    )]
    pub(crate) head: Option<String>,
    /// The last verification.
    #[schema(required = true)]
    pub(crate) verified: Option<IntegrityVerified>,
}

/// What the last verification of a chain looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrityVerified {
    /// When it ended.
    pub(crate) at: DateTime<Utc>,
    /// The job.
    pub(crate) job_id: Uuid,
    /// Seals it looked at.
    #[schema(example = 300)]
    pub(crate) seals: i64,
    /// Rows it looked at.
    #[schema(example = 998_000)]
    pub(crate) rows: i64,
    /// Sealed rows that have gone with purged contacts since: no fault.
    #[schema(example = 2_000)]
    pub(crate) removed: i64,
    /// How many faults it found.
    #[schema(example = 0)]
    pub(crate) faults: i64,
}

/// What is sealed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrityStreamName)]
pub(crate) enum StreamWord {
    /// The consent ledger.
    Consents,
    /// The audit trail.
    Audit,
    /// What purged contacts left of their entries in the ledger: hashes.
    Removals,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrityFaultKind)]
pub(crate) enum KindWord {
    /// The row holds something else than when it was sealed, or the wording it names does.
    Changed,
    /// A row that was sealed is gone.
    Missing,
    /// The row was put in where all rows were sealed.
    Added,
    /// The seal is not the one that was made.
    SealBroken,
    /// The seal is gone.
    SealMissing,
    /// Something says that the row was removed with its contact, who is still there.
    RemovalForged,
}

/// A fault that a verification found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrityFault {
    /// In which chain.
    pub(crate) stream: StreamWord,
    /// What is wrong.
    pub(crate) kind: KindWord,
    /// Number of the seal; `null` for a row behind all seals.
    #[schema(required = true)]
    pub(crate) seal: Option<i64>,
    /// The contact, where the row is one of the ledger and is there.
    #[schema(required = true)]
    pub(crate) contact_id: Option<Uuid>,
    /// The purpose.
    #[schema(required = true)]
    pub(crate) purpose_id: Option<Uuid>,
    /// The entry of the ledger or of the trail.
    #[schema(required = true)]
    pub(crate) entry_id: Option<Uuid>,
}

impl From<Stream> for StreamWord {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Consents => Self::Consents,
            Stream::Audit => Self::Audit,
            Stream::Removals => Self::Removals,
        }
    }
}

impl From<Kind> for KindWord {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Changed => Self::Changed,
            Kind::Missing => Self::Missing,
            Kind::Added => Self::Added,
            Kind::SealBroken => Self::SealBroken,
            Kind::SealMissing => Self::SealMissing,
            Kind::RemovalForged => Self::RemovalForged,
        }
    }
}

impl From<Finding> for IntegrityFault {
    fn from(finding: Finding) -> Self {
        let Finding { stream, kind, seal, contact_id, purpose_id, entry_id } = finding;
        Self { stream: stream.into(), kind: kind.into(), seal, contact_id, purpose_id, entry_id }
    }
}

fn state_of(faults: Option<i64>) -> &'static str {
    match faults {
        None => "never_verified",
        Some(0) => "intact",
        Some(_) => "faulty",
    }
}

impl From<Vec<Standing>> for Integrity {
    fn from(all: Vec<Standing>) -> Self {
        let faults_of =
            |standing: &Standing| standing.verified.as_ref().map(|verified| verified.faults);
        let faulty = all.iter().any(|standing| faults_of(standing).is_some_and(|n| n > 0));
        let whole = all.iter().map(faults_of).sum::<Option<i64>>();
        let state = if faulty { "faulty" } else { state_of(whole) };
        let mut faults = Vec::new();
        let mut streams = Vec::new();
        for standing in all {
            let state = state_of(faults_of(&standing));
            let Standing { stream, head, verified } = standing;
            let sealed_at = head.as_ref().and_then(|stored| stored.sealed_at);
            let head = head.map(|stored| stored.head).filter(|head| head.seq > 0);
            let verified = verified.map(|verified| {
                let found = serde_json::from_value::<Vec<Finding>>(verified.findings);
                faults.extend(found.unwrap_or_default().into_iter().map(IntegrityFault::from));
                IntegrityVerified {
                    at: verified.verified_at,
                    job_id: verified.job_id,
                    seals: verified.seals,
                    rows: verified.row_count,
                    removed: verified.removed,
                    faults: verified.faults,
                }
            });
            streams.push(IntegrityStream {
                stream: stream.into(),
                state,
                seals: head.as_ref().map_or(0, |head| head.seq),
                rows: head.as_ref().map_or(0, |head| head.rows),
                sealed_at,
                head: head.map(|head| hex(&head.hash)),
                verified,
            });
        }
        Self { state, streams, faults }
    }
}
