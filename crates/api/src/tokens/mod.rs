//! Access tokens: JWTs (RFC 9068 in manner), signed with Ed25519, checked before anything else is read.
//!
//! A token is looked at in this order: its issuer names a set of keys, its `kid` names one of them, the key
//! fixes the algorithm (the header's `alg` is only compared), the signature, then the claims. Whatever
//! fails, the answer is the same 401.

pub mod foreign;
pub mod keys;
pub(crate) mod proven;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{ClientId, UserId, WorkspaceId};
use kartoteka_domain::scopes::{Scope, format_scopes};

pub use keys::{KeyRing, KeysError};

/// How far clocks may differ.
pub const LEEWAY_SECONDS: i64 = 30;
/// No token of ours lives longer, whatever is configured.
pub const LONGEST_LIFE_SECONDS: i64 = 24 * 3600;

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// For whom: one word or several.
    pub aud: Audience,
    /// The person or integration.
    pub sub: String,
    /// The workspace.
    pub ws: Uuid,
    /// Space-separated scopes.
    pub scope: String,
    /// Valid until, in seconds since 1970.
    pub exp: i64,
    /// Made at.
    #[serde(default)]
    pub iat: i64,
    /// Valid from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Its own id.
    #[serde(default)]
    pub jti: String,
    /// The integration, when it acts for itself (RFC 9068, 2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// `aud` may be one word or a list (RFC 7519, 4.1.3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// A token that passed.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who acts.
    pub actor: Actor,
    /// The subject, unique within its workspace and issuer.
    pub subject: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Made by another issuer: there is no row of ours behind the subject.
    pub foreign: bool,
    /// The first instant at which it is refused as expired.
    pub until: DateTime<Utc>,
}

/// Why a token is refused; for the log, the client hears one sentence for all.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, a wrong signature, a missing claim, a wrong `iss` or `aud`.
    #[error("invalid: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// The header names no key, or one that we do not have.
    #[error("unknown key")]
    UnknownKey,
    /// The header's algorithm is not the key's.
    #[error("the algorithm is not the key's")]
    Algorithm,
    /// The header asks for something we do not do.
    #[error("the header has an extension")]
    Extension,
    /// Nobody we trust.
    #[error("unknown issuer")]
    UnknownIssuer,
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// `nbf` or `iat` has not come yet.
    #[error("not valid yet")]
    Early,
    /// A claim cannot be read.
    #[error("claim {0} cannot be read")]
    Claim(&'static str),
}

/// Whose tokens are taken.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// Our own keys.
    pub keys: &'a KeyRing,
    /// `iss` of our own tokens.
    pub issuer: &'a str,
    /// The `aud` all tokens need.
    pub audience: &'a str,
    /// Issuers of the configuration.
    pub foreign: &'a foreign::ForeignIssuers,
}

/// How far a token could be proven.
#[derive(Debug)]
pub enum Proof {
    /// It is good.
    Given(Verified),
    /// The issuer's keys have to be fetched first ([`foreign::ForeignIssuers::fetch`]).
    NeedsKeys {
        /// Whose.
        issuer: String,
    },
}

impl Trust<'_> {
    /// Proves a token.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn prove(&self, token: &str, now: DateTime<Utc>) -> Result<Proof, TokenError> {
        let (issuer, kid, named) = origin(token)?;
        let check = |key: &DecodingKey, algorithm: Algorithm| {
            if algorithm != named {
                return Err(TokenError::Algorithm);
            }
            verify(token, key, algorithm, &issuer, self.audience, now)
        };
        if issuer == self.issuer {
            let key = self.keys.find(&kid).ok_or(TokenError::UnknownKey)?;
            return check(key, Algorithm::EdDSA)?.own().map(Proof::Given);
        }
        if !self.foreign.trusts(&issuer) {
            return Err(TokenError::UnknownIssuer);
        }
        match self.foreign.find(&issuer, &kid, now) {
            foreign::Lookup::Found(key, algorithm) => {
                Ok(Proof::Given(check(&key, algorithm)?.foreign()))
            }
            foreign::Lookup::Fetch => Ok(Proof::NeedsKeys { issuer }),
            foreign::Lookup::Unknown => Err(TokenError::UnknownKey),
        }
    }
}

