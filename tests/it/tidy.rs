//! House rules, as tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kartoteka_api::problem::status_of;
use kartoteka_domain::codes::Code;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every file of the repository with its path from the root; what is built or kept outside is left out.
fn files() -> Vec<(String, PathBuf)> {
    fn visit(folder: &Path, root: &Path, found: &mut Vec<(String, PathBuf)>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if ["target", ".git", ".tools", "data"].contains(&name.as_ref()) && folder == root {
                continue;
            }
            if path.is_dir() {
                visit(&path, root, found);
            } else if let Ok(short) = path.strip_prefix(root) {
                found.push((short.to_string_lossy().into_owned(), path));
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    visit(&root, &root, &mut found);
    found.sort();
    assert!(found.len() > 100, "this is not the repository: {}", root.display());
    found
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

fn rust() -> Vec<(String, String)> {
    files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs"))
        .map(|(n, p)| (n, text(&p)))
        .collect()
}

#[track_caller]
fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn every_module_says_why_it_exists() {
    let found: Vec<_> = rust()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! ") || text.lines().next().unwrap().len() < 8)
        .map(|(name, _)| name)
        .collect();
    assert_none(&found, "the first line of a module is //! and says why it exists");
}

#[test]
fn no_module_is_called_after_nothing() {
    let words = ["utils", "util", "common", "helpers", "misc", "prelude"];
    let found: Vec<_> = files()
        .into_iter()
        .filter(|(name, _)| {
            let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
            let folder = Path::new(name).parent().and_then(Path::file_name).unwrap_or_default();
            name.ends_with(".rs")
                && (words.contains(&stem.as_ref()) || words.iter().any(|w| folder == *w))
        })
        .map(|(name, _)| name)
        .collect();
    assert_none(&found, "a name that says what is inside");
}

#[test]
fn every_crate_takes_the_lints_and_versions_of_the_workspace() {
    let mut found = Vec::new();
    for (name, path) in files() {
        // fuzz targets are a workspace of their own
        if !name.ends_with("/Cargo.toml") || name.starts_with("fuzz/") {
            continue;
        }
        let text = text(&path);
        // the harness and the bench have their own lints, and say why
        let own = name.starts_with("tests/") || name.starts_with("benches/");
        if !own && !text.contains("[lints]\nworkspace = true") {
            found.push(format!("{name}: [lints] workspace = true"));
        }
        let dependencies = text.split("\n[").filter(|part| {
            let head = part.lines().next().unwrap_or_default();
            head.contains("dependencies]")
        });
        for line in dependencies.flat_map(|part| part.lines().skip(1)) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') && !line.contains("workspace = true") {
                found.push(format!("{name}: {line} (versions stand in the root's Cargo.toml)"));
            }
        }
    }
    assert_none(&found, "the manifests");
}

/// The floors: a crate names only those below it, and only the frameworks that are its business.
#[test]
fn the_arrows_between_the_floors_point_down() {
    let rules: &[(&str, &[&str])] = &[
        ("domain", &["kartoteka", "diesel", "actix", "tokio", "utoipa", "reqwest", "ureq"]),
        (
            "persistence",
            &[
                "kartoteka-gateways",
                "kartoteka-app",
                "kartoteka-api",
                "kartoteka.",
                "actix",
                "tokio",
                "utoipa",
            ],
        ),
        (
            "gateways",
            &[
                "kartoteka-persistence",
                "kartoteka-app",
                "kartoteka-api",
                "kartoteka.",
                "actix",
                "diesel",
                "utoipa",
            ],
        ),
        ("app", &["kartoteka-api", "kartoteka.", "actix", "diesel", "utoipa"]),
        ("api", &["kartoteka-persistence", "kartoteka.", "diesel"]),
    ];
    let mut found = Vec::new();
    for (floor, refused) in rules {
        let manifest = text(&root().join("crates").join(floor).join("Cargo.toml"));
        let part = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
        let part = part.split("\n[").next().unwrap_or_default();
        for line in part.lines() {
            if refused.iter().any(|name| line.starts_with(name)) {
                found.push(format!("{floor} must not know: {line}"));
            }
        }
    }
    assert_none(&found, "the floors");
}

/// `.route(…)` is not collected into the document.
#[test]
fn operations_are_registered_as_services() {
    let found: Vec<_> = rust()
        .into_iter()
        .filter(|(name, text)| name.starts_with("crates/api/src/v1/") && text.contains(".route("))
        .map(|(name, _)| name)
        .collect();
    assert_none(&found, "use .service(handler)");
}

#[test]
fn every_code_is_documented_and_used() {
    let source = rust();
    let mut found = Vec::new();
    let mut words = BTreeSet::new();
    for code in Code::ALL {
        let (word, title) = (code.as_str(), code.title());
        if !words.insert(word) || !word.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            found.push(format!("{word} is no snake_case word of its own"));
        }
        if !title.ends_with('.') || title.len() < 10 {
            found.push(format!("{word}: the title is no sentence"));
        }
        if status_of(*code).as_u16() < 400 {
            found.push(format!("{word}: its status is no error"));
        }
        let name = format!("Code::{code:?}");
        let times: usize = source
            .iter()
            .filter(|(file, _)| file != "crates/domain/src/codes.rs")
            .map(|(_, text)| {
                let ends = |at: &usize| {
                    !text[at + name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                };
                text.match_indices(&name).map(|(at, _)| at).filter(ends).count()
            })
            .sum();
        // once it gets its status
        let used = times > 1;
        if !used {
            found.push(format!("{word} is never given"));
        }
    }
    assert_none(&found, "the codes");
}

#[test]
fn every_migration_goes_both_ways() {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("migrations")).unwrap().flatten() {
        if entry.path().is_file() {
            continue;
        }
        for file in ["up.sql", "down.sql"] {
            let path = entry.path().join(file);
            if fs::metadata(&path).map_or(0, |metadata| metadata.len()) < 2 {
                found.push(path.display().to_string());
            }
        }
    }
    assert_none(&found, "a migration has both files");
}

