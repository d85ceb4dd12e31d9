//! Staged rows into contacts: one chunk, one transaction, a handful of statements.
//!
//! The caller holds the workspace's writer lock alone, so whoever was found by [`super::classify`] at the
//! same revision is still who is there. Ids of new contacts are a function of import and row
//! (`import_row_id`), so a chunk that is written twice meets its own primary keys.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::mapping::{Field, Mapping, Policy, Target};
use kartoteka_domain::imports::matching::{Class, InFile, Matching};

use super::classify::Rows;
use crate::contacts::search;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Everything the statements of a chunk have in common.
#[derive(Clone, Debug)]
pub struct Applying<'a> {
    /// The import.
    pub import: ImportId,
    /// What becomes of each column.
    pub mapping: &'a Mapping,
    /// What becomes of each class.
    pub matching: &'a Matching,
    /// When it was committed: `created_at` of the contacts made, and the time in their ids.
    pub committed_at: DateTime<Utc>,
    /// The other part of their ids.
    pub salt: i64,
    /// Who imports.
    pub actor: Actor,
    /// Now.
    pub now: DateTime<Utc>,
    /// Tags of each class, made already.
    pub class_tags: Vec<(Class, Uuid)>,
    /// Consents of each class.
    pub class_consents: Vec<ClassConsent>,
    /// Purposes of the mapping, by ordinal from 1.
    pub column_purposes: Vec<(Uuid, i32)>,
}

/// A consent that a class declares.
#[derive(Clone, Debug)]
pub struct ClassConsent {
    /// The class.
    pub class: Class,
    /// The purpose.
    pub purpose: Uuid,
    /// Version of its wording.
    pub version: i32,
    /// Legal basis.
    pub legal_basis: String,
}

/// What a chunk did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rows that became contacts.
    pub created: i64,
    /// Rows that changed a contact.
    pub updated: i64,
    /// Rows whose contact came out of the trash.
    pub restored: i64,
    /// Rows that had nothing to change.
    pub unchanged: i64,
    /// Rows left out by choice.
    pub skipped: i64,
    /// Rows that cannot become contacts.
    pub invalid: i64,
    /// Rows folded into another one.
    pub merged_in_file: i64,
    /// Contacts that came out of the trash: fewer than the rows when several rows are one contact's.
    pub out_of_trash: i64,
}

/// Makes the tags that rows and classes name and are not there, and remembers their ids for the import.
/// `ids` has one fresh id for each name.
///
/// # Errors
/// What the database said.
pub fn make_tags(
    tenant: &mut Tenant<'_>,
    names: &[String],
    ids: Vec<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let keys: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let mut sql = Sql::new(
        "INSERT INTO tags (workspace_id, id, name, name_key, created_at, updated_at) SELECT ",
    );
    let at = sql.param(now);
    sql.bind(tenant.workspace).push(", t.id, t.name, t.key, ").push(&at).push(", ").push(&at);
    sql.push(" FROM unnest(").bind(ids).push("::uuid[], ").bind(names.to_vec()).push("::text[], ");
    sql.bind(keys)
        .push("::text[]) AS t(id, name, key) ON CONFLICT (workspace_id, name_key) DO NOTHING");
    sql.execute(tenant.conn).map(drop)
}