/// Issuer and key id of a token, read before anything is proven: only to look up the key.
fn origin(token: &str) -> Result<(String, String, Algorithm), TokenError> {
    #[derive(Deserialize)]
    struct Origin {
        iss: String,
    }
    let header = jsonwebtoken::decode_header(token)?;
    // extensions that must be understood, and are not (RFC 7515, 4.1.11); a JWS is not encrypted or packed
    if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
        return Err(TokenError::Extension);
    }
    let kid = header.kid.ok_or(TokenError::UnknownKey)?;
    let Origin { iss } = jsonwebtoken::dangerous::insecure_decode::<Origin>(token)?.claims;
    Ok((iss, kid, header.alg))
}

/// Proves a token with the key that its issuer and `kid` name.
fn verify(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    issuer: &str,
    audience: &str,
    now: DateTime<Utc>,
) -> Result<Claims, TokenError> {
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // times are compared below, with the request's own clock
    rules.validate_exp = false;
    rules.validate_nbf = false;
    let claims: Claims = jsonwebtoken::decode(token, key, &rules)?.claims;
    let second = now.timestamp();
    if claims.exp.saturating_add(LEEWAY_SECONDS) <= second {
        return Err(TokenError::Expired);
    }
    if claims.nbf.unwrap_or(claims.iat).max(claims.iat) > second.saturating_add(LEEWAY_SECONDS) {
        return Err(TokenError::Early);
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(TokenError::Claim("sub"));
    }
    Ok(claims)
}

impl Claims {
    fn until(&self) -> DateTime<Utc> {
        let second = self.exp.saturating_add(LEEWAY_SECONDS);
        DateTime::from_timestamp(second, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// What the claims of one of our own tokens mean.
    ///
    /// # Errors
    /// A claim that we would not have written.
    pub fn own(&self) -> Result<Verified, TokenError> {
        if self.jti.is_empty() {
            return Err(TokenError::Claim("jti"));
        }
        if self.iat <= 0 {
            return Err(TokenError::Claim("iat"));
        }
        if !(1..=LONGEST_LIFE_SECONDS).contains(&self.exp.saturating_sub(self.iat)) {
            return Err(TokenError::Claim("exp"));
        }
        let id = Uuid::parse_str(&self.sub).map_err(|_not_uuid| TokenError::Claim("sub"))?;
        let actor = match &self.client_id {
            Some(_) => Actor::Client(ClientId(id)),
            None => Actor::User(UserId(id)),
        };
        let scopes = kartoteka_domain::scopes::parse_scopes(&self.scope)
            .map_err(|_unknown| TokenError::Claim("scope"))?;
        Ok(Verified {
            workspace: WorkspaceId(self.ws),
            actor,
            subject: self.sub.clone(),
            scopes,
            foreign: false,
            until: self.until(),
        })
    }

    /// What the claims of a foreign token mean: scopes we do not know are passed over, and the subject
    /// acts as an integration whose id is made of issuer and subject.
    #[must_use]
    pub fn foreign(&self) -> Verified {
        let scopes =
            self.scope.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
        Verified {
            workspace: WorkspaceId(self.ws),
            actor: Actor::Client(ClientId(foreign::subject_id(&self.iss, &self.sub))),
            subject: format!("{} {}", self.iss, self.sub),
            scopes,
            foreign: true,
            until: self.until(),
        }
    }
}

/// What a new access token says.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// `iss`
    pub issuer: &'a str,
    /// `aud`
    pub audience: &'a str,
    /// Who acts.
    pub actor: Actor,
    /// `ws`
    pub workspace: WorkspaceId,
    /// `scope`
    pub scopes: &'a BTreeSet<Scope>,
    /// `iat`
    pub now: DateTime<Utc>,
    /// `exp` minus `iat`
    pub life: std::time::Duration,
    /// `jti`
    pub id: Uuid,
}

impl Grant<'_> {
    /// The claims.
    #[must_use]
    pub fn claims(&self) -> Claims {
        let sub = self.actor.id().map(|id| id.to_string()).unwrap_or_default();
        let life = i64::try_from(self.life.as_secs()).unwrap_or(0).min(LONGEST_LIFE_SECONDS);
        Claims {
            iss: self.issuer.to_owned(),
            aud: Audience::One(self.audience.to_owned()),
            ws: self.workspace.0,
            scope: format_scopes(self.scopes),
            exp: self.now.timestamp().saturating_add(life),
            iat: self.now.timestamp(),
            nbf: None,
            jti: self.id.to_string(),
            client_id: matches!(self.actor, Actor::Client(_)).then(|| sub.clone()),
            sub,
        }
    }
}

#[cfg(test)]
mod tests;
