//! Everything about a person as one document (TRS-5, GDPR art. 15 and 20), on its way out part by part: whoever reads it
//! slowly keeps nothing busy but their own connection, and memory does not grow with what there is.

use serde_json::{Map, Value};
use uuid::Uuid;

use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::ids::{ContactId, WorkspaceId};
use kartoteka_persistence::contacts::export::{self as store, PARTS, Whose};
use kartoteka_persistence::contacts::merges;
use kartoteka_persistence::{Db, Tenant, workspaces};

use crate::access::audit;
use crate::consents::suppression;
use crate::contacts::{self, Stored};
use crate::context::Context;
use crate::error::Error;

/// Items read at once.
const PAGE: i64 = 500;

/// What the document begins with.
#[derive(Debug)]
pub struct Head {
    /// The contact.
    pub contact: Stored,
    /// Its id, and those of the contacts that were merged into it.
    pub contact_ids: Vec<Uuid>,
    /// Its workspace: id and name.
    pub workspace: (Uuid, String),
    /// Channel, reason and time of what keeps messages from its addresses (CNS-8).
    pub suppressions: Vec<Value>,
    /// Where data of contacts is sent.
    pub receivers: Vec<Value>,
}

/// Reads the head, and writes into the trail that the export was taken.
///
/// # Errors
/// `not_found`.
pub fn begin(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
    secret: &[u8],
) -> Result<Head, Error> {
    let contact = contacts::get(tenant, id)?;
    let workspace = workspaces::get(tenant)?;
    let addresses = [
        (Channel::Email, contact.contact.email_key.as_deref()),
        (Channel::Sms, contact.contact.phone.as_deref()),
    ];
    let hashes: Vec<(String, Vec<u8>)> = addresses
        .into_iter()
        .filter_map(|(channel, address)| {
            Some((channel.as_str().to_owned(), suppression::hash(secret, channel, address?)))
        })
        .collect();
    let contact_ids = merges::ids_of(tenant, id)?;
    let suppressions = store::suppressions(tenant, &hashes)?;
    let receivers = store::receivers(tenant)?;
    // a type of its own: nothing changed, so the timeline does not tell of it
    audit::record(tenant, ctx, "contact.export", "contact_export", Some(id.0), None)?;
    Ok(Head {
        contact,
        contact_ids,
        workspace: (workspace.id, workspace.name),
        suppressions,
        receivers,
    })
}

/// The document on its way out.
pub struct Export {
    workspace: WorkspaceId,
    whose: Whose,
    head: Option<Map<String, Value>>,
    part: usize,
    /// Behind this item of the part.
    after: Option<Uuid>,
    begun: bool,
    ended: bool,
}

impl Export {
    /// The document of these contacts, which are one person. `head` are its first members.
    #[must_use]
    pub fn new(
        workspace: WorkspaceId,
        contacts: Vec<Uuid>,
        private: bool,
        head: Map<String, Value>,
    ) -> Self {
        Self {
            workspace,
            whose: Whose { contacts, private },
            head: Some(head),
            part: 0,
            after: None,
            begun: false,
            ended: false,
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// What the database said.
    pub fn next_block(&mut self, db: &Db) -> Result<Option<Vec<u8>>, Error> {
        if self.ended {
            return Ok(None);
        }
        if let Some(head) = self.head.take() {
            let mut text = Value::Object(head).to_string();
            // it goes on
            text.pop();
            return Ok(Some(text.into_bytes()));
        }
        let Some(part) = PARTS.get(self.part) else {
            self.ended = true;
            return Ok(Some(b"}".to_vec()));
        };
        let items = db.read(self.workspace, |tenant| {
            store::items(tenant, part, &self.whose, self.after, PAGE).map_err(Error::from)
        })?;
        let mut text = String::new();
        if !self.begun {
            text.push_str(&format!(",\"{}\":[", part.name));
        }
        for (_, item) in &items {
            if self.begun {
                text.push(',');
            }
            self.begun = true;
            text.push_str(&item.to_string());
        }
        match items.last() {
            Some((last, _)) if i64::try_from(items.len()).unwrap_or(0) == PAGE => {
                self.after = Some(*last);
            }
            _ => {
                text.push(']');
                self.part += 1;
                self.after = None;
                self.begun = false;
            }
        }
        Ok(Some(text.into_bytes()))
    }
}

/// Names of the lists of the document, in their order.
#[must_use]
pub fn parts() -> Vec<&'static str> {
    PARTS.iter().map(|part| part.name).collect()
}