#[derive(QueryableByName)]
struct NamedTag {
    #[diesel(sql_type = Text)]
    name_key: String,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// Ids of tags by their names.
///
/// # Errors
/// What the database said.
pub fn tag_ids(
    tenant: &mut Tenant<'_>,
    names: &[String],
) -> Result<std::collections::HashMap<String, Uuid>, StoreError> {
    let keys: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let mut sql = Sql::new("SELECT name_key, id FROM tags WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND name_key = ANY (").bind(keys).push(")");
    let tags: Vec<NamedTag> = sql.load(tenant.conn)?;
    Ok(tags.into_iter().map(|tag| (tag.name_key, tag.id)).collect())
}

/// Names of the tags the file has.
///
/// # Errors
/// What the database said.
pub fn file_tags(tenant: &mut Tenant<'_>, import: ImportId) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let mut sql = Sql::new("SELECT name FROM import_tags WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0).push(" ORDER BY ordinal");
    let names: Vec<Name> = sql.load(tenant.conn)?;
    Ok(names.into_iter().map(|row| row.name).collect())
}

/// Binds the tags of the file to those of the workspace. They may have been removed and made anew since
/// the last chunk, so it is done for each; a key-share lock keeps them until the chunk is written.
///
/// # Errors
/// What the database said.
pub fn bind_tags(tenant: &mut Tenant<'_>, import: ImportId) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    sql.push(&format!(
        "WITH present AS MATERIALIZED (
            SELECT i.ordinal, t.id FROM import_tags i
            JOIN tags t ON t.workspace_id = {ws} AND t.name_key = i.name_key
            WHERE i.workspace_id = {ws} AND i.import_id = {imp} FOR KEY SHARE OF t)
         UPDATE import_tags i SET tag_id = present.id FROM present
         WHERE i.workspace_id = {ws} AND i.import_id = {imp} AND i.ordinal = present.ordinal
           AND i.tag_id IS DISTINCT FROM present.id"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// How many new contacts the rows would make.
///
/// # Errors
/// What the database said.
pub fn creations(tenant: &mut Tenant<'_>, import: ImportId, rows: Rows) -> Result<i64, StoreError> {
    let mut sql = Sql::new(
        "SELECT count(*) AS n FROM import_rows WHERE outcome = 'create' AND workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND row > ").bind(rows.after).push(" AND row <= ").bind(rows.up_to);
    sql.count(tenant.conn)
}

/// The row that ends a chunk of `size` rows behind `after`; `None` when none is left.
///
/// # Errors
/// What the database said.
pub fn chunk_end(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    after: i64,
    size: i64,
) -> Result<Option<i64>, StoreError> {
    #[derive(QueryableByName)]
    struct End {
        #[diesel(sql_type = diesel::sql_types::Nullable<BigInt>)]
        number: Option<i64>,
    }
    let mut sql = Sql::new(
        "SELECT max(row) AS number FROM (SELECT row FROM import_rows WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND row > ").bind(after).push(" ORDER BY row LIMIT ").bind(size).push(") AS chunk");
    Ok(sql.first::<End>(tenant.conn)?.and_then(|end| end.number))
}

/// Writes the rows of a chunk.
///
/// # Errors
/// What the database said.
pub fn apply(
    tenant: &mut Tenant<'_>,
    applying: &Applying<'_>,
    rows: Rows,
) -> Result<Applied, StoreError> {
    let created = create(tenant, applying, rows)?;
    if created > 0 {
        tag_created(tenant, applying, rows)?;
        consents(tenant, applying, rows, Whom::Created)?;
    }
    let outcomes = outcomes(tenant, applying.import, rows)?;
    let mut out_of_trash = 0;
    if outcomes.update + outcomes.restore > 0 {
        out_of_trash = update(tenant, applying, rows)?;
        tag_matched(tenant, applying, rows)?;
        consents(tenant, applying, rows, Whom::Matched)?;
    }
    let changed = changed(tenant, applying.import, rows)?;
    Ok(Applied {
        created,
        updated: changed.updated,
        restored: outcomes.restore,
        unchanged: outcomes.update - changed.updated,
        skipped: outcomes.skip,
        invalid: outcomes.invalid,
        merged_in_file: outcomes.merged,
        out_of_trash,
    })
}

/// Names shared by the statements: `$n` of workspace, import, range, and the id of a created contact.
struct Names {
    ws: String,
    imp: String,
    range: String,
    /// Joins the staged row `s` to `r`.
    staged: String,
    created_id: String,
    committed_at: String,
}

fn names(sql: &mut Sql, tenant: &Tenant<'_>, applying: &Applying<'_>, rows: Rows) -> Names {
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(applying.import.0));
    let (after, up_to) = (sql.param(rows.after), sql.param(rows.up_to));
    let base = sql.param(applying.committed_at.timestamp_millis());
    let salt = sql.param(applying.salt);
    Names {
        range: format!(
            "r.workspace_id = {ws} AND r.import_id = {imp} AND r.row > {after} AND r.row <= {up_to}"
        ),
        // the range is said of both: the planner does not take it over, and would read the rows of the whole
        // import for each chunk
        staged: format!(
            "JOIN import_staged s ON s.workspace_id = {ws} AND s.import_id = {imp} AND s.row = r.row AND s.row > {after} AND s.row <= {up_to}"
        ),
        created_id: format!("import_row_id({base}, {salt}, r.row)"),
        committed_at: sql.param(applying.committed_at),
        ws,
        imp,
    }
}

