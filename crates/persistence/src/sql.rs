//! Statements put together at run time: text and binds grow side by side, values never enter the text.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, BoxedSqlQuery, Query, QueryFragment, QueryId, SqlQuery};
use diesel::query_dsl::LoadQuery;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Date, Double, Integer, Jsonb, Nullable, Text, Timestamptz,
    Untyped, Uuid as SqlUuid,
};
use diesel::{QueryResult, Queryable, QueryableByName, RunQueryDsl};
use std::marker::PhantomData;
use uuid::Uuid;

use kartoteka_domain::ids::WorkspaceId;

use crate::error::StoreError;

/// A value sent beside the text.
#[derive(Clone, Debug)]
pub enum Bind {
    /// `uuid`
    Uuid(Option<Uuid>),
    /// `text`
    Text(Option<String>),
    /// `bigint`
    BigInt(Option<i64>),
    /// `integer`
    Int(Option<i32>),
    /// `float8`
    Double(Option<f64>),
    /// `boolean`
    Bool(Option<bool>),
    /// `date`
    Date(Option<NaiveDate>),
    /// `timestamptz`
    Time(Option<DateTime<Utc>>),
    /// `jsonb`
    Json(Option<serde_json::Value>),
    /// `bytea`
    Bytes(Option<Vec<u8>>),
    /// `text[]`
    Texts(Vec<String>),
    /// `text[]` with holes
    OptTexts(Vec<Option<String>>),
    /// `uuid[]`
    Uuids(Vec<Uuid>),
    /// `bigint[]`
    BigInts(Vec<i64>),
}

macro_rules! into_bind {
    ($($from:ty => $variant:ident($value:ident) $make:expr;)+) => {$(
        impl From<$from> for Bind {
            fn from($value: $from) -> Self { Self::$variant($make) }
        }
        impl From<Option<$from>> for Bind {
            fn from(option: Option<$from>) -> Self { Self::$variant(option.map(|$value| $make).and_then(std::convert::identity)) }
        }
    )+};
}

into_bind! {
    Uuid => Uuid(value) Some(value);
    String => Text(value) Some(value);
    &str => Text(value) Some(value.to_owned());
    i64 => BigInt(value) Some(value);
    i32 => Int(value) Some(value);
    f64 => Double(value) Some(value);
    bool => Bool(value) Some(value);
    NaiveDate => Date(value) Some(value);
    DateTime<Utc> => Time(value) Some(value);
    serde_json::Value => Json(value) Some(value);
    WorkspaceId => Uuid(value) Some(value.0);
}

impl From<Vec<u8>> for Bind {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<Vec<String>> for Bind {
    fn from(value: Vec<String>) -> Self {
        Self::Texts(value)
    }
}

impl From<Vec<Option<String>>> for Bind {
    fn from(value: Vec<Option<String>>) -> Self {
        Self::OptTexts(value)
    }
}

impl From<Vec<Uuid>> for Bind {
    fn from(value: Vec<Uuid>) -> Self {
        Self::Uuids(value)
    }
}

impl From<Vec<i64>> for Bind {
    fn from(value: Vec<i64>) -> Self {
        Self::BigInts(value)
    }
}

/// A statement that grows.
#[derive(Clone, Debug, Default)]
pub struct Sql {
    text: String,
    binds: Vec<Bind>,
    prepared: bool,
}

impl Sql {
    /// Starts with `text`. Text is always ours, never a caller's.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Has the connection parse and plan the text once and keep it. For the short statements of single
    /// requests, where planning costs more than running. Never where callers shape the text (each shape would
    /// be kept in every connection), nor where the plan must follow the size of the tables (imports).
    /// Does nothing behind a PgBouncer.
    pub fn prepared(&mut self) -> &mut Self {
        self.prepared = true;
        self
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value: `$n` goes into the text.
    pub fn bind(&mut self, value: impl Into<Bind>) -> &mut Self {
        self.binds.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.binds.len().to_string());
        self
    }

    /// Keeps a value for later and returns its `$n`, for a statement that names it more than once.
    pub fn param(&mut self, value: impl Into<Bind>) -> String {
        self.binds.push(value.into());
        format!("${}", self.binds.len())
    }

