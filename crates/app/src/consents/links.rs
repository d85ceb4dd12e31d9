//! Links that contacts get in messages: each proves by itself what it is for and whom it belongs to.
//!
//! The path of a link ends in a token: a kind, the ids it is about, and 128 bits of an HMAC-SHA-256 over all of that.
//! Nothing is stored, a link can be made for every message, and whoever wants to guess one has to guess the HMAC. The
//! key is derived from `secret.key`.
//!
//! A link to unsubscribe is for ever (RFC 8058 has the receiver use it whenever it likes). One to the preferences,
//! where something can be granted too, belongs to the address that it was sent to: when the contact has another one,
//! it leads nowhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use uuid::Uuid;

use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::consents::words::Tongue;
use kartoteka_domain::ids::{ConsentRequestId, ContactId, PurposeId, WorkspaceId};

use super::suppression;
use crate::access::secrets::derived;

/// Bytes of the HMAC that stand in a token.
const MAC_BYTES: usize = 16;
/// Bytes that tell one address of a contact from another.
const ADDRESS_BYTES: usize = 8;
/// Longest token that is looked at, in characters.
const LONGEST: usize = 200;

const CONFIRM: u8 = 1;
const UNSUBSCRIBE: u8 = 2;
const PREFERENCES: u8 = 3;
/// A purpose is named.
const WITH_PURPOSE: u8 = 0x10;
/// A campaign is named.
const WITH_CAMPAIGN: u8 = 0x20;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Answers a request for a consent (CNS-6).
    Confirm(ConsentRequestId),
    /// Unsubscribes (CNS-7).
    Unsubscribe {
        /// Whom.
        contact: ContactId,
        /// From what; from everything that comes by e-mail when nothing is named.
        purpose: Option<PurposeId>,
        /// The campaign whose message it stood in.
        campaign: Option<Uuid>,
    },
    /// Shows and changes what a contact gets.
    Preferences {
        /// Whom.
        contact: ContactId,
        /// Which of its addresses it was sent to.
        address: AddressMark,
    },
}

/// Tells one address of a contact from another, and does not tell which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressMark([u8; ADDRESS_BYTES]);

impl AddressMark {
    /// The mark of a normalised address; of no address, when the contact has none.
    #[must_use]
    pub fn of(secret: &[u8], email_key: Option<&str>) -> Self {
        let hash = suppression::hash(secret, Channel::Email, email_key.unwrap_or_default());
        let mut mark = [0; ADDRESS_BYTES];
        mark.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(mark)
    }
}

fn mac(secret: &[u8], body: &[u8]) -> Option<impl Mac> {
    let mut mac = derived(secret, b"kartoteka: links in messages")?;
    mac.update(body);
    Some(mac)
}

impl Link {
    /// The token: letters, digits, `-` and `_`.
    #[must_use]
    pub fn token(&self, secret: &[u8], workspace: WorkspaceId) -> String {
        let mut body = vec![0];
        body.extend_from_slice(workspace.0.as_bytes());
        let kind = match self {
            Self::Confirm(request) => {
                body.extend_from_slice(request.0.as_bytes());
                CONFIRM
            }
            Self::Unsubscribe { contact, purpose, campaign } => {
                body.extend_from_slice(contact.0.as_bytes());
                let mut kind = UNSUBSCRIBE;
                if let Some(purpose) = purpose {
                    body.extend_from_slice(purpose.0.as_bytes());
                    kind |= WITH_PURPOSE;
                }
                if let Some(campaign) = campaign {
                    body.extend_from_slice(campaign.as_bytes());
                    kind |= WITH_CAMPAIGN;
                }
                kind
            }
            Self::Preferences { contact, address } => {
                body.extend_from_slice(contact.0.as_bytes());
                body.extend_from_slice(&address.0);
                PREFERENCES
            }
        };
        if let Some(first) = body.first_mut() {
            *first = kind;
        }
        // HMAC takes keys of any length
        let seal = mac(secret, &body).map(|mac| mac.finalize().into_bytes().to_vec());
        body.extend(seal.unwrap_or_default().iter().take(MAC_BYTES));
        URL_SAFE_NO_PAD.encode(body)
    }