fn create(tenant: &mut Tenant<'_>, applying: &Applying<'_>, rows: Rows) -> Result<i64, StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, applying, rows);
    let plain = "external_id, first_name, last_name, title_before, title_after, company_name, job_title, email, \
                 email_key, phone, birth_date, gender, street, city, postal_code, region, country, language, time_zone";
    let staged: String = plain.split(", ").map(|column| format!("s.{}, ", column.trim())).collect();
    sql.push(&format!(
        "INSERT INTO contacts (workspace_id, id, {plain}, state, score, details, subscribed, muted, origin, search, created_at, updated_at)
         SELECT r.workspace_id, {id}, {staged} coalesce(s.state, 'prospect'), coalesce(s.score, 0), coalesce(s.details, '{{}}'),
            coalesce(s.subscribed, true), coalesce(s.muted, false), 'import', s.search, {at}, {at}
         FROM import_rows r {joined} WHERE {range} AND r.outcome = 'create' ORDER BY r.row",
        joined = n.staged,
        id = n.created_id,
        at = n.committed_at,
        range = n.range,
    ));
    Ok(i64::try_from(sql.execute(tenant.conn)?).unwrap_or(i64::MAX))
}

/// Tags of the classes as a relation `ct` of class, tag, and the ordinal of the tag where the file names it
/// too.
fn class_tags(sql: &mut Sql, applying: &Applying<'_>, n: &Names) -> String {
    let classes: Vec<String> =
        applying.class_tags.iter().map(|(class, _)| class.as_str().to_owned()).collect();
    let tags: Vec<Uuid> = applying.class_tags.iter().map(|(_, tag)| *tag).collect();
    let (classes, tags) = (sql.param(classes), sql.param(tags));
    format!(
        "(SELECT w.class, w.tag_id, it.ordinal FROM unnest({classes}::text[], {tags}::uuid[]) AS w(class, tag_id)
            LEFT JOIN import_tags it ON it.workspace_id = {ws} AND it.import_id = {imp} AND it.tag_id = w.tag_id) AS ct",
        ws = n.ws,
        imp = n.imp,
    )
}

/// SELECTs of the tags that the rows get, by what they say themselves and by their class, without one that
/// both name twice. `contact` is whose they are.
fn row_tags(
    sql: &mut Sql,
    applying: &Applying<'_>,
    n: &Names,
    contact: &str,
    outcome: &str,
) -> Vec<String> {
    let Names { ws, imp, range, staged, .. } = n;
    let has_tags = applying.mapping.columns.iter().any(|c| c.target == Some(Target::Tags));
    let mut selects = Vec::new();
    if has_tags {
        // Looked up by place, not joined: `import_tags` is small and never analysed, and a plan that puts it
        // outside goes through all rows of the chunk once for each tag.
        selects.push(format!(
            "SELECT contact_id, tag_id, row FROM (
                SELECT {contact} AS contact_id, r.row, (ARRAY(
                    SELECT it.tag_id FROM import_tags it WHERE it.workspace_id = {ws} AND it.import_id = {imp}
                    ORDER BY it.ordinal))[o + 1] AS tag_id
                FROM import_rows r {staged} CROSS JOIN LATERAL unnest(s.tags) AS o
                WHERE {range} AND {outcome} AND s.tags IS NOT NULL) AS said
             WHERE tag_id IS NOT NULL"
        ));
    }
    if !applying.class_tags.is_empty() {
        let class_tags = class_tags(sql, applying, n);
        let (staged, unsaid) = if has_tags {
            (staged.as_str(), " AND (ct.ordinal = ANY (s.tags)) IS NOT TRUE")
        } else {
            ("", "")
        };
        selects.push(format!(
            "SELECT {contact} AS contact_id, ct.tag_id, r.row FROM import_rows r {staged} JOIN {class_tags} ON ct.class = r.class
             WHERE {range} AND {outcome}{unsaid}"
        ));
    }
    selects
}

