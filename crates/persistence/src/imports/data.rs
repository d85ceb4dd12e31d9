//! The uploaded bytes, in pieces.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};
use uuid::Uuid;

use kartoteka_domain::ids::ImportId;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Size of a piece: large enough for samples and suggestions out of the first, and that a gigabyte is four
/// thousand rows; small enough that the buffers of connections, which never shrink, stay small too.
pub const PIECE_BYTES: usize = 256 << 10;

/// Adds a piece. It is sure to be on the disk when a later transaction is: the one that gives the import this
/// upload.
///
/// # Errors
/// [`StoreError::Full`] when there is no room.
pub fn append(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    upload: Uuid,
    seq: i32,
    bytes: Vec<u8>,
) -> Result<(), StoreError> {
    tenant.commit_without_waiting()?;
    let mut sql = Sql::new(
        "INSERT INTO import_data (workspace_id, import_id, upload_id, seq, bytes) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(import.0).push(", ").bind(upload);
    sql.push(", ").bind(seq).push(", ").bind(bytes).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Removes the pieces of all uploads but `keep`.
///
/// # Errors
/// What the database said.
pub fn keep_only(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    keep: Option<Uuid>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM import_data WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND upload_id IS DISTINCT FROM ").bind(keep);
    sql.execute(tenant.conn).map(drop)
}

/// Removes the pieces of one upload.
///
/// # Errors
/// What the database said.
pub fn remove(tenant: &mut Tenant<'_>, import: ImportId, upload: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM import_data WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND upload_id = ").bind(upload);
    sql.execute(tenant.conn).map(drop)
}

#[derive(QueryableByName)]
struct Pieces {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many pieces of an upload are there.
///
/// # Errors
/// What the database said.
pub fn count(tenant: &mut Tenant<'_>, import: ImportId, upload: Uuid) -> Result<i64, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM import_data WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND upload_id = ").bind(upload);
    Ok(sql.first::<Pieces>(tenant.conn)?.map_or(0, |pieces| pieces.n))
}

#[derive(QueryableByName)]
struct Piece {
    #[diesel(sql_type = Binary)]
    bytes: Vec<u8>,
}

/// One piece, or none behind the last.
///
/// # Errors
/// What the database said.
pub fn piece(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    upload: Uuid,
    seq: i32,
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut sql = Sql::new("SELECT bytes FROM import_data WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND upload_id = ").bind(upload).push(" AND seq = ").bind(seq);
    Ok(sql.first::<Piece>(tenant.conn)?.map(|piece| piece.bytes))
}
