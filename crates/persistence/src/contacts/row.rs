//! The one shape in which a contact is read, with all that hangs on it.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::Queryable;
use diesel::pg::PgConnection;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use kartoteka_domain::consents::ledger::ChannelStatus;
use kartoteka_domain::contacts::contact::{Contact, Origin, State};
use kartoteka_domain::ids::ContactId;

use super::owners::ORDER as OWNERS;
use crate::error::StoreError;
use crate::sql::Sql;

/// A contact as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its id.
    pub id: ContactId,
    /// What was written about it.
    pub contact: Contact,
    /// Its groups, in order of their ids.
    pub group_ids: Vec<Uuid>,
    /// The stages of funnels it is in, funnel by funnel in their order (MGR-I).
    pub funnel_stages: Vec<StoredStage>,
    /// Its tags, in order of their names.
    pub tags: Vec<StoredTag>,
    /// Its owners, those who may most first (CON-12).
    pub owners: Vec<StoredOwner>,
    /// Takes marketing.
    pub subscribed: bool,
    /// Takes no message at all.
    pub muted: bool,
    /// When the e-mail address bounced hard.
    pub email_invalid_at: Option<DateTime<Utc>>,
    /// Projection of the ledger on e-mail; the hard bounce is not laid over it.
    pub email_status: ChannelStatus,
    /// Projection of the ledger on short messages.
    pub sms_status: ChannelStatus,
    /// How it came in.
    pub origin: Origin,
    /// Language and country of its workspace, which hold where the contact says nothing.
    pub home: StoredHome,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it, or what hangs on it, was last changed. Grows with every change.
    pub updated_at: DateTime<Utc>,
    /// When it was put in the trash.
    pub trashed_at: Option<DateTime<Utc>>,
}

/// What holds in a workspace where a contact says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHome {
    /// ISO 639-1.
    pub language: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// A tag on a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTag {
    /// The tag.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// How it is compared.
    pub key: String,
    /// Its score on this contact (CON-11).
    pub score: i64,
}

/// A stage that a contact is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredStage {
    /// The stage.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The funnel it is a stage of.
    pub funnel_id: Uuid,
}

/// An owner of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOwner {
    /// The person.
    pub user_id: Uuid,
    /// Their address.
    pub email: String,
    /// `main`, `co_owner` or `read_only`.
    pub level: String,
}

/// Reads contacts. `inner` writes a sub-select that yields whole rows of `contacts` and is given the
/// placeholder of the workspace; `order` is the `ORDER BY` of the outer select, where the row is `c`.
///
/// Tags, channel states, stages and owners are joined to the rows `inner` leaves, so a page costs the same in a base of
/// any size.
///
/// # Errors
/// What the database said, or [`StoreError::Inconsistent`].
pub(crate) fn load(
    conn: &mut PgConnection,
    mut sql: Sql,
    workspace: &str,
    inner: impl FnOnce(&mut Sql),
    order: &str,
) -> Result<Vec<(Stored, Value)>, StoreError> {
    // one look at the workspace for all rows
    sql.push(&SELECT.replace("$home", &format!(
        "(SELECT jsonb_build_array(w.language, w.phone_region) FROM workspaces w WHERE w.id = {workspace}) AS home"
    )));
    inner(&mut sql);
    sql.push(&format!(
        ") AS c \
         LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(t.id, t.name, t.name_key, ct.score) ORDER BY t.name_key) AS tags \
           FROM contact_tags ct JOIN tags t ON t.workspace_id = {workspace} AND t.id = ct.tag_id \
           WHERE ct.workspace_id = {workspace} AND ct.contact_id = c.id) AS tagged ON true \
         LEFT JOIN LATERAL (SELECT bool_or(s.granted) FILTER (WHERE p.channel = 'email') AS email_granted, \
             bool_or(s.granted) FILTER (WHERE p.channel = 'sms') AS sms_granted \
           FROM consents s JOIN purposes p ON p.workspace_id = {workspace} AND p.id = s.purpose_id \
           WHERE s.workspace_id = {workspace} AND s.contact_id = c.id) AS asked ON true \
         LEFT JOIN LATERAL (SELECT ARRAY(SELECT cg.group_id FROM contact_groups cg \
           WHERE cg.workspace_id = {workspace} AND cg.contact_id = c.id ORDER BY cg.group_id) AS group_ids) AS grouped ON true \
         LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(s.id, s.name, s.funnel_id) ORDER BY s.funnel_id, s.position, s.id) AS stages \
           FROM contact_stages cs JOIN funnel_stages s ON s.workspace_id = {workspace} AND s.id = cs.stage_id \
           WHERE cs.workspace_id = {workspace} AND cs.contact_id = c.id) AS staged ON true \
         LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(o.user_id, u.email, o.level) ORDER BY {OWNERS}) AS owners \
           FROM contact_owners o JOIN users u ON u.workspace_id = {workspace} AND u.id = o.user_id \
           WHERE o.workspace_id = {workspace} AND o.contact_id = c.id) AS owned ON true \
         {order}"
    ));
    let rows: Vec<Row> = sql.load_in_order::<Columns, _>(conn)?;
    rows.into_iter().map(Row::into_stored).collect()
}

