//! The disk is full, or cannot be written any more, while an import writes: it ends with a clear problem or
//! goes on when there is room again, the service lives through it, and nothing of what it said is lost.
//!
//! The data directory, the private PostgreSQL in it, lies on a small file system of its own (ext4 in a
//! file, which needs root). "Read-only" is what a kernel does when a disk fails: every write is refused
//! from one moment to the next, on open files too (`mount -o remount,abort`). The short form needs no
//! rights: PostgreSQL's processes get a limit on the size of files, which the table of contacts has passed.

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::figure::Time;
use super::processes::{Installation, Process, Site, wait_for};
use super::{Chance, Form, Report};
use crate::client::Client;

/// Size of the file system: room for what the rounds leave behind, and for PostgreSQL's write-ahead log.
const BYTES: u64 = 4 << 30;
/// How long the trouble lasts when the import does not end by itself.
const TROUBLE: Duration = Duration::from_secs(20);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// A small file system in a file.
struct Volume {
    image: RefCell<PathBuf>,
    folder: PathBuf,
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    succeed(Command::new(program).args(arguments))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

impl Volume {
    fn new() -> Result<Self, String> {
        let name = format!("kartoteka-faults-{}-disk", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        let image = folder.with_extension("img");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let made = File::create(&image).and_then(|file| file.set_len(BYTES));
        made.map_err(|error| error.to_string())?;
        let volume = Self { image: RefCell::new(image), folder };
        // no room is kept back for root
        run("mkfs.ext4", &["-q", "-m", "0", &volume.image.borrow().to_string_lossy()])?;
        volume.mount()?;
        Ok(volume)
    }

    fn mount(&self) -> Result<(), String> {
        let (image, folder) = (self.image.borrow(), self.folder.to_string_lossy());
        run("mount", &["-o", "loop", &image.to_string_lossy(), &folder])
    }

    /// Puts a new disk with what is on the failed one in its place. The kernel never lets a file system write
    /// again that it gave up, as long as anybody has a file open there, and the service lives on and has.
    fn replace(&self) -> Result<(), String> {
        self.unmount()?;
        let failed = self.image.borrow().clone();
        let new = failed.with_extension("new.img");
        let copied =
            run("cp", &["--sparse=always", &failed.to_string_lossy(), &new.to_string_lossy()]);
        let _ = fs::remove_file(&failed);
        copied?;
        self.image.replace(new);
        self.mount()
    }

    fn unmount(&self) -> Result<(), String> {
        // whoever has files open there keeps them; the path is free at once
        run("umount", &["--lazy", &self.folder.to_string_lossy()])
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Takes all room but so many bytes.
    fn fill(&self, but: u64) -> Result<(), String> {
        let ballast = self.ballast();
        File::create(&ballast).map_err(|error| error.to_string())?;
        let path = ballast.to_string_lossy().into_owned();
        // halves the step until nothing fits: whatever the others write meanwhile
        let (mut size, mut step) = (0_u64, BYTES);
        while step >= 4_096 {
            if run("fallocate", &["-l", &(size + step).to_string(), &path]).is_ok() {
                size += step;
            } else {
                step /= 2;
            }
        }
        let file = File::options().write(true).open(&ballast).map_err(|error| error.to_string())?;
        file.set_len(size.saturating_sub(but)).map_err(|error| error.to_string())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = self.unmount();
        let _ = fs::remove_file(&*self.image.borrow());
        let _ = fs::remove_dir(&self.folder);
    }
}

/// What the disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Full,
    ReadOnly,
    Limit,
}

impl Trouble {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full disk",
            Self::ReadOnly => "read-only disk",
            Self::Limit => "limit on the size of files",
        }
    }

