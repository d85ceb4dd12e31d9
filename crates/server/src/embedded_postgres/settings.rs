//! The server's settings, written into a file of their own at every start.
//!
//! `postgresql.conf` stays as `initdb` wrote it, but for two include lines at its end:
//! `kartoteka.conf` (ours, rewritten) and `local.conf` (the operator's, never touched, wins).

use std::fmt::Write as _;
use std::path::Path;

use super::layout::PORT;

/// The file with our settings, inside the cluster.
pub(super) const FILE: &str = "kartoteka.conf";

/// What is appended to `postgresql.conf` once.
pub(super) const INCLUDES: &str = "\n\
# Kartoteka rewrites kartoteka.conf at every start; settings in local.conf win and stay.\n\
include_if_exists = 'kartoteka.conf'\n\
include_if_exists = 'local.conf'\n";

/// The operator's file, made once, so that the server does not complain that it is missing.
pub(super) const LOCAL_FILE: &str = "local.conf";

/// What it says at first.
pub(super) const LOCAL_TEXT: &str =
    "# Your own settings of PostgreSQL. They win over kartoteka.conf and are never overwritten.\n";

/// Name, value and reason of each setting.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("listen_addresses", "", "no TCP: only the socket in a folder of mode 0700"),
    ("unix_socket_permissions", "0700", "only this user"),
    ("fsync", "on", "acknowledged data survives a power cut"),
    ("max_connections", "100", "several processes with a pool each"),
    ("shared_buffers", "256MB", "holds the hot indexes of a million contacts"),
    ("effective_cache_size", "1GB", "a planner hint; takes no memory"),
    ("work_mem", "16MB", "hash joins of an import chunk stay in memory"),
    ("maintenance_work_mem", "128MB", "index builds"),
    ("random_page_cost", "1.1", "solid state disks"),
    ("wal_compression", "on", "imports write much WAL"),
    ("max_wal_size", "2GB", "no forced checkpoint in the middle of an import"),
    ("checkpoint_timeout", "15min", "fewer full page images"),
    ("jit", "off", "queries are short; compiling them costs more than it saves"),
    ("timezone", "UTC", "times are compared and shown in UTC"),
    ("log_timezone", "UTC", "as the application's log"),
    ("log_line_prefix", "%m [%p] %a ", "time, process, application"),
    ("log_error_verbosity", "terse", "details of errors quote rows: personal data"),
    ("log_min_error_statement", "panic", "statements may carry personal data"),
    ("log_checkpoints", "off", "noise"),
];

/// The text of `kartoteka.conf`. `extra` comes last, so it wins.
pub(super) fn file_text(socket_dir: &Path, extra: &[(String, String)]) -> String {
    let mut text =
        String::from("# Written by Kartoteka at every start. Put yours in local.conf.\n");
    for (name, value, reason) in SETTINGS {
        let _ = writeln!(text, "{name} = {}  # {reason}", quoted(value));
    }
    let _ = writeln!(text, "port = {PORT}  # only names the socket");
    let folder = socket_dir.to_string_lossy().replace('"', "\"\"");
    let _ = writeln!(text, "unix_socket_directories = {}", quoted(&format!("\"{folder}\"")));
    for (name, value) in extra {
        let _ = writeln!(text, "{name} = {}", quoted(value));
    }
    text
}

/// A value between single quotes, as the lexer of `postgresql.conf` reads it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_folder_is_quoted_for_both_of_its_readers() {
        let text = file_text(Path::new("/a b/it's \"x\", y\\z/socket"), &[]);
        let line = text.lines().find(|line| line.starts_with("unix_socket_directories")).unwrap();
        assert_eq!(line, r#"unix_socket_directories = '"/a b/it''s ""x"", y\\z/socket"'"#);
    }

    #[test]
    fn durability_is_never_traded_away_by_default() {
        let text = file_text(Path::new("/s"), &[]);
        assert!(text.contains("\nfsync = 'on'"));
        assert!(!text.contains("synchronous_commit") && !text.contains("full_page_writes"));
        assert!(text.contains("\nlisten_addresses = ''"));
    }

    #[test]
    fn extra_settings_come_last_and_so_win() {
        let extra = [("max_connections".to_owned(), "300".to_owned())];
        let text = file_text(Path::new("/s"), &extra);
        assert!(text.ends_with("max_connections = '300'\n"));
    }
}