const SELECT: &str = "SELECT c.id, c.external_id, c.first_name, c.last_name, c.title_before, c.title_after, \
     c.company_name, c.job_title, c.email, c.email_key, c.phone, c.birth_date, c.gender, c.street, c.city, \
     c.postal_code, c.region, c.country, c.language, c.time_zone, c.state, c.type_id, c.score, c.details, \
     c.subscribed, c.muted, c.email_invalid_at, c.origin, c.salutation_formal, c.salutation_familiar, \
     c.created_at, c.updated_at, c.trashed_at, coalesce(tagged.tags, '[]') AS tags, \
     asked.email_granted, asked.sms_granted, grouped.group_ids, coalesce(staged.stages, '[]') AS stages, coalesce(owned.owners, '[]') AS owners, $home, c.sort_keys FROM (";

type Columns = (
    SqlUuid,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Date>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Nullable<SqlUuid>,
    BigInt,
    Jsonb,
    Bool,
    Bool,
    Nullable<Timestamptz>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Timestamptz,
    Timestamptz,
    Nullable<Timestamptz>,
    Jsonb,
    Nullable<Bool>,
    Nullable<Bool>,
    Array<SqlUuid>,
    Jsonb,
    Jsonb,
    Jsonb,
    Jsonb,
);

/// A row of [`SELECT`]: its columns in that order, of the types of [`Columns`].
#[derive(Queryable)]
struct Row {
    id: Uuid,
    external_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    title_before: Option<String>,
    title_after: Option<String>,
    company_name: Option<String>,
    job_title: Option<String>,
    email: Option<String>,
    email_key: Option<String>,
    phone: Option<String>,
    birth_date: Option<NaiveDate>,
    gender: Option<String>,
    street: Option<String>,
    city: Option<String>,
    postal_code: Option<String>,
    region: Option<String>,
    country: Option<String>,
    language: Option<String>,
    time_zone: Option<String>,
    state: String,
    type_id: Option<Uuid>,
    score: i64,
    details: Value,
    subscribed: bool,
    muted: bool,
    email_invalid_at: Option<DateTime<Utc>>,
    origin: String,
    salutation_formal: Option<String>,
    salutation_familiar: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    trashed_at: Option<DateTime<Utc>>,
    tags: Value,
    email_granted: Option<bool>,
    sms_granted: Option<bool>,
    group_ids: Vec<Uuid>,
    stages: Value,
    owners: Value,
    home: Value,
    sort_keys: Value,
}

impl Row {
    fn into_stored(self) -> Result<(Stored, Value), StoreError> {
        let id = self.id;
        let wrong = |column: &str| StoreError::Inconsistent {
            table: "contacts",
            problem: format!("{column} of {id} is not what it should be"),
        };
        let state = State::from_word(&self.state).ok_or_else(|| wrong("state"))?;
        let origin = Origin::from_word(&self.origin).ok_or_else(|| wrong("origin"))?;
        let Value::Object(details) = self.details else { return Err(wrong("details")) };
        let tags = read_tags(&self.tags).ok_or_else(|| wrong("tags"))?;
        let owners = read_owners(&self.owners).ok_or_else(|| wrong("owners"))?;
        let funnel_stages = read_stages(&self.stages).ok_or_else(|| wrong("funnel_stages"))?;
        let home = read_home(&self.home).ok_or_else(|| wrong("workspace_id"))?;
        let contact = Contact {
            external_id: self.external_id,
            first_name: self.first_name,
            last_name: self.last_name,
            title_before: self.title_before,
            title_after: self.title_after,
            company_name: self.company_name,
            job_title: self.job_title,
            email: self.email,
            email_key: self.email_key,
            phone: self.phone,
            birth_date: self.birth_date,
            gender: self.gender,
            street: self.street,
            city: self.city,
            postal_code: self.postal_code,
            region: self.region,
            country: self.country,
            language: self.language,
            time_zone: self.time_zone,
            state,
            type_id: self.type_id,
            score: self.score,
            details,
            salutation_formal: self.salutation_formal,
            salutation_familiar: self.salutation_familiar,
        };
        let stored = Stored {
            id: ContactId(id),
            contact,
            group_ids: self.group_ids,
            funnel_stages,
            tags,
            owners,
            subscribed: self.subscribed,
            muted: self.muted,
            email_invalid_at: self.email_invalid_at,
            email_status: ChannelStatus::from_granted(self.email_granted),
            sms_status: ChannelStatus::from_granted(self.sms_granted),
            origin,
            home,
            created_at: self.created_at,
            updated_at: self.updated_at,
            trashed_at: self.trashed_at,
        };
        Ok((stored, self.sort_keys))
    }
}

