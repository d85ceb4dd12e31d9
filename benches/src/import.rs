//! An import through the API, step by step, and what each step cost.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::figure::median;
use crate::generator;
use crate::imports::words;
use crate::postgres::{Postgres, Usage};
use crate::service::Service;
use crate::{Bench, Outcome};

/// What a stretch of time cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// On the clock.
    pub(crate) wall: Duration,
    /// CPU of PostgreSQL's processes.
    pub(crate) postgres: Duration,
    /// CPU of the service.
    pub(crate) service: Duration,
    /// Write-ahead log, in bytes.
    pub(crate) wal: i64,
}

impl std::ops::Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            wall: self.wall + other.wall,
            postgres: self.postgres + other.postgres,
            service: self.service + other.service,
            wal: self.wal + other.wal,
        }
    }
}

/// A watch that also reads what the processes used.
pub(crate) struct Watch<'a> {
    postgres: &'a Postgres,
    service: Option<&'a Service>,
    began: Instant,
    usage: Usage,
    cpu: Duration,
}

impl<'a> Watch<'a> {
    pub(crate) fn start(postgres: &'a Postgres, service: Option<&'a Service>) -> Outcome<Self> {
        let cpu = service.map(Service::cpu).transpose()?.unwrap_or_default();
        let usage = postgres.usage()?;
        Ok(Self { postgres, service, began: Instant::now(), usage, cpu })
    }

    pub(crate) fn stop(self) -> Outcome<Cost> {
        let wall = self.began.elapsed();
        let usage = self.postgres.usage()?;
        let cpu = self.service.map(Service::cpu).transpose()?.unwrap_or_default();
        Ok(Cost {
            wall,
            postgres: usage.cpu.saturating_sub(self.usage.cpu),
            service: cpu.saturating_sub(self.cpu),
            wal: usage.wal - self.usage.wal,
        })
    }
}

/// An import that is done.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    /// The bytes sent, header and mapping said.
    pub(crate) upload: Cost,
    /// From the matching to the plan.
    pub(crate) plan: Cost,
    /// From the commit to its end.
    pub(crate) commit: Cost,
    /// What became of the rows.
    pub(crate) summary: Value,
    /// When so many rows of the commit were done.
    pub(crate) progress: Vec<(Duration, i64)>,
    /// How much the service's memory grew at most, in bytes.
    pub(crate) growth: u64,
}

impl Imported {
    /// All of it.
    pub(crate) fn whole(&self) -> Cost {
        self.upload + self.plan + self.commit
    }

    /// Rows a second in the last tenth of the commit's chunks, to those in the first tenth. `NaN` when
    /// there are too few.
    pub(crate) fn last_tenth_to_first(&self) -> f64 {
        let Some((end, rows)) = self.progress.last().copied() else { return f64::NAN };
        let tenth = rows as f64 / 10.0;
        let speed = |(from, before): (Duration, i64), (to, after): (Duration, i64)| {
            (after - before) as f64 / (to.saturating_sub(from)).as_secs_f64()
        };
        let first = self.progress.iter().find(|(_, done)| *done as f64 >= tenth);
        let last = self.progress.iter().rfind(|(_, done)| *done as f64 <= rows as f64 - tenth);
        match (first, last) {
            (Some(first), Some(last)) => {
                speed(*last, (end, rows)) / speed((Duration::ZERO, 0), *first)
            }
            _ => f64::NAN,
        }
    }

    /// A count of the summary.
    pub(crate) fn count(&self, name: &str) -> i64 {
        self.summary.get(name).and_then(Value::as_i64).unwrap_or_default()
    }
}

/// An import whose plan is made.
pub(crate) struct Planned {
    /// Id of the import.
    pub(crate) id: String,
    pub(crate) upload: Cost,
    pub(crate) plan: Cost,
}

/// Imports a generated file, step by step: matched by e-mail, rows of one person merged. `label` names the
/// file of plans, when they are collected.
pub(crate) fn import(
    bench: &Bench,
    service: &Service,
    file: &Path,
    label: &str,
) -> Outcome<Imported> {
    let explained = bench.explain_from()?;
    let Planned { id, upload, plan } = plan(bench, service, file)?;
    let watch = Watch::start(&bench.postgres, Some(service))?;
    let progress = follow(service, &begin_commit(service, &id)?)?;
    let commit = watch.stop()?;
    let summary = service.client().get(&format!("/imports/{id}"))?["summary"].clone();
    bench.explain_to(explained, label)?;
    Ok(Imported { upload, plan, commit, summary, progress, growth: service.growth()? })
}

/// The steps up to the plan.
pub(crate) fn plan(bench: &Bench, service: &Service, file: &Path) -> Outcome<Planned> {
    let client = service.client();
    let watch = Watch::start(&bench.postgres, Some(service))?;
    let id = text(&client.post("/imports", &json!({}))?, "/id")?;
    client.upload(&format!("/imports/{id}/data"), file)?;
    client.put(&format!("/imports/{id}/header"), &json!({ "first_row": "header" }))?;
    client.put(&format!("/imports/{id}/mapping"), &generator::mapping())?;
    let upload = watch.stop()?;

    let watch = Watch::start(&bench.postgres, Some(service))?;
    let matching = json!({ "mode": "match", "key": "email" });
    let job = client.put(&format!("/imports/{id}/matching"), &matching)?;
    follow(service, &text(&job, "/id")?)?;
    Ok(Planned { id, upload, plan: watch.stop()? })
}

