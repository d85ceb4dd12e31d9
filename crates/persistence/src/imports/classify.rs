//! Sorting the staged rows: folding those of one key, finding whom each is, and counting the plan.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::mapping::{ColumnMapping, Field, Mapping, Target};
use kartoteka_domain::imports::matching::{Action, Class, InFile, MatchKey, Matching};

use crate::contacts::owners;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Which rows a statement is about.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Behind this row.
    pub after: i64,
    /// Up to and with this row.
    pub up_to: i64,
}

impl Rows {
    /// All of them.
    pub const ALL: Self = Self { after: 0, up_to: i64::MAX };
}

/// Memory for sorting and hashing a million keys without files on disk, for the rest of the transaction. It
/// is a limit, not a reservation: small imports take little.
///
/// # Errors
/// What the database said.
pub fn room_to_work(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
    Ok(tenant.conn.batch_execute("SET LOCAL work_mem = '64MB'")?)
}

/// Folds rows that share a key into one (IMP-11): the others are decided here, as `merged_in_file`, and for
/// [`InFile::Merge`] the one they are folded into gets every later value that is not empty. The base has no
/// part in it, so it is done once for a plan, before [`classify`].
///
/// # Errors
/// What the database said.
pub fn fold(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    mapping: &Mapping,
    in_file: InFile,
) -> Result<(), StoreError> {
    let pick = match in_file {
        InFile::All => return Ok(()),
        InFile::Merge | InFile::First => "min",
        InFile::Last => "max",
    };
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    // the wide rows stay as they are: to write where they went into them would cost more than all the rest
    sql.push(&format!(
        "INSERT INTO import_rows (workspace_id, import_id, row, line, outcome, merged_into, problems)
         SELECT s.workspace_id, s.import_id, s.row, s.line, 'merged_in_file', g.head, s.problems FROM (
            SELECT key, {pick}(row) AS head FROM import_staged
            WHERE workspace_id = {ws} AND import_id = {imp} AND valid AND key IS NOT NULL
            GROUP BY key HAVING count(*) > 1) g
         JOIN import_staged s ON s.key = g.key
         WHERE s.workspace_id = {ws} AND s.import_id = {imp} AND s.valid AND s.row <> g.head"
    ));
    // nothing is known of the table's new rows, and a loop over both sides is the wrong guess
    Lookup::Scan.say(tenant)?;
    let folded = sql.execute(tenant.conn);
    Lookup::unsay(tenant)?;
    if folded? > 0 && in_file == InFile::Merge {
        merge_values(tenant, import, mapping)?;
    }
    Ok(())
}

