//! Goals 1 to 9: imports.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::copy::{self, Before};
use crate::figure::{Figure, Unit, median};
use crate::generator::{self, People};
use crate::import::{self, Cost, Imported};
use crate::loader;
use crate::service::Service;
use crate::{Bench, EMPTY, Outcome};

/// From this size on a figure is judged; below it the fixed costs of a handful of requests show.
const JUDGED_FROM: u64 = 100_000;
/// The row-by-row loader is not run for longer than this takes.
const LOADER_ROWS: u64 = 100_000;
/// Sizes that are measured once, not three times, and that long imports are judged at.
pub(crate) const LARGE: u64 = 500_000;
/// Where the worker is killed: after this part of the rows.
const KILLED_AT: f64 = 0.4;

/// What the rounds at one size gave, in the order of the rounds.
#[derive(Default)]
struct Rounds {
    /// All rows new, into an empty workspace.
    new: Vec<Imported>,
    /// What it cost after [`Rounds::new`] until the search index knew its contacts.
    indexed: Vec<Cost>,
    /// As [`Rounds::new`], with a webhook that asks for events of contacts.
    told: Vec<Imported>,
    /// COPY of what [`Rounds::new`] wrote.
    new_copied: Vec<Cost>,
    /// The same file once more.
    again: Vec<Imported>,
    /// A file of which 30 % are in the base already, into a base of the same size.
    overlapping: Vec<Imported>,
    /// COPY of what [`Rounds::overlapping`] added, into the same base.
    overlapping_copied: Vec<Cost>,
    /// As [`Rounds::overlapping`], into a base of which the planner knows nothing.
    unknown_base: Vec<Imported>,
    /// The loader that sends each row by itself.
    loaded: Vec<Cost>,
    /// As [`Rounds::new`], with the service killed in the middle of its commit.
    killed: Vec<Duration>,
    /// Rounds in which the killed import did not end as the other one.
    differing: u32,
}

/// Measures what is asked for at one size.
pub(crate) fn measure(bench: &Bench, goals: &[u8], rows: u64) -> Outcome<()> {
    let wants = |numbers: &[u8]| numbers.iter().any(|number| goals.contains(number));
    if !wants(&[1, 2, 3, 4, 5, 6, 7, 8, 9]) {
        return Ok(());
    }
    let mut rounds = Rounds::default();
    for round in 1..=bench.rounds(rows) {
        bench.say(&format!("{}, round {round}", words(rows)));
        if wants(&[1, 3, 4, 5, 6, 7, 8, 9]) {
            let digest = new_rows(bench, rows, &wants, &mut rounds)?;
            if wants(&[1]) {
                rounds.told.push(told(bench, rows)?);
            }
            if wants(&[9]) {
                killed(bench, rows, &digest, &mut rounds)?;
            }
        }
        if wants(&[2, 5]) {
            overlapping(bench, rows, &wants, &mut rounds)?;
        }
        if wants(&[3]) && rows <= LOADER_ROWS {
            bench.say("the loader that sends each row by itself");
            rounds.loaded.push(loader::load(bench, rows)?);
        }
    }
    report(bench, goals, rows, &rounds);
    Ok(())
}

/// An import into an empty workspace, what it is compared with, and the same once more. Gives back what
/// the workspace was like after the first.
fn new_rows(
    bench: &Bench,
    rows: u64,
    wants: &impl Fn(&[u8]) -> bool,
    rounds: &mut Rounds,
) -> Outcome<String> {
    bench.say("import of new rows");
    let file = bench.file(rows, People::New)?;
    bench.postgres.create("run", EMPTY)?;
    let before = Before::now(bench, "run")?;
    let service = Service::start(bench, "run")?;
    bench.postgres.settle()?;
    rounds.new.push(import::import(bench, &service, &file, &format!("{}-new", words(rows)))?);
    let watch = import::Watch::start(&bench.postgres, Some(&service))?;
    index(bench, "run")?;
    rounds.indexed.push(watch.stop()?);
    service.stop()?;
    let digest = if wants(&[9]) { bench.postgres.text("run", DIGEST)? } else { String::new() };
    if wants(&[1]) {
        bench.say("COPY of its result");
        rounds.new_copied.push(copied(bench, "run", EMPTY, &before)?);
    }
    if wants(&[2, 5]) {
        bench.keep_as_base("run", rows)?;
    }
    if wants(&[7]) {
        bench.say("the same file again");
        let service = Service::start(bench, "run")?;
        bench.postgres.settle()?;
        rounds.again.push(import::import(
            bench,
            &service,
            &file,
            &format!("{}-again", words(rows)),
        )?);
        service.stop()?;
    }
    bench.postgres.remove("run")?;
    Ok(digest)
}