    /// The text so far, for tests and logs; it holds no values.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn query<Row>(self) -> Statement<Row> {
        let mut query = diesel::sql_query(self.text).into_boxed::<Pg>();
        for bind in self.binds {
            query = match bind {
                Bind::Uuid(value) => query.bind::<Nullable<SqlUuid>, _>(value),
                Bind::Text(value) => query.bind::<Nullable<Text>, _>(value),
                Bind::BigInt(value) => query.bind::<Nullable<BigInt>, _>(value),
                Bind::Int(value) => query.bind::<Nullable<Integer>, _>(value),
                Bind::Double(value) => query.bind::<Nullable<Double>, _>(value),
                Bind::Bool(value) => query.bind::<Nullable<Bool>, _>(value),
                Bind::Date(value) => query.bind::<Nullable<Date>, _>(value),
                Bind::Time(value) => query.bind::<Nullable<Timestamptz>, _>(value),
                Bind::Json(value) => query.bind::<Nullable<Jsonb>, _>(value),
                Bind::Bytes(value) => query.bind::<Nullable<Binary>, _>(value),
                Bind::Texts(value) => query.bind::<Array<Text>, _>(value),
                Bind::OptTexts(value) => query.bind::<Array<Nullable<Text>>, _>(value),
                Bind::Uuids(value) => query.bind::<Array<SqlUuid>, _>(value),
                Bind::BigInts(value) => query.bind::<Array<BigInt>, _>(value),
            };
        }
        Statement { query, prepared: self.prepared, row: PhantomData }
    }

    /// Runs it and reads the rows.
    ///
    /// # Errors
    /// What the database said.
    pub fn load<R>(self, conn: &mut PgConnection) -> Result<Vec<R>, StoreError>
    where
        R: QueryableByName<Pg> + 'static,
    {
        Ok(self.query::<Untyped>().load(conn)?)
    }

    /// As [`Sql::load`], the columns read by their place: for wide rows, whose names cost as much as their
    /// values. `Row` lists the types of the columns.
    ///
    /// # Errors
    /// What the database said.
    pub fn load_in_order<Row, R>(self, conn: &mut PgConnection) -> Result<Vec<R>, StoreError>
    where
        R: Queryable<Row, Pg> + 'static,
        Statement<Row>: for<'q> LoadQuery<'q, PgConnection, R>,
    {
        Ok(self.query::<Row>().load(conn)?)
    }

    /// Runs it and reads the first row, if there is one.
    ///
    /// # Errors
    /// What the database said.
    pub fn first<R>(self, conn: &mut PgConnection) -> Result<Option<R>, StoreError>
    where
        R: QueryableByName<Pg> + 'static,
    {
        Ok(self.load(conn)?.into_iter().next())
    }

    /// Runs it and says how many rows it touched.
    ///
    /// # Errors
    /// What the database said.
    pub fn execute(self, conn: &mut PgConnection) -> Result<usize, StoreError> {
        Ok(self.query::<Untyped>().execute(conn)?)
    }

    /// Runs a statement that yields one `bigint` column named `n`.
    ///
    /// # Errors
    /// What the database said.
    pub fn count(self, conn: &mut PgConnection) -> Result<i64, StoreError> {
        Ok(self.first::<Count>(conn)?.map_or(0, |row| row.n))
    }
}

/// A statement on its way to the database; `Row` is what it yields.
pub struct Statement<Row> {
    query: BoxedSqlQuery<'static, Pg, SqlQuery>,
    prepared: bool,
    row: PhantomData<fn() -> Row>,
}

impl<Row> QueryFragment<Pg> for Statement<Row> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out)
    }

    /// Diesel keeps no text it did not write itself; ours says so where it is one of few.
    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(self.prepared)
    }
}

/// Kept by its text.
impl<Row> QueryId for Statement<Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row> Query for Statement<Row> {
    type SqlType = Row;
}

impl<Row> RunQueryDsl<PgConnection> for Statement<Row> {}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}