/// Columns of the staging table that can differ from row to row of one key and hold one value each.
fn merged_columns(mapping: &Mapping) -> Vec<&'static str> {
    let mut columns = Vec::new();
    for (field, ..) in mapping.fields() {
        columns.push(field.column());
        if field == Field::Email {
            columns.extend(["email_key", "email_hash"]);
        }
    }
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn merge_values(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    mapping: &Mapping,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let columns = merged_columns(mapping);
    // the members come last first, so the first value that is not NULL is the last that was said; an
    // aggregate that sorts by itself would do so for each column of each key
    let last: String = columns
        .iter()
        .map(|c| format!("(array_agg(m.{c}) FILTER (WHERE m.{c} IS NOT NULL))[1] AS {c}, "))
        .collect();
    let set: String = columns.iter().map(|c| format!("{c} = v.{c}, ")).collect();
    let searched = ["first_name", "last_name", "email", "phone", "company_name"];
    let search = searched.map(|column| {
        let of = if columns.contains(&column) { "v" } else { "s" };
        format!("{of}.{column}")
    });
    let same_search = searched.map(|column| {
        if columns.contains(&column) {
            format!("v.{column} IS NOT DISTINCT FROM s.{column}")
        } else {
            "true".to_owned()
        }
    });
    // only what the mapping can fill has to be gathered
    let fills = |wanted: &dyn Fn(&ColumnMapping) -> bool| mapping.columns.iter().any(wanted);
    let (mut gathered, mut joined, mut set_gathered) =
        (String::new(), String::new(), String::new());
    let mut gather = |column: &str, query: &str| {
        gathered.push_str(&format!(", g_{column} AS ({query})"));
        joined.push_str(&format!(" LEFT JOIN g_{column} USING (head_row)"));
        set_gathered.push_str(&format!("{column} = g_{column}.{column}, "));
    };
    if fills(&|column| column.target == Some(Target::Tags)) {
        gather(
            "tags",
            "SELECT head_row, array_agg(DISTINCT o) AS tags FROM members, unnest(tags) AS o GROUP BY head_row",
        );
    }
    if fills(&|column| matches!(column.target, Some(Target::Consent(_)))) {
        gather(
            "consents",
            "SELECT head_row, array_agg(o) AS consents FROM (
                SELECT DISTINCT ON (head_row, abs(o)) head_row, o FROM members, unnest(consents) AS o
                ORDER BY head_row, abs(o), row DESC) AS said GROUP BY head_row",
        );
    }
    if fills(&|column| column.clear_empty) {
        gather(
            "cleared",
            "SELECT head_row, array_agg(DISTINCT o) AS cleared FROM members, unnest(cleared) AS o GROUP BY head_row",
        );
    }
    let details = if fills(&|column| matches!(column.target, Some(Target::Detail(_)))) {
        set_gathered.push_str("details = v.details, ");
        "nullif(jsonb_overlay(m.details ORDER BY m.row), '{}') AS details, "
    } else {
        ""
    };
    sql.push(&format!(
        "WITH f AS MATERIALIZED (
            SELECT row, merged_into AS head FROM import_rows
            WHERE workspace_id = {ws} AND import_id = {imp} AND outcome = 'merged_in_file'),
         h AS MATERIALIZED (SELECT row, head FROM f UNION ALL SELECT DISTINCT head, head FROM f),
         members AS MATERIALIZED (
            SELECT h.head AS head_row, s.* FROM h JOIN import_staged s ON s.row = h.row
            WHERE s.workspace_id = {ws} AND s.import_id = {imp} ORDER BY h.head, s.row DESC),
         v AS (
            SELECT {last}{details}m.head_row FROM members m GROUP BY m.head_row){gathered}
         UPDATE import_staged s SET {set}{set_gathered}
            search = CASE WHEN {same_search} THEN s.search ELSE contact_search({search}) END
         FROM v{joined} WHERE s.workspace_id = {ws} AND s.import_id = {imp} AND s.row = v.head_row",
        search = search.join(", "),
        same_search = same_search.join(" AND "),
    ));
    Lookup::Scan.say(tenant)?;
    let merged = sql.execute(tenant.conn);
    Lookup::unsay(tenant)?;
    merged.map(drop)
}

/// How the contacts of a key are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Row by row through the index: the cost follows the file. For files that are small beside the base.
    Probe,
    /// One pass over the base. For files of its size.
    Scan,
}

impl Lookup {
    /// What suits `rows` rows, compared by `key`, against `contacts` contacts.
    #[must_use]
    pub fn suited(key: Option<&MatchKey>, rows: i64, contacts: i64) -> Self {
        // a detail has no index to probe: each probe would be a pass of its own
        let is_indexed = !matches!(key, Some(MatchKey::Detail(_)));
        // a probe costs about four times as much as a row of the pass
        if is_indexed && rows.saturating_mul(4) < contacts { Self::Probe } else { Self::Scan }
    }

    /// The planner cannot know how large the tables are by now (they grow in this very transaction), and a
    /// wrong guess is a nested loop over both; so the join is said. For the rest of the transaction.
    fn say(self, tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
        let settings = match self {
            Self::Probe => {
                "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_nestloop = on"
            }
            Self::Scan => {
                "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_nestloop = off"
            }
        };
        Ok(tenant.conn.batch_execute(settings)?)
    }