    fn begin(
        self,
        site: &Installation,
        volume: Option<&Volume>,
        chance: &mut Chance,
    ) -> Result<(), String> {
        match (self, volume) {
            (Self::Full, Some(volume)) => volume.fill(chance.below(2 << 20)),
            (Self::ReadOnly, Some(volume)) => {
                run("mount", &["-o", "remount,abort", &volume.folder.to_string_lossy()])
            }
            _ => limit_files(site, &LIMIT.to_string()),
        }
    }

    fn end(self, site: &Installation, volume: Option<&Volume>) -> Result<(), String> {
        match (self, volume) {
            (Self::Full, Some(volume)) => {
                fs::remove_file(volume.ballast()).map_err(|error| error.to_string())
            }
            (Self::ReadOnly, Some(volume)) => volume.replace(),
            _ => limit_files(site, "unlimited"),
        }
    }
}

/// Above the size of a file of the log that is written ahead, which must go on.
const LIMIT: u64 = 20 << 20;

/// Limits the files of a running PostgreSQL, of the processes it has and of those to come.
fn limit_files(site: &Installation, bytes: &str) -> Result<(), String> {
    let postmaster = site.postmaster().ok_or("PostgreSQL does not run")?;
    let children = format!("/proc/{postmaster}/task/{postmaster}/children");
    let children = fs::read_to_string(children).map_err(|error| error.to_string())?;
    let limit = format!("--fsize={bytes}:unlimited");
    let limited = |process: &str| {
        let mut command = site.as_postgres(Path::new("prlimit"));
        succeed(command.args(["--pid", process, &limit]))
    };
    for child in children.split_whitespace() {
        // one that has ended meanwhile needs no limit
        let _ = limited(child);
    }
    limited(&postmaster.to_string())
}

/// What was seen from outside while the trouble lasted.
#[derive(Default)]
struct Seen {
    failed: u64,
    went_on: u64,
    away: u64,
    vague: Vec<String>,
    wrong: Vec<String>,
    dead: Vec<String>,
    acknowledged: Vec<String>,
    back: Duration,
}

/// `times` imports into a disk that fills up, and as many into one that fails.
pub fn trouble(form: Form, report: &mut Report) {
    let (volume, troubles) = if form.short {
        (None, [Trouble::Limit].as_slice())
    } else {
        match Volume::new() {
            Ok(volume) => (Some(volume), [Trouble::Full, Trouble::ReadOnly].as_slice()),
            Err(error) => {
                report.judge("a file system to fill", "mounted", error, false);
                return;
            }
        }
    };
    let site = Installation::new(Site {
        folder: volume.as_ref().map(|volume| volume.folder.join("data")),
        private: true,
        ..Site::default()
    });
    let mut range = Range {
        serve: site.serve(),
        worker: site.worker(),
        client: site.client(),
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        chance: Chance::new(form.seed),
        rows: form.pick(60_000, 6_000),
        site: &site,
    };
    if form.short {
        // the table passes the limit, so that it cannot grow any more
        site.execute(
            "INSERT INTO contacts (workspace_id, id, details, origin, search, created_at, updated_at)
             SELECT w.id, gen_random_uuid(), jsonb_build_object('pad', repeat(md5(n::text), 30)), 'api', '', now(), now()
             FROM workspaces w, generate_series(1, 30000) AS n",
        );
        site.execute("INSERT INTO contact_search SELECT workspace_id, id, search FROM contacts");
        site.execute("UPDATE workspace_usage SET live = live + 30000 WHERE ctid = (SELECT min(ctid) FROM workspace_usage)");
    }
    for trouble in troubles.iter().copied() {
        let mut seen = Seen::default();
        for round in 0..form.times {
            range.round(trouble, volume.as_ref(), round, &mut seen);
        }
        judge(form, report, trouble, &seen, &range);
    }
    report.none("rules of the tables that are broken", &site.breaches());
    drop(range);
    drop(site);
    drop(volume);
}

struct Range<'a> {
    site: &'a Installation,
    serve: Process,
    worker: Process,
    client: Client,
    runtime: Runtime,
    chance: Chance,
    rows: u64,
}