fn read_tags(tags: &Value) -> Option<Vec<StoredTag>> {
    let read = |tag: &Value| match tag.as_array()?.as_slice() {
        [id, name, key, score] => Some(StoredTag {
            id: id.as_str()?.parse().ok()?,
            name: name.as_str()?.to_owned(),
            key: key.as_str()?.to_owned(),
            score: score.as_i64()?,
        }),
        _ => None,
    };
    tags.as_array()?.iter().map(read).collect()
}

fn read_stages(stages: &Value) -> Option<Vec<StoredStage>> {
    let read = |stage: &Value| match stage.as_array()?.as_slice() {
        [id, name, funnel] => Some(StoredStage {
            id: id.as_str()?.parse().ok()?,
            name: name.as_str()?.to_owned(),
            funnel_id: funnel.as_str()?.parse().ok()?,
        }),
        _ => None,
    };
    stages.as_array()?.iter().map(read).collect()
}

fn read_home(home: &Value) -> Option<StoredHome> {
    match home.as_array()?.as_slice() {
        [language, country] => Some(StoredHome {
            language: language.as_str()?.to_owned(),
            country: country.as_str()?.to_owned(),
        }),
        _ => None,
    }
}

fn read_owners(owners: &Value) -> Option<Vec<StoredOwner>> {
    let read = |owner: &Value| match owner.as_array()?.as_slice() {
        [user_id, email, level] => Some(StoredOwner {
            user_id: user_id.as_str()?.parse().ok()?,
            email: email.as_str()?.to_owned(),
            level: level.as_str()?.to_owned(),
        }),
        _ => None,
    };
    owners.as_array()?.iter().map(read).collect()
}

/// The columns of a contact's content as one JSON object, for `jsonb_to_recordset` with
/// [`CONTENT_RECORD`]: any number of contacts in one bind.
pub(crate) fn content(id: ContactId, contact: &Contact) -> Map<String, Value> {
    // destructured, so that a new field cannot be forgotten here
    let Contact {
        external_id,
        first_name,
        last_name,
        title_before,
        title_after,
        company_name,
        job_title,
        email,
        email_key,
        phone,
        birth_date,
        gender,
        street,
        city,
        postal_code,
        region,
        country,
        language,
        time_zone,
        state,
        type_id,
        score,
        details,
        salutation_formal,
        salutation_familiar,
    } = contact;
    let mut row = Map::new();
    row.insert("id".into(), Value::from(id.to_string()));
    for (column, value) in [
        ("external_id", external_id),
        ("first_name", first_name),
        ("last_name", last_name),
        ("title_before", title_before),
        ("title_after", title_after),
        ("company_name", company_name),
        ("job_title", job_title),
        ("email", email),
        ("email_key", email_key),
        ("phone", phone),
        ("gender", gender),
        ("street", street),
        ("city", city),
        ("postal_code", postal_code),
        ("region", region),
        ("country", country),
        ("language", language),
        ("time_zone", time_zone),
        ("salutation_formal", salutation_formal),
        ("salutation_familiar", salutation_familiar),
    ] {
        if let Some(value) = value {
            row.insert(column.into(), Value::from(value.as_str()));
        }
    }
    if let Some(date) = birth_date {
        row.insert("birth_date".into(), Value::from(date.to_string()));
    }
    if let Some(id) = type_id {
        row.insert("type_id".into(), Value::from(id.to_string()));
    }
    row.insert("state".into(), Value::from(state.as_str()));
    row.insert("score".into(), Value::from(*score));
    row.insert("details".into(), Value::Object(details.clone()));
    row.insert("search".into(), Value::from(contact.search()));
    row
}

/// Columns of [`content`] behind the id, in one order for all statements.
pub(crate) const CONTENT_COLUMNS: &[&str] = &[
    "external_id",
    "first_name",
    "last_name",
    "title_before",
    "title_after",
    "company_name",
    "job_title",
    "email",
    "email_key",
    "phone",
    "birth_date",
    "gender",
    "street",
    "city",
    "postal_code",
    "region",
    "country",
    "language",
    "time_zone",
    "state",
    "type_id",
    "score",
    "details",
    "salutation_formal",
    "salutation_familiar",
    "search",
];

/// The record [`content`] is read back as.
pub(crate) const CONTENT_RECORD: &str = "id uuid, external_id text, first_name text, last_name text, \
     title_before text, title_after text, company_name text, job_title text, email text, email_key text, \
     phone text, birth_date date, gender text, street text, city text, postal_code text, region text, \
     country text, language text, time_zone text, state text, type_id uuid, score bigint, details jsonb, \
     salutation_formal text, salutation_familiar text, search text";
