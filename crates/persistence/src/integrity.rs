//! Seals over the consent ledger, the audit trail and the removals (CNS-5), and reading what they cover.
//!
//! What a row looks like to its hash is written here once ([`Shape::text`]): a JSON array of all its columns,
//! led by a word with a number. It must stay what it is for rows that are sealed: a column that comes later goes into
//! the text of those rows only that have something in it, under the next number. Times are in UTC to the microsecond, `jsonb`
//! is its text. An entry of the ledger has the hash of its wording too.
//!
//! **What is new** is known by the number of the transaction that wrote it (`txn`): numbers below the oldest
//! transaction that runs ([`horizon`]) are of transactions that ended, so no row with such a number can appear
//! any more, however late somebody commits and whatever any clock says. A BRIN index finds the rows of a range of
//! numbers without reading the rest, and costs who writes next to nothing.
//!
//! A dump that is restored on another server brings its numbers along, and the new server may count from below.
//! Then the numbers are shifted ([`align`]): the shift stands in the default of the column.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::{
    BigInt, Binary, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::WorkspaceId;
use kartoteka_domain::integrity::{Hash, Head, Place, Row, Seal, Stream, hex};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// How often it is looked for something to seal.
const LOOKED_EVERY: &str = "interval '5 minutes'";
/// How long sealing waits for imports.
const WAITS_FOR_IMPORTS: &str = "interval '1 hour'";

/// The UUID of only zeros, in place of parts of a key that a table does not have.
const NIL: &str = "'00000000-0000-0000-0000-000000000000'::uuid";

/// How a stream lies in its table, which is called `t`.
struct Shape {
    table: &'static str,
    /// Unique within a transaction.
    key: [&'static str; 3],
    /// Version of the row, then all of its columns.
    columns: &'static str,
    /// What the columns need beside the table; `{ws}` is the workspace.
    beside: &'static str,
}

macro_rules! time {
    ($column:literal) => {
        concat!("to_char(", $column, " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    };
}

impl Shape {
    fn of(stream: Stream) -> Self {
        match stream {
            Stream::Consents => Self {
                table: "consent_entries",
                key: ["t.contact_id", "t.purpose_id", "t.id"],
                columns: concat!(
                    "'consent/1', t.workspace_id, t.contact_id, t.purpose_id, t.id, t.action, ",
                    time!("t.at"),
                    ", t.actor_type, t.actor_id, t.source_type, t.source_id, t.legal_basis, t.wording_version, \
                     encode(sha256(convert_to(w.wording, 'UTF8')), 'hex'), t.txn"
                ),
                beside: " LEFT JOIN purpose_versions w ON w.workspace_id = {ws} AND w.purpose_id = t.purpose_id \
                         AND w.version = t.wording_version",
            },
            Stream::Audit => Self {
                table: "audit_entries",
                key: ["t.id", NIL, NIL],
                columns: concat!(
                    "'audit/1', t.workspace_id, t.id, ",
                    time!("t.at"),
                    ", t.actor_type, t.actor_id, t.action, t.record_type, t.record_id, t.changes::text, t.job_id, \
                     t.request_id, t.ip, t.txn"
                ),
                beside: "",
            },
            Stream::Removals => Self {
                table: "integrity_removals",
                // the first half of the hash will do
                key: ["t.contact_id", "encode(substring(t.leaf FROM 1 FOR 16), 'hex')::uuid", NIL],
                columns: concat!(
                    "'removal/1', t.workspace_id, encode(t.leaf, 'hex'), t.contact_id, ",
                    time!("t.removed_at"),
                    ", t.txn"
                ),
                beside: "",
            },
        }
    }

    /// The row as text.
    fn text(&self) -> String {
        format!("json_build_array({})::text", self.columns)
    }

    /// The hash of the row, as a leaf of the tree.
    fn leaf(&self) -> String {
        format!("sha256('\\x00'::bytea || convert_to({}, 'UTF8'))", self.text())
    }

    fn beside(&self, workspace: &str) -> String {
        self.beside.replace("{ws}", workspace)
    }

    fn key(&self) -> String {
        self.key.join(", ")
    }
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = BigInt)]
    txn: i64,
    #[diesel(sql_type = SqlUuid)]
    a: Uuid,
    #[diesel(sql_type = SqlUuid)]
    b: Uuid,
    #[diesel(sql_type = SqlUuid)]
    c: Uuid,
    #[diesel(sql_type = Binary)]
    leaf: Vec<u8>,
}

/// Bytes of a column that holds a hash.
fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    bytes.try_into().map_err(|_other_length| StoreError::Inconsistent {
        table: "integrity_seals",
        problem: "a hash has 32 bytes".into(),
    })
}

