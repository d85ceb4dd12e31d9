//! The README's tour prints what the README says.
//!
//! The lines of its `console` blocks are run by one shell against a real server with a real worker, and
//! what they print is compared. `README_UPDATE=1` writes what was printed into the README instead.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use kartoteka_app::worker::Runner;
use kartoteka_tests::{PASSWORD, TestApp};

/// A part of the README.
enum Part {
    /// Text that is left alone.
    Text(String),
    /// A command with what it prints.
    Step { command: Vec<String>, printed: Vec<String> },
}

fn parts(readme: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut console = false;
    for line in readme.lines() {
        let fence = line.starts_with("```");
        if fence {
            console = line == "```console";
        }
        match parts.last_mut() {
            _ if fence || !console => parts.push(Part::Text(line.to_owned())),
            _ if line.starts_with("$ ") => {
                parts.push(Part::Step { command: vec![line[2..].to_owned()], printed: Vec::new() });
            }
            Some(Part::Step { command, printed })
                if printed.is_empty() && line.starts_with("> ") =>
            {
                command.push(line[2..].to_owned());
            }
            Some(Part::Step { printed, .. }) => printed.push(line.to_owned()),
            _ => parts.push(Part::Text(line.to_owned())),
        }
    }
    parts
}

/// What the shell printed for each command.
fn run(script: &str, root: &PathBuf) -> Vec<Vec<String>> {
    let mut shell = Command::new("bash")
        .arg("-s")
        .current_dir(root)
        .env("PASSWORD", PASSWORD)
        .env("NO_PROXY", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("bash runs");
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split('\u{1e}')
        .skip(1)
        .map(|step| step.lines().skip(1).map(str::to_owned).collect())
        .collect()
}

/// PLT-2, IMP-2, IMP-13, IMP-15, IMP-16, IMP-18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_prints_what_the_readme_says() {
    for tool in ["bash", "curl", "jq"] {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).status();
        assert!(found.is_ok(), "{tool} is missing: scripts/setup test installs it");
    }
    let app = TestApp::new().await;
    let runner = Runner::start(app.jobs_environment(), "tour".into(), 1).unwrap();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
    let path = root.join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let mut parts = parts(&readme);
    let mut script = String::new();
    let mut steps = 0;
    for part in &parts {
        if let Part::Step { command, .. } = part {
            let command = command
                .join("\n")
                .replace("http://127.0.0.1:8080", app.url())
                .replace("admin@example.com", &app.home().email);
            // a command must not read the rest of the script
            writeln!(script, "printf '\\x1e%s\\n' {steps}\n{{ {command}\n}} </dev/null").unwrap();
            steps += 1;
        }
    }
    assert!(steps > 10, "the README has a tour");
    let printed = tokio::task::spawn_blocking(move || run(&script, &root)).await.unwrap();
    tokio::task::spawn_blocking(move || runner.stop()).await.unwrap();
    assert_eq!(printed.len(), steps, "every command was run");
    if std::env::var_os("README_UPDATE").is_some() {
        let mut now = printed.into_iter();
        let mut text = String::new();
        for part in &mut parts {
            match part {
                Part::Text(line) => writeln!(text, "{line}").unwrap(),
                Part::Step { command, .. } => {
                    for (at, line) in command.iter().enumerate() {
                        writeln!(text, "{} {line}", if at == 0 { '$' } else { '>' }).unwrap();
                    }
                    for line in now.next().unwrap() {
                        writeln!(text, "{line}").unwrap();
                    }
                }
            }
        }
        std::fs::write(path, text).unwrap();
        return;
    }
    let said = parts.iter().filter_map(|part| match part {
        Part::Step { command, printed } => Some((command, printed)),
        Part::Text(_) => None,
    });
    for ((command, said), printed) in said.zip(&printed) {
        assert_eq!(said, printed, "README.md: {}", command.join("\n"));
    }
}
