//! Configuration: the only place that reads the environment.
//!
//! Every setting is a line of [`SETTINGS`]: name, default, meaning. Values come from the
//! environment, then from a file `.env` in the working directory, then from the default; an
//! empty value counts as absent. All wrong values are reported at once, each with its name.

mod environment;
mod settings;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use kartoteka_app::mail::Mail;
use kartoteka_app::webhooks::Allowed;

pub use environment::{Environment, Source};
pub use settings::{SETTINGS, Setting};
pub use values::{LogFormat, Secret, TrustedIssuer};

/// Everything that can be set, checked and typed.
#[derive(Debug, Clone)]
pub struct Config {
    /// A PostgreSQL to use; without it a private one runs in the data directory.
    pub database_url: Option<Secret>,
    /// Connections of the API to the database; the worker has a pool of its own.
    pub db_pool: u32,
    /// Whether a PgBouncer in transaction mode stands before the database.
    pub db_pgbouncer: bool,
    /// The folder with PostgreSQL's programs for the private server.
    pub postgres_bin: Option<PathBuf>,
    /// Address and port of the API.
    pub listen: SocketAddr,
    /// The address under which people and programs reach the API, without a final slash.
    pub public_url: String,
    /// Keys, and the private PostgreSQL.
    pub data_dir: PathBuf,
    /// Signing keys of access tokens and the secret of keyed hashes.
    pub keys_dir: PathBuf,
    /// The file in which erasures are noted, outside of the database.
    pub erasure_journal: PathBuf,
    /// The first administrator's e-mail address.
    pub admin_email: String,
    /// The first administrator's password; made up and shown once when absent.
    pub admin_password: Option<Secret>,
    /// The name of the workspace that the first start makes.
    pub workspace: String,
    /// Whether a new workspace is filled with invented contacts.
    pub demo: bool,
    /// Origins whose pages may call the API; `*` for all.
    pub cors_origins: Vec<String>,
    /// Foreign issuers of access tokens.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// Requests per second that one client may send on average; 0 for any number.
    pub rate_limit: u32,
    /// Whether a proxy in front tells the client's address.
    pub trust_forwarded_for: bool,
    /// Networks that webhooks may reach beside the open internet.
    pub webhook_allow: Allowed,
    /// Through whom mail goes, and who it comes from.
    pub mail: Option<Mail>,
    /// The address under which everybody reaches the pages behind links in messages, without a final slash.
    pub links_url: Option<String>,
    /// How long a link works that asks for a consent.
    pub consent_request_days: u32,
    /// Largest upload, in bytes.
    pub upload_limit_bytes: u64,
    /// The token that `/metrics` asks for.
    pub metrics_token: Option<Secret>,
    /// A second address that serves `/metrics` only, without a token.
    pub metrics_listen: Option<SocketAddr>,
    /// Jobs that this process works on at the same time.
    pub workers: u32,
    /// Which log lines are written.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
}