fn bind_key(sql: &mut Sql, place: &Place) -> String {
    let [a, b, c] = place.key;
    format!("{}::uuid, {}::uuid, {}::uuid", sql.param(a), sql.param(b), sql.param(c))
}

/// Rows that meet a condition, by place and hash, in order. The condition is about `t`.
fn rows(
    tenant: &mut Tenant<'_>,
    stream: Stream,
    limit: Option<usize>,
    condition: impl FnOnce(&mut Sql, &Shape) -> String,
) -> Result<Vec<Row>, StoreError> {
    let shape = Shape::of(stream);
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let condition = condition(&mut sql, &shape);
    let [a, b, c] = shape.key;
    let (key, leaf, beside) = (shape.key(), shape.leaf(), shape.beside(&workspace));
    let limited = match limit {
        Some(limit) => {
            let limit = sql.param(i64::try_from(limit).unwrap_or(i64::MAX));
            format!(" ORDER BY t.txn, {key} LIMIT {limit}")
        }
        None => String::new(),
    };
    sql.push(&format!(
        "SELECT t.txn, {a} AS a, {b} AS b, {c} AS c, {leaf} AS leaf FROM (\
           SELECT t.* FROM {} t WHERE t.workspace_id = {workspace} AND {condition}{limited}) AS t{beside}",
        shape.table
    ));
    let found: Vec<FoundRow> = sql.load(tenant.conn)?;
    let mut rows = found
        .into_iter()
        .map(|row| {
            let FoundRow { txn, a, b, c, leaf } = row;
            Ok(Row { place: Place { txn, key: [a, b, c] }, leaf: hash(&leaf)? })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    rows.sort_unstable_by_key(|row| row.place);
    Ok(rows)
}

/// Rows behind `after`, up to and with `upto`, by place and hash, in order; at most `limit`.
///
/// # Errors
/// What the database said.
pub fn rows_between(
    tenant: &mut Tenant<'_>,
    stream: Stream,
    after: &Place,
    upto: &Place,
    limit: Option<usize>,
) -> Result<Vec<Row>, StoreError> {
    rows(tenant, stream, limit, |sql, shape| {
        let key = shape.key();
        let from = sql.param(after.txn);
        let (low, high) = (bind_key(sql, after), bind_key(sql, upto));
        if after.txn == upto.txn {
            // without the number in the comparison of keys, so that the primary key can be walked: all rows of
            // before the chain have one number
            return format!("t.txn = {from} AND ({key}) > ({low}) AND ({key}) <= ({high})");
        }
        let to = sql.param(upto.txn);
        format!(
            "t.txn >= {from} AND t.txn <= {to} AND (t.txn, {key}) > ({from}, {low}) AND (t.txn, {key}) <= ({to}, {high})"
        )
    })
}

/// The next rows that can be sealed: those behind the last one that is, written by transactions below
/// `horizon`, in order.
///
/// # Errors
/// What the database said.
pub fn unsealed(
    tenant: &mut Tenant<'_>,
    head: &StoredHead,
    horizon: i64,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let (stream, upto) = (head.head.stream, head.head.upto);
    let mut found = Vec::new();
    if head.frontier <= upto.txn {
        // the rest of a transaction that was sealed in part
        found = rows(tenant, stream, Some(limit), |sql, shape| {
            let (txn, low) = (sql.param(upto.txn), bind_key(sql, &upto));
            format!("t.txn = {txn} AND ({}) > ({low})", shape.key())
        })?;
    }
    if found.len() < limit {
        let from = upto.txn.max(head.frontier - 1);
        found.extend(rows(tenant, stream, Some(limit - found.len()), |sql, _| {
            format!("t.txn > {} AND t.txn < {}", sql.param(from), sql.param(horizon))
        })?);
    }
    Ok(found)
}

/// What is added to the numbers of transactions in a stream's table, as SQL: the number in its default.
fn shift(stream: Stream) -> String {
    format!(
        "(SELECT coalesce(substring(pg_get_expr(d.adbin, d.adrelid) FROM '[0-9]+')::bigint, 0) FROM pg_attrdef d \
          JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum \
          WHERE d.adrelid = '{}'::regclass AND a.attname = 'txn')",
        Shape::of(stream).table
    )
}

/// The number that all rows to come of a stream will have at least: its transactions below have ended.
///
/// # Errors
/// What the database said.
pub fn horizon(tenant: &mut Tenant<'_>, stream: Stream) -> Result<i64, StoreError> {
    let shift = shift(stream);
    Sql::new(&format!("SELECT txid_snapshot_xmin(txid_current_snapshot()) + {shift} AS n"))
        .count(tenant.conn)
}

/// Shifts the numbers of transactions where the server counts from below what is sealed already, as it does
/// after a dump was restored on a new one; whether that was needed. Not needed when nothing was moved, whatever
/// else happened.
///
/// # Errors
/// What the database said.
pub fn align(conn: &mut PgConnection) -> Result<bool, StoreError> {
    let mut moved = false;
    for stream in Stream::ALL {
        let shift = shift(stream);
        let mut sql = Sql::new("SELECT coalesce(max(greatest(frontier, upto_txn + 1)), 0) ");
        sql.push("- txid_snapshot_xmax(txid_current_snapshot()) AS n FROM integrity_heads ");
        sql.push("WHERE stream = ").bind(stream.as_str());
        let least = sql.count(conn)?;
        let present = Sql::new(&format!("SELECT {shift} AS n")).count(conn)?;
        if least > present {
            conn.batch_execute(&format!(
                "ALTER TABLE {} ALTER COLUMN txn SET DEFAULT txid_current() + {least}::bigint",
                Shape::of(stream).table
            ))?;
            moved = true;
        }
    }
    Ok(moved)
}

/// A workspace where for some minutes nobody looked for something to seal. One that is just importing comes
/// later, so that sealing does not slow the import, but not more than an hour.
///
/// # Errors
/// What the database said.
pub fn due(conn: &mut PgConnection) -> Result<Option<WorkspaceId>, StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let sql = Sql::new(&format!(
        "SELECT w.id FROM workspaces w CROSS JOIN LATERAL (\
           SELECT count(*) FILTER (WHERE h.looked_at > now() - {LOOKED_EVERY}) AS fresh, min(h.looked_at) AS oldest \
           FROM integrity_heads h WHERE h.workspace_id = w.id) AS h \
         WHERE h.fresh < {} AND (coalesce(h.oldest, w.created_at) < now() - {WAITS_FOR_IMPORTS} OR NOT EXISTS (\
           SELECT FROM imports i WHERE i.workspace_id = w.id AND i.state IN ('planning', 'running'))) \
         ORDER BY h.oldest NULLS FIRST LIMIT 1",
        Stream::ALL.len()
    ));
    let found: Option<Found> = sql.first(conn)?;
    Ok(found.map(|row| WorkspaceId(row.id)))
}

/// The end of a chain with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHead {
    /// The end.
    pub head: Head,
    /// Its signature.
    pub mac: Vec<u8>,
    /// What transactions below this number wrote is sealed.
    pub frontier: i64,
    /// When the last seal was made.
    pub sealed_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    row_count: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    upto_txn: i64,
    #[diesel(sql_type = SqlUuid)]
    upto_a: Uuid,
    #[diesel(sql_type = SqlUuid)]
    upto_b: Uuid,
    #[diesel(sql_type = SqlUuid)]
    upto_c: Uuid,
    #[diesel(sql_type = Binary)]
    mac: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    frontier: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sealed_at: Option<DateTime<Utc>>,
}