/// The import of new rows, each of which is told to a webhook that cannot be reached: what is measured is what
/// telling costs the import, not the sending.
fn told(bench: &Bench, rows: u64) -> Outcome<Imported> {
    bench.say("import of new rows, told to a webhook");
    let file = bench.file(rows, People::New)?;
    bench.postgres.create("run", EMPTY)?;
    let service = Service::start(bench, "run")?;
    let webhook = json!({
        "url": "https://receiver.invalid/", "events": ["contact.created", "contact.updated"]
    });
    service.client().post("/webhooks", &webhook)?;
    bench.postgres.settle()?;
    let imported = import::import(bench, &service, &file, &format!("{}-told", words(rows)))?;
    // what was told waits to be sent, and is thrown away with the database
    service.kill()?;
    bench.postgres.remove("run")?;
    Ok(imported)
}

/// COPY of what an import added to `database`, into what it was before.
fn copied(bench: &Bench, database: &str, template: &str, before: &Before) -> Outcome<Cost> {
    let exported = copy::export(bench, database, before)?;
    bench.postgres.create("copy", template)?;
    let cost = copy::copy(bench, "copy", &exported)?;
    bench.postgres.remove("copy")?;
    Ok(cost)
}

/// An import into a base of the same size, with and without statistics, and what it is compared with.
fn overlapping(
    bench: &Bench,
    rows: u64,
    wants: &impl Fn(&[u8]) -> bool,
    rounds: &mut Rounds,
) -> Outcome<()> {
    let base = bench.base(rows)?;
    let file = bench.file(rows, People::Overlapping)?;
    let into = |template: &str, label: &str| -> Outcome<(Imported, Before)> {
        bench.postgres.create("run", template)?;
        let before = Before::now(bench, "run")?;
        let service = Service::start(bench, "run")?;
        bench.postgres.settle()?;
        let label = format!("{}-{label}", words(rows));
        let imported = import::import(bench, &service, &file, &label)?;
        service.stop()?;
        Ok((imported, before))
    };
    bench.say("import into a base of the same size, 30 % of the rows are there");
    let (imported, before) = into(&base, "overlapping")?;
    rounds.overlapping.push(imported);
    if wants(&[2]) {
        bench.say("COPY of what it added");
        rounds.overlapping_copied.push(copied(bench, "run", &base, &before)?);
    }
    if wants(&[5]) {
        bench.say("the same into a base that was never analysed");
        let unknown = bench.base_without_statistics(rows)?;
        rounds.unknown_base.push(into(&unknown, "never-analysed")?.0);
    }
    bench.postgres.remove("run")
}

/// An import whose service is killed in the middle of the commit, and started again at once.
fn killed(bench: &Bench, rows: u64, digest: &str, rounds: &mut Rounds) -> Outcome<()> {
    bench.say("import of new rows, killed in the middle");
    let file = bench.file(rows, People::New)?;
    bench.postgres.create("run", EMPTY)?;
    let service = Service::start(bench, "run")?;
    bench.postgres.settle()?;
    let planned = import::plan(bench, &service, &file)?;
    let watch = import::Watch::start(&bench.postgres, None)?;
    let job = import::begin_commit(&service, &planned.id)?;
    import::follow_until(&service, &job, KILLED_AT * rows as f64)?;
    service.kill()?;
    let service = Service::start(bench, "run")?;
    import::follow(&service, &job)?;
    let commit = watch.stop()?.wall;
    service.stop()?;
    rounds.killed.push(planned.upload.wall + planned.plan.wall + commit);
    if bench.postgres.text("run", DIGEST)? != digest {
        rounds.differing += 1;
    }
    bench.postgres.remove("run")
}

