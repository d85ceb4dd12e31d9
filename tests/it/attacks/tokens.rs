//! Tokens that must not work, on every operation.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use kartoteka_api::tokens::keys::generate_pem;
use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{ClientId, UserId};
use kartoteka_domain::scopes::{Role, Scope};
use kartoteka_tests::app::KID;
use kartoteka_tests::contract::{Operation, operations};
use kartoteka_tests::examples::{self, Things};
use kartoteka_tests::{PASSWORD, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{figure, path};
use crate::auth_matrix::everything_of;

fn secured() -> impl Iterator<Item = &'static Operation> {
    operations().iter().filter(|operation| operation.is_secured())
}

/// Lines of `Authorization` that prove nothing, by what is wrong with them.
type Bad = Vec<(&'static str, Vec<Vec<u8>>)>;

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "JWT", "kid": KID})
}

/// The claims of an administrator's token, all right.
fn claims(app: &TestApp) -> Value {
    let now = chrono::Utc::now().timestamp();
    let scope = Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    json!({"iss": app.settings().issuer, "aud": app.settings().audience, "sub": app.home().user.0,
        "ws": app.home().id.0, "scope": scope, "exp": now + 600, "iat": now, "jti": Uuid::now_v7()})
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What is wrong with the line itself, with a good token in it.
fn bad_lines(good: &str, bad: &mut Bad) {
    let mut line = |what, line: String| bad.push((what, vec![line.into_bytes()]));
    line("no scheme", good.to_owned());
    line("the scheme alone", "Bearer".into());
    line("an empty token", "Bearer ".into());
    line("Basic with a token in it", format!("Basic {}", STANDARD.encode(format!("{good}:"))));
    line("another scheme", format!("Token {good}"));
    line("two tokens in one line", format!("Bearer {good} {good}"));
    line("two credentials in one line", format!("Bearer {good}, Bearer {good}"));
    line("a tab for a blank", format!("Bearer\t{good}"));
    line("in quotes", format!("Bearer \"{good}\""));
    line("64 KiB", format!("Bearer {}", "A".repeat(64 << 10)));
    line("64 KiB behind a good one", format!("Bearer {good}{}", "A".repeat(64 << 10)));
    line("nonsense", "Bearer nonsense".into());
    line("two dots and nothing else", "Bearer ..".into());
    line("a fourth part", format!("Bearer {good}.e30"));
    line("five parts, as a JWE has", format!("Bearer {good}..e30"));
    line("cut", format!("Bearer {}", &good[..good.len() - 5]));
    let parts: Vec<&str> = good.split('.').collect();
    line("no signature", format!("Bearer {}.{}.", parts[0], parts[1]));
    line("no dot before the signature", format!("Bearer {}.{}", parts[0], parts[1]));
    let mut altered = good.as_bytes().to_vec();
    altered[good.len() - 10] ^= 1;
    line("the signature altered", format!("Bearer {}", String::from_utf8_lossy(&altered)));
    line("padded base64", format!("Bearer {good}=="));
    let std = STANDARD.encode([0xfb, 0xff, 0xfe]);
    line("base64 that is not for URLs", format!("Bearer {}.{std}.{std}", parts[0]));
    // 64 bytes leave four bits of the last letter unused: another letter is the same signature to careless readers
    let last = parts[2].chars().last().unwrap();
    let twin = ('A'..='z').filter(char::is_ascii_alphanumeric).find(|other| {
        let text = format!("{}{other}", &parts[2][..parts[2].len() - 1]);
        *other != last && URL_SAFE_NO_PAD.decode(&text).is_err()
    });
    line(
        "the signature written differently",
        format!("Bearer {}{}", &good[..good.len() - 1], twin.unwrap()),
    );
    let lines = |lines: &[String]| lines.iter().map(|line| line.clone().into_bytes()).collect();
    bad.push((
        "two headers, both good",
        lines(&[format!("Bearer {good}"), format!("Bearer {good}")]),
    ));
    bad.push(("two headers, one good", lines(&[format!("Bearer {good}"), "Bearer x".into()])));
    bad.push((
        "two headers, the second good",
        lines(&["Basic x".into(), format!("Bearer {good}")]),
    ));
    bad.push(("not UTF-8", vec![[b"Bearer ".as_slice(), b"\xff\xfe.\xc0\xaf.\x80"].concat()]));
}

/// Claims with one thing wrong, rightly signed.
fn bad_claims(app: &TestApp, other: &TestApp, bad: &mut Bad) {
    let now = chrono::Utc::now().timestamp();
    let mut claim = |what, change: &dyn Fn(&mut Value)| {
        let mut claims = claims(app);
        change(&mut claims);
        bad.push((what, vec![format!("Bearer {}", app.signed(&header(), &claims)).into_bytes()]));
    };
    for (what, name) in [
        ("without iss", "iss"),
        ("without aud", "aud"),
        ("without sub", "sub"),
        ("without ws", "ws"),
        ("without scope", "scope"),
        ("without exp", "exp"),
        ("without iat", "iat"),
        ("without jti", "jti"),
    ] {
        claim(what, &|claims| drop(claims.as_object_mut().unwrap().shift_remove(name)));
    }
    for (what, name, value) in [
        ("expired", "exp", json!(now - 3600)),
        ("expired for a minute", "exp", json!(now - 60)),
        ("for a thousand years", "exp", json!(now + 31_536_000_000_i64)),
        ("exp at the end of numbers", "exp", json!(i64::MAX)),
        ("exp beyond numbers", "exp", json!(1e300)),
        ("exp as text", "exp", json!("9999999999")),
        ("exp null", "exp", json!(null)),
        ("not valid yet", "nbf", json!(now + 3600)),
        ("made in the future", "iat", json!(now + 3600)),
        ("made before time", "iat", json!(-1)),
        ("another issuer", "iss", json!("https://elsewhere.example")),
        ("issuers as a list", "iss", json!([app.settings().issuer])),
        ("another audience", "aud", json!("another")),
        ("no audience in the list", "aud", json!([])),
        ("sub is nobody", "sub", json!(Uuid::now_v7())),
        ("sub is no id", "sub", json!("administrator")),
        ("sub is empty", "sub", json!("")),
        ("sub is an object", "sub", json!({"$ne": null})),
        ("sub with NUL", "sub", json!(format!("{}\0", app.home().user.0))),
        ("sub with SQL", "sub", json!("' OR '1'='1")),
        ("another workspace", "ws", json!(Uuid::now_v7())),
        ("ws is no id", "ws", json!("*")),
        ("ws as a list", "ws", json!([app.home().id.0])),
        ("a scope that is none", "scope", json!("contacts:read everything")),
        ("scopes as a list", "scope", json!(["contacts:read"])),
        ("the user said to be a client", "client_id", json!(app.home().user.0)),
        ("a user of another installation", "sub", json!(other.home().user.0)),
    ] {
        claim(what, &|claims| claims[name] = value.clone());
    }
    let deep = format!("{{\"sub\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = app.signed_text(&part(&header()), &URL_SAFE_NO_PAD.encode(deep));
    bad.push(("claims nested 10,000 deep", vec![format!("Bearer {deep}").into_bytes()]));
}

/// Headers with one thing wrong.
fn bad_headers(app: &TestApp, bad: &mut Bad) {
    let good = claims(app);
    let mut token =
        |what, token: String| bad.push((what, vec![format!("Bearer {token}").into_bytes()]));
    let mine = EncodingKey::from_ed_der(
        &STANDARD
            .decode(
                generate_pem().unwrap().lines().filter(|l| !l.starts_with('-')).collect::<String>(),
            )
            .unwrap(),
    );
    let by = |header: &Value, key: &EncodingKey, algorithm| {
        let message = format!("{}.{}", part(header), part(&good));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
        format!("{message}.{signature}")
    };
    let with = |name: &str, value: Value| {
        let mut header = header();
        header[name] = value;
        header
    };
    let rightly = app.signed(&header(), &good);
    let signature = rightly.rsplit('.').next().unwrap();
    for (what, alg) in [("alg none", "none"), ("alg None", "None"), ("alg nOnE", "nOnE")] {
        token(what, format!("{}.{}.", part(&with("alg", json!(alg))), part(&good)));
    }
    let none = part(&with("alg", json!("none")));
    token("alg none with a signature", format!("{none}.{}.{signature}", part(&good)));
    let jwks = app.keys().jwks();
    let public = jwks["keys"][0]["x"].as_str().unwrap().to_owned();
    let hmac = with("alg", json!("HS256"));
    for (what, secret) in [
        ("HS256 with the public key's text", public.clone().into_bytes()),
        ("HS256 with the public key's bytes", URL_SAFE_NO_PAD.decode(&public).unwrap()),
        ("HS256 with the key set", jwks.to_string().into_bytes()),
        ("HS256 with nothing", Vec::new()),
    ] {
        token(what, by(&hmac, &EncodingKey::from_secret(&secret), Algorithm::HS256));
    }
    for (what, alg) in [
        ("RS256 named", "RS256"),
        ("ES256 named", "ES256"),
        ("PS256 named", "PS256"),
        ("an algorithm that is none", "EdDSA2"),
    ] {
        token(what, app.signed(&with("alg", json!(alg)), &good));
    }
    token("another key under our kid", by(&header(), &mine, Algorithm::EdDSA));
    token("an unknown kid", by(&with("kid", json!("k2")), &mine, Algorithm::EdDSA));
    for (what, kid) in [
        ("kid with a path", json!("../../../../dev/null")),
        ("kid with SQL", json!("k1' UNION SELECT 'x")),
        ("kid with NUL", json!("k1\0")),
        ("kid as a number", json!(1)),
        ("kid empty", json!("")),
        ("kid null", Value::Null),
    ] {
        token(what, app.signed(&with("kid", kid), &good));
    }
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32])});
    for (what, name, value) in [
        ("its own key in jwk", "jwk", jwk),
        ("its own keys at jku", "jku", json!("http://127.0.0.1:1/keys")),
        ("its own keys at x5u", "x5u", json!("http://127.0.0.1:1/keys")),
        ("its own certificate", "x5c", json!(["MIIB"])),
    ] {
        token(what, by(&with(name, value), &mine, Algorithm::EdDSA));
    }
    token("an extension that is critical", app.signed(&with("crit", json!(["exp"])), &good));
    let unencoded = json!({"alg": "EdDSA", "kid": KID, "b64": false, "crit": ["b64"]});
    token("an unencoded payload", app.signed(&unencoded, &good));
    token("a packed payload", app.signed(&with("zip", json!("DEF")), &good));
    token("no header", app.signed_text("", &part(&good)));
    token("a list for a header", app.signed(&json!([]), &good));
    token("no claims", app.signed_text(&part(&header()), ""));
    token("a list for claims", app.signed(&header(), &json!([])));
}