/// The repository is for any machine.
#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    // put together, so that this file does not find itself
    let places = ["work/", "root/", "tmp/wt", "tmp/target"].map(|place| format!("/{place}"));
    let mut found = Vec::new();
    for (name, path) in files() {
        if name == "Cargo.lock" || name.starts_with("tests/fixtures/") {
            continue;
        }
        for (number, line) in text(&path).lines().enumerate() {
            let hit = places.iter().any(|place| {
                line.match_indices(place.as_str()).any(|(at, _)| {
                    // inside of a longer path or URL it means something else
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}$/*".contains(c))
                })
            });
            if hit {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&found, "a path of one machine");
}

#[test]
fn no_test_is_switched_off_or_tried_twice() {
    let words = ["ignore", "should_panic"].map(|word| format!("#[{word}"));
    let mut found: Vec<_> = rust()
        .into_iter()
        .filter(|(_, text)| words.iter().any(|word| text.contains(word.as_str())))
        .map(|(name, _)| name)
        .collect();
    for (name, path) in files() {
        if name.ends_with("nextest.toml") && text(&path).contains("retries") {
            found.push(name);
        }
    }
    assert_none(&found, "a test runs always, and once");
}

/// `#[expect(…, reason = "…")]` tells when it is not needed any more; `#[allow]` never does.
#[test]
fn silenced_lints_give_a_reason() {
    let word = format!("#[{}(", "allow");
    let found: Vec<_> = rust()
        .into_iter()
        .filter(|(_, text)| text.lines().any(|line| line.trim_start().starts_with(&word)))
        .map(|(name, _)| name)
        .collect();
    assert_none(&found, "use #[expect(lint, reason = \"…\")]");
}

#[test]
fn nothing_that_git_ignores_is_committed() {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--ignored", "--exclude-standard"])
        .current_dir(root())
        .output();
    // a source archive has no history, and then nothing to check
    let Ok(output) = output else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}
