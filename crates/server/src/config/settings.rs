//! The list of settings: what `kartoteka config` shows and the README's table is made from.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name of the environment variable.
    pub name: &'static str,
    /// Its value when it is not set.
    pub default: Option<&'static str>,
    /// What happens when it is not set and has no default.
    pub when_absent: &'static str,
    /// What it means.
    pub what: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
}

const fn with_default(name: &'static str, default: &'static str, what: &'static str) -> Setting {
    Setting { name, default: Some(default), when_absent: "", what, secret: false }
}

const fn optional(name: &'static str, when_absent: &'static str, what: &'static str) -> Setting {
    Setting { name, default: None, when_absent, what, secret: false }
}

const fn secret(name: &'static str, when_absent: &'static str, what: &'static str) -> Setting {
    Setting { name, default: None, when_absent, what, secret: true }
}

/// Every setting, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    with_default("KARTOTEKA_LISTEN", "127.0.0.1:8080", "Address and port of the API"),
    optional(
        "KARTOTEKA_PUBLIC_URL",
        "default: http:// and KARTOTEKA_LISTEN",
        "The address under which people and programs reach the API; also the issuer of its tokens",
    ),
    with_default(
        "KARTOTEKA_DATA_DIR",
        "./data",
        "Folder for keys, the journal of erasures, signs of life of workers, and the private PostgreSQL",
    ),
    optional(
        "KARTOTEKA_KEYS_DIR",
        "default: keys in KARTOTEKA_DATA_DIR",
        "Folder with the signing keys (<kid>.pem) and secret.key; the same for all processes",
    ),
    optional(
        "KARTOTEKA_ERASURE_JOURNAL",
        "default: erasures/journal.ndjson in KARTOTEKA_DATA_DIR",
        "File in which erasures are noted, to be done again after a restored backup; keep it apart from backups",
    ),
    secret(
        "DATABASE_URL",
        "default: a private PostgreSQL in KARTOTEKA_DATA_DIR",
        "PostgreSQL 15 or newer to use, as postgresql://user:password@host/database",
    ),
    with_default(
        "KARTOTEKA_DB_POOL",
        "16",
        "Connections of the API to the database; the worker has KARTOTEKA_WORKERS and two more",
    ),
    with_default(
        "KARTOTEKA_DB_PGBOUNCER",
        "false",
        "true when a PgBouncer in transaction mode stands before the database",
    ),
    optional(
        "KARTOTEKA_POSTGRES_BIN",
        "default: searched for",
        "Folder with initdb, pg_ctl and postgres for the private PostgreSQL",
    ),
    with_default(
        "KARTOTEKA_WORKSPACE",
        "main",
        "Name of the workspace; a start makes it, and its administrator, when there is none",
    ),
    with_default(
        "KARTOTEKA_ADMIN_EMAIL",
        "admin@example.com",
        "E-mail address of the administrator of a new workspace",
    ),
    secret(
        "KARTOTEKA_ADMIN_PASSWORD",
        "default: made up and shown once",
        "Password of the administrator of a new workspace, at least 12 characters",
    ),
    with_default("KARTOTEKA_DEMO", "false", "true fills a new workspace with invented contacts"),
    with_default(
        "KARTOTEKA_WORKERS",
        "2",
        "Background jobs that this process works on at the same time",
    ),
    optional(
        "KARTOTEKA_WEBHOOK_ALLOW",
        "default: none",
        "Networks that webhooks may reach beside the open internet, over http too, separated by commas: 10.0.0.0/8",
    ),
    secret(
        "KARTOTEKA_SMTP_URL",
        "default: no mail is sent",
        "Mail server that takes our messages: smtp://user:password@host:587 (tls=required, opportunistic or none \
         behind a ?), or smtps://user:password@host",
    ),
    optional(
        "KARTOTEKA_SMTP_CA",
        "default: the authorities that browsers know",
        "File with the certificate authority of that mail server, in PEM",
    ),
    optional(
        "KARTOTEKA_MAIL_FROM",
        "needed with KARTOTEKA_SMTP_URL",
        "Who messages come from: Firma <news@example.com>",
    ),
    optional(
        "KARTOTEKA_LINKS_URL",
        "default: KARTOTEKA_PUBLIC_URL",
        "The address under which everybody reaches /links/: the pages behind links in messages",
    ),
    with_default(
        "KARTOTEKA_CONSENT_REQUEST_DAYS",
        "7",
        "How many days the link in a question for a consent works",
    ),
    with_default(
        "KARTOTEKA_UPLOAD_LIMIT_BYTES",
        "1073741824",
        "Largest file of an import, in bytes",
    ),
    with_default(
        "KARTOTEKA_RATE_LIMIT",
        "500",
        "Requests per second that one client may send on average; 0 for any number",
    ),
    with_default(
        "KARTOTEKA_TRUST_FORWARDED_FOR",
        "false",
        "true when a proxy in front sets X-Forwarded-For, and nobody can reach the API past it",
    ),
    optional(
        "KARTOTEKA_CORS_ORIGINS",
        "default: none",
        "Origins whose pages may call the API, separated by commas; * for all",
    ),
    optional(
        "KARTOTEKA_TRUSTED_ISSUERS",
        "default: none",
        "Foreign token issuers: issuer=jwks_url, separated by commas; or a JSON list of \
         {\"issuer\": …, \"jwks_url\": …}",
    ),
    secret("KARTOTEKA_METRICS_TOKEN", "default: /metrics is closed", "Bearer token for /metrics"),
    optional(
        "KARTOTEKA_METRICS_LISTEN",
        "default: none",
        "A second address and port that serve /metrics only, without a token",
    ),
    with_default(
        "KARTOTEKA_LOG",
        "info",
        "Which log lines are written: error, warn, info, debug, or a filter such as \
         info,kartoteka_app=debug",
    ),
    with_default("KARTOTEKA_LOG_FORMAT", "text", "Form of log lines: text or json"),
];