/// Tokens of people and integrations that may not act any more, and things that are no access tokens.
async fn bad_bearers(app: &TestApp, bad: &mut Bad) {
    let all: BTreeSet<Scope> = Role::Administrator.scopes();
    let token_of = |actor| app.client_of(actor, app.home().id, &all).token().unwrap().to_owned();
    let mut token =
        |what, token: &str| bad.push((what, vec![format!("Bearer {token}").into_bytes()]));
    let user = json!({"email": "gone@example.com", "role": "administrator", "password": PASSWORD});
    let user = app.post("/users").json(&user).await.expect(201).id();
    let of_user = token_of(Actor::User(UserId(user.parse().unwrap())));
    app.with_token(&of_user).get("/workspace").await.expect(200);
    app.delete(format!("/users/{user}")).await.expect(204);
    token("a deleted user's", &of_user);
    for (what, keep) in [("a deleted integration's", false), ("a disabled integration's", true)] {
        let client = json!({"name": what, "scopes": ["admin"]});
        let client = app.post("/clients").json(&client).await.expect(201).text_at("/client/id");
        let of_client = token_of(Actor::Client(ClientId(client.parse().unwrap())));
        app.with_token(&of_client).get("/workspace").await.expect(200);
        let path = format!("/clients/{client}");
        if keep {
            app.patch(path).json(&json!({"disabled": true})).await.expect(200);
        } else {
            app.delete(path).await.expect(204);
        }
        token(what, &of_client);
    }
    let login = [
        ("grant_type", "password"),
        ("username", app.home().email.as_str()),
        ("password", PASSWORD),
    ];
    let login = app.anonymous().post("/auth/token").form(&login).await.expect(200);
    token("a refresh token", &login.text_at("/refresh_token"));
    // a whole workspace that is gone takes its people with it
    let lost = app.other_workspace();
    app.execute(&format!("DELETE FROM users WHERE workspace_id = '{}'", lost.id.0));
    token("of a workspace without people", lost.token().unwrap());
}

