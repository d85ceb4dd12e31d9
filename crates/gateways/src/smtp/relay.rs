//! Which mail server, and how it is spoken to.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

/// Submission (RFC 6409).
const SUBMISSION_PORT: u16 = 587;
/// Submission over TLS from the first byte (RFC 8314).
const SUBMISSIONS_PORT: u16 = 465;

/// How a connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// By STARTTLS where the server offers it.
    Opportunistic,
    /// By STARTTLS (RFC 3207), or nothing is sent.
    Required,
    /// From the first byte.
    Wrapped,
}

/// A mail server that takes our messages, written `smtp://user:password@host:587?tls=required`, or `smtps://…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Relay {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) login: Option<(String, String)>,
    pub(super) authority: Option<Vec<u8>>,
}

impl Relay {
    /// Trusts this certificate authority too (PEM), beside those that browsers know.
    #[must_use]
    pub fn trusting(mut self, authority: Option<Vec<u8>>) -> Self {
        self.authority = authority;
        self
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({}:{}, {:?})", self.host, self.port, self.tls)
    }
}

/// A text that names no mail server; it does not repeat what may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARelay {
    /// Not of that form at all.
    #[error("is no address such as smtp://user:password@mail.example.com:587?tls=required")]
    Form,
    /// A word behind `tls=` that is none.
    #[error("tls is required, opportunistic or none; with smtps:// it is not said")]
    Tls,
    /// Something behind `?` that is not `tls`.
    #[error("knows no other parameter than tls")]
    Parameter,
}

impl FromStr for Relay {
    type Err = NotARelay;

    fn from_str(text: &str) -> Result<Self, NotARelay> {
        let url = Url::parse(text.trim()).map_err(|_unsaid| NotARelay::Form)?;
        let (mut tls, port) = match url.scheme() {
            "smtp" => (Tls::Required, SUBMISSION_PORT),
            "smtps" => (Tls::Wrapped, SUBMISSIONS_PORT),
            _ => return Err(NotARelay::Form),
        };
        let bare = url.path().is_empty() || url.path() == "/";
        let host = url.host_str().filter(|host| !host.is_empty() && bare);
        let host = host.ok_or(NotARelay::Form)?.trim_matches(['[', ']']).to_owned();
        for (name, value) in url.query_pairs() {
            tls = match (&*name, &*value, tls) {
                ("tls", _, Tls::Wrapped) => return Err(NotARelay::Tls),
                ("tls", "none", _) => Tls::None,
                ("tls", "opportunistic", _) => Tls::Opportunistic,
                ("tls", "required", _) => Tls::Required,
                ("tls", ..) => return Err(NotARelay::Tls),
                _ => return Err(NotARelay::Parameter),
            };
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                let user = decoded(user).map_err(|_not_text| NotARelay::Form)?;
                Some((user, decoded(password).map_err(|_not_text| NotARelay::Form)?))
            }
            _ => return Err(NotARelay::Form),
        };
        let port = url.port().unwrap_or(port);
        Ok(Self { host, port, tls, login, authority: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_read_with_what_it_does_not_say() {
        let relay: Relay = "smtp://jana%40x.cz:p%3Ass@mail.example.com".parse().unwrap();
        assert_eq!(
            (relay.host.as_str(), relay.port, relay.tls),
            ("mail.example.com", 587, Tls::Required)
        );
        assert_eq!(relay.login, Some(("jana@x.cz".to_owned(), "p:ss".to_owned())));
        let relay: Relay = "smtps://mail.example.com".parse().unwrap();
        assert_eq!((relay.port, relay.tls), (465, Tls::Wrapped));
        let relay: Relay = "smtp://[::1]:2525?tls=none".parse().unwrap();
        assert_eq!((relay.host.as_str(), relay.port, relay.tls), ("::1", 2525, Tls::None));
        assert_eq!(relay.login, None);
    }

    #[test]
    fn what_is_no_relay_is_refused() {
        for text in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtp://",
            "smtp://user@mail.example.com",
            "smtp://mail.example.com/path",
            "smtp://mail.example.com?tls=perhaps",
            "smtps://mail.example.com?tls=none",
            "smtp://mail.example.com?timeout=5",
        ] {
            assert!(text.parse::<Relay>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let relay: Relay = "smtp://user:hunter2@mail.example.com".parse().unwrap();
        assert_eq!(format!("{relay:?}"), "Relay(mail.example.com:587, Required)");
    }
}