fn tag_created(
    tenant: &mut Tenant<'_>,
    applying: &Applying<'_>,
    rows: Rows,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, applying, rows);
    let selects = row_tags(&mut sql, applying, &n, &n.created_id, "r.outcome = 'create'");
    if selects.is_empty() {
        return Ok(());
    }
    sql.push(&format!(
        "INSERT INTO contact_tags (workspace_id, contact_id, tag_id, score, added_at)
         SELECT {ws}, t.contact_id, t.tag_id, 0, {at} FROM ({selects}) AS t",
        selects = selects.join(" UNION ALL "),
        at = n.committed_at,
        ws = n.ws,
    ));
    sql.execute(tenant.conn).map(drop)
}

fn tag_matched(
    tenant: &mut Tenant<'_>,
    applying: &Applying<'_>,
    rows: Rows,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, applying, rows);
    let selects =
        row_tags(&mut sql, applying, &n, "r.contact_id", "r.outcome IN ('update', 'restore')");
    if selects.is_empty() {
        return Ok(());
    }
    let now = sql.param(applying.now);
    // several rows may have one contact (IMP-11 `all`), and with it a tag
    sql.push(&format!(
        "WITH one_each AS MATERIALIZED (
            SELECT contact_id, tag_id, max(row) AS row FROM ({selects}) AS wanted GROUP BY contact_id, tag_id),
         added AS (
            INSERT INTO contact_tags (workspace_id, contact_id, tag_id, score, added_at)
            SELECT {ws}, contact_id, tag_id, 0, {now} FROM one_each
            ON CONFLICT (workspace_id, contact_id, tag_id) DO NOTHING RETURNING contact_id, tag_id),
         kept AS (
            INSERT INTO import_tag_additions (workspace_id, import_id, contact_id, tag_id, row)
            SELECT {ws}, {imp}, a.contact_id, a.tag_id, o.row FROM added a JOIN one_each o USING (contact_id, tag_id)
            RETURNING contact_id, row)
         INSERT INTO import_changes (workspace_id, import_id, row, contact_id, changes)
         SELECT {ws}, {imp}, row, min(contact_id::text)::uuid, '{{}}' FROM kept GROUP BY row
         ON CONFLICT (workspace_id, import_id, row) DO NOTHING",
        selects = selects.join(" UNION ALL "),
        ws = n.ws,
        imp = n.imp,
    ));
    sql.execute(tenant.conn).map(drop)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Created,
    Matched,
}

/// Consents that columns and classes declare (CNS-4): what a row says itself goes before what its class
/// says. For contacts that were there, only what changes the present state is written.
fn consents(
    tenant: &mut Tenant<'_>,
    applying: &Applying<'_>,
    rows: Rows,
    whom: Whom,
) -> Result<(), StoreError> {
    if applying.class_consents.is_empty() && applying.column_purposes.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, applying, rows);
    let said = said(&mut sql, applying, &n, whom);
    // the row's id again, with the salt turned around: ids of entries only have to differ within a
    // contact and purpose, which the import writes once
    let entry_id =
        n.created_id.replace("import_row_id(", "import_row_id(1 + ").replace("r.row", "said.row");
    let actor_kind = sql.param(applying.actor.kind());
    let actor_id = sql.param(applying.actor.id());
    let now = sql.param(applying.now);
    let ledger = format!(
        "INSERT INTO consent_entries (workspace_id, contact_id, purpose_id, id, action, at, actor_type, actor_id,
            source_type, source_id, legal_basis, wording_version)
         SELECT {ws}, said.contact_id, said.purpose_id, {entry_id}, CASE WHEN said.granted THEN 'grant' ELSE 'withdraw' END,
            {now}, {actor_kind}, {actor_id}, 'import', {imp}, said.legal_basis, said.version FROM said",
        ws = n.ws,
        imp = n.imp,
    );
    let state = format!(
        "INSERT INTO consents (workspace_id, contact_id, purpose_id, granted, entry_id, at)
         SELECT {ws}, said.contact_id, said.purpose_id, said.granted, {entry_id}, {now} FROM said",
        ws = n.ws,
    );
    if whom == Whom::Created {
        sql.push(&format!("WITH said AS MATERIALIZED ({said}), ledger AS ({ledger}) {state}"));
        return sql.execute(tenant.conn).map(drop);
    }
    sql.push(&format!(
        "WITH every AS MATERIALIZED ({said}),
         said AS MATERIALIZED (
            SELECT e.* FROM (SELECT DISTINCT ON (contact_id, purpose_id) * FROM every ORDER BY contact_id, purpose_id, row DESC) e
            LEFT JOIN consents c ON c.workspace_id = {ws} AND c.contact_id = e.contact_id AND c.purpose_id = e.purpose_id
            WHERE c.granted IS DISTINCT FROM e.granted),
         ledger AS ({ledger}),
         state AS ({state} ON CONFLICT (workspace_id, contact_id, purpose_id)
            DO UPDATE SET granted = excluded.granted, entry_id = excluded.entry_id, at = excluded.at)
         INSERT INTO import_changes (workspace_id, import_id, row, contact_id, changes)
         SELECT {ws}, {imp}, row, min(contact_id::text)::uuid, '{{}}' FROM said GROUP BY row
         ON CONFLICT (workspace_id, import_id, row) DO NOTHING",
        ws = n.ws,
        imp = n.imp,
    ));
    sql.execute(tenant.conn).map(drop)
}