/// Has the plan committed; gives back the job.
pub(crate) fn begin_commit(service: &Service, id: &str) -> Outcome<String> {
    let client = service.client();
    let hash = text(&client.get(&format!("/imports/{id}/plan"))?, "/hash")?;
    let job = client.post(&format!("/imports/{id}/commit"), &json!({ "plan_hash": hash }))?;
    text(&job, "/id")
}

/// Waits until a job has done so many rows.
pub(crate) fn follow_until(service: &Service, job: &str, rows: f64) -> Outcome<()> {
    watch_job(service, job, |_, done| done as f64 >= rows)
}

/// Waits until a job has ended well; gives back when it had got how far.
pub(crate) fn follow(service: &Service, job: &str) -> Outcome<Vec<(Duration, i64)>> {
    let mut progress = vec![(Duration::ZERO, 0)];
    watch_job(service, job, |at, done| {
        if progress.last().is_none_or(|(_, last)| *last != done) {
            progress.push((at, done));
        }
        false
    })?;
    Ok(progress)
}

/// Looks at a job until it has ended well, or until `enough` says so.
fn watch_job(
    service: &Service,
    job: &str,
    mut enough: impl FnMut(Duration, i64) -> bool,
) -> Outcome<()> {
    let began = Instant::now();
    loop {
        let view = service.client().get(&format!("/jobs/{job}"))?;
        let done = view.pointer("/progress/done").and_then(Value::as_i64).unwrap_or_default();
        if enough(began.elapsed(), done) {
            return Ok(());
        }
        match view["state"].as_str() {
            Some("succeeded") => return Ok(()),
            Some("queued" | "running") => {}
            _ => return Err(format!("the job ended badly: {view}").into()),
        }
        // looks cost CPU too: a hundredth of the time so far is exact enough
        std::thread::sleep((began.elapsed() / 100).clamp(MIN_LOOK, MAX_LOOK));
    }
}

const MIN_LOOK: Duration = Duration::from_millis(2);
const MAX_LOOK: Duration = Duration::from_millis(50);

/// A text of an answer.
pub(crate) fn text(answer: &Value, pointer: &str) -> Outcome<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    Ok(text.ok_or_else(|| format!("no {pointer} in {answer}"))?.to_owned())
}

/// What one step of an import cost, the median of the rounds.
#[derive(Clone, Debug)]
pub(crate) struct CostLine {
    rows: u64,
    what: &'static str,
    step: &'static str,
    seconds: f64,
    postgres: f64,
    service: f64,
    wal: f64,
}

/// Its name, and where its cost stands.
type Step = (&'static str, fn(&Imported) -> Cost);

/// One line for each step of an import.
pub(crate) fn costs(rows: u64, what: &'static str, imports: &[Imported]) -> Vec<CostLine> {
    let steps: [Step; 4] = [
        ("upload", |import| import.upload),
        ("plan", |import| import.plan),
        ("commit", |import| import.commit),
        ("whole", Imported::whole),
    ];
    if imports.is_empty() {
        return Vec::new();
    }
    let line = |(step, of): &Step| {
        let each = |part: fn(&Cost) -> f64| median(imports.iter().map(|import| part(&of(import))));
        CostLine {
            rows,
            what,
            step,
            seconds: each(|cost| cost.wall.as_secs_f64()),
            postgres: each(|cost| cost.postgres.as_secs_f64()),
            service: each(|cost| cost.service.as_secs_f64()),
            wal: each(|cost| cost.wal as f64),
        }
    };
    steps.iter().map(line).collect()
}

impl CostLine {
    fn rate(&self) -> f64 {
        self.rows as f64 / self.seconds
    }

    /// A row of the second table in `PERFORMANCE.md`.
    pub(crate) fn markdown(&self) -> String {
        format!(
            "| {} | {} | {} | {:.2} | {:.0} | {:.1} | {:.2} | {:.2} | {:.0} |",
            words(self.rows),
            self.what,
            self.step,
            self.seconds,
            self.rate(),
            1e6 / self.rate(),
            self.postgres,
            self.service,
            self.wal / 1e6,
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "rows": self.rows, "what": self.what, "step": self.step, "seconds": self.seconds,
            "rows_per_second": self.rate(), "postgres_cpu_seconds": self.postgres,
            "service_cpu_seconds": self.service, "wal_bytes": self.wal,
        })
    }
}

impl fmt::Display for CostLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "    {:>6} {:<28} {:<6} {:>8.2} s {:>8.0} rows/s {:>6.1} µs a row   CPU: PostgreSQL {:>7.2} s, service {:>6.2} s   WAL {:>6.0} MB",
            words(self.rows),
            self.what,
            self.step,
            self.seconds,
            self.rate(),
            1e6 / self.rate(),
            self.postgres,
            self.service,
            self.wal / 1e6,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Imported;

    fn imported(progress: &[(u64, i64)]) -> Imported {
        Imported {
            upload: super::Cost::default(),
            plan: super::Cost::default(),
            commit: super::Cost::default(),
            summary: serde_json::Value::Null,
            progress: progress
                .iter()
                .map(|(at, rows)| (Duration::from_millis(*at), *rows))
                .collect(),
            growth: 0,
        }
    }

    #[test]
    fn the_last_tenth_is_compared_with_the_first() {
        let even: Vec<(u64, i64)> = (0..=20).map(|chunk| (chunk * 10, chunk as i64 * 5)).collect();
        assert!((imported(&even).last_tenth_to_first() - 1.0).abs() < 1e-9);
        // the last two chunks take twice as long
        let mut slow = even;
        slow[19].0 += 10;
        slow[20].0 += 20;
        assert!((imported(&slow).last_tenth_to_first() - 0.5).abs() < 1e-9);
    }
}