    fn unsay(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
        Ok(tenant.conn.batch_execute(
            "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_nestloop = on",
        )?)
    }
}

/// Condition that joins a contact `c` to a staged row `s` by the key.
fn join_on(key: &MatchKey, sql: &mut Sql) -> String {
    match key {
        MatchKey::Email => "c.email_key = s.key".to_owned(),
        MatchKey::Phone => "c.phone = s.key".to_owned(),
        MatchKey::ExternalId => "c.external_id = s.key".to_owned(),
        MatchKey::Detail(name) => {
            let name = sql.param(name.as_str());
            format!("btrim(c.details ->> {name}) = s.key")
        }
    }
}

/// The contacts an import made: what their ids have in common (`import_row_id`).
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// `committed_at` of the import.
    pub committed_at: DateTime<Utc>,
    /// `id_salt` of the import.
    pub salt: i64,
}

/// Decides class, outcome and matched contact of each row (IMP-8, IMP-9) and writes them to `import_rows`.
/// Rows that are folded into others ([`fold`]) are decided already.
/// The contacts in `own`, which this very import made, are no part of the base it is compared with.
///
/// # Errors
/// What the database said.
pub fn classify(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    matching: &Matching,
    rows: Rows,
    lookup: Lookup,
    own: Option<Own>,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let (after, up_to) = (sql.param(rows.after), sql.param(rows.up_to));
    let range = format!(
        "s.workspace_id = {ws} AND s.import_id = {imp} AND s.row > {after} AND s.row <= {up_to}"
    );
    let Some(key) = &matching.key else {
        let outcome = matching.none.action.outcome();
        sql.push(&format!(
            "INSERT INTO import_rows (workspace_id, import_id, row, line, class, outcome, problems)
             SELECT s.workspace_id, s.import_id, s.row, s.line, CASE WHEN s.valid THEN 'none' END,
                CASE WHEN s.valid THEN '{outcome}' ELSE 'invalid' END, s.problems
             FROM import_staged s WHERE {range}"
        ));
        return sql.execute(tenant.conn).map(drop);
    };
    let mut join = join_on(key, &mut sql);
    if let Some(own) = own {
        let (at, salt) = (sql.param(own.committed_at), sql.param(own.salt));
        join.push_str(&format!(
            " AND NOT (c.origin = 'import' AND c.created_at = {at} AND right(c.id::text, 10) = lpad(to_hex({salt}), 10, '0'))"
        ));
    }
    let by_class = |pick: &dyn Fn(Class) -> String| -> String {
        Class::ALL
            .iter()
            .map(|class| format!("WHEN '{}' THEN {} ", class.as_str(), pick(*class)))
            .collect()
    };
    let outcome = by_class(&|class| format!("'{}'", matching.policy(class).action.outcome()));
    let contact = by_class(&|class| match (class, matching.policy(class).action) {
        (Class::None, _) | (_, Action::Import) => "NULL::text".to_owned(),
        (Class::InTrash, _) => "d.last_trashed".to_owned(),
        (_, Action::UpdateFirstAdded) => "d.first_live".to_owned(),
        _ => "d.last_live".to_owned(),
    });
    let found = "count(*) AS found, count(*) FILTER (WHERE c.trashed_at IS NULL) AS live,
        min(c.id::text COLLATE \"C\") FILTER (WHERE c.trashed_at IS NULL) AS first_live,
        max(c.id::text COLLATE \"C\") FILTER (WHERE c.trashed_at IS NULL) AS last_live,
        max(c.id::text COLLATE \"C\") FILTER (WHERE c.trashed_at IS NOT NULL) AS last_trashed";
    let takes_part = "s.valid AND s.key IS NOT NULL";
    let matches = match lookup {
        // one index probe for each row, and nothing to be joined afterwards
        Lookup::Probe => format!(
            "LATERAL (SELECT {found} FROM contacts c WHERE c.workspace_id = {ws} AND {join} AND {takes_part}) m ON true"
        ),
        Lookup::Scan => format!(
            "(SELECT s.row, {found} FROM import_staged s JOIN contacts c ON c.workspace_id = {ws} AND {join}
              WHERE {range} AND {takes_part} GROUP BY s.row) m ON m.row = s.row"
        ),
    };
    // NOT IN of a sub-select on its own is always hashed, whatever the planner believes of the table
    let unfolded = if matching.in_file == InFile::All {
        String::new()
    } else {
        format!(
            " AND s.row NOT IN (SELECT f.row FROM import_rows f WHERE f.workspace_id = {ws} AND f.import_id = {imp}
                AND f.row > {after} AND f.row <= {up_to} AND f.outcome = 'merged_in_file')"
        )
    };
    sql.push(&format!(
        "INSERT INTO import_rows (workspace_id, import_id, row, line, class, outcome, contact_id, problems)
         SELECT d.workspace_id, d.import_id, d.row, d.line, d.class,
            CASE WHEN NOT d.valid THEN 'invalid' ELSE CASE d.class {outcome} END END,
            (CASE d.class {contact} END)::uuid, d.problems
         FROM (
            SELECT s.workspace_id, s.import_id, s.row, s.line, s.valid, s.problems,
                CASE WHEN NOT s.valid THEN NULL
                     WHEN coalesce(m.found, 0) = 0 THEN 'none' WHEN m.live = 1 THEN 'one' WHEN m.live > 1 THEN 'many'
                     ELSE 'in_trash' END AS class, m.first_live, m.last_live, m.last_trashed
            FROM import_staged s LEFT JOIN {matches}
            WHERE {range}{unfolded}) AS d"
    ));
    lookup.say(tenant)?;
    let done = sql.execute(tenant.conn);
    Lookup::unsay(tenant)?;
    done.map(drop)
}

/// Forgets the decisions about some rows, to decide them anew. What was folded stays folded.
///
/// # Errors
/// What the database said.
pub fn forget(tenant: &mut Tenant<'_>, import: ImportId, rows: Rows) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM import_rows WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND row > ").bind(rows.after).push(" AND row <= ").bind(rows.up_to);
    sql.push(" AND outcome <> 'merged_in_file'");
    sql.execute(tenant.conn).map(drop)
}

/// Makes rows that would go over the contact limit wait outside: the first `room` new contacts among
/// `rows` are kept.
///
/// # Errors
/// What the database said.
pub fn cap(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    rows: Rows,
    room: i64,
) -> Result<usize, StoreError> {
    let problem =
        serde_json::json!([{ "code": Code::OverLimit, "detail": Code::OverLimit.title() }]);
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let (after, up_to) = (sql.param(rows.after), sql.param(rows.up_to));
    let problem = sql.param(problem);
    sql.push(&format!(
        "WITH beyond AS MATERIALIZED (SELECT row FROM import_rows
            WHERE workspace_id = {ws} AND import_id = {imp} AND row > {after} AND row <= {up_to}
              AND outcome = 'create' ORDER BY row OFFSET greatest("
    ));
    sql.bind(room).push(&format!(
        ", 0)) UPDATE import_rows r SET outcome = 'skip', problems = coalesce(r.problems, '[]') || {problem}
         FROM beyond WHERE r.workspace_id = {ws} AND r.import_id = {imp} AND r.row = beyond.row"
    ));
    sql.execute(tenant.conn)
}

/// The counts of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct PlanCounts {
    /// Rows that are not empty.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Class: nobody.
    #[diesel(sql_type = BigInt)]
    pub none: i64,
    /// Class: one.
    #[diesel(sql_type = BigInt)]
    pub one: i64,
    /// Class: several.
    #[diesel(sql_type = BigInt)]
    pub many: i64,
    /// Class: only in the trash.
    #[diesel(sql_type = BigInt)]
    pub in_trash: i64,
    /// Outcome: a new contact.
    #[diesel(sql_type = BigInt)]
    pub create: i64,
    /// Outcome: an update, or nothing to change.
    #[diesel(sql_type = BigInt)]
    pub update: i64,
    /// Outcome: out of the trash.
    #[diesel(sql_type = BigInt)]
    pub restore: i64,
    /// Outcome: left out.
    #[diesel(sql_type = BigInt)]
    pub skip: i64,
    /// Outcome: cannot become a contact.
    #[diesel(sql_type = BigInt)]
    pub invalid: i64,
    /// Outcome: folded into another row.
    #[diesel(sql_type = BigInt)]
    pub merged_in_file: i64,
    /// New contacts, although there is a living one with their key.
    #[diesel(sql_type = BigInt)]
    pub known: i64,
    /// Rows with something to report.
    #[diesel(sql_type = BigInt)]
    pub with_problems: i64,
    /// Last row.
    #[diesel(sql_type = BigInt)]
    pub last_row: i64,
    /// A number of all decisions: another decision, another number.
    #[diesel(sql_type = Text)]
    pub digest: String,
}

/// Counts what is decided.
///
/// # Errors
/// What the database said.
pub fn count(tenant: &mut Tenant<'_>, import: ImportId) -> Result<PlanCounts, StoreError> {
    let sum = |condition: &str| format!("coalesce(sum(n) FILTER (WHERE {condition}), 0)::bigint");
    let mut sql = Sql::new("SELECT coalesce(sum(n), 0)::bigint AS rows");
    for class in Class::ALL {
        let count = sum(&format!("class = '{}'", class.as_str()));
        sql.push(&format!(", {count} AS \"{}\"", class.as_str()));
    }
    for outcome in ["create", "update", "restore", "skip", "invalid", "merged_in_file"] {
        sql.push(&format!(", {} AS \"{outcome}\"", sum(&format!("outcome = '{outcome}'"))));
    }
    // grouped first: a dozen comparisons for each group in place of each row
    sql.push(&format!(
        ", {} AS known, coalesce(sum(with_problems), 0)::bigint AS with_problems, coalesce(max(last_row), 0) AS last_row, \
         coalesce(sum(digest), 0)::text AS digest FROM (
            SELECT class, outcome, count(*) AS n, count(problems) AS with_problems, max(row) AS last_row,
                sum(hashint8extended(row, hashtextextended(outcome, hashtextextended(coalesce(class, ''),
                    coalesce(uuid_hash_extended(contact_id, 7), 7))))) AS digest
            FROM import_rows WHERE workspace_id = ",
        sum("outcome = 'create' AND class IN ('one', 'many')")
    ));
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" GROUP BY class, outcome) AS decided");
    Ok(sql.first(tenant.conn)?.unwrap_or_default())
}

