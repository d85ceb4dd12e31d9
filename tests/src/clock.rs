//! A clock that tests move.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use kartoteka_app::clock::Clock;

/// The machine's time plus what the test added. Times still differ between requests, as they do in life.
#[derive(Clone, Debug, Default)]
pub struct TestClock {
    added: Arc<AtomicI64>,
    /// Where other processes read what was added.
    shown: Option<Arc<File>>,
}

impl TestClock {
    /// One that other processes can [follow](FollowingClock).
    #[must_use]
    pub fn shown_in(file: &Path) -> Self {
        let clock = Self { shown: Some(Arc::new(File::create(file).unwrap())), ..Self::default() };
        clock.advance(TimeDelta::zero());
        clock
    }

    /// Lets time pass.
    pub fn advance(&self, by: TimeDelta) {
        let by = by.num_milliseconds();
        let added = self.added.fetch_add(by, Ordering::SeqCst) + by;
        if let Some(file) = &self.shown {
            file.write_all_at(&added.to_le_bytes(), 0).unwrap();
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.added.load(Ordering::SeqCst))
    }
}

/// The clock of a test in another process.
#[derive(Clone, Debug)]
pub struct FollowingClock(Arc<File>);

impl FollowingClock {
    /// Follows the one that is [shown](TestClock::shown_in) in this file.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        Self(Arc::new(File::open(file).unwrap()))
    }
}

impl Clock for FollowingClock {
    fn now(&self) -> DateTime<Utc> {
        let mut added = [0; 8];
        self.0.read_exact_at(&mut added, 0).unwrap();
        Utc::now() + TimeDelta::milliseconds(i64::from_le_bytes(added))
    }
}