/// SELECT of what is declared: row, contact, purpose, granted or withdrawn, legal basis, version.
fn said(sql: &mut Sql, applying: &Applying<'_>, n: &Names, whom: Whom) -> String {
    let (contact, outcome) = match whom {
        Whom::Created => (n.created_id.as_str(), "r.outcome = 'create'"),
        Whom::Matched => ("r.contact_id", "r.outcome IN ('update', 'restore')"),
    };
    let Names { range, staged, .. } = n;
    let classes: Vec<String> =
        applying.class_consents.iter().map(|c| c.class.as_str().to_owned()).collect();
    let purposes: Vec<Uuid> = applying.class_consents.iter().map(|c| c.purpose).collect();
    let versions: Vec<i64> = applying.class_consents.iter().map(|c| i64::from(c.version)).collect();
    let bases: Vec<String> =
        applying.class_consents.iter().map(|c| c.legal_basis.clone()).collect();
    let (classes, purposes) = (sql.param(classes), sql.param(purposes));
    let (versions, bases) = (sql.param(versions), sql.param(bases));
    let by_class = format!(
        "SELECT r.row, {contact} AS contact_id, p.purpose_id, true AS granted, p.legal_basis, p.version::integer AS version
         FROM import_rows r JOIN unnest({classes}::text[], {purposes}::uuid[], {versions}::bigint[], {bases}::text[])
            AS p(class, purpose_id, version, legal_basis) ON p.class = r.class"
    );
    if applying.column_purposes.is_empty() {
        return format!("{by_class} WHERE {range} AND {outcome}");
    }
    let ids: Vec<Uuid> = applying.column_purposes.iter().map(|(id, _)| *id).collect();
    let versions: Vec<i64> =
        applying.column_purposes.iter().map(|(_, version)| i64::from(*version)).collect();
    let (ids, versions) = (sql.param(ids), sql.param(versions));
    let columns = format!(
        "unnest({ids}::uuid[], {versions}::bigint[]) WITH ORDINALITY AS q(purpose_id, version, ordinal)"
    );
    format!(
        "{by_class} {staged} WHERE {range} AND {outcome} AND NOT EXISTS (
            SELECT FROM unnest(s.consents) AS o JOIN {columns} ON q.ordinal = abs(o) WHERE q.purpose_id = p.purpose_id)
         UNION ALL
         SELECT r.row, {contact}, q.purpose_id, o > 0, 'consent', q.version::integer
         FROM import_rows r {staged} CROSS JOIN LATERAL unnest(s.consents) AS o JOIN {columns} ON q.ordinal = abs(o)
         WHERE {range} AND {outcome} AND s.consents IS NOT NULL"
    )
}

/// Fields that are part of the search text.
const SEARCHED: [&str; 5] = ["first_name", "last_name", "email", "phone", "company_name"];

/// One column of the update: its name, and the value it gets.
struct Assignment {
    column: &'static str,
    value: String,
}