/// Everything an import leaves, but for what differs from run to run: ids and times.
const DIGEST: &str = "
    SELECT concat_ws(' ', count(*), sum(hashtextextended(person::text, 1)::numeric),
        (SELECT count(*) FROM consent_entries), (SELECT count(*) FROM contact_tags),
        (SELECT string_agg(outcome || '=' || n, ' ' ORDER BY outcome)
            FROM (SELECT outcome, count(*) AS n FROM import_rows GROUP BY outcome) AS outcomes)) AS t
    FROM (
        SELECT to_jsonb(c) - '{id,workspace_id,created_at,updated_at}'::text[]
            || jsonb_build_object('tags', t.names, 'consents', p.names) AS person
        FROM contacts c
        LEFT JOIN (SELECT contact_id, array_agg(name ORDER BY name) AS names
            FROM contact_tags JOIN tags ON tags.id = tag_id GROUP BY contact_id) t ON t.contact_id = c.id
        LEFT JOIN (SELECT contact_id, array_agg(purposes.name || granted ORDER BY purposes.name) AS names
            FROM consents JOIN purposes ON purposes.id = purpose_id GROUP BY contact_id) p ON p.contact_id = c.id
    ) AS people";

fn report(bench: &Bench, goals: &[u8], rows: u64, rounds: &Rounds) {
    let of = |goal: u8, figures: fn(u64, &Rounds) -> Vec<Figure>| {
        if goals.contains(&goal) {
            let figures = figures(rows, rounds).into_iter();
            bench.report(
                figures.map(|figure| if rows < JUDGED_FROM { figure.unjudged() } else { figure }),
            );
        }
    };
    of(1, against_copy);
    of(2, overlapping_against_copy);
    of(3, against_loader);
    if goals.contains(&4) {
        bench.report([memory(bench, rows, &rounds.new)]);
    }
    of(5, steadiness);
    of(6, plan_to_commit);
    of(7, same_again);
    of(8, client_share);
    of(1, indexing);
    of(1, telling);
    of(9, killed_to_whole);
    for (what, imports) in [
        ("new", &rounds.new),
        ("new, told to a webhook", &rounds.told),
        ("again", &rounds.again),
        ("30 % overlap", &rounds.overlapping),
        ("30 % overlap, never analysed", &rounds.unknown_base),
    ] {
        bench.report_costs(import::costs(rows, what, imports));
    }
}

fn seconds(cost: &Cost) -> f64 {
    cost.wall.as_secs_f64()
}

fn middle<T>(list: &[T], of: impl Fn(&T) -> f64) -> f64 {
    median(list.iter().map(of))
}

/// COPY to import, whole and commit alone; the median of the ratios of each round.
fn copy_ratios(
    goal: u8,
    what: &str,
    bounds: (f64, f64),
    imports: &[Imported],
    copies: &[Cost],
) -> Vec<Figure> {
    let ratio = |of: fn(&Imported) -> Cost| {
        median(
            imports.iter().zip(copies).map(|(import, copy)| seconds(copy) / seconds(&of(import))),
        )
    };
    let copied = middle(copies, seconds);
    let copied_cpu = middle(copies, |copy| copy.postgres.as_secs_f64());
    let copied_wal = middle(copies, |copy| copy.wal as f64 / 1e6);
    let imported = middle(imports, |import| seconds(&import.whole()));
    let committed = middle(imports, |import| seconds(&import.commit));
    let cpu = middle(imports, |import| import.whole().postgres.as_secs_f64());
    let wal = middle(imports, |import| import.whole().wal as f64 / 1e6);
    let service = middle(imports, |import| import.whole().service.as_secs_f64());
    let by_cpu = median(imports.iter().zip(copies).map(|(import, copy)| {
        let whole = import.whole();
        copy.postgres.as_secs_f64() / (whole.postgres + whole.service).as_secs_f64()
    }));
    vec![
        Figure::at_least(
            goal,
            format!("import of {what} to COPY of its result"),
            ratio(Imported::whole),
            bounds.0,
            bounds.1,
        )
        .raw(format!(
            "COPY {copied:.2} s ({copied_cpu:.2} s CPU, {copied_wal:.0} MB WAL), \
                 import {imported:.2} s ({cpu:.2} s CPU, {wal:.0} MB WAL)"
        ))
        .data(json!({
            "copy_seconds": copied, "copy_cpu_seconds": copied_cpu, "import_seconds": imported,
            "commit_seconds": committed, "import_postgres_cpu_seconds": cpu,
        })),
        // the clock of a busy machine says little; its CPU time says more
        Figure::noted(goal, format!("the same in CPU time, {what}"), by_cpu)
            .raw(format!("COPY {copied_cpu:.2} s, import {:.2} s", cpu + service)),
        Figure::noted(goal, format!("the commit of {what} alone"), ratio(|import| import.commit))
            .raw(format!("COPY {copied:.2} s, commit {committed:.2} s")),
    ]
}