/// OWASP API2:2023, PLT-1: none of them works anywhere, and none is told what is wrong with it.
#[tokio::test]
async fn no_bad_token_works_on_any_operation() {
    let app = TestApp::new().await;
    let elsewhere = TestApp::new().await;
    let good = app.signed(&header(), &claims(&app));
    app.with_token(&good).get("/workspace").await.expect(200);
    let mut bad = Vec::new();
    bad_lines(&good, &mut bad);
    bad_claims(&app, &elsewhere, &mut bad);
    bad_headers(&app, &mut bad);
    bad_bearers(&app, &mut bad).await;
    assert!(bad.len() >= 40, "{}", bad.len());
    let before = everything_of(&app, app.home().id);
    let (mut count, mut said) = (0, BTreeSet::new());
    for operation in secured() {
        let path = path(operation, &Things::default());
        for (what, lines) in &bad {
            let mut request = examples::request(&app.anonymous(), operation, &path);
            for line in lines {
                request = request.header_bytes("authorization", line);
            }
            let answer = request.await;
            assert!(answer.status == 401, "a token that is {what} works: {answer:?}");
            assert_eq!(answer.json["code"], "unauthorized", "{what}: {answer:?}");
            assert!(answer.header("www-authenticate").starts_with("Bearer "), "{answer:?}");
            said.insert(answer.text_at("/detail"));
            count += 1;
        }
    }
    // one sentence for what is no token, one for what is a wrong one
    assert!(said.len() <= 2, "a refusal tells what was wrong: {said:?}");
    assert_eq!(before, everything_of(&app, app.home().id), "a refused request changed something");
    let summary = format!("all 401, {} bad tokens, {} sentences", bad.len(), said.len());
    figure("bad tokens", secured().count(), count, &summary);
}

