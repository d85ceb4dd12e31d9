//! The same change of many contacts, a statement for each part of it (CON-6).
//!
//! The caller has locked the contacts and knows that they may be changed.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::contacts::bulk::Changes;
use kartoteka_domain::contacts::contact::State;
use kartoteka_domain::contacts::patch::{MAX_DETAILS, Patch};
use kartoteka_domain::ids::TagId;

use super::search;
use super::write::LATER;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::{Bind, Sql};

/// A change of the rows of contacts.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Column, name in the API, value.
    columns: Vec<(&'static str, &'static str, Bind)>,
    details: Option<DetailsEdit>,
}

/// A change of the details.
#[derive(Clone, Debug)]
struct DetailsEdit {
    /// All that are there go first.
    clear: bool,
    set: Map<String, Value>,
    remove: Vec<String>,
}

impl Edit {
    /// What of the changes is about the rows themselves.
    #[must_use]
    pub fn of(changes: &Changes) -> Self {
        let fields = &changes.fields;
        let mut edit = Self { columns: Vec::new(), details: None };
        for (column, name, value) in [
            ("company_name", "company_name", &fields.company_name),
            ("job_title", "job_title", &fields.job_title),
            ("gender", "gender", &fields.gender),
            ("street", "address.street", &fields.street),
            ("city", "address.city", &fields.city),
            ("postal_code", "address.postal_code", &fields.postal_code),
            ("region", "address.region", &fields.region),
            ("country", "address.country", &fields.country),
            ("language", "language", &fields.language),
            ("time_zone", "time_zone", &fields.time_zone),
        ] {
            edit.column(column, name, value, |text| Bind::Text(text.cloned()));
        }
        edit.column("type_id", "type_id", &fields.type_id, |id| Bind::Uuid(id.copied()));
        edit.column("state", "state", &fields.state, |state| {
            Bind::from(state.copied().unwrap_or_else(State::default).as_str())
        });
        edit.column("score", "score", &fields.score, |score| {
            Bind::from(score.copied().unwrap_or_default())
        });
        for (name, flag) in [("subscribed", changes.subscribed), ("muted", changes.muted)] {
            if let Some(flag) = flag {
                edit.columns.push((name, name, Bind::from(flag)));
            }
        }
        edit.details = match &fields.details {
            Patch::Absent => None,
            Patch::Clear => Some(DetailsEdit { clear: true, set: Map::new(), remove: Vec::new() }),
            Patch::Set(entries) => {
                let mut details = DetailsEdit { clear: false, set: Map::new(), remove: Vec::new() };
                for (name, value) in entries {
                    match value {
                        Some(value) => drop(details.set.insert(name.clone(), value.clone())),
                        None => details.remove.push(name.clone()),
                    }
                }
                Some(details)
            }
        };
        edit
    }

    fn column<T>(
        &mut self,
        column: &'static str,
        name: &'static str,
        value: &Patch<T>,
        bind: impl FnOnce(Option<&T>) -> Bind,
    ) {
        let value = match value {
            Patch::Absent => return,
            Patch::Clear => None,
            Patch::Set(value) => Some(value),
        };
        self.columns.push((column, name, bind(value)));
    }

    /// Names of the fields it is about.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let columns = self.columns.iter().map(|(_, name, _)| *name);
        columns.chain(self.details.iter().map(|_| "details")).collect()
    }

    /// Whether it changes nothing of the rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.details.is_none()
    }

    /// Whether it may change by what contacts are found.
    #[must_use]
    pub fn touches_keys(&self) -> bool {
        self.details.is_some()
    }
}

impl DetailsEdit {
    /// The details the contact `c` will have.
    fn after(&self, sql: &mut Sql) -> String {
        let base = if self.clear { "'{}'::jsonb" } else { "c.details" };
        let remove = sql.param(self.remove.clone());
        let set = sql.param(Value::Object(self.set.clone()));
        format!("(({base} - {remove}) || {set})")
    }

    /// One `CASE` for each detail it names.
    fn differences(&self, sql: &mut Sql) -> Vec<String> {
        if self.clear {
            return vec!["CASE WHEN c.details <> '{}'::jsonb THEN 'details' END".to_owned()];
        }
        let set = self.set.iter().map(|(name, value)| (name, Some(value.clone())));
        let gone = self.remove.iter().map(|name| (name, None));
        set.chain(gone)
            .map(|(name, value)| {
                let name = sql.param(name.as_str());
                let value = sql.param(value);
                format!("CASE WHEN c.details -> {name} IS DISTINCT FROM {value} THEN 'details.' || {name} END")
            })
            .collect()
    }
}

/// What an edit would do with a contact.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Difference {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Names of the fields that would change: a list of texts.
    #[diesel(sql_type = Jsonb)]
    pub fields: Value,
    /// Why it cannot be done: `nothing_identifies`, `too_many_details`.
    #[diesel(sql_type = Nullable<Text>)]
    pub refused: Option<String>,
}

