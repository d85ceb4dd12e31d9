//! What the connections of the pool keep, and how a dead one is noticed.

use std::time::Duration;

use chrono::Utc;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use kartoteka_domain::ids::{ContactId, WorkspaceId};
use kartoteka_persistence::contacts::{list, read};
use kartoteka_persistence::sql::Bind;
use kartoteka_persistence::{Db, StoreError};
use kartoteka_tests::{TestApp, TestDatabase, postgres};
use serde_json::json;
use uuid::Uuid;

/// Statements the only connection of `db` keeps.
fn kept(db: &Db) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    db.system(|conn| {
        diesel::sql_query("SELECT count(*) AS n FROM pg_prepared_statements")
            .get_result::<Number>(conn)
            .map_err(StoreError::from)
    })
    .unwrap()
    .n
}

fn in_any_workspace<T>(
    db: &Db,
    work: impl FnOnce(&mut kartoteka_persistence::Tenant<'_>) -> Result<T, StoreError>,
) -> T {
    db.read(WorkspaceId(Uuid::nil()), work).unwrap()
}

fn page(db: &Db, filter: &list::Filter, limit: usize) {
    let sort = list::Sort::default();
    in_any_workspace(db, |tenant| list::page(tenant, filter, None, &sort, None, limit));
}

/// The statements of single requests are planned once; those that callers shape leave nothing behind.
#[test]
fn a_connection_keeps_the_statements_of_ours_and_none_of_the_callers() {
    let database = TestDatabase::migrated();
    let mut settings = database.settings(1);
    // past a PgBouncer, whatever the other tests go through: behind one nothing is kept
    database.url().clone_into(&mut settings.url);
    settings.pgbouncer = false;
    let db = Db::connect(&settings);
    let before = kept(&db);
    for _ in 0..3 {
        in_any_workspace(&db, |tenant| read::get(tenant, ContactId(Uuid::nil())));
    }
    assert_eq!(kept(&db), before + 1);
    for _ in 0..3 {
        page(&db, &list::Filter::default(), 50);
    }
    assert_eq!(kept(&db), before + 2);
    for limit in 51..60 {
        page(&db, &list::Filter::default(), limit);
    }
    for column in list::COLUMNS.iter().filter(|column| column.kind == list::Kind::Exact) {
        let equal = vec![(column, Bind::from("x"))];
        page(&db, &list::Filter { equal, ..list::Filter::default() }, 50);
    }
    let times = vec![("created_at", true, Utc::now())];
    page(&db, &list::Filter { times, ..list::Filter::default() }, 50);
    assert_eq!(kept(&db), before + 2);
}

/// Behind a PgBouncer in transaction mode the next transaction may get another server connection.
#[test]
fn behind_a_pgbouncer_nothing_is_kept() {
    let database = TestDatabase::migrated();
    let mut settings = database.settings(1);
    settings.pgbouncer = true;
    let db = Db::connect(&settings);
    in_any_workspace(&db, |tenant| read::get(tenant, ContactId(Uuid::nil())));
    assert_eq!(kept(&db), 0);
}

/// Connections are believed to be there for a second, and none of them as soon as one was found dead: when
/// PostgreSQL goes away, the requests that run into it are told so, and one more at most. A PgBouncer sees dead
/// connections by itself, and promises no less.
#[tokio::test]
async fn one_dead_connection_gives_the_others_away() {
    let app = TestApp::new().await;
    let contact = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    let path = format!("/contacts/{}", contact.id());
    let behind = postgres::through_pgbouncer();
    let connections = if behind { i64::from(postgres::PGBOUNCER_POOL) } else { 4 };
    // all connections are open and in use
    let lock = &mut app.connection();
    use diesel::connection::SimpleConnection;
    lock.batch_execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").unwrap();
    let all = (0..4).map(|_| async { app.get(&path).await });
    let release = async {
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock'";
        while app.count(waiting) < connections {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        lock.batch_execute("ROLLBACK").unwrap();
    };
    let both = async { tokio::join!(futures_util::future::join_all(all), release) };
    let (answers, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    for answer in answers {
        answer.expect(200);
    }
    // the connections of a PgBouncer have the name for the length of a transaction only
    let name = if behind { "" } else { "kartoteka" };
    let ended = app.count(&format!(
        "SELECT count(pg_terminate_backend(pid, 5000)) AS n FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE '{name}%'"
    ));
    assert!(if behind { ended >= connections } else { ended == connections }, "{ended}");
    let mut refused = 0;
    for _ in 0..12 {
        let answer = app.get(&path).await;
        if answer.status == 503 {
            assert_eq!(answer.header("retry-after"), "1");
            refused += 1;
        } else {
            answer.expect(200);
        }
    }
    assert!(refused <= 1, "{refused} requests ran into dead connections");
}