/// The end of a chain, as it is; `None` when there is none yet.
///
/// # Errors
/// What the database said.
pub fn head(tenant: &mut Tenant<'_>, stream: Stream) -> Result<Option<StoredHead>, StoreError> {
    read_head(tenant, stream, "")
}

/// The end of a chain, which nobody else can move until the transaction ends; one of no seals where there is
/// none yet.
///
/// # Errors
/// What the database said.
pub fn lock_head(tenant: &mut Tenant<'_>, stream: Stream) -> Result<StoredHead, StoreError> {
    let start = Place::START;
    let [a, b, c] = start.key;
    let mut sql = Sql::new(
        "INSERT INTO integrity_heads (workspace_id, stream, seq, row_count, hash, upto_txn, upto_a, upto_b, upto_c, \
         mac, frontier) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(stream.as_str()).push(", 0, 0, ");
    sql.bind(vec![0_u8; 32]).push(", ").bind(start.txn).push(", ").bind(a).push(", ").bind(b);
    sql.push(", ").bind(c).push(", '', 0) ON CONFLICT (workspace_id, stream) DO NOTHING");
    sql.execute(tenant.conn)?;
    read_head(tenant, stream, " FOR UPDATE")?.ok_or(StoreError::Inconsistent {
        table: "integrity_heads",
        problem: "the head that was just made is not there".into(),
    })
}

fn read_head(
    tenant: &mut Tenant<'_>,
    stream: Stream,
    lock: &str,
) -> Result<Option<StoredHead>, StoreError> {
    let workspace = tenant.workspace;
    let mut sql = Sql::new(
        "SELECT seq, row_count, hash, upto_txn, upto_a, upto_b, upto_c, mac, frontier, sealed_at \
         FROM integrity_heads WHERE workspace_id = ",
    );
    sql.bind(workspace).push(" AND stream = ").bind(stream.as_str()).push(lock);
    let Some(row) = sql.first::<HeadRow>(tenant.conn)? else { return Ok(None) };
    let head = Head {
        workspace,
        stream,
        seq: row.seq,
        rows: row.row_count,
        // one of another length fits no signature
        hash: hash(&row.hash).unwrap_or([0xff; 32]),
        upto: Place { txn: row.upto_txn, key: [row.upto_a, row.upto_b, row.upto_c] },
    };
    let HeadRow { mac, frontier, sealed_at, .. } = row;
    Ok(Some(StoredHead { head, mac, frontier, sealed_at }))
}

/// Moves the end of a chain; `exhausted` when nothing is left to seal.
///
/// # Errors
/// What the database said.
pub fn put_head(
    tenant: &mut Tenant<'_>,
    stored: &StoredHead,
    exhausted: bool,
) -> Result<(), StoreError> {
    let StoredHead { head, mac, frontier, sealed_at } = stored;
    let [a, b, c] = head.upto.key;
    let mut sql = Sql::new("UPDATE integrity_heads SET seq = ");
    sql.bind(head.seq).push(", row_count = ").bind(head.rows).push(", hash = ");
    sql.bind(head.hash.to_vec()).push(", upto_txn = ").bind(head.upto.txn);
    sql.push(", upto_a = ").bind(a).push(", upto_b = ").bind(b).push(", upto_c = ").bind(c);
    sql.push(", mac = ").bind(mac.clone()).push(", frontier = ").bind(*frontier);
    sql.push(", sealed_at = ").bind(*sealed_at);
    if exhausted {
        sql.push(", looked_at = now()");
    }
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND stream = ").bind(head.stream.as_str());
    sql.execute(tenant.conn).map(drop)
}

/// A seal as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSeal {
    /// What is hashed.
    pub seal: Seal,
    /// What its hash is said to be.
    pub hash: Vec<u8>,
    /// Signature of the hash.
    pub mac: Vec<u8>,
    /// Its records, packed.
    pub records: Vec<u8>,
}