fn against_copy(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let what = format!("{} new rows", words(rows));
    copy_ratios(1, &what, (0.5, 0.75), &rounds.new, &rounds.new_copied)
}

fn overlapping_against_copy(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let what = format!("{0} rows into {0} (30 % overlap)", words(rows));
    copy_ratios(2, &what, (0.4, 0.7), &rounds.overlapping, &rounds.overlapping_copied)
}

fn against_loader(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    if rounds.loaded.is_empty() {
        return Vec::new();
    }
    let pairs = rounds.new.iter().zip(&rounds.loaded);
    let ratio = median(pairs.map(|(import, loaded)| seconds(loaded) / seconds(&import.whole())));
    let loaded = middle(&rounds.loaded, seconds);
    let imported = middle(&rounds.new, |import| seconds(&import.whole()));
    let figure = Figure::at_least(
        3,
        format!("import of {} new rows to a loader row by row", words(rows)),
        ratio,
        5.0,
        10.0,
    )
    .unit(Unit::Times)
    .raw(format!("loader {loaded:.2} s, import {imported:.2} s"))
    .data(json!({ "loader_seconds": loaded, "import_seconds": imported }));
    vec![figure]
}

fn memory(bench: &Bench, rows: u64, imports: &[Imported]) -> Figure {
    let grown = imports.iter().map(|import| import.growth as f64 / f64::from(1 << 20));
    let what = format!("growth of the service's memory at {} rows", words(rows));
    // the goal is that it does not follow the rows
    let smaller = bench
        .figures_of(4)
        .into_iter()
        .map(|figure| format!(", {:.1} {}", figure.value, figure.what));
    let smaller: String = smaller.collect();
    Figure::at_most(4, what, grown.fold(f64::NAN, f64::max), 64.0, 16.0).unit(Unit::MiB).raw(
        format!(
            "peak over idle, the most of all rounds{}",
            smaller.replace("growth of the service's memory ", "")
        ),
    )
}

fn steadiness(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let tenths = |imports: &[Imported]| middle(imports, Imported::last_tenth_to_first);
    let mut figures = vec![
        Figure::at_least(
            5,
            format!("last tenth of {} new rows to the first", words(rows)),
            tenths(&rounds.new),
            0.7,
            0.9,
        ),
        Figure::at_least(
            5,
            format!("last tenth of {0} rows into {0} to the first", words(rows)),
            tenths(&rounds.overlapping),
            0.7,
            0.9,
        ),
    ];
    // a tenth of less is a fraction of a chunk
    if rows < LARGE {
        figures = figures.into_iter().map(Figure::unjudged).collect();
    }
    let pairs = rounds.unknown_base.iter().zip(&rounds.overlapping);
    let ratio =
        median(pairs.map(|(unknown, known)| seconds(&known.whole()) / seconds(&unknown.whole())));
    let unknown = middle(&rounds.unknown_base, |import| seconds(&import.whole()));
    let known = middle(&rounds.overlapping, |import| seconds(&import.whole()));
    figures.push(
        Figure::at_least(
            5,
            format!("{0} rows into {0} never analysed to analysed", words(rows)),
            ratio,
            0.7,
            0.9,
        )
        .raw(format!("never analysed {unknown:.2} s, analysed {known:.2} s")),
    );
    figures
}