/// RFC 6750, 2.3 and 2: a token belongs into the header.
#[tokio::test]
async fn a_token_in_query_body_or_cookie_proves_nothing() {
    let app = TestApp::new().await;
    let good = app.token().unwrap();
    for operation in secured() {
        let path = path(operation, &Things::default());
        let nobody = app.anonymous();
        let ask = || examples::request(&nobody, operation, &path);
        ask().query(&[("access_token", good)]).await.expect(401);
        ask().query(&[("token", good)]).await.expect(401);
        ask().header("cookie", &format!("access_token={good}; token={good}")).await.expect(401);
        ask().header("x-access-token", good).header("proxy-authorization", good).await.expect(401);
    }
    figure("tokens outside of the header", secured().count(), secured().count() * 4, "all 401");
}

/// RFC 9110, 11.1 and RFC 7519, 4.1.3: what looks odd and is right passes.
#[tokio::test]
async fn odd_but_right_tokens_pass() {
    let app = TestApp::new().await;
    let good = app.signed(&header(), &claims(&app));
    let mut both = claims(&app);
    both["aud"] = json!(["another", app.settings().audience]);
    both["nbf"] = both["iat"].clone();
    let both = app.signed(&header(), &both);
    for line in [
        format!("bearer {good}"),
        format!("BEARER {good}"),
        format!("Bearer   {good}"),
        format!("Bearer {both}"),
    ] {
        app.anonymous().get("/workspace").header("authorization", &line).await.expect(200);
    }
}

/// OWASP API5:2023: the documented scope is enough; nothing more is asked for in secret.
#[tokio::test]
async fn exactly_the_documented_scope_is_enough() {
    let app = TestApp::new().await;
    let mut count = 0;
    for operation in secured() {
        let client = app.with_scopes(&operation.scopes());
        let answer =
            examples::request(&client, operation, &path(operation, &Things::default())).await;
        assert!(![401, 403].contains(&answer.status), "{}: {answer:?}", operation.id());
        count += 1;
    }
    app.leave_jobs();
    figure("exactly the documented scope", count, count, "none 401 or 403");
}