    /// Reads a token; `None` for whatever was not made here.
    #[must_use]
    pub fn read(secret: &[u8], token: &str) -> Option<(WorkspaceId, Self)> {
        if token.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, seal) = bytes.split_last_chunk::<MAC_BYTES>()?;
        // in a time that says nothing about the right one
        mac(secret, body)?.verify_truncated_left(seal).ok()?;
        let (kind, rest) = body.split_first()?;
        let mut rest = Rest(rest);
        let workspace = WorkspaceId(rest.id()?);
        let link = match kind & 0x0f {
            CONFIRM => Self::Confirm(ConsentRequestId(rest.id()?)),
            UNSUBSCRIBE => {
                let contact = ContactId(rest.id()?);
                let named = |flag: u8| kind & flag != 0;
                let purpose = if named(WITH_PURPOSE) { Some(PurposeId(rest.id()?)) } else { None };
                let campaign = if named(WITH_CAMPAIGN) { Some(rest.id()?) } else { None };
                Self::Unsubscribe { contact, purpose, campaign }
            }
            PREFERENCES => {
                let contact = ContactId(rest.id()?);
                Self::Preferences { contact, address: AddressMark(rest.take()?) }
            }
            _ => return None,
        };
        rest.0.is_empty().then_some((workspace, link))
    }

    /// The address of the page, below the `base` that browsers reach; in this language, when one is named.
    #[must_use]
    pub fn url(
        &self,
        base: &str,
        secret: &[u8],
        workspace: WorkspaceId,
        tongue: Option<Tongue>,
    ) -> String {
        let page = match self {
            Self::Confirm(_) => "confirm",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Preferences { .. } => "preferences",
        };
        let mut url = format!("{base}/links/{page}/{}", self.token(secret, workspace));
        if let Some(tongue) = tongue {
            url.push_str("?lang=");
            url.push_str(tongue.as_str());
        }
        url
    }
}

/// What is left to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn id(&mut self) -> Option<Uuid> {
        self.take().map(Uuid::from_bytes)
    }
}

/// The headers of a message that can be unsubscribed from with one click (RFC 2369, 3.2; RFC 8058, 3.1). The signature
/// of the message (DKIM) has to cover both. Messages that ask for a consent, and others that belong to an order, have
/// none.
#[must_use]
pub fn unsubscribe_headers(url: &str) -> [(&'static str, String); 2] {
    [
        ("List-Unsubscribe", format!("<{url}>")),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret of the tests, 32 bytes!";

    fn all() -> Vec<Link> {
        let id = Uuid::from_u128;
        let contact = ContactId(id(2));
        let unsubscribe = |purpose: Option<u128>, campaign: Option<u128>| Link::Unsubscribe {
            contact,
            purpose: purpose.map(|n| PurposeId(id(n))),
            campaign: campaign.map(id),
        };
        vec![
            Link::Confirm(ConsentRequestId(id(1))),
            unsubscribe(None, None),
            unsubscribe(Some(3), None),
            unsubscribe(None, Some(3)),
            unsubscribe(Some(3), Some(4)),
            Link::Preferences { contact, address: AddressMark::of(SECRET, Some("a@b.cz")) },
        ]
    }

    /// CNS-6, CNS-7
    #[test]
    fn a_token_is_read_back_and_fits_into_a_url() {
        let workspace = WorkspaceId(Uuid::from_u128(9));
        for link in all() {
            let token = link.token(SECRET, workspace);
            assert_eq!(Link::read(SECRET, &token), Some((workspace, link)));
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            // a line of a header has at most 998 characters (RFC 5322, 2.1.1)
            assert!(token.len() < 120, "{}", token.len());
            assert_eq!(Link::read(b"another secret", &token), None);
        }
    }

    /// CNS-7: whatever is changed of a token, it is none any more.
    #[test]
    fn a_changed_token_is_none() {
        let workspace = WorkspaceId(Uuid::from_u128(9));
        for link in all() {
            let token = link.token(SECRET, workspace);
            let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                assert_eq!(Link::read(SECRET, &URL_SAFE_NO_PAD.encode(changed)), None);
                assert_eq!(Link::read(SECRET, &URL_SAFE_NO_PAD.encode(&bytes[..at])), None);
            }
            assert_eq!(Link::read(SECRET, &format!("{token}A")), None);
        }
        for nonsense in ["", "word", "====", "č", &"A".repeat(100), &"A".repeat(100_000)] {
            assert_eq!(Link::read(SECRET, nonsense), None);
        }
    }

    #[test]
    fn links_of_another_workspace_contact_purpose_campaign_or_address_differ() {
        let mut tokens: Vec<String> = Vec::new();
        for workspace in [WorkspaceId(Uuid::from_u128(8)), WorkspaceId(Uuid::from_u128(9))] {
            tokens.extend(all().iter().map(|link| link.token(SECRET, workspace)));
        }
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), 12);
        assert_ne!(
            AddressMark::of(SECRET, Some("a@b.cz")),
            AddressMark::of(SECRET, Some("a@c.cz"))
        );
        assert_ne!(AddressMark::of(SECRET, None), AddressMark::of(SECRET, Some("a@c.cz")));
    }

    /// CNS-7: RFC 2369 and RFC 8058.
    #[test]
    fn one_click_needs_two_headers() {
        let link = Link::Confirm(ConsentRequestId(Uuid::from_u128(1)));
        let url =
            link.url("https://x.cz", SECRET, WorkspaceId(Uuid::from_u128(9)), Some(Tongue::Pl));
        assert!(
            url.starts_with("https://x.cz/links/confirm/") && url.ends_with("?lang=pl"),
            "{url}"
        );
        let [(name, value), (post, click)] =
            unsubscribe_headers("https://x.cz/links/unsubscribe/a");
        assert_eq!(
            (name, value.as_str()),
            ("List-Unsubscribe", "<https://x.cz/links/unsubscribe/a>")
        );
        assert_eq!((post, click.as_str()), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
}