#[derive(QueryableByName)]
struct SealRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    upto_txn: i64,
    #[diesel(sql_type = SqlUuid)]
    upto_a: Uuid,
    #[diesel(sql_type = SqlUuid)]
    upto_b: Uuid,
    #[diesel(sql_type = SqlUuid)]
    upto_c: Uuid,
    #[diesel(sql_type = BigInt)]
    row_count: i64,
    #[diesel(sql_type = Binary)]
    root: Vec<u8>,
    #[diesel(sql_type = Binary)]
    previous: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    sealed_at: DateTime<Utc>,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Binary)]
    mac: Vec<u8>,
    #[diesel(sql_type = Binary)]
    records: Vec<u8>,
}

/// Adds seals to a chain.
///
/// # Errors
/// What the database said.
pub fn insert_seals(tenant: &mut Tenant<'_>, seals: &[StoredSeal]) -> Result<(), StoreError> {
    if seals.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(
        "INSERT INTO integrity_seals (workspace_id, stream, seq, upto_txn, upto_a, upto_b, upto_c, row_count, root, \
         previous, sealed_at, hash, mac, records) VALUES ",
    );
    for (n, StoredSeal { seal, hash, mac, records }) in seals.iter().enumerate() {
        let [a, b, c] = seal.upto.key;
        sql.push(if n == 0 { "(" } else { ", (" }).bind(tenant.workspace);
        sql.push(", ").bind(seal.stream.as_str()).push(", ").bind(seal.seq);
        sql.push(", ").bind(seal.upto.txn).push(", ").bind(a).push(", ").bind(b);
        sql.push(", ").bind(c).push(", ").bind(seal.rows);
        sql.push(", ").bind(seal.root.to_vec()).push(", ").bind(seal.previous.to_vec());
        sql.push(", ").bind(seal.sealed_at).push(", ").bind(hash.clone());
        sql.push(", ").bind(mac.clone()).push(", ").bind(records.clone()).push(")");
    }
    sql.execute(tenant.conn).map(drop)
}