/// All wrong values of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// One line per wrong value, with the setting's name.
    pub faults: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong:")?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// All wrong values at once.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut reader = Reader { environment, faults: Vec::new() };
        let listen = reader.needed("KARTOTEKA_LISTEN", values::address);
        let data_dir = reader.needed("KARTOTEKA_DATA_DIR", values::path);
        let config = Some(()).and_then(|()| {
            // Every field is read before the first `?`, so that all faults are collected.
            let database_url = reader.optional("DATABASE_URL", values::database_url);
            let db_pool = reader.needed("KARTOTEKA_DB_POOL", values::count);
            let db_pgbouncer = reader.needed("KARTOTEKA_DB_PGBOUNCER", values::switch);
            let postgres_bin = reader.optional("KARTOTEKA_POSTGRES_BIN", values::path);
            let public_url = reader.optional("KARTOTEKA_PUBLIC_URL", values::web_address);
            let keys_dir = reader.optional("KARTOTEKA_KEYS_DIR", values::path);
            let erasure_journal = reader.optional("KARTOTEKA_ERASURE_JOURNAL", values::path);
            let admin_email = reader.needed("KARTOTEKA_ADMIN_EMAIL", values::email);
            let admin_password = reader.optional("KARTOTEKA_ADMIN_PASSWORD", values::password);
            let workspace = reader.needed("KARTOTEKA_WORKSPACE", values::name);
            let demo = reader.needed("KARTOTEKA_DEMO", values::switch);
            let cors_origins = reader.optional("KARTOTEKA_CORS_ORIGINS", values::origins);
            let trusted_issuers =
                reader.optional("KARTOTEKA_TRUSTED_ISSUERS", values::trusted_issuers);
            let rate_limit = reader.needed("KARTOTEKA_RATE_LIMIT", values::rate);
            let trust_forwarded_for =
                reader.needed("KARTOTEKA_TRUST_FORWARDED_FOR", values::switch);
            let webhook_allow = reader.optional("KARTOTEKA_WEBHOOK_ALLOW", values::networks);
            let mail = reader.mail();
            let links_url = reader.optional("KARTOTEKA_LINKS_URL", values::web_address);
            let consent_request_days =
                reader.needed("KARTOTEKA_CONSENT_REQUEST_DAYS", values::days);
            let upload_limit_bytes = reader.needed("KARTOTEKA_UPLOAD_LIMIT_BYTES", values::bytes);
            let metrics_token = reader.optional("KARTOTEKA_METRICS_TOKEN", values::secret);
            let metrics_listen = reader.optional("KARTOTEKA_METRICS_LISTEN", values::address);
            let workers = reader.needed("KARTOTEKA_WORKERS", values::count);
            let log = reader.needed("KARTOTEKA_LOG", values::log_filter);
            let log_format = reader.needed("KARTOTEKA_LOG_FORMAT", values::log_format);
            let (listen, data_dir) = (listen?, data_dir?);
            Some(Self {
                database_url,
                db_pool: db_pool?,
                db_pgbouncer: db_pgbouncer?,
                postgres_bin,
                public_url: public_url.unwrap_or_else(|| values::local_url(listen)),
                listen,
                keys_dir: keys_dir.unwrap_or_else(|| data_dir.join("keys")),
                erasure_journal: erasure_journal
                    .unwrap_or_else(|| data_dir.join("erasures").join("journal.ndjson")),
                data_dir,
                admin_email: admin_email?,
                admin_password,
                workspace: workspace?,
                demo: demo?,
                cors_origins: cors_origins.unwrap_or_default(),
                trusted_issuers: trusted_issuers.unwrap_or_default(),
                rate_limit: rate_limit?,
                trust_forwarded_for: trust_forwarded_for?,
                webhook_allow: webhook_allow.unwrap_or_default(),
                mail,
                links_url,
                consent_request_days: consent_request_days?,
                upload_limit_bytes: upload_limit_bytes?,
                metrics_token,
                metrics_listen,
                workers: workers?,
                log: log?,
                log_format: log_format?,
            })
        });
        match config {
            Some(config) if reader.faults.is_empty() => Ok(config),
            _ => Err(ConfigError { faults: reader.faults }),
        }
    }
}

impl Config {
    /// Takes over the port that the system chose for port 0.
    pub fn listens_on(&mut self, address: SocketAddr) {
        if self.public_url == values::local_url(self.listen) {
            self.public_url = values::local_url(address);
        }
        self.listen = address;
    }

    /// The address under which everybody reaches the pages behind links in messages, without a final slash.
    pub fn links_url(&self) -> &str {
        self.links_url.as_deref().unwrap_or(&self.public_url)
    }
}

/// Reads values by name and keeps what was wrong.
struct Reader<'a> {
    environment: &'a Environment,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// A setting that has a default; `None` only after a fault.
    fn needed<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let value = self.optional(name, parse);
        if value.is_none() && self.environment.value(name).is_none() {
            self.faults.push(format!("{name} has no value"));
        }
        value
    }

    /// Mail needs a server and a sender: one without the other is a fault.
    fn mail(&mut self) -> Option<Mail> {
        let relay = self.optional("KARTOTEKA_SMTP_URL", values::relay);
        let from = self.optional("KARTOTEKA_MAIL_FROM", values::sender);
        let authority = self.optional("KARTOTEKA_SMTP_CA", values::authority);
        if self.environment.value("KARTOTEKA_SMTP_URL").is_some()
            && self.environment.value("KARTOTEKA_MAIL_FROM").is_none()
        {
            self.faults
                .push("KARTOTEKA_MAIL_FROM has no value, and mail comes from somebody".into());
        }
        Some(Mail { relay: relay?.trusting(authority), from: from? })
    }

    fn optional<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let (value, _) = self.environment.value(name)?;
        match parse(value) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults.push(format!("{name}: {fault}"));
                None
            }
        }
    }
}

