//! Whether a message may go to a contact: the facts are gathered here, the gate of the domain decides.

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::gate::{self, Address, Kind, Reason, Standing};
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ContactId, PurposeId};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::consents::{self as store, Hold};
use kartoteka_persistence::contacts::Stored;

use super::suppression;
use crate::contacts;
use crate::error::Error;

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// On which channel.
    pub channel: Channel,
    /// For which purpose; without one any granted purpose of the channel will do.
    pub purpose: Option<&'a str>,
    /// Marketing or part of an order.
    pub kind: Kind,
    /// Key of the suppression list.
    pub secret: &'a [u8],
}

/// Asks the gate. No reasons means yes.
///
/// # Errors
/// `not_found`, `unknown_purpose`, `invalid_value` when the purpose is not of the channel.
pub fn can_send(
    tenant: &mut Tenant<'_>,
    id: ContactId,
    question: &Question<'_>,
) -> Result<Vec<Reason>, Error> {
    let contact = contacts::get(tenant, id)?;
    let granted = match question.purpose {
        None => store::any_granted(tenant, id, question.channel)?,
        Some(name) => {
            let purpose = purpose(tenant, name, question.channel)?;
            store::is_granted(tenant, id, purpose)?
        }
    };
    let standing = Standing {
        in_trash: contact.trashed_at.is_some(),
        muted: contact.muted,
        address: address(tenant, &contact, question)?,
        subscribed: contact.subscribed,
        granted,
    };
    Ok(gate::can_send(&standing, question.kind))
}

fn purpose(tenant: &mut Tenant<'_>, name: &str, channel: Channel) -> Result<PurposeId, Error> {
    let fault = |code, detail: String| Error::invalid(vec![Fault::new("?purpose", code, detail)]);
    let Some(purpose) = store::purpose_named(tenant, name, Hold::No)? else {
        return Err(fault(Code::UnknownPurpose, Code::UnknownPurpose.title().to_owned()));
    };
    if purpose.channel != channel.as_str() {
        let detail = format!("This purpose is of the channel {}.", purpose.channel);
        return Err(fault(Code::InvalidValue, detail));
    }
    Ok(PurposeId(purpose.id))
}

fn address(
    tenant: &mut Tenant<'_>,
    contact: &Stored,
    question: &Question<'_>,
) -> Result<Address, Error> {
    let content = &contact.contact;
    let channel = question.channel;
    let (email, phone) = (content.email_key.as_deref(), content.phone.as_deref());
    if !gate::has_address(channel, email.is_some(), phone.is_some(), content.city.is_some()) {
        return Ok(Address::None);
    }
    let (address, invalid) = match channel {
        Channel::Email => (email, contact.email_invalid_at.is_some()),
        Channel::Sms => (phone, false),
        // a postal address has no normal form that could be hashed
        Channel::Post => (None, false),
    };
    let suppressed = match address {
        None => false,
        Some(address) => {
            let hash = suppression::hash(question.secret, channel, address);
            store::is_suppressed(tenant, channel, &hash)?
        }
    };
    Ok(Address::Known { invalid, suppressed })
}
