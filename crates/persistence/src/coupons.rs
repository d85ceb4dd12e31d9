//! Coupons of contacts (MGR-J). Writers have locked the contacts.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use uuid::Uuid;

use kartoteka_domain::classes::ClassName;
use kartoteka_domain::ids::{CouponId, JobId};

use crate::contacts::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A coupon.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Coupon {
    /// Its id, in order of time.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Whose it is.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// What it is for.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// What is redeemed.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// The instant at which it is good no more.
    #[diesel(sql_type = Timestamptz)]
    pub valid_until: DateTime<Utc>,
    /// The job that made it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub job_id: Option<Uuid>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was redeemed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub redeemed_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str =
    "x.id, x.contact_id, x.name, x.code, x.valid_until, x.job_id, x.created_at, x.redeemed_at";

/// Which coupons; what is `None` says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Of this name, as it is compared.
    pub name_key: Option<String>,
    /// Of this contact.
    pub contact: Option<Uuid>,
    /// Redeemed ones, or those that are not.
    pub redeemed: Option<bool>,
    /// With this code, in capitals.
    pub code: Option<String>,
}

/// Coupons, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Coupon>, StoreError> {
    let Filter { name_key, contact, redeemed, code } = filter;
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM coupons x WHERE x.workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(key) = name_key {
        sql.push(" AND x.name_key = ").bind(key.as_str());
    }
    if let Some(contact) = contact {
        sql.push(" AND x.contact_id = ").bind(*contact);
    }
    if let Some(redeemed) = redeemed {
        sql.push(if *redeemed {
            " AND x.redeemed_at IS NOT NULL"
        } else {
            " AND x.redeemed_at IS NULL"
        });
    }
    if let Some(code) = code {
        sql.push(" AND x.code = ").bind(code.as_str());
    }
    if let Some(before) = before {
        sql.push(" AND x.id < ").bind(before);
    }
    sql.push(" ORDER BY x.id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// One coupon.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: CouponId) -> Result<Option<Coupon>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM coupons x WHERE x.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND x.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// The coupon with this code, in capitals.
///
/// # Errors
/// What the database said.
pub fn by_code(tenant: &mut Tenant<'_>, code: &str) -> Result<Option<Coupon>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM coupons x WHERE x.workspace_id = "));
    sql.prepared().bind(tenant.workspace).push(" AND x.code = ").bind(code);
    sql.first(tenant.conn)
}

/// Notes that a coupon was redeemed.
///
/// # Errors
/// What the database said.
pub fn redeem(tenant: &mut Tenant<'_>, id: CouponId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE coupons SET redeemed_at = ");
    sql.bind(now).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// Whether the workspace has more than so many with codes of so many characters.
///
/// # Errors
/// What the database said.
pub fn are_more_than(tenant: &mut Tenant<'_>, length: u32, most: i64) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM (SELECT FROM coupons WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND char_length(code) = ").bind(i64::from(length));
    sql.push(" LIMIT ").bind(most.saturating_add(1)).push(") AS counted");
    Ok(sql.count(tenant.conn)? > most)
}

/// Which of these contacts hold a coupon of this name that is good still.
///
/// # Errors
/// What the database said.
pub fn holders(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    name: &ClassName,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new("SELECT DISTINCT contact_id AS id FROM coupons WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ANY(").bind(contacts.to_vec());
    sql.push(") AND name_key = ").bind(name.key());
    sql.push(" AND redeemed_at IS NULL AND valid_until > ").bind(now);
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// What coupons made together have in common.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// What they are for.
    pub name: &'a ClassName,
    /// Until when they are good.
    pub valid_until: DateTime<Utc>,
    /// The job that makes them.
    pub job: JobId,
    /// When.
    pub now: DateTime<Utc>,
}

/// A coupon to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub contact: Uuid,
    /// Its code, which may be taken.
    pub code: String,
}

/// Makes those coupons whose code is not taken yet, and says which that were by their ids. Two with one code among the
/// candidates are one.
///
/// # Errors
/// What the database said.
pub fn insert(
    tenant: &mut Tenant<'_>,
    batch: &Batch<'_>,
    mut candidates: Vec<Candidate>,
) -> Result<Vec<Uuid>, StoreError> {
    // two jobs that meet in some codes wait for each other in one order
    candidates.sort_unstable_by(|a, b| a.code.cmp(&b.code));
    let ids: Vec<Uuid> = candidates.iter().map(|one| one.id).collect();
    let contacts: Vec<Uuid> = candidates.iter().map(|one| one.contact).collect();
    let codes: Vec<String> = candidates.into_iter().map(|one| one.code).collect();
    let mut sql = Sql::new(
        "INSERT INTO coupons (workspace_id, id, contact_id, name, name_key, code, valid_until, job_id, created_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", r.id, r.contact, ").bind(batch.name.as_str());
    sql.push(", ").bind(batch.name.key()).push(", r.code, ").bind(batch.valid_until);
    sql.push(", ").bind(batch.job.0).push(", ").bind(batch.now);
    sql.push(" FROM unnest(").bind(ids).push(", ").bind(contacts).push(", ").bind(codes);
    sql.push(") AS r(id, contact, code) ON CONFLICT DO NOTHING RETURNING id");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}