fn assignments(applying: &Applying<'_>) -> Vec<Assignment> {
    let mut list = Vec::new();
    for (field, policy, clears) in applying.mapping.fields() {
        let column = field.column();
        let mut columns = vec![column];
        if field == Field::Email {
            columns.push("email_key");
        }
        for name in columns {
            let value = match policy {
                Policy::Keep => continue,
                // these always have a value, so there is never a gap to fill
                Policy::FillEmpty if !field.can_be_cleared() => continue,
                Policy::FillEmpty => format!("coalesce(c.{name}, s.{name})"),
                Policy::Overwrite if clears => format!(
                    "CASE WHEN s.{name} IS NULL AND '{column}' = ANY (s.cleared) THEN NULL ELSE coalesce(s.{name}, c.{name}) END"
                ),
                Policy::Overwrite => format!("coalesce(s.{name}, c.{name})"),
            };
            list.push(Assignment { column: name, value });
        }
    }
    list
}

/// The search text of an update: what is selected beside the values, and what is set. To make it anew costs
/// more than the rest of the row, so it is done only where neither the old text nor the one that came with
/// the row is the right one.
fn searched(list: &[Assignment], in_file: InFile) -> (String, String) {
    let value = |column: &str| list.iter().find(|a| a.column == column).map(|a| a.value.as_str());
    let same = |side: &str| -> String {
        let equal = SEARCHED.map(|column| match value(column) {
            Some(value) => format!("({value}) IS NOT DISTINCT FROM {side}.{column}"),
            None if side == "c" => "true".to_owned(),
            // the row says nothing of it, and its text neither
            None => format!("c.{column} IS NULL"),
        });
        equal.join(" AND ")
    };
    let unchanged = same("c");
    // of several rows that act as one there is no text
    let as_said = if in_file == InFile::All {
        String::new()
    } else {
        format!(" WHEN {} THEN s.search", same("s"))
    };
    let new = SEARCHED.map(|column| {
        let prefix = if value(column).is_some() { "ch.new_" } else { "c." };
        format!("{prefix}{column}")
    });
    (
        format!(", CASE WHEN {unchanged} THEN c.search{as_said} END AS known_search"),
        format!("search = coalesce(ch.known_search, contact_search({})), ", new.join(", ")),
    )
}

/// Details that an empty cell clears, as `import_staged.cleared` names them.
fn cleared_details(applying: &Applying<'_>) -> Vec<String> {
    let clears = |policy: Policy, clears: bool| clears && policy == Policy::Overwrite;
    let details = applying.mapping.details();
    let cleared = details.into_iter().filter(|(_, policy, clear)| clears(*policy, *clear));
    cleared.map(|(name, ..)| format!("detail:{name}")).collect()
}

fn details_value(sql: &mut Sql, applying: &Applying<'_>) -> Option<String> {
    let details = applying.mapping.details();
    let of = |wanted: Policy| -> Vec<String> {
        details
            .iter()
            .filter(|(_, policy, _)| *policy == wanted)
            .map(|(name, ..)| (*name).to_owned())
            .collect()
    };
    let (overwrite, fill) = (of(Policy::Overwrite), of(Policy::FillEmpty));
    if overwrite.is_empty() && fill.is_empty() {
        return None;
    }
    let only = |sql: &mut Sql, names: &[String]| -> String {
        let others: Vec<String> = details
            .iter()
            .map(|(name, ..)| (*name).to_owned())
            .filter(|name| !names.contains(name))
            .collect();
        if others.is_empty() {
            return "coalesce(s.details, '{}')".to_owned();
        }
        let others = sql.param(others);
        format!("(coalesce(s.details, '{{}}') - {others}::text[])")
    };
    let mut value = "c.details".to_owned();
    if !fill.is_empty() {
        value = format!("({} || {value})", only(sql, &fill));
    }
    if !overwrite.is_empty() {
        value = format!("({value} || {})", only(sql, &overwrite));
    }
    let cleared = cleared_details(applying);
    if !cleared.is_empty() {
        let cleared = sql.param(cleared);
        value = format!(
            "({value} - ARRAY(SELECT substr(x, 8) FROM unnest(s.cleared) AS x WHERE x = ANY ({cleared}) AND NOT coalesce(s.details, '{{}}') ? substr(x, 8)))"
        );
    }
    Some(value)
}