impl Range<'_> {
    fn call(&self, request: crate::client::Request, status: u16) -> Value {
        self.runtime.block_on(async { request.await.expect(status).json })
    }

    fn import(&self, id: &str) -> Option<Value> {
        let path = format!("/imports/{id}");
        let answer = self.runtime.block_on(self.client.get(path).attempt()).ok()?;
        (answer.status == 200).then_some(answer.json)
    }

    fn wait_for_state(&self, id: &str, states: &[&str]) -> String {
        let mut state = String::new();
        wait_for(&format!("the import is {states:?}"), PATIENCE, || {
            let import = self.import(id).unwrap_or_default();
            state = import["state"].as_str().unwrap_or_default().to_owned();
            states.contains(&state.as_str())
        });
        state
    }

    /// Plans an import of new contacts.
    fn planned(&self, name: &str) -> String {
        let mut list = String::from("e,f,t,k\n");
        for n in 0..self.rows {
            list.push_str(&format!("{name}-{n}@example.com,N{n},t{},yes\n", n % 7));
        }
        let client = &self.client;
        let id = self.call(client.post("/imports").json(&json!({})), 201)["id"].clone();
        let id = id.as_str().unwrap().to_owned();
        self.call(client.put(format!("/imports/{id}/data")).bytes("text/csv", list), 200);
        let header = json!({ "first_row": "header" });
        self.call(client.put(format!("/imports/{id}/header")).json(&header), 200);
        let mapping = json!({ "columns": [
            { "index": 0, "target": "email" }, { "index": 1, "target": "first_name" },
            { "index": 2, "target": "tags" }, { "index": 3, "target": "consent:email_basic" },
        ] });
        self.call(client.put(format!("/imports/{id}/mapping")).json(&mapping), 200);
        // what an import that failed had written waits in the trash when it was undone
        let restore = json!({ "in_trash": { "action": "restore_and_update" } });
        let matching = json!({ "mode": "match", "key": "email", "outcomes": restore });
        self.call(client.put(format!("/imports/{id}/matching")).json(&matching), 202);
        let state = self.wait_for_state(&id, &["awaiting_commit", "failed"]);
        assert_eq!(state, "awaiting_commit", "there is room for a plan");
        id
    }

    fn commit(&self, id: &str) {
        let plan = self.call(self.client.get(format!("/imports/{id}/plan")), 200);
        let body = json!({ "plan_hash": plan["hash"] });
        self.call(self.client.post(format!("/imports/{id}/commit")).json(&body), 202);
    }

    fn contacts_of(&self, name: &str) -> u64 {
        let count = self.site.count(&format!(
            "SELECT count(*) AS n FROM contacts WHERE email_key LIKE '{name}-%' AND trashed_at IS NULL"
        ));
        count.unsigned_abs()
    }

    fn round(&mut self, trouble: Trouble, volume: Option<&Volume>, round: u64, seen: &mut Seen) {
        let name = format!("{}{round}", &trouble.name()[..4]);
        let id = self.planned(&name);
        if trouble == Trouble::Limit {
            trouble.begin(self.site, volume, &mut self.chance).unwrap();
            self.commit(&id);
        } else {
            self.commit(&id);
            wait_for("the import writes", PATIENCE, || {
                self.import(&id).is_some_and(|import| {
                    import["state"] != "running" || import["job"]["state"] == "running"
                })
            });
            std::thread::sleep(self.chance.moment(Duration::from_millis(700)));
            trouble.begin(self.site, volume, &mut self.chance).unwrap();
        }
        let state = self.watch(&id, &name, seen);
        trouble.end(self.site, volume).unwrap();
        let room = Instant::now();
        wait_for("the API works again", PATIENCE, || self.import(&id).is_some());
        seen.back = seen.back.max(room.elapsed());

        // whatever had not ended by then goes on by itself
        let state = state.unwrap_or_else(|| self.wait_for_state(&id, &["done", "failed"]));
        if state == "done" {
            seen.went_on += 1;
        } else {
            seen.failed += 1;
            let import = self.import(&id).unwrap_or_default();
            let code = import["problem"]["code"].as_str().unwrap_or_default();
            if !matches!(code, "storage_full" | "storage_read_only") {
                seen.vague.push(import["problem"].to_string());
            }
            // what it wrote can be taken back, and there is room for all of it now
            self.call(self.client.post(format!("/imports/{id}/revert")), 202);
            self.wait_for_state(&id, &["reverted"]);
            let again = self.planned(&name);
            self.commit(&again);
            let state = self.wait_for_state(&again, &["done", "failed"]);
            assert_eq!(state, "done", "there is room for the list");
        }
        let there = self.contacts_of(&name);
        if there != self.rows {
            seen.wrong.push(format!("{there} contacts of {} after {}", self.rows, trouble.name()));
        }
        for email in seen.acknowledged.drain(..) {
            if self
                .site
                .count(&format!("SELECT count(*) AS n FROM contacts WHERE email_key = '{email}'"))
                != 1
            {
                seen.wrong.push(format!("{email} was acknowledged and is lost"));
            }
        }
    }

    /// Asks and writes while the trouble lasts, until the import has ended.
    fn watch(&mut self, id: &str, name: &str, seen: &mut Seen) -> Option<String> {
        let since = Instant::now();
        let mut ended = None;
        for n in 0.. {
            let email = format!("post-{name}-{n}@example.com");
            let body = json!({ "email": email });
            let requests = [
                (self.client.get("/healthz"), [200].as_slice()),
                (self.client.get("/contacts?limit=1"), &[200, 503]),
                (self.client.post("/contacts").json(&body), &[201, 503, 507]),
            ];
            for (request, allowed) in requests {
                match self.runtime.block_on(request.attempt()) {
                    Ok(answer) if allowed.contains(&answer.status) => {
                        seen.away += u64::from(answer.status == 503);
                        if answer.status == 201 {
                            seen.acknowledged.push(email.clone());
                        }
                    }
                    Ok(answer) => seen.dead.push(format!("{answer:?}")),
                    Err(error) => seen.dead.push(format!("{error:?}")),
                }
            }
            for (process, name) in [(&mut self.serve, "the API"), (&mut self.worker, "the worker")]
            {
                if !process.is_alive() {
                    seen.dead.push(format!("{name} ended"));
                }
            }
            let state = self.import(id).map(|import| import["state"].clone());
            if let Some(state) = state.as_ref().and_then(Value::as_str)
                && matches!(state, "done" | "failed")
            {
                ended = Some(state.to_owned());
            }
            if ended.is_some() || since.elapsed() > TROUBLE {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        ended
    }
}

fn judge(form: Form, report: &mut Report, trouble: Trouble, seen: &Seen, range: &Range<'_>) {
    let name = trouble.name();
    report.judge(
        format!("{name}: imports that ended with a clear problem, or went on when it was over"),
        format!("{} of {} rows", form.times, range.rows),
        format!("{} failed clearly, {} went on", seen.failed, seen.went_on),
        // a limit leaves PostgreSQL its own files: there the import must say what happened
        seen.failed + seen.went_on == form.times
            && (trouble != Trouble::Limit || seen.went_on == 0),
    );
    report.none(format!("{name}: problems that do not say what it is"), &seen.vague);
    report.none(format!("{name}: a dead process, or answers other than 2xx, 503, 507"), &seen.dead);
    report.none(
        format!("{name}: rows or acknowledged writes that are not there after it"),
        &seen.wrong,
    );
    report.judge(
        format!("{name}: the API works again"),
        "at most 30 s",
        format!("{} after there is room ({} answers 503 before)", Time(seen.back), seen.away),
        seen.back < Duration::from_secs(30),
    );
}
