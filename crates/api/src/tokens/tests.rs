//! Attacks on tokens: each must fail, and the honest token beside it must pass.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{EncodingKey, Header};
use kartoteka_domain::scopes::parse_scopes;
use serde_json::{Value, json};

use super::foreign::ForeignIssuers;
use super::*;
use crate::settings::{ForeignIssuer, ForeignKeys};

const WORKSPACE: Uuid = Uuid::from_u128(0x0198_c5f2_6d3e_7c11_9a53_0d6f_0e6f_2a10);
const USER: Uuid = Uuid::from_u128(0x0198_c5f2_6d3e_7c11_9a53_0d6f_0e6f_2a11);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

struct House {
    pem: String,
    keys: KeyRing,
    foreign: ForeignIssuers,
}

impl House {
    fn new() -> Self {
        Self::trusting(&[])
    }

    fn trusting(issuers: &[ForeignIssuer]) -> Self {
        let pem = keys::generate_pem().unwrap();
        let keys = KeyRing::from_pems([("k1", &pem)]).unwrap();
        Self { pem, keys, foreign: ForeignIssuers::new(issuers) }
    }

    fn prove_at(&self, token: &str, now: DateTime<Utc>) -> Result<Proof, TokenError> {
        let trust = Trust {
            keys: &self.keys,
            issuer: "kartoteka",
            audience: "kartoteka",
            foreign: &self.foreign,
        };
        trust.prove(token, now)
    }

    fn prove(&self, token: &str) -> Result<Verified, TokenError> {
        match self.prove_at(token, now())? {
            Proof::Given(verified) => Ok(verified),
            Proof::NeedsKeys { issuer } => panic!("{issuer} is not known yet"),
        }
    }

    fn claims(&self) -> Value {
        let grant = Grant {
            issuer: "kartoteka",
            audience: "kartoteka",
            actor: Actor::User(UserId(USER)),
            workspace: WorkspaceId(WORKSPACE),
            scopes: &parse_scopes("contacts:read").unwrap(),
            now: now(),
            life: std::time::Duration::from_secs(900),
            id: Uuid::nil(),
        };
        serde_json::to_value(grant.claims()).unwrap()
    }

    fn der(&self) -> Vec<u8> {
        der(&self.pem)
    }

    /// Signs with the house's key whatever the claims are.
    fn sign(&self, claims: &Value) -> String {
        sign(claims, "k1", &EncodingKey::from_ed_der(&self.der()), Algorithm::EdDSA)
    }

    fn sign_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        self.sign(&claims)
    }
}

fn der(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn sign(claims: &Value, kid: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// PLT-1
#[test]
fn an_honest_token_passes_and_says_who_and_where() {
    let house = House::new();
    let verified = house.prove(&house.sign(&house.claims())).unwrap();
    assert_eq!(verified.actor, Actor::User(UserId(USER)));
    assert_eq!(verified.workspace, WorkspaceId(WORKSPACE));
    assert_eq!(verified.scopes, parse_scopes("contacts:read").unwrap());
    let client = house.sign_with(|claims| claims["client_id"] = claims["sub"].clone());
    assert_eq!(house.prove(&client).unwrap().actor, Actor::Client(ClientId(USER)));
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let house = House::new();
    for alg in ["none", "None", "NONE", ""] {
        for signature in ["", "AAAA"] {
            let header = json!({"alg": alg, "typ": "JWT", "kid": "k1"});
            assert!(house.prove(&raw(&header, &house.claims(), signature)).is_err(), "{alg}");
        }
    }
    let signed = house.sign(&house.claims());
    let stripped = signed.rsplit_once('.').unwrap().0;
    assert!(house.prove(stripped).is_err());
    assert!(house.prove(&format!("{stripped}.")).is_err());
}

/// The public key is public: whoever signs with it as if it were a shared secret must not get in.
#[test]
fn an_algorithm_swap_is_refused() {
    let house = House::new();
    let public = house.keys.jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    let bytes = URL_SAFE_NO_PAD.decode(&public).unwrap();
    for secret in [bytes.as_slice(), public.as_bytes()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let token = sign(&house.claims(), "k1", &EncodingKey::from_secret(secret), algorithm);
            assert!(matches!(house.prove(&token), Err(TokenError::Algorithm)), "{algorithm:?}");
        }
    }
}

#[test]
fn another_key_under_our_kid_and_our_key_under_another_kid_are_refused() {
    let (house, other) = (House::new(), House::new());
    assert!(house.prove(&other.sign(&house.claims())).is_err());
    let key = EncodingKey::from_ed_der(&house.der());
    let unknown = sign(&house.claims(), "k2", &key, Algorithm::EdDSA);
    assert!(matches!(house.prove(&unknown), Err(TokenError::UnknownKey)));
    let nameless =
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &house.claims(), &key).unwrap();
    assert!(matches!(house.prove(&nameless), Err(TokenError::UnknownKey)));
}