/// Seals of a chain behind number `after`, in order.
///
/// # Errors
/// What the database said.
pub fn seals(
    tenant: &mut Tenant<'_>,
    stream: Stream,
    after: i64,
    limit: usize,
) -> Result<Vec<StoredSeal>, StoreError> {
    load_seals(tenant, stream, |sql| {
        sql.push(" AND seq > ").bind(after).push(" ORDER BY seq LIMIT ");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    })
}

/// The seals with these numbers, in order.
///
/// # Errors
/// What the database said.
pub fn seals_numbered(
    tenant: &mut Tenant<'_>,
    stream: Stream,
    numbers: Vec<i64>,
) -> Result<Vec<StoredSeal>, StoreError> {
    load_seals(tenant, stream, |sql| {
        sql.push(" AND seq = ANY(").bind(numbers).push(") ORDER BY seq");
    })
}

fn load_seals(
    tenant: &mut Tenant<'_>,
    stream: Stream,
    which: impl FnOnce(&mut Sql),
) -> Result<Vec<StoredSeal>, StoreError> {
    let workspace = tenant.workspace;
    let mut sql = Sql::new(
        "SELECT seq, upto_txn, upto_a, upto_b, upto_c, row_count, root, previous, sealed_at, hash, mac, records \
         FROM integrity_seals WHERE workspace_id = ",
    );
    sql.bind(workspace).push(" AND stream = ").bind(stream.as_str());
    which(&mut sql);
    let rows: Vec<SealRow> = sql.load(tenant.conn)?;
    let seal_of = |row: SealRow| StoredSeal {
        seal: Seal {
            workspace,
            stream,
            seq: row.seq,
            upto: Place { txn: row.upto_txn, key: [row.upto_a, row.upto_b, row.upto_c] },
            rows: row.row_count,
            // what has another length was changed, and does not fit the hash of the seal
            root: hash(&row.root).unwrap_or([0xff; 32]),
            previous: hash(&row.previous).unwrap_or([0xff; 32]),
            sealed_at: row.sealed_at,
        },
        hash: row.hash,
        mac: row.mac,
        records: row.records,
    };
    Ok(rows.into_iter().map(seal_of).collect())
}

