//! What became of each row (IMP-16).

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::ImportId;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// One row of the report.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct ReportRow {
    /// Number of the data row, from 1.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    /// Line of the file.
    #[diesel(sql_type = BigInt)]
    pub line: i64,
    /// Class, when it took part in matching.
    #[diesel(sql_type = Nullable<Text>)]
    pub class: Option<String>,
    /// Planned, or what it became.
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// The contact it made or matched.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub contact_id: Option<Uuid>,
    /// The row it was folded into.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub merged_into: Option<i64>,
    /// What is wrong.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub problems: Option<Value>,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub struct ReportFilter {
    /// Planned or final outcome.
    pub outcome: Option<String>,
    /// Class.
    pub class: Option<String>,
    /// Only rows with something to report.
    pub with_problems: bool,
    /// Behind this row.
    pub after: i64,
    /// At most so many.
    pub limit: i64,
}

/// What a planned outcome is called once the row is written. Rows behind `imports.applied_row` keep the
/// planned word.
const OUTCOME: &str = "CASE WHEN r.row > i.applied_row OR i.committed_at IS NULL THEN r.outcome
    WHEN r.outcome = 'create' THEN 'created' WHEN r.outcome = 'restore' THEN 'restored' WHEN r.outcome = 'skip' THEN 'skipped'
    WHEN r.outcome = 'update' THEN CASE WHEN EXISTS (SELECT FROM import_changes ch WHERE ch.workspace_id = r.workspace_id
        AND ch.import_id = r.import_id AND ch.row = r.row) THEN 'updated' ELSE 'unchanged' END
    ELSE r.outcome END";

/// A page of the report, in order of rows.
///
/// # Errors
/// What the database said.
pub fn rows(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    filter: &ReportFilter,
) -> Result<Vec<ReportRow>, StoreError> {
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    sql.push(&format!(
        "SELECT r.row AS number, r.line, r.class, {OUTCOME} AS outcome,
            CASE WHEN r.outcome <> 'create' THEN r.contact_id
                 WHEN i.committed_at IS NOT NULL AND r.row <= i.applied_row
                 THEN import_row_id((extract(epoch FROM i.committed_at) * 1000)::bigint, i.id_salt, r.row) END AS contact_id,
            -- the older place of it is read for imports planned before there was this one
            coalesce(r.merged_into, (SELECT s.head FROM import_staged s WHERE s.workspace_id = {ws} AND s.import_id = {imp}
                AND s.row = r.row AND r.outcome = 'merged_in_file')) AS merged_into,
            r.problems
         FROM import_rows r JOIN imports i ON i.workspace_id = {ws} AND i.id = {imp}
         WHERE r.workspace_id = {ws} AND r.import_id = {imp} AND r.row > "
    ));
    sql.bind(filter.after);
    if let Some(outcome) = &filter.outcome {
        let outcome = sql.param(outcome.as_str());
        sql.push(&format!(" AND ({OUTCOME} = {outcome} OR r.outcome = {outcome})"));
    }
    if let Some(class) = &filter.class {
        sql.push(" AND r.class = ").bind(class.as_str());
    }
    if filter.with_problems {
        sql.push(" AND r.problems IS NOT NULL");
    }
    sql.push(" ORDER BY r.row LIMIT ").bind(filter.limit);
    sql.load(tenant.conn)
}