#[test]
fn a_changed_claim_breaks_the_signature() {
    let house = House::new();
    let token = house.sign(&house.claims());
    let mut parts = token.split('.');
    let (header, _, signature) = (parts.next().unwrap(), parts.next(), parts.next().unwrap());
    let mut claims = house.claims();
    claims["scope"] = json!("admin");
    let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    assert!(house.prove(&forged).is_err());
}

#[test]
fn wrong_and_missing_claims_are_refused() {
    let house = House::new();
    for claim in ["exp", "iss", "aud", "sub", "ws", "scope"] {
        let token = house.sign_with(|claims| {
            claims.as_object_mut().unwrap().remove(claim);
        });
        assert!(house.prove(&token).is_err(), "without {claim}");
    }
    for (claim, value) in [
        ("iss", json!("elsewhere")),
        ("iss", json!(["kartoteka"])),
        ("aud", json!("elsewhere")),
        ("aud", json!([])),
        ("aud", json!(["elsewhere"])),
        ("sub", json!("")),
        ("sub", json!("admin")),
        ("sub", json!(7)),
        ("ws", json!("home")),
        ("scope", json!("everything")),
        ("scope", json!(["admin"])),
        ("exp", json!("tomorrow")),
        ("exp", json!(null)),
    ] {
        let token = house.sign_with(|claims| claims[claim] = value.clone());
        assert!(house.prove(&token).is_err(), "{claim} = {value}");
    }
    let several = house.sign_with(|claims| claims["aud"] = json!(["elsewhere", "kartoteka"]));
    assert!(house.prove(&several).is_ok());
}

#[test]
fn time_is_taken_with_half_a_minute_of_leeway() {
    let house = House::new();
    let token = house.sign(&house.claims());
    assert!(house.prove_at(&token, now() + TimeDelta::seconds(929)).is_ok());
    let late = house.prove_at(&token, now() + TimeDelta::seconds(930));
    assert!(matches!(late, Err(TokenError::Expired)));
    assert!(house.prove_at(&token, now() - TimeDelta::seconds(30)).is_ok());
    assert!(matches!(
        house.prove_at(&token, now() - TimeDelta::seconds(31)),
        Err(TokenError::Early)
    ));
    let second = now().timestamp();
    for (not_before, good) in [(second + 30, true), (second + 31, false)] {
        let token = house.sign_with(|claims| claims["nbf"] = json!(not_before));
        assert_eq!(house.prove(&token).is_ok(), good, "{not_before}");
    }
    let longest = second + LONGEST_LIFE_SECONDS;
    for (expiry, good) in
        [(longest, true), (longest + 1, false), (i64::MAX, false), (i64::MIN, false)]
    {
        let token = house.sign_with(|claims| claims["exp"] = json!(expiry));
        assert_eq!(house.prove(&token).is_ok(), good, "{expiry}");
    }
}

#[test]
fn what_is_no_token_is_refused_without_a_fuss() {
    let house = House::new();
    for text in ["", ".", "..", "a.b.c", "🦀.🦀.🦀", "eyJ9.eyJ9.", &"A".repeat(10_000)] {
        assert!(house.prove(text).is_err(), "{text}");
    }
}

