//! Room for more contacts (TRS-3), and the lock that keeps it true.

use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_persistence::contacts::read::{self, Room};
use kartoteka_persistence::workspaces::{self, WriterLock};
use kartoteka_persistence::{StoreError, Tenant};

use crate::error::Error;

/// Nearer to the limit than this, writers go one by one. More than any number of single writes that can be
/// under way at once, because those that began before do not see each other.
const MARGIN: i64 = 1000;

/// Takes the writer lock and makes sure that `n` more contacts fit.
///
/// # Errors
/// `contact_limit_reached` with limit, live and trash.
pub fn enter(tenant: &mut Tenant<'_>, n: i64) -> Result<(), Error> {
    let room = read::room(tenant)?;
    if room.left() - n >= MARGIN {
        workspaces::lock_writers(tenant, WriterLock::Shared)?;
        return Ok(());
    }
    let room = enter_alone(tenant)?;
    if room.left() < n { Err(limit_reached(room)) } else { Ok(()) }
}

/// Takes the writer lock alone, for "look whether it is there, then write".
///
/// # Errors
/// What the database said.
pub fn enter_alone(tenant: &mut Tenant<'_>) -> Result<Room, StoreError> {
    workspaces::lock_writers(tenant, WriterLock::Exclusive)?;
    read::room(tenant)
}

/// Takes the writer lock beside others, for writes that make no contact.
///
/// # Errors
/// What the database said.
pub fn enter_beside(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
    workspaces::lock_writers(tenant, WriterLock::Shared)
}

/// The refusal of a contact there is no room for.
#[must_use]
pub fn limit_reached(room: Room) -> Error {
    let Room { limit, live, trash } = room;
    Error::refused_with(
        Code::ContactLimitReached,
        format!(
            "The workspace may hold {limit} contacts; {live} live and {trash} are in the trash. Purge some or ask for a higher limit."
        ),
        json!({"limit": limit, "live": live, "trash": trash}),
    )
}
