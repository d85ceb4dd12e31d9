//! The commands that need no database, as a person at a terminal meets them.

#![expect(clippy::unwrap_used, reason = "a broken fixture must stop the test")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn kartoteka(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kartoteka"));
    for (name, _) in std::env::vars() {
        if name.starts_with("KARTOTEKA_") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    let here = std::env::temp_dir();
    command.args(arguments).envs(environment.iter().copied()).current_dir(here);
    command.output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn config_shows_every_setting_and_no_secret() {
    let output = kartoteka(
        &["config"],
        &[
            ("KARTOTEKA_ADMIN_PASSWORD", "correct horse battery"),
            ("KARTOTEKA_METRICS_TOKEN", "scrape-me"),
            ("KARTOTEKA_LISTN", "0.0.0.0:80"),
        ],
    );
    let (out, err) = said(&output);
    assert!(output.status.success(), "{err}");
    for setting in kartoteka::config::SETTINGS {
        assert!(out.contains(&format!("\n{}=", setting.name)), "{}", setting.name);
    }
    assert!(!out.contains("horse") && !out.contains("scrape-me"), "{out}");
    assert!(out.contains("KARTOTEKA_LISTN is no setting"), "{out}");
}

#[test]
fn wrong_values_are_all_told_before_anything_starts() {
    let environment =
        [("KARTOTEKA_LISTEN", "nowhere"), ("KARTOTEKA_WORKERS", "many"), ("DATABASE_URL", "x")];
    let output = kartoteka(&["migrate"], &environment);
    let (_, err) = said(&output);
    assert!(!output.status.success());
    for (name, _) in environment {
        assert!(err.contains(name), "{name}: {err}");
    }
}

#[test]
fn a_rotated_key_is_a_new_file_that_only_its_owner_reads() {
    let folder: PathBuf =
        std::env::temp_dir().join(format!("kartoteka-rotate-{}", std::process::id()));
    let environment = [("KARTOTEKA_KEYS_DIR", folder.to_str().unwrap())];
    let first = said(&kartoteka(&["keys", "rotate"], &environment)).0;
    let second = said(&kartoteka(&["keys", "rotate"], &environment)).0;
    let kid = |out: &str| out.lines().next().unwrap().to_owned();
    assert!(kid(&second) > kid(&first), "the newest is the last by name");
    let pem = std::fs::read_to_string(folder.join(format!("{}.pem", kid(&second)))).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    std::fs::remove_dir_all(folder).unwrap();
}