#[test]
fn an_old_key_goes_on_verifying_while_the_new_one_signs() {
    let old = House::new();
    let fresh = keys::generate_pem().unwrap();
    let both = House {
        keys: KeyRing::from_pems([("k2", &fresh), ("k1", &old.pem)]).unwrap(),
        pem: fresh,
        foreign: ForeignIssuers::new(&[]),
    };
    assert!(both.prove(&old.sign(&old.claims())).is_ok());
    let claims: Claims = serde_json::from_value(old.claims()).unwrap();
    let token = both.keys.sign(&claims).unwrap();
    assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid.unwrap(), "k2");
    assert_eq!(both.keys.jwks()["keys"].as_array().unwrap().len(), 2);
}

fn foreign(jwks: &Value) -> House {
    let keys = ForeignKeys::Inline(jwks.to_string());
    House::trusting(&[ForeignIssuer { issuer: "https://id.example.com".into(), keys }])
}

#[test]
fn a_trusted_issuer_is_believed_within_its_own_keys_only() {
    let theirs = House::new();
    let house = foreign(&theirs.keys.jwks());
    let mut claims = house.claims();
    claims["iss"] = json!("https://id.example.com");
    claims["sub"] = json!("jana@idp");
    claims["scope"] = json!("openid contacts:read");
    let token = theirs.sign(&claims);
    assert!(matches!(house.prove_at(&token, now()), Ok(Proof::NeedsKeys { .. })));
    house.foreign.fetch("https://id.example.com", now());
    let verified = house.prove(&token).unwrap();
    assert!(verified.foreign);
    assert_eq!(verified.scopes, parse_scopes("contacts:read").unwrap());
    assert!(matches!(verified.actor, Actor::Client(_)));

    // they sign for us, we sign for them: neither is believed
    assert!(house.prove(&theirs.sign(&house.claims())).is_err());
    assert!(house.prove(&house.sign(&claims)).is_err());
    claims["iss"] = json!("https://other.example.com");
    assert!(matches!(house.prove(&theirs.sign(&claims)), Err(TokenError::UnknownIssuer)));
}

#[test]
fn an_unknown_key_is_not_asked_for_again_and_again() {
    let theirs = House::new();
    let house = foreign(&theirs.keys.jwks());
    let mut claims = house.claims();
    claims["iss"] = json!("https://id.example.com");
    let key = EncodingKey::from_ed_der(&theirs.der());
    let token = sign(&claims, "k9", &key, Algorithm::EdDSA);
    house.foreign.fetch("https://id.example.com", now());
    for seconds in [0, 29] {
        let proof = house.prove_at(&token, now() + TimeDelta::seconds(seconds));
        assert!(matches!(proof, Err(TokenError::UnknownKey)), "{seconds}");
    }
    let later = house.prove_at(&token, now() + TimeDelta::seconds(30));
    assert!(matches!(later, Ok(Proof::NeedsKeys { .. })));
}

#[test]
fn shared_secrets_in_a_key_set_are_passed_over() {
    let secret = URL_SAFE_NO_PAD.encode("a secret that everybody can read");
    let house = foreign(&json!({"keys": [
        {"kty": "oct", "kid": "s", "alg": "HS256", "k": secret},
        {"kty": "oct", "kid": "t", "k": secret}
    ]}));
    house.foreign.fetch("https://id.example.com", now());
    let mut claims = house.claims();
    claims["iss"] = json!("https://id.example.com");
    for kid in ["s", "t"] {
        let key = EncodingKey::from_secret(b"a secret that everybody can read");
        assert!(house.prove(&sign(&claims, kid, &key, Algorithm::HS256)).is_err());
    }
}

#[test]
fn a_foreign_subject_always_has_the_same_id() {
    let one = foreign::subject_id("https://id.example.com", "jana");
    assert_eq!(one, foreign::subject_id("https://id.example.com", "jana"));
    assert_ne!(one, foreign::subject_id("https://id.example.co", "mjana"));
    assert_eq!(one.get_version_num(), 8);
}