/// The lines of `kartoteka config`: every setting with its meaning, value and origin. Secrets
/// are masked.
pub fn describe(environment: &Environment) -> String {
    let mut text = String::new();
    for setting in SETTINGS {
        let (value, source) = match environment.value(setting.name) {
            Some((value, source)) => (values::shown(setting, value), source.to_string()),
            None => (String::new(), setting.when_absent.to_owned()),
        };
        text.push_str(&format!("# {}\n{}={value}  # {source}\n\n", setting.what, setting.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = Config::read(&environment(&[])).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.public_url, "http://127.0.0.1:8080");
        assert_eq!(config.data_dir, PathBuf::from("./data"));
        assert_eq!(config.keys_dir, PathBuf::from("./data/keys"));
        assert!(config.database_url.is_none());
        assert!(!config.demo && !config.db_pgbouncer);
    }

    #[test]
    fn mail_needs_a_server_and_a_sender() {
        assert!(Config::read(&environment(&[])).unwrap().mail.is_none());
        let server = ("KARTOTEKA_SMTP_URL", "smtp://user:hunter2@mail.example.com");
        let error = Config::read(&environment(&[server])).unwrap_err();
        assert!(error.faults[0].starts_with("KARTOTEKA_MAIL_FROM"), "{error}");
        let error = Config::read(&environment(&[
            ("KARTOTEKA_SMTP_URL", "http://user:hunter2@mail.example.com"),
            ("KARTOTEKA_MAIL_FROM", "nobody"),
            ("KARTOTEKA_SMTP_CA", "/no/such/file"),
            ("KARTOTEKA_CONSENT_REQUEST_DAYS", "0"),
        ]))
        .unwrap_err();
        assert_eq!(error.faults.len(), 4, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let config = Config::read(&environment(&[
            server,
            ("KARTOTEKA_MAIL_FROM", "Pekárna <news@example.com>"),
        ]));
        let config = config.unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.mail.unwrap().from.domain(), "example.com");
        let shown = describe(&environment(&[server]));
        assert!(shown.contains("smtp://user:***@mail.example.com") && !shown.contains("hunter2"));
    }

    #[test]
    fn every_wrong_value_is_reported_at_once_by_name() {
        let error = Config::read(&environment(&[
            ("KARTOTEKA_LISTEN", "here"),
            ("KARTOTEKA_DB_POOL", "0"),
            ("KARTOTEKA_DEMO", "perhaps"),
            ("KARTOTEKA_LOG_FORMAT", "xml"),
            ("DATABASE_URL", "mysql://localhost/x"),
            ("KARTOTEKA_TRUSTED_ISSUERS", "nonsense"),
        ]))
        .unwrap_err();
        for name in [
            "KARTOTEKA_LISTEN",
            "KARTOTEKA_DB_POOL",
            "KARTOTEKA_DEMO",
            "KARTOTEKA_LOG_FORMAT",
            "DATABASE_URL",
            "KARTOTEKA_TRUSTED_ISSUERS",
        ] {
            assert!(error.faults.iter().any(|fault| fault.starts_with(name)), "{name}: {error}");
        }
        assert_eq!(error.faults.len(), 6, "{error}");
    }

    #[test]
    fn an_empty_value_is_as_good_as_none() {
        let config = Config::read(&environment(&[
            ("DATABASE_URL", ""),
            ("KARTOTEKA_LISTEN", " "),
            ("KARTOTEKA_ADMIN_PASSWORD", ""),
        ]))
        .unwrap();
        assert!(config.database_url.is_none() && config.admin_password.is_none());
        assert_eq!(config.listen.port(), 8080);
    }

    #[test]
    fn the_description_tells_origins_and_hides_secrets() {
        let text = describe(&environment(&[
            ("DATABASE_URL", "postgresql://anna:hunter2@db.example/kartoteka"),
            ("KARTOTEKA_ADMIN_PASSWORD", "hunter22hunter"),
            ("KARTOTEKA_LISTEN", "0.0.0.0:80"),
        ]));
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("DATABASE_URL=postgresql://anna:***@db.example/kartoteka  # env"));
        assert!(text.contains("KARTOTEKA_ADMIN_PASSWORD=***  # env"));
        assert!(text.contains("KARTOTEKA_LISTEN=0.0.0.0:80  # env"));
        assert!(text.contains("KARTOTEKA_WORKERS=2  # default"));
        let debug = format!(
            "{:?}",
            Config::read(&environment(&[("KARTOTEKA_ADMIN_PASSWORD", "hunter22hunter")])).unwrap()
        );
        assert!(!debug.contains("hunter"), "{debug}");
    }

    #[test]
    fn every_setting_has_a_meaning_and_an_origin_when_absent() {
        for setting in SETTINGS {
            assert!(setting.what.len() > 20, "{}", setting.name);
            assert!(
                setting.default.is_some() || !setting.when_absent.is_empty(),
                "{}",
                setting.name
            );
        }
    }
}
