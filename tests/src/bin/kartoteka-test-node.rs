//! One process of the cluster that tests run against: see `kartoteka_tests::cluster`.

use std::io::{BufRead, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::time::Duration;

use kartoteka_api::{AppState, KeyRing};
use kartoteka_app::clock::Clock;
use kartoteka_app::worker::{Environment, run_due};
use kartoteka_persistence::Db;
use kartoteka_tests::clock::FollowingClock;
use kartoteka_tests::cluster::Orders;

fn main() {
    let orders = Orders::read();
    end_with_the_test();
    let clock: Arc<dyn Clock> = Arc::new(FollowingClock::of(&orders.clock));
    let db = Db::connect(&orders.database());
    if orders.serves {
        serve(&orders, db, clock);
    } else {
        work(&orders, db, clock);
    }
}

/// A test that was killed cannot end its processes.
fn end_with_the_test() {
    let test = parent_id();
    std::thread::spawn(move || {
        while parent_id() == test {
            std::thread::sleep(Duration::from_secs(1));
        }
        std::process::exit(1);
    });
}

fn serve(orders: &Orders, db: Db, clock: Arc<dyn Clock>) {
    let listener = std::io::stdin().as_fd().try_clone_to_owned().map(TcpListener::from).unwrap();
    let keys = KeyRing::from_pems([(kartoteka_tests::app::KID, orders.pem.as_str())]).unwrap();
    let metrics = Arc::new(|| "# the metrics of the process\n".to_owned());
    let state = AppState::with(db, keys, orders.settings(), clock, Some(metrics));
    actix_web::rt::System::new()
        .block_on(async move { kartoteka_api::serve(state, listener).unwrap().await })
        .unwrap();
}

fn work(orders: &Orders, db: Db, clock: Arc<dyn Clock>) {
    let environment = Environment {
        db,
        clock,
        secret: Arc::from(orders.secret.as_slice()),
        mail: None,
        links_url: Arc::from(orders.public_url.as_str()),
        journal: orders.settings().journal,
    };
    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let mut out = std::io::stdout().lock();
        match run_due(&environment, &orders.owner) {
            Ok(done) => writeln!(out, "{done}").unwrap(),
            Err(error) => writeln!(out, "{error}").unwrap(),
        }
        out.flush().unwrap();
    }
}
