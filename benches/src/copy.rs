//! The other side of goals 1 and 2: the rows an import made, written by binary COPY.

use std::time::Duration;

use crate::import::{Cost, Watch};
use crate::{Bench, Outcome};

/// Tables whose rows an import makes, in the order in which they are copied.
const TABLES: [&str; 4] = ["contacts", "contact_tags", "consent_entries", "consents"];

/// The rows an import made, in files of PostgreSQL's binary format, in the order they lie in their tables.
pub(crate) struct Exported {
    /// How many rows each table got.
    pub(crate) rows: [i64; 4],
}

/// What was there before an import: tells its rows from the others.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    /// Greatest id of a contact.
    contact: String,
    /// The time on the database's clock.
    at: String,
}

impl Before {
    /// Taken right before an import.
    pub(crate) fn now(bench: &Bench, database: &str) -> Outcome<Self> {
        let contact = "SELECT coalesce((SELECT id FROM contacts ORDER BY id DESC LIMIT 1)::text, \
                       '00000000-0000-0000-0000-000000000000') AS t";
        Ok(Self {
            contact: bench.postgres.text(database, contact)?,
            at: bench.postgres.text(database, "SELECT clock_timestamp()::text AS t")?,
        })
    }

    /// Rows the import added to a table. Rows it changed are no part of it: COPY cannot change any.
    fn added(&self, table: &str) -> String {
        let Self { contact, at } = self;
        match table {
            "contacts" => format!("SELECT * FROM contacts WHERE id > '{contact}'"),
            "contact_tags" => format!("SELECT * FROM contact_tags WHERE added_at >= '{at}'"),
            "consent_entries" => format!("SELECT * FROM consent_entries WHERE at >= '{at}'"),
            _ => format!(
                "SELECT c.* FROM consents c WHERE c.at >= '{at}' AND (c.contact_id > '{contact}' OR NOT EXISTS (
                    SELECT FROM consent_entries e WHERE e.workspace_id = c.workspace_id AND e.contact_id = c.contact_id
                    AND e.purpose_id = c.purpose_id AND e.at < '{at}'))"
            ),
        }
    }
}

/// Writes the rows that an import added to `database` into files.
pub(crate) fn export(bench: &Bench, database: &str, before: &Before) -> Outcome<Exported> {
    let mut rows = [0; 4];
    for (table, count) in TABLES.iter().zip(&mut rows) {
        let path = bench.postgres.exchange(table);
        let added = before.added(table);
        let sql = format!("COPY ({added}) TO '{}' (FORMAT binary)", path.display());
        bench.postgres.execute(database, &sql)?;
        *count = bench
            .postgres
            .number(database, &format!("SELECT count(*) AS n FROM ({added}) AS added"))?;
    }
    Ok(Exported { rows })
}

/// Copies the files into a database, table after table, and says what that cost. The server reads them
/// itself: no client stands between.
pub(crate) fn copy(bench: &Bench, database: &str, exported: &Exported) -> Outcome<Cost> {
    let sizes = |bench: &Bench| -> Outcome<Vec<i64>> {
        let count =
            |table| bench.postgres.number(database, &format!("SELECT count(*) AS n FROM {table}"));
        TABLES.iter().map(count).collect()
    };
    let before = sizes(bench)?;
    bench.postgres.settle()?;
    let mut conn = bench.postgres.connect(database)?;
    let watch = Watch::start(&bench.postgres, None)?;
    for table in TABLES {
        let path = bench.postgres.exchange(table);
        let sql = format!("COPY {table} FROM '{}' (FORMAT binary)", path.display());
        diesel::connection::SimpleConnection::batch_execute(&mut conn, &sql)?;
    }
    let cost = watch.stop()?;
    let after = sizes(bench)?;
    for ((after, before), rows) in after.iter().zip(before).zip(exported.rows) {
        if after - before != rows {
            return Err(format!("COPY wrote {} rows, not {rows}", after - before).into());
        }
    }
    debug_assert!(cost.wall > Duration::ZERO);
    Ok(cost)
}
