//! `kartoteka serve` as a person meets it: started from nothing, used as its own words say,
//! stopped, started again.

#![expect(clippy::unwrap_used, reason = "a broken fixture must stop the test")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a first start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The most that `KARTOTEKA_LOG` is good for.
const LOUD: &str = "debug,kartoteka=trace,kartoteka_domain=trace,kartoteka_persistence=trace,\
    kartoteka_gateways=trace,kartoteka_app=trace,kartoteka_api=trace";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("kartoteka-serve-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kartoteka"));
        for (name, _) in std::env::vars() {
            if name.starts_with("KARTOTEKA_") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(&self.0).env("KARTOTEKA_DATA_DIR", self.0.join("data"));
        command.env("KARTOTEKA_LISTEN", "127.0.0.1:0").env("KARTOTEKA_LOG", "warn");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What a command that ends by itself prints.
    fn run(&self, arguments: &[&str], public_url: &str) -> Result<String, String> {
        let output =
            self.command(arguments).env("KARTOTEKA_PUBLIC_URL", public_url).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let pid_file = self.0.join("data/postgres/cluster/postmaster.pid");
        if let Some(pid) = fs::read_to_string(pid_file)
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned))
        {
            signal("QUIT", &pid);
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server and what it said when it was ready.
struct Server {
    child: Child,
    welcome: String,
    /// What it logs.
    log: PathBuf,
}

impl Server {
    fn start(folder: &Folder, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut command = folder.command(&["serve"]);
        // all that can be switched on: nothing personal may stand there
        command.env("KARTOTEKA_LOG", LOUD);
        adjust(&mut command);
        let log = folder.0.join("server.log");
        command.stderr(fs::File::options().create(true).append(true).open(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Nobody listens any more once the welcome is complete.
                let _ = tell.send(line);
            }
        });
        let mut welcome = String::new();
        // Its last line names the command for a token.
        while !welcome.contains(" token\n") {
            match told.recv_timeout(PATIENCE) {
                Ok(line) => welcome.push_str(&format!("{line}\n")),
                Err(_) => {
                    let _ = child.kill();
                    let said = fs::read_to_string(&log).unwrap();
                    panic!("the server did not start: {welcome}{said}");
                }
            }
        }
        Self { child, welcome, log }
    }

    /// The value beside a word of the welcome.
    fn said(&self, word: &str) -> Option<&str> {
        let line = self.welcome.lines().find(|line| line.trim_start().starts_with(word))?;
        line.trim_start().strip_prefix(word)?.split_whitespace().next()
    }

    fn url(&self) -> &str {
        self.said("Address").unwrap()
    }

    fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let host = self.url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    fn get(&self, path: &str, token: &str) -> (u16, String) {
        self.request("GET", path, &format!("Authorization: Bearer {}\r\n", token.trim()), "")
    }

    fn terminate(mut self, name: &str) {
        signal(name, &self.child.id().to_string());
        assert!(self.child.wait().unwrap().success());
        let log = fs::read_to_string(&self.log).unwrap();
        assert!(log.contains("answered a request"), "nothing was logged");
        let mut secrets = vec!["@example.com", "eyJ", "krt_", "correct horse"];
        // "the one in KARTOTEKA_ADMIN_PASSWORD" tells none
        let password = self.said("Password").filter(|word| *word != "the").map(str::to_owned);
        secrets.extend(password.as_deref());
        for secret in secrets {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} is in the log: {line:?}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, pid: &str) {
    Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
}

fn is_down(folder: &Path) -> bool {
    !folder.join("data/postgres/cluster/postmaster.pid").exists()
}

/// PLT-1, PLT-2
#[test]
fn from_nothing_to_a_token_and_again() {
    let folder = Folder::new("whole");
    let server = Server::start(&folder, |_| {});
    let password = server.said("Password").unwrap().to_owned();
    assert_eq!(server.said("Login"), Some("admin@example.com"));
    for path in ["/healthz", "/readyz", "/openapi.json", "/swagger-ui/"] {
        assert_eq!(server.get(path, "").0, 200, "{path}");
    }

    let form = format!("grant_type=password&username=admin%40example.com&password={password}");
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let (status, answer) = server.request("POST", "/api/v1/auth/token", kind, &form);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("\"access_token\""), "{answer}");

    let url = server.url().to_owned();
    let token = folder.run(&["token"], &url).unwrap();
    let (status, answer) = server.get("/api/v1/workspace", &token);
    assert_eq!(status, 200, "{answer}");
    let narrow = folder.run(&["token", "--scope", "contacts:read"], &url).unwrap();
    assert_eq!(server.get("/api/v1/users", &narrow).0, 403);
    let nobody = folder.run(&["token", "--email", "nobody@example.com"], &url).unwrap_err();
    assert!(nobody.contains("nobody@example.com"), "{nobody}");

    let other = ["workspace", "create", "Second", "--admin-email", "second@example.com"];
    assert!(folder.run(&other, &url).unwrap().contains("Password"));
    assert!(folder.run(&other, &url).unwrap_err().contains("already"));
    server.terminate("TERM");
    assert!(is_down(&folder.0), "PostgreSQL is stopped with the last process");

    let again = Server::start(&folder, |_| {});
    assert_eq!(again.said("Password"), None, "the password is shown once");
    let token = folder
        .run(&["token", "--workspace", "Second", "--email", "second@example.com"], again.url());
    assert_eq!(again.get("/api/v1/workspace", &token.unwrap()).0, 200);
    again.terminate("INT");
    assert!(is_down(&folder.0));
}

#[test]
fn the_demo_gives_something_to_look_at_and_twice_is_no_more() {
    let folder = Folder::new("demo");
    let server = Server::start(&folder, |command| {
        command.env("KARTOTEKA_DEMO", "true").env("KARTOTEKA_ADMIN_PASSWORD", "correct horse 7");
    });
    assert!(!server.welcome.contains("correct horse"), "a given password is not repeated");
    let url = server.url().to_owned();
    let token = folder.run(&["token"], &url).unwrap();
    let usage = || {
        let (status, body) = server.get("/api/v1/workspace", &token);
        assert_eq!(status, 200, "{body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        body["limits"]["contacts"]["live"].as_u64().unwrap()
    };
    let before = usage();
    assert!(before > 500, "{before}");
    folder.run(&["demo"], &url).unwrap();
    assert_eq!(usage(), before);
    server.terminate("TERM");
}