fn plan_to_commit(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let figure = |what: String, imports: &[Imported]| {
        let ratio = middle(imports, |import| seconds(&import.plan) / seconds(&import.commit));
        let plan = middle(imports, |import| seconds(&import.plan));
        let commit = middle(imports, |import| seconds(&import.commit));
        Figure::at_most(6, what, ratio, 0.6, 0.4)
            .raw(format!("plan {plan:.2} s, commit {commit:.2} s"))
    };
    let mut figures =
        vec![figure(format!("plan of {} new rows to its commit", words(rows)), &rounds.new)];
    if !rounds.overlapping.is_empty() {
        figures.push(figure(
            format!("plan of {0} rows into {0} to its commit", words(rows)),
            &rounds.overlapping,
        ));
    }
    figures
}

/// What an import leaves to be done after it: noted, for COPY leaves it undone too.
fn indexing(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let pairs = rounds.new.iter().zip(&rounds.indexed);
    let ratio = median(pairs.map(|(new, indexed)| seconds(indexed) / seconds(&new.whole())));
    let wall = middle(&rounds.indexed, seconds);
    let cpu = middle(&rounds.indexed, |cost| (cost.postgres + cost.service).as_secs_f64());
    let wal = middle(&rounds.indexed, |cost| cost.wal as f64 / 1e6);
    let what =
        format!("the search index, behind the import of {} new rows, to that import", words(rows));
    vec![
        Figure::noted(1, what, ratio)
            .raw(format!("{wall:.2} s ({cpu:.2} s CPU, {wal:.0} MB WAL) after its end")),
    ]
}

fn telling(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let pairs = rounds.new.iter().zip(&rounds.told);
    let ratio = median(pairs.map(|(new, told)| seconds(&told.whole()) / seconds(&new.whole())));
    let wall = |imports: &[Imported]| middle(imports, |import| seconds(&import.commit));
    let (quiet, told) = (wall(&rounds.new), wall(&rounds.told));
    let what = format!(
        "import of {} new rows with a webhook for events of contacts, to one without",
        words(rows)
    );
    vec![Figure::noted(1, what, ratio).raw(format!("commits {told:.2} s and {quiet:.2} s"))]
}

