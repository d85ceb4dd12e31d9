//! Tokens that were proven a moment ago. Proving one costs more than everything else an answer needs before
//! the database, and a client sends the same one for minutes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::Verified;

/// How long a proof is kept at most.
const KEEP_SECONDS: i64 = 60;
/// More entries than this are forgotten at once: a bound, not a working set.
const MOST: usize = 20_000;

/// What was proven lately, by SHA-256 of the token: the tokens themselves are not kept.
///
/// Only tokens of our own keys, which are the same for the life of the process. Whether their owner still may act
/// is asked for every request ([`crate::subjects`]).
#[derive(Default)]
pub(crate) struct Proven(RwLock<HashMap<[u8; 32], Entry>>);

struct Entry {
    verified: Arc<Verified>,
    at: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Proven {
    /// The token, if it was proven lately and has not expired since.
    pub(crate) fn find(&self, token: &str, now: DateTime<Utc>) -> Option<Arc<Verified>> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(&digest)?;
        (entry.at <= now && now < entry.until).then(|| Arc::clone(&entry.verified))
    }

    /// Keeps a proof.
    pub(crate) fn keep(&self, token: &str, verified: &Arc<Verified>, now: DateTime<Utc>) {
        if verified.foreign {
            return;
        }
        let until = verified.until.min(now + TimeDelta::seconds(KEEP_SECONDS));
        let entry = Entry { verified: Arc::clone(verified), at: now, until };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(Sha256::digest(token).into(), entry);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kartoteka_domain::actor::Actor;
    use kartoteka_domain::ids::{UserId, WorkspaceId};
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn verified(until: DateTime<Utc>, foreign: bool) -> Arc<Verified> {
        Arc::new(Verified {
            workspace: WorkspaceId(Uuid::nil()),
            actor: Actor::User(UserId(Uuid::nil())),
            subject: "somebody".into(),
            scopes: BTreeSet::new(),
            foreign,
            until,
        })
    }

    #[test]
    fn a_proof_holds_for_a_minute_and_never_longer_than_its_token() {
        let proven = Proven::default();
        proven.keep("long", &verified(at(900), false), at(0));
        proven.keep("short", &verified(at(10), false), at(0));
        assert!(proven.find("long", at(59)).is_some() && proven.find("short", at(9)).is_some());
        assert!(proven.find("long", at(60)).is_none() && proven.find("short", at(10)).is_none());
        assert!(proven.find("long", at(-1)).is_none(), "a clock that was put back proves nothing");
        assert!(proven.find("longer", at(1)).is_none());
    }

    #[test]
    fn tokens_of_other_issuers_are_proven_each_time() {
        let proven = Proven::default();
        proven.keep("foreign", &verified(at(900), true), at(0));
        assert!(proven.find("foreign", at(1)).is_none());
    }
}