/// How many of the contacts to be made would be duplicates: of one another, or of a living contact (IMP-6).
/// Where rows of one key are folded, the second is [`PlanCounts::known`] and the first cannot be.
///
/// # Errors
/// What the database said.
pub fn duplicates(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    matching: &Matching,
    lookup: Lookup,
    counts: &PlanCounts,
) -> Result<i64, StoreError> {
    if matching.key.is_some() && matching.in_file != InFile::All {
        return Ok(counts.known);
    }
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let created = format!(
        "FROM import_rows r JOIN import_staged s USING (workspace_id, import_id, row)
         WHERE r.workspace_id = {ws} AND r.import_id = {imp} AND r.outcome = 'create'"
    );
    match &matching.key {
        Some(key) => {
            let join = join_on(key, &mut sql);
            sql.push(&format!(
                "WITH k AS MATERIALIZED (SELECT s.key, count(*) AS n {created} AND s.key IS NOT NULL GROUP BY s.key)
                 SELECT (coalesce(sum(n - 1), 0) + (SELECT count(*) FROM (
                    SELECT DISTINCT s.key FROM k s JOIN contacts c ON c.workspace_id = {ws} AND {join}
                    WHERE c.trashed_at IS NULL) AS known))::bigint AS n FROM k"
            ));
        }
        None => {
            // without a key, whoever has the e-mail or the phone of somebody is taken for the same
            let again: Vec<String> = ["email_key", "phone"]
                .iter()
                .map(|column| {
                    format!(
                        "SELECT s.row FROM (SELECT row, row_number() OVER (PARTITION BY {column} ORDER BY row) AS nth
                            FROM k WHERE {column} IS NOT NULL) AS s WHERE s.nth > 1
                         UNION ALL
                         SELECT s.row FROM k s JOIN contacts c ON c.workspace_id = {ws} AND c.{column} = s.{column}
                         WHERE c.trashed_at IS NULL"
                    )
                })
                .collect();
            sql.push(&format!(
                "WITH k AS MATERIALIZED (SELECT s.row, s.email_key, s.phone {created})
                 SELECT count(DISTINCT row) AS n FROM ({}) AS again",
                again.join(" UNION ALL ")
            ));
        }
    }
    if lookup == Lookup::Probe {
        lookup.say(tenant)?;
    }
    let counted = sql.count(tenant.conn);
    Lookup::unsay(tenant)?;
    counted
}

