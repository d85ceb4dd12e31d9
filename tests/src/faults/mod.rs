//! What is promised when things break, shown in figures: killed workers, a dying database, a full disk.
//!
//! A [`Scenario`] starts the real program as processes of their own, does harm to them, and judges what
//! came of it in [`Figure`]s. `make faults` runs the long forms one by one through `kartoteka-faults`; a
//! short form of each is a test in `it/faults`. Both run the same code with other counts.
//!
//! What a scenario decides by chance comes from [`Chance`], whose seed is printed: the same seed makes
//! the same lists and the same moments. When a killed process really dies is up to the operating system.

pub mod chance;
pub mod connections;
pub mod disk;
pub mod figure;
pub mod http;
pub mod idempotency;
pub mod imports;
pub mod jobs;
pub mod manager;
pub mod overload;
pub mod processes;
pub mod requests;

pub use chance::Chance;
pub use figure::{Figure, Report};

/// How a scenario is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// How often the harm is done, in the unit of the scenario: kills, requests, jobs.
    pub times: u64,
    /// Start of everything decided by chance.
    pub seed: u64,
    /// Few rows, and no judgement of what depends on how busy the machine is.
    pub short: bool,
    /// Scenarios that do not stop PostgreSQL may use the server of the tests.
    pub shared: bool,
}

impl Form {
    /// The form of `make test`.
    #[must_use]
    pub fn short(times: u64) -> Self {
        Self { times, seed: 20_261_122, short: true, shared: true }
    }

    /// One of two numbers: of the long form, of the short form.
    #[must_use]
    pub fn pick<T>(self, long: T, short: T) -> T {
        if self.short { short } else { long }
    }
}

/// One kind of harm.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line and in the figures.
    pub name: &'static str,
    /// What is done, in one sentence.
    pub about: &'static str,
    /// How often the long form does it.
    pub times: u64,
    /// Does it. Panics when it cannot be done at all; what it shows goes into the report.
    pub run: fn(Form, &mut Report),
}

/// All scenarios, in the order they are run.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "worker-kills",
        about: "the worker is killed with `kill -9` at random moments while imports commit, plan and are undone",
        times: 100,
        run: imports::worker_kills,
    },
    Scenario {
        name: "postgres-stops",
        about: "PostgreSQL is stopped with `pg_ctl stop -m immediate` at random moments meanwhile",
        times: 20,
        run: imports::postgres_stops,
    },
    Scenario {
        name: "manager-kills",
        about: "the worker is killed with `kill -9` at random moments while the contact manager does seven actions with everybody",
        times: 50,
        run: manager::manager_kills,
    },
    Scenario {
        name: "restarts",
        about: "PostgreSQL is restarted under 300 requests a second, two fifths of them writes",
        times: 6,
        run: requests::restarts_under_load,
    },
    Scenario {
        name: "connections",
        about: "all connections are taken, by others and by slow statements",
        times: 20,
        run: connections::all_taken,
    },
    Scenario {
        name: "disk",
        about: "the disk fills up, or fails, while an import writes",
        times: 3,
        run: disk::trouble,
    },
    Scenario {
        name: "idempotency",
        about: "keys are sent two to five times at once, clients leave, the server is killed",
        times: 10_000,
        run: idempotency::keys,
    },
    Scenario {
        name: "queue",
        about: "jobs are worked off by four workers, one of which is killed all the time",
        times: 50_000,
        run: jobs::queue_under_fire,
    },
    Scenario {
        name: "heap",
        about: "one workspace has a heap of jobs waiting, twenty others one now and then",
        times: 500_000,
        run: jobs::heap_of_one,
    },
    Scenario {
        name: "overload",
        about: "ten times as many requests as the server can take, for so many seconds, twice",
        times: 60,
        run: overload::storms,
    },
];

/// Runs a scenario in its short form and fails when one of its figures does.
///
/// # Panics
/// A figure does not hold, or there is none.
pub fn hold(run: fn(Form, &mut Report), form: Form) {
    let mut report = Report::silent();
    run(form, &mut report);
    assert!(!report.figures().is_empty(), "nothing was shown");
    let broken: Vec<String> =
        report.figures().iter().filter(|figure| !figure.holds).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}