/// A hash of a row that is said to have gone with its contact.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Removed {
    /// The hash.
    #[diesel(sql_type = Binary)]
    pub leaf: Vec<u8>,
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// Whether the contact is still there (as 1), so that it cannot be true.
    #[diesel(sql_type = Integer)]
    pub still_there: i32,
}

/// Which of these hashes are of entries that were removed with their contacts.
///
/// # Errors
/// What the database said.
pub fn removed(tenant: &mut Tenant<'_>, leaves: &[Hash]) -> Result<Vec<Removed>, StoreError> {
    if leaves.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT r.leaf, r.contact_id, EXISTS (SELECT FROM contacts c WHERE c.workspace_id = {workspace} \
           AND c.id = r.contact_id)::integer AS still_there \
         FROM integrity_removals r WHERE r.workspace_id = {workspace} AND r.leaf IN (SELECT decode(h, 'hex') FROM unnest("
    ));
    sql.bind(leaves.iter().map(|leaf| hex(leaf)).collect::<Vec<_>>()).push(") AS h)");
    sql.load(tenant.conn)
}

/// Removes the entries of contacts from the ledger, for good: the only way that an entry goes. Their hashes
/// stay behind, so that the seals over them still hold; also of those that are not sealed yet, because they may
/// just be.
///
/// # Errors
/// What the database said.
pub fn remove_entries(tenant: &mut Tenant<'_>, contacts: &[Uuid]) -> Result<usize, StoreError> {
    let shape = Shape::of(Stream::Consents);
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "WITH gone AS (DELETE FROM consent_entries WHERE workspace_id = {workspace} AND contact_id = ANY("
    ));
    sql.bind(contacts.to_vec()).push(&format!(
        ") RETURNING *) INSERT INTO integrity_removals (workspace_id, leaf, contact_id, removed_at) \
         SELECT {workspace}, {}, t.contact_id, now() FROM gone t{} ON CONFLICT (workspace_id, leaf) DO NOTHING",
        shape.leaf(),
        shape.beside(&workspace)
    ));
    sql.execute(tenant.conn)
}

/// What a verification of a chain found.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Verification {
    /// Of which stream.
    #[diesel(sql_type = Text)]
    pub stream: String,
    /// The job that did it.
    #[diesel(sql_type = SqlUuid)]
    pub job_id: Uuid,
    /// When it ended.
    #[diesel(sql_type = Timestamptz)]
    pub verified_at: DateTime<Utc>,
    /// Seals looked at.
    #[diesel(sql_type = BigInt)]
    pub seals: i64,
    /// Rows looked at.
    #[diesel(sql_type = BigInt)]
    pub row_count: i64,
    /// Entries that had gone with their contacts.
    #[diesel(sql_type = BigInt)]
    pub removed: i64,
    /// How many faults there are.
    #[diesel(sql_type = BigInt)]
    pub faults: i64,
    /// The first of them.
    #[diesel(sql_type = Jsonb)]
    pub findings: Value,
}

/// Keeps what a verification found, in place of the one before.
///
/// # Errors
/// What the database said.
pub fn put_verification(tenant: &mut Tenant<'_>, found: &Verification) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO integrity_verifications (workspace_id, stream, job_id, verified_at, seals, row_count, removed, \
         faults, findings) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(found.stream.as_str()).push(", ");
    sql.bind(found.job_id).push(", ").bind(found.verified_at).push(", ").bind(found.seals);
    sql.push(", ").bind(found.row_count).push(", ").bind(found.removed).push(", ");
    sql.bind(found.faults).push(", ").bind(found.findings.clone()).push(
        ") ON CONFLICT (workspace_id, stream) DO UPDATE SET job_id = excluded.job_id, \
         verified_at = excluded.verified_at, seals = excluded.seals, row_count = excluded.row_count, \
         removed = excluded.removed, faults = excluded.faults, findings = excluded.findings",
    );
    sql.execute(tenant.conn).map(drop)
}