/// Updates the matched contacts, keeping what they were (IMP-12, IMP-18). Gives back how many came out of
/// the trash.
fn update(tenant: &mut Tenant<'_>, applying: &Applying<'_>, rows: Rows) -> Result<i64, StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, applying, rows);
    let now = sql.param(applying.now);
    let mut list = assignments(applying);
    if let Some(value) = details_value(&mut sql, applying) {
        list.push(Assignment { column: "details", value });
    }
    list.push(Assignment {
        column: "trashed_at",
        value: "CASE WHEN s.outcome = 'restore' THEN NULL ELSE c.trashed_at END".into(),
    });
    if let Some(key) = list.iter().find(|assignment| assignment.column == "email_key") {
        // the mark belongs to the address, not to the person
        let value = format!(
            "CASE WHEN ({}) IS DISTINCT FROM c.email_key THEN NULL ELSE c.email_invalid_at END",
            key.value
        );
        list.push(Assignment { column: "email_invalid_at", value });
    }
    let source = source(&mut sql, applying, &n);
    let values: String = list
        .iter()
        .map(|a| format!(", c.{0} AS old_{0}, {1} AS new_{0}", a.column, a.value))
        .collect();
    let differs: Vec<String> =
        list.iter().map(|a| format!("{} IS DISTINCT FROM c.{}", a.value, a.column)).collect();
    let before: Vec<String> = list
        .iter()
        .map(|a| {
            format!(
                "CASE WHEN ch.new_{0} IS DISTINCT FROM ch.old_{0} THEN jsonb_build_object('{0}', jsonb_build_array(ch.old_{0}, ch.new_{0})) ELSE '{{}}' END",
                a.column
            )
        })
        .collect();
    let set: String = list.iter().map(|a| format!("{0} = ch.new_{0}, ", a.column)).collect();
    let (known_search, set_search) = if list.iter().any(|a| SEARCHED.contains(&a.column)) {
        searched(&list, applying.matching.in_file)
    } else {
        (String::new(), String::new())
    };
    sql.push(&format!(
        "WITH src AS MATERIALIZED ({source}),
         -- who has nothing to change is not locked: a lock is a write
         ch AS MATERIALIZED (
            SELECT s.row, c.id{values}{known_search} FROM src s JOIN contacts c ON c.workspace_id = {ws} AND c.id = s.contact_id
            WHERE {differs} FOR NO KEY UPDATE OF c),
         images AS (
            INSERT INTO import_changes (workspace_id, import_id, row, contact_id, changes)
            SELECT {ws}, {imp}, ch.row, ch.id, {before} FROM ch),
         done AS (
            UPDATE contacts c SET {set}{set_search}updated_at = {now} FROM ch WHERE c.workspace_id = {ws} AND c.id = ch.id)
         SELECT count(*) FILTER (WHERE ch.old_trashed_at IS NOT NULL AND ch.new_trashed_at IS NULL) AS n FROM ch",
        ws = n.ws,
        imp = n.imp,
        differs = differs.join(" OR "),
        before = before.join(" || "),
    ));
    let restored = sql.count(tenant.conn)?;
    if list.iter().any(|a| SEARCHED.contains(&a.column)) {
        search::refresh_changed(tenant, applying.import, rows)?;
    }
    Ok(restored)
}

/// The staged rows that update somebody, one per contact: where each row stands for itself (IMP-11 `all`)
/// several may have the same contact, and then they act as one after the other would.
fn source(sql: &mut Sql, applying: &Applying<'_>, n: &Names) -> String {
    let Names { range, staged, .. } = n;
    let rows = format!(
        "SELECT r.contact_id, r.outcome, s.* FROM import_rows r {staged}
         WHERE {range} AND r.outcome IN ('update', 'restore')"
    );
    if applying.matching.in_file != InFile::All {
        return rows;
    }
    let mut columns = String::new();
    for (field, policy, clears) in applying.mapping.fields() {
        let column = field.column();
        let extra = if field == Field::Email { Some("email_key") } else { None };
        for name in std::iter::once(column).chain(extra) {
            columns.push_str(&match policy {
                Policy::FillEmpty => format!(", first_present(e.{name} ORDER BY e.row) AS {name}"),
                // an empty cell that clears is a word too, and the last word counts
                Policy::Overwrite if clears => format!(
                    ", (array_agg(e.{name} ORDER BY e.row DESC) FILTER (WHERE e.{name} IS NOT NULL OR '{column}' = ANY (e.cleared)))[1] AS {name}"
                ),
                Policy::Overwrite | Policy::Keep => {
                    format!(", last_present(e.{name} ORDER BY e.row) AS {name}")
                }
            });
        }
    }
    let details = overlaid_details(sql, applying);
    format!(
        "SELECT e.contact_id, min(e.outcome) AS outcome, max(e.row) AS row{columns}, {details} AS details,
            array_concat(e.cleared) AS cleared
         FROM ({rows}) AS e GROUP BY e.contact_id"
    )
}