/// Marks the rows whose address may not be written to (CNS-8), once after each [`classify`], and says how
/// many they are.
///
/// # Errors
/// What the database said.
pub fn suppressed(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    rows: Rows,
) -> Result<i64, StoreError> {
    if !has_suppressions(tenant)? {
        return Ok(0);
    }
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let (after, up_to) = (sql.param(rows.after), sql.param(rows.up_to));
    let problem = sql.param(serde_json::json!([{
        "field": "email", "code": Code::SuppressedAddress, "detail": Code::SuppressedAddress.title(),
    }]));
    sql.push(&format!(
        "UPDATE import_rows r SET problems = coalesce(r.problems, '[]') || {problem}
         FROM import_staged s JOIN suppressions p
           ON p.workspace_id = {ws} AND p.channel = 'email' AND p.address_hash = s.email_hash
         WHERE s.workspace_id = {ws} AND s.import_id = {imp} AND s.email_hash IS NOT NULL
           AND s.row > {after} AND s.row <= {up_to} AND r.workspace_id = {ws} AND r.import_id = {imp} AND r.row = s.row AND r.outcome <> 'merged_in_file'"
    ));
    Ok(i64::try_from(sql.execute(tenant.conn)?).unwrap_or(i64::MAX))
}

/// Leaves out rows that would change or restore a contact the actor only sees (CON-12), once after each
/// [`classify`], and says how many they are. Nobody who is an owner of nothing, or only of what they may
/// change, pays for more than one look.
///
/// # Errors
/// What the database said.
pub fn forbid(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    rows: Rows,
    actor: Actor,
) -> Result<usize, StoreError> {
    if !owners::is_bound(tenant, actor, Deed::Change)? {
        return Ok(0);
    }
    let problem =
        serde_json::json!([{ "code": Code::NotPermitted, "detail": Code::NotPermitted.title() }]);
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let (after, up_to) = (sql.param(rows.after), sql.param(rows.up_to));
    let problem = sql.param(problem);
    sql.push(&format!(
        "UPDATE import_rows r SET outcome = 'skip', problems = coalesce(r.problems, '[]') || {problem}
         FROM contacts c WHERE r.workspace_id = {ws} AND r.import_id = {imp} AND r.row > {after} AND r.row <= {up_to}
           AND r.outcome IN ('update', 'restore') AND c.workspace_id = {ws} AND c.id = r.contact_id AND NOT ("
    ));
    owners::permitted(&mut sql, "c", &ws, actor, Deed::Change);
    sql.push(")");
    sql.execute(tenant.conn)
}

/// Whether the workspace suppresses any address at all; if not, no hashes need to be made.
///
/// # Errors
/// What the database said.
pub fn has_suppressions(tenant: &mut Tenant<'_>) -> Result<bool, StoreError> {
    let mut sql =
        Sql::new("SELECT count(*) AS n FROM (SELECT 1 FROM suppressions WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND channel = 'email' LIMIT 1) AS one");
    Ok(sql.count(tenant.conn)? > 0)
}
