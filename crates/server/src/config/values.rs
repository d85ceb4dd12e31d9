//! The kinds of values and how they are read. Each parser says what it expects, and never
//! repeats a value that may be secret.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use kartoteka_app::mail::{NotARelay, Relay, Sender, Unfit};
use kartoteka_app::webhooks::{Allowed, NotANetwork};
use serde::Deserialize;

use super::settings::Setting;

/// Shortest password of an administrator, in characters.
const PASSWORD_CHARACTERS: usize = 12;

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. Not for logs.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A foreign issuer of access tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// The claim `iss` of its tokens.
    pub issuer: String,
    /// Where its public keys are (RFC 7517).
    pub jwks_url: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A sentence and its fields, for people.
    Text,
    /// One JSON object per line, for machines.
    Json,
}

type Parsed<T> = Result<T, String>;

pub(super) fn address(text: &str) -> Parsed<SocketAddr> {
    text.trim()
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| format!("{text:?} is no address with a port, such as 127.0.0.1:8080"))
}

pub(super) fn path(text: &str) -> Parsed<PathBuf> {
    Ok(PathBuf::from(text))
}

pub(super) fn networks(text: &str) -> Parsed<Allowed> {
    text.parse().map_err(|error: NotANetwork| error.to_string())
}

pub(super) fn relay(text: &str) -> Parsed<Relay> {
    text.parse().map_err(|error: NotARelay| error.to_string())
}

pub(super) fn sender(text: &str) -> Parsed<Sender> {
    let unfit =
        |error: Unfit| format!("{text:?} is no sender such as Firma <news@example.com>: {error}");
    text.parse().map_err(unfit)
}

pub(super) fn authority(text: &str) -> Parsed<Vec<u8>> {
    let read = std::fs::read(text).map_err(|error| format!("{text:?} cannot be read: {error}"))?;
    if !String::from_utf8_lossy(&read).contains("-----BEGIN CERTIFICATE-----") {
        return Err(format!("{text:?} holds no certificate in PEM"));
    }
    Ok(read)
}

pub(super) fn days(text: &str) -> Parsed<u32> {
    match text.trim().parse() {
        Ok(days @ 1..=90) => Ok(days),
        _ => Err(format!("{text:?} is no whole number from 1 to 90")),
    }
}

pub(super) fn count(text: &str) -> Parsed<u32> {
    match text.trim().parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err(format!("{text:?} is no whole number from 1 to 10000")),
    }
}

pub(super) fn rate(text: &str) -> Parsed<u32> {
    match text.trim().parse() {
        Ok(number @ 0..=1_000_000) => Ok(number),
        _ => Err(format!("{text:?} is no whole number from 0 to 1000000")),
    }
}

pub(super) fn bytes(text: &str) -> Parsed<u64> {
    match text.trim().parse() {
        Ok(number) if number >= 1024 => Ok(number),
        _ => Err(format!("{text:?} is no number of bytes, at least 1024")),
    }
}

pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

pub(super) fn secret(text: &str) -> Parsed<Secret> {
    Ok(Secret::new(text))
}

pub(super) fn password(text: &str) -> Parsed<Secret> {
    if text.chars().count() < PASSWORD_CHARACTERS {
        return Err(format!("needs at least {PASSWORD_CHARACTERS} characters"));
    }
    Ok(Secret::new(text))
}

pub(super) fn name(text: &str) -> Parsed<String> {
    let name = text.trim();
    if name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err("is no name of at most 200 characters in one line".to_owned());
    }
    Ok(name.to_owned())
}

pub(super) fn email(text: &str) -> Parsed<String> {
    match kartoteka_domain::contacts::email::Email::parse(text) {
        Ok(_) => Ok(text.trim().to_owned()),
        Err(_) => Err(format!("{text:?} is no e-mail address")),
    }
}

pub(super) fn database_url(text: &str) -> Parsed<Secret> {
    let text = text.trim();
    let is_url = ["postgresql://", "postgres://"].iter().any(|scheme| text.starts_with(scheme));
    if is_url {
        Ok(Secret::new(text))
    } else {
        Err("is no URL that starts with postgresql://".to_owned())
    }
}

pub(super) fn web_address(text: &str) -> Parsed<String> {
    let address = text.trim().trim_end_matches('/');
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', ' ']) => Ok(address.to_owned()),
        _ => Err(format!("{text:?} is no address such as https://crm.example.com")),
    }
}