/// What the edit would do with each of the contacts.
///
/// # Errors
/// What the database said.
pub fn differences(
    tenant: &mut Tenant<'_>,
    edit: &Edit,
    ids: &[Uuid],
) -> Result<Vec<Difference>, StoreError> {
    let mut sql = Sql::default();
    let (mut fields, mut refused) = (Vec::new(), Vec::new());
    for (column, name, value) in &edit.columns {
        let value = sql.param(value.clone());
        fields.push(format!("CASE WHEN c.{column} IS DISTINCT FROM {value} THEN '{name}' END"));
        if *column == "company_name" {
            refused.push(format!(
                "WHEN {value} IS NULL AND c.company_name IS NOT NULL AND \
                 coalesce(c.first_name, c.last_name, c.email, c.phone, c.external_id) IS NULL THEN 'nothing_identifies'"
            ));
        }
    }
    if let Some(details) = &edit.details {
        fields.extend(details.differences(&mut sql));
        let after = details.after(&mut sql);
        refused.push(format!(
            "WHEN (SELECT count(*) FROM jsonb_object_keys({after})) > {MAX_DETAILS} THEN 'too_many_details'"
        ));
    }
    let refused = match refused.as_slice() {
        [] => "NULL::text".to_owned(),
        cases => format!("CASE {} END", cases.join(" ")),
    };
    sql.push(&format!(
        "SELECT c.id, to_jsonb(array_remove(ARRAY[{}]::text[], NULL)) AS fields, {refused} AS refused \
         FROM contacts c WHERE c.workspace_id = ",
        fields.join(", ")
    ));
    sql.bind(tenant.workspace).push(" AND c.id = ANY(").bind(ids.to_vec()).push(")");
    sql.load(tenant.conn)
}

/// Writes the edit into these contacts.
///
/// # Errors
/// What the database said.
pub fn write(
    tenant: &mut Tenant<'_>,
    edit: &Edit,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if ids.is_empty() || edit.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::default();
    let mut set = vec![format!("updated_at = {LATER}")];
    for (column, _, value) in &edit.columns {
        let value = sql.param(value.clone());
        set.push(format!("{column} = {value}"));
        if *column == "company_name" {
            set.push(format!(
                "search = contact_search(c.first_name, c.last_name, c.email, c.phone, {value})"
            ));
        }
    }
    if let Some(details) = &edit.details {
        set.push(format!("details = {}", details.after(&mut sql)));
    }
    sql.push(&format!("UPDATE contacts c SET {} FROM (SELECT ", set.join(", ")));
    sql.bind(now).push(" AS at) AS excluded_now WHERE c.workspace_id = ").bind(tenant.workspace);
    sql.push(" AND c.id = ANY(").bind(ids.to_vec()).push(")");
    sql.execute(tenant.conn)?;
    if edit.columns.iter().any(|(column, ..)| *column == "company_name") {
        search::refresh(tenant, ids.to_vec())?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = SqlUuid)]
    contact_id: Uuid,
}

fn touched(sql: Sql, tenant: &mut Tenant<'_>) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Touched> = sql.load(tenant.conn)?;
    Ok(rows.into_iter().map(|row| row.contact_id).collect())
}

/// Puts tags on all these contacts and says which changed, once for each tag. A tag without a score keeps the
/// present one. The tags are held (`tags::ensure`).
///
/// # Errors
/// What the database said.
pub fn add_tags(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    tags: &[(TagId, Option<i64>)],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    if ids.is_empty() || tags.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Value = tags.iter().map(|(tag, score)| json!({"tag": tag, "score": score})).collect();
    let mut sql = Sql::default();
    let rows = sql.param(rows);
    let record = format!("jsonb_to_recordset({rows}) AS t(tag uuid, score bigint)");
    sql.push(
        "INSERT INTO contact_tags (workspace_id, contact_id, tag_id, score, added_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", c.id, t.tag, coalesce(t.score, 0), ").bind(now);
    sql.push(" FROM unnest(").bind(ids.to_vec()).push(&format!(") AS c(id), {record} "));
    // a score that was not named must not be written: it is looked up again
    sql.push(&format!(
        "ON CONFLICT (workspace_id, contact_id, tag_id) DO UPDATE SET score = excluded.score \
         WHERE contact_tags.score <> excluded.score \
           AND excluded.tag_id IN (SELECT t.tag FROM {record} WHERE t.score IS NOT NULL) \
         RETURNING contact_id"
    ));
    touched(sql, tenant)
}

/// Takes the tags with these keys off the contacts and says which carried one, once for each.
///
/// # Errors
/// What the database said.
pub fn remove_tags(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    keys: Vec<String>,
) -> Result<Vec<Uuid>, StoreError> {
    if ids.is_empty() || keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "DELETE FROM contact_tags ct WHERE ct.workspace_id = {workspace} AND ct.contact_id = ANY("
    ));
    sql.bind(ids.to_vec()).push(&format!(
        ") AND ct.tag_id IN (SELECT t.id FROM tags t WHERE t.workspace_id = {workspace} AND t.name_key = ANY("
    ));
    sql.bind(keys).push(")) RETURNING ct.contact_id");
    touched(sql, tenant)
}

/// Puts the contacts into groups and says which were not in one, once for each. The groups are held
/// (`classes::hold`).
///
/// # Errors
/// What the database said.
pub fn add_groups(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    groups: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    if ids.is_empty() || groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(
        "INSERT INTO contact_groups (workspace_id, contact_id, group_id, added_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", c.id, g.id, ").bind(now);
    sql.push(" FROM unnest(").bind(ids.to_vec()).push(") AS c(id), unnest(");
    sql.bind(groups.to_vec());
    sql.push(
        ") AS g(id) ON CONFLICT (workspace_id, contact_id, group_id) DO NOTHING RETURNING contact_id",
    );
    touched(sql, tenant)
}

/// Takes the contacts out of groups and says which were in one, once for each.
///
/// # Errors
/// What the database said.
pub fn remove_groups(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    groups: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    if ids.is_empty() || groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("DELETE FROM contact_groups cg WHERE cg.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND cg.contact_id = ANY(").bind(ids.to_vec());
    sql.push(") AND cg.group_id = ANY(").bind(groups.to_vec());
    sql.push(") RETURNING cg.contact_id");
    touched(sql, tenant)
}