/// The details of several rows of one contact, laid over one another: of those that only fill gaps the
/// first counts, of the others the last, and an empty cell that clears counts too.
fn overlaid_details(sql: &mut Sql, applying: &Applying<'_>) -> String {
    let cleared = cleared_details(applying);
    let mut value = if cleared.is_empty() {
        "jsonb_overlay(e.details ORDER BY e.row)".to_owned()
    } else {
        let cleared = sql.param(cleared);
        // values of details in a file are texts, so a null can only be one that was cleared
        format!(
            "jsonb_strip_nulls(jsonb_overlay(coalesce(e.details, '{{}}') || coalesce((SELECT jsonb_object_agg(substr(x, 8), NULL::text)
                FROM unnest(e.cleared) AS x WHERE x = ANY ({cleared})), '{{}}') ORDER BY e.row))"
        )
    };
    let details = applying.mapping.details();
    let others: Vec<String> = details
        .iter()
        .filter(|(_, policy, _)| *policy != Policy::FillEmpty)
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    if others.len() < details.len() {
        let others = sql.param(others);
        value = format!(
            "({value} || (jsonb_overlay(e.details ORDER BY e.row DESC) - {others}::text[]))"
        );
    }
    format!("nullif({value}, '{{}}')")
}

#[derive(QueryableByName)]
struct Outcomes {
    #[diesel(sql_type = BigInt)]
    update: i64,
    #[diesel(sql_type = BigInt)]
    restore: i64,
    #[diesel(sql_type = BigInt)]
    skip: i64,
    #[diesel(sql_type = BigInt)]
    invalid: i64,
    #[diesel(sql_type = BigInt)]
    merged: i64,
}

fn outcomes(tenant: &mut Tenant<'_>, import: ImportId, rows: Rows) -> Result<Outcomes, StoreError> {
    let mut sql = Sql::new("SELECT ");
    for (name, word) in [
        ("update", "update"),
        ("restore", "restore"),
        ("skip", "skip"),
        ("invalid", "invalid"),
        ("merged", "merged_in_file"),
    ] {
        sql.push(&format!("count(*) FILTER (WHERE outcome = '{word}') AS \"{name}\", "));
    }
    sql.push("count(*) AS rows FROM import_rows WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND import_id = ").bind(import.0).push(" AND row > ").bind(rows.after);
    sql.push(" AND row <= ").bind(rows.up_to);
    sql.first(tenant.conn)?
        .ok_or(StoreError::Inconsistent { table: "import_rows", problem: "no counts".into() })
}

#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = BigInt)]
    updated: i64,
}

fn changed(tenant: &mut Tenant<'_>, import: ImportId, rows: Rows) -> Result<Changed, StoreError> {
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let (after, up_to) = (sql.param(rows.after), sql.param(rows.up_to));
    // not a join: the planner knows nothing of rows written in this very transaction and would loop over both;
    // NOT IN of a sub-select on its own is always hashed
    sql.push(&format!(
        "SELECT count(*) AS updated FROM import_changes ch
         WHERE ch.workspace_id = {ws} AND ch.import_id = {imp} AND ch.row > {after} AND ch.row <= {up_to}
           AND ch.row NOT IN (SELECT r.row FROM import_rows r WHERE r.workspace_id = {ws} AND r.import_id = {imp}
                AND r.row > {after} AND r.row <= {up_to} AND r.outcome = 'restore')"
    ));
    sql.first(tenant.conn)?
        .ok_or(StoreError::Inconsistent { table: "import_changes", problem: "no count".into() })
}