pub(super) fn origins(text: &str) -> Parsed<Vec<String>> {
    listed(text)
        .map(|origin| {
            if origin == "*" {
                return Ok(origin.to_owned());
            }
            let address = web_address(origin)?;
            match address.splitn(4, '/').nth(3) {
                None => Ok(address),
                Some(_) => Err(format!("{origin:?} has a path; an origin is scheme, host, port")),
            }
        })
        .collect()
}

pub(super) fn trusted_issuers(text: &str) -> Parsed<Vec<TrustedIssuer>> {
    let issuers: Vec<TrustedIssuer> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| format!("is no list of issuers: {error}"))?
    } else {
        listed(text).map(trusted_issuer).collect::<Parsed<_>>()?
    };
    for issuer in &issuers {
        let place = issuer.jwks_url.split_once("://").filter(|(_, place)| !place.is_empty());
        if !place.is_some_and(|(scheme, _)| ["https", "http"].contains(&scheme)) {
            return Err(format!("jwks_url {:?} is no web address", issuer.jwks_url));
        }
    }
    Ok(issuers)
}

/// `issuer=jwks_url`; either side may have a `=` of its own, the URL starts with its scheme.
fn trusted_issuer(text: &str) -> Parsed<TrustedIssuer> {
    ["=https://", "=http://"]
        .iter()
        .find_map(|mark| text.split_once(mark).map(|(issuer, rest)| (issuer, mark, rest)))
        .filter(|(issuer, _, _)| !issuer.is_empty())
        .map(|(issuer, mark, rest)| TrustedIssuer {
            issuer: issuer.to_owned(),
            jwks_url: format!("{}{rest}", mark.trim_start_matches('=')),
        })
        .ok_or_else(|| format!("{text:?} is not of the form issuer=https://…/jwks.json"))
}

pub(super) fn log_filter(text: &str) -> Parsed<String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{text:?} is no log filter: {error}")),
    }
}

pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    match text.trim().to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("{text:?} is neither text nor json")),
    }
}

/// The address that a browser on this machine opens.
pub(super) fn local_url(listen: SocketAddr) -> String {
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{address}")
}

/// A value as `kartoteka config` shows it.
pub(super) fn shown(setting: &Setting, value: &str) -> String {
    if !setting.secret {
        return value.to_owned();
    }
    // Of a URL only the password is secret: the rest tells where the data is.
    let masked = value.split_once("://").and_then(|(scheme, rest)| {
        let (login, place) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        let place = place.split('?').next()?;
        Some(format!("{scheme}://{user}:***@{place}"))
    });
    masked.unwrap_or_else(|| "***".to_owned())
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_read_from_both_forms() {
        let expected = [
            TrustedIssuer {
                issuer: "https://id.example/realm?a=b".to_owned(),
                jwks_url: "https://id.example/jwks?kind=1".to_owned(),
            },
            TrustedIssuer {
                issuer: "shop".to_owned(),
                jwks_url: "http://127.0.0.1:9000/keys".to_owned(),
            },
        ];
        let short = "https://id.example/realm?a=b=https://id.example/jwks?kind=1, \
                     shop=http://127.0.0.1:9000/keys";
        assert_eq!(trusted_issuers(short).unwrap(), expected);
        let json = r#"[{"issuer":"https://id.example/realm?a=b","jwks_url":"https://id.example/jwks?kind=1"},
                       {"issuer":"shop","jwks_url":"http://127.0.0.1:9000/keys"}]"#;
        assert_eq!(trusted_issuers(json).unwrap(), expected);
    }

    #[test]
    fn broken_issuers_are_refused() {
        for text in ["shop", "=https://x/keys", "[{}]", r#"[{"issuer":"a","jwks_url":"ftp://x"}]"#]
        {
            assert!(trusted_issuers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins_have_no_path() {
        assert_eq!(
            origins("https://a.example, http://localhost:5173/").unwrap(),
            ["https://a.example", "http://localhost:5173"]
        );
        assert!(origins("https://a.example/app").is_err());
        assert!(origins("a.example").is_err());
        assert_eq!(origins("*").unwrap(), ["*"]);
    }

    #[test]
    fn an_open_listener_is_opened_locally() {
        assert_eq!(local_url("0.0.0.0:8080".parse().unwrap()), "http://127.0.0.1:8080");
        assert_eq!(local_url("[::]:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(local_url("10.0.0.7:80".parse().unwrap()), "http://10.0.0.7:80");
    }

    #[test]
    fn a_short_password_is_refused_without_being_repeated() {
        let fault = password("hunter2").unwrap_err();
        assert!(!fault.contains("hunter2"));
        assert!(password("correct horse").is_ok());
    }
}