/// Waits until the search index knows everybody an import made.
fn index(bench: &Bench, database: &str) -> Outcome<()> {
    while bench.postgres.number(database, "SELECT count(*) AS n FROM contact_search_lag")? > 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn same_again(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let pairs = rounds.new.iter().zip(&rounds.again);
    let ratio = median(pairs.map(|(new, again)| seconds(&new.whole()) / seconds(&again.whole())));
    let first = middle(&rounds.new, |import| seconds(&import.whole()));
    let again = middle(&rounds.again, |import| seconds(&import.whole()));
    let unchanged = middle(&rounds.again, |import| import.count("unchanged") as f64);
    let figure = Figure::at_least(
        7,
        format!("the same {} rows again to the first time", words(rows)),
        ratio,
        1.0,
        2.0,
    )
    .unit(Unit::Times)
    .raw(format!("first {first:.2} s, again {again:.2} s ({unchanged} rows unchanged)"));
    vec![figure]
}

fn client_share(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let parts = |import: &Imported| {
        let whole = import.whole();
        (whole.service.as_secs_f64(), whole.postgres.as_secs_f64())
    };
    let ratio = middle(&rounds.new, |import| {
        let (service, postgres) = parts(import);
        service / (service + postgres)
    });
    let service = middle(&rounds.new, |import| parts(import).0);
    let postgres = middle(&rounds.new, |import| parts(import).1);
    let figure = Figure::at_most(
        8,
        format!("client CPU of all CPU, {} new rows", words(rows)),
        ratio,
        0.2,
        0.1,
    )
    .raw(format!("service {service:.2} s, PostgreSQL {postgres:.2} s"));
    vec![figure]
}

fn killed_to_whole(rows: u64, rounds: &Rounds) -> Vec<Figure> {
    let pairs = rounds.killed.iter().zip(&rounds.new);
    let ratio = median(pairs.map(|(killed, new)| killed.as_secs_f64() / seconds(&new.whole())));
    let killed = middle(&rounds.killed, Duration::as_secs_f64);
    let whole = middle(&rounds.new, |import| seconds(&import.whole()));
    let (ratio, end) = match rounds.differing {
        0 => (ratio, "end state exact".to_owned()),
        // however fast it was
        differing => (f64::NAN, format!("END STATE DIFFERS in {differing} rounds")),
    };
    let figure = Figure::at_most(
        9,
        format!("{} new rows, killed and resumed, to uninterrupted", words(rows)),
        ratio,
        1.15,
        1.05,
    )
    .raw(format!("killed {killed:.2} s, uninterrupted {whole:.2} s, {end}"));
    vec![figure]
}

/// `10 k`, `1 M`
pub(crate) fn words(rows: u64) -> String {
    match rows {
        _ if rows > 0 && rows.is_multiple_of(1_000_000) => format!("{} M", rows / 1_000_000),
        _ if rows > 0 && rows.is_multiple_of(1_000) => format!("{} k", rows / 1_000),
        _ => rows.to_string(),
    }
}

impl Bench {
    /// How often something that long is measured.
    pub(crate) fn rounds(&self, rows: u64) -> u32 {
        self.rounds.unwrap_or(if rows < LARGE { 3 } else { 1 }).max(1)
    }

    /// A generated file; made once.
    pub(crate) fn file(&self, rows: u64, people: People) -> Outcome<PathBuf> {
        let path = self.folder.join(format!("{people:?}-{rows}.csv").to_lowercase());
        if !path.is_file() {
            generator::write(&path, rows, people)?;
        }
        Ok(path)
    }

    /// Name of a template with a file of `rows` rows of [`People::New`] imported, vacuumed and analysed;
    /// made once.
    pub(crate) fn base(&self, rows: u64) -> Outcome<String> {
        let name = format!("base_{rows}");
        if !self.postgres.has(&name)? {
            self.say(&format!("a base of {} rows", words(rows)));
            self.postgres.create("making", EMPTY)?;
            let service = Service::start(self, "making")?;
            import::import(self, &service, &self.file(rows, People::New)?, "base")?;
            index(self, "making")?;
            service.stop()?;
            self.keep_as_base("making", rows)?;
            self.postgres.remove("making")?;
        }
        Ok(name)
    }

    /// Makes [`Bench::base`] of a database that is as it should be.
    fn keep_as_base(&self, database: &str, rows: u64) -> Outcome<()> {
        let name = format!("base_{rows}");
        if self.postgres.has(&name)? {
            return Ok(());
        }
        self.postgres.create("draft", database)?;
        self.postgres.execute("draft", "VACUUM (ANALYZE)")?;
        self.postgres.execute("postgres", &format!("ALTER DATABASE draft RENAME TO {name}"))
    }

    /// The same base, but the planner knows nothing of it.
    fn base_without_statistics(&self, rows: u64) -> Outcome<String> {
        let name = format!("unknown_{rows}");
        if !self.postgres.has(&name)? {
            self.postgres.create(&name, &self.base(rows)?)?;
            // what a table that was filled and never analysed looks like
            self.postgres.execute(
                &name,
                "DELETE FROM pg_statistic;
                 UPDATE pg_class SET reltuples = -1, relpages = 0, relallvisible = 0
                 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')",
            )?;
        }
        Ok(name)
    }

    /// Forgets the bases of a size, which are large.
    pub(crate) fn forget_bases(&self, rows: u64) -> Outcome<()> {
        self.postgres.remove(&format!("unknown_{rows}"))?;
        self.postgres.remove(&format!("base_{rows}"))?;
        for people in [People::New, People::Overlapping] {
            remove_file(&self.folder.join(format!("{people:?}-{rows}.csv").to_lowercase()));
        }
        Ok(())
    }
}

fn remove_file(path: &Path) {
    // it may never have been made
    let _ = std::fs::remove_file(path);
}
