//! The other side of goal 3: a loader that sends each row by itself, as many programs do (listmonk's importer
//! was the pattern): one prepared statement that upserts the contact and its membership of a list, committed
//! every 10,000 rows.
//!
//! It is given what an import has to work for: its values are normalised beforehand, its statements written
//! beforehand, it keeps no consents, one tag, no report of rows and nothing to undo with.

use std::fmt::Write;

use diesel::connection::SimpleConnection;
use uuid::Uuid;

use crate::generator::{self, People, Row};
use crate::import::{Cost, Watch};
use crate::{Bench, EMPTY, Outcome};

/// Rows between two commits.
const COMMIT_EVERY: usize = 10_000;

/// The tables are those of the product with their indexes; only the e-mail has to be unique for an upsert.
const PREPARE: &str = "
    CREATE TABLE loader_contacts (LIKE contacts INCLUDING ALL);
    CREATE TABLE loader_members (LIKE contact_tags INCLUDING ALL);
    DO $$ BEGIN EXECUTE (SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
        WHERE indrelid = 'loader_contacts'::regclass AND pg_get_indexdef(indexrelid) LIKE '%email_key)%'); END $$;
    CREATE UNIQUE INDEX ON loader_contacts (workspace_id, email_key);
    PREPARE one (uuid, text, text, text, text, text, text, text, text, date, text, text, jsonb, text, uuid) AS
    WITH saved AS (
        INSERT INTO loader_contacts (workspace_id, id, first_name, last_name, email, email_key, phone, street, city,
            postal_code, country, birth_date, gender, language, details, origin, search, created_at, updated_at)
        VALUES ('00000000-0000-0000-0000-000000000001', $1, $2, $3, $4, lower($4), $5, $6, $7, $8, $9, $10,
            CASE $11 WHEN 'F' THEN 'female' ELSE 'male' END, $12, $13, 'import', $14, now(), now())
        ON CONFLICT (workspace_id, email_key) DO UPDATE SET first_name = excluded.first_name,
            last_name = excluded.last_name, phone = coalesce(excluded.phone, loader_contacts.phone),
            street = excluded.street, city = excluded.city, postal_code = excluded.postal_code,
            details = loader_contacts.details || excluded.details, search = excluded.search, updated_at = now()
        RETURNING workspace_id, id)
    INSERT INTO loader_members (workspace_id, contact_id, tag_id, added_at)
    SELECT workspace_id, id, $15, now() FROM saved ON CONFLICT (workspace_id, contact_id, tag_id) DO NOTHING";

/// Loads the rows of the generated file of new people and says what that cost.
pub(crate) fn load(bench: &Bench, rows: u64) -> Outcome<Cost> {
    bench.postgres.create("loader", EMPTY)?;
    let statements: Vec<String> =
        generator::rows(rows, People::New).map(|row| statement(&row)).collect();
    let mut conn = bench.postgres.connect("loader")?;
    conn.batch_execute(PREPARE)?;
    bench.postgres.settle()?;
    let watch = Watch::start(&bench.postgres, None)?;
    for chunk in statements.chunks(COMMIT_EVERY) {
        conn.batch_execute("BEGIN")?;
        for statement in chunk {
            conn.batch_execute(statement)?;
        }
        conn.batch_execute("COMMIT")?;
    }
    let cost = watch.stop()?;
    drop(conn);
    bench.postgres.remove("loader")?;
    Ok(cost)
}

fn statement(row: &Row) -> String {
    let email = row.email.trim();
    let digits: String = row.phone.chars().filter(char::is_ascii_digit).collect();
    let phone = if digits.is_empty() { digits } else { format!("+{digits}") };
    let search = format!("{} {} {email} {phone}", row.first.trim(), row.last.trim()).to_lowercase();
    let details = format!(
        r#"{{"velikost": "{}", "pobočka": "{}", "poslední nákup": "{}"}}"#,
        row.size, row.branch, row.bought
    );
    let mut sql = format!("EXECUTE one ('{}'", Uuid::now_v7());
    for text in [
        row.first.trim(),
        row.last.trim(),
        email,
        &phone,
        &row.street,
        row.city,
        row.postal_code,
        row.country,
        &row.birth_date,
        row.gender,
        row.language,
        &details,
        &search,
    ] {
        // writing to a String cannot fail
        let _ = if text.is_empty() {
            write!(sql, ", NULL")
        } else {
            write!(sql, ", '{}'", text.replace('\'', "''"))
        };
    }
    let _ = write!(sql, ", '00000000-0000-0000-0000-000000000002')");
    sql
}