/// What the last verifications found.
///
/// # Errors
/// What the database said.
pub fn verifications(tenant: &mut Tenant<'_>) -> Result<Vec<Verification>, StoreError> {
    let mut sql = Sql::new(
        "SELECT stream, job_id, verified_at, seals, row_count, removed, faults, findings \
         FROM integrity_verifications WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace);
    sql.load(tenant.conn)
}

/// An entry of the ledger as a proof shows it.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct ProvenEntry {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Whose: a contact that was merged into this one keeps its entries.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// What for.
    #[diesel(sql_type = SqlUuid)]
    pub purpose_id: Uuid,
    /// `grant` or `withdraw`.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Kind of whoever wrote it.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who wrote it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// Where it came from.
    #[diesel(sql_type = Text)]
    pub source_type: String,
    /// The import, job or form.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub source_id: Option<Uuid>,
    /// What the processing stands on.
    #[diesel(sql_type = Text)]
    pub legal_basis: String,
    /// Number of the wording.
    #[diesel(sql_type = Integer)]
    pub wording_version: i32,
    /// Address it was given from.
    #[diesel(sql_type = Nullable<Text>)]
    pub ip: Option<String>,
    /// Browser it was given with.
    #[diesel(sql_type = Nullable<Text>)]
    pub user_agent: Option<String>,
    /// Anything else.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub evidence: Option<Value>,
    /// The row as text, which is what is hashed.
    #[diesel(sql_type = Text)]
    pub text: String,
    /// Its hash.
    #[diesel(sql_type = Binary)]
    pub leaf: Vec<u8>,
    /// The seal it belongs under; none while it waits for one.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub seal: Option<i64>,
}

/// All entries of some contacts up to an instant, oldest first, with what a proof says of each.
///
/// # Errors
/// What the database said.
pub fn proven_entries(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    as_of: DateTime<Utc>,
) -> Result<Vec<ProvenEntry>, StoreError> {
    let shape = Shape::of(Stream::Consents);
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let stream = sql.param(Stream::Consents.as_str());
    sql.push(&format!(
        "SELECT t.id, t.contact_id, t.purpose_id, t.action, t.at, t.actor_type, t.actor_id, t.source_type, t.source_id, \
           t.legal_basis, t.wording_version, x.ip, x.user_agent, x.evidence, {text} AS text, {leaf} AS leaf, \
           (SELECT s.seq FROM integrity_seals s WHERE s.workspace_id = {workspace} AND s.stream = {stream} \
              AND (s.upto_txn, s.upto_a, s.upto_b, s.upto_c) >= (t.txn, {key}) \
            ORDER BY s.upto_txn, s.upto_a, s.upto_b, s.upto_c LIMIT 1) AS seal \
         FROM consent_entries t{beside} \
         LEFT JOIN consent_evidence x ON x.workspace_id = {workspace} AND x.contact_id = t.contact_id AND x.entry_id = t.id \
         WHERE t.workspace_id = {workspace} AND t.contact_id = ANY(",
        text = shape.text(),
        leaf = shape.leaf(),
        key = shape.key(),
        beside = shape.beside(&workspace),
    ));
    sql.bind(contacts.to_vec()).push(") AND t.at <= ").bind(as_of);
    sql.push(" ORDER BY t.at, t.id, t.purpose_id");
    sql.load(tenant.conn)
}

/// A wording that entries name.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ShownWording {
    /// Of which purpose.
    #[diesel(sql_type = SqlUuid)]
    pub purpose_id: Uuid,
    /// Its number.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// The text.
    #[diesel(sql_type = Text)]
    pub wording: String,
    /// From when on.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// The wordings that some contacts were shown up to an instant, in order.
///
/// # Errors
/// What the database said.
pub fn shown_wordings(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    as_of: DateTime<Utc>,
) -> Result<Vec<ShownWording>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT w.purpose_id, w.version, w.wording, w.created_at FROM purpose_versions w WHERE w.workspace_id = {workspace} \
         AND (w.purpose_id, w.version) IN (SELECT t.purpose_id, t.wording_version FROM consent_entries t \
           WHERE t.workspace_id = {workspace} AND t.contact_id = ANY("
    ));
    sql.bind(contacts.to_vec()).push(") AND t.at <= ").bind(as_of);
    sql.push(") ORDER BY w.purpose_id, w.version");
    sql.load(tenant.conn)
}
