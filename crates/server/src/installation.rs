//! The workspace and administrator that an installation begins with.

use std::path::Path;

use chrono::{DateTime, Utc};
use kartoteka_app::access::bootstrap::{Installation, Installed, ensure};
use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::{Db, Error};

use crate::config::Config;
use crate::database::Database;

/// Makes the configured workspace and its administrator when there is no workspace of that name.
///
/// # Errors
/// A password that is too weak, or what the database said.
pub fn ensure_configured(config: &Config, db: &Db, now: DateTime<Utc>) -> Result<Installed, Error> {
    let wanted = Installation {
        workspace: config.workspace.clone(),
        email: config.admin_email.clone(),
        password: config.admin_password.as_ref().map(|secret| secret.reveal().to_owned()),
    };
    ensure(db, &wanted, &Entropy::random(), now)
}

/// What a person needs to know after a start: where everything is and how to get in.
pub fn welcome(config: &Config, database: &Database, installed: &Installed) -> String {
    let url = &config.public_url;
    let mut text = format!(
        "\nKartoteka is ready.\n\n  \
         Address     {url}\n  \
         Swagger UI  {url}/swagger-ui/\n  \
         Data        {}\n  \
         Workspace   {}\n  \
         Login       {}\n",
        place(config, database),
        config.workspace,
        config.admin_email,
    );
    let password = match (&installed.administrator, &installed.password) {
        (Some(_), Some(made_up)) => {
            text.push_str(&format!("  Password    {made_up}   (shown this once: keep it)\n"));
            made_up.as_str()
        }
        (Some(_), None) => {
            text.push_str("  Password    the one in KARTOTEKA_ADMIN_PASSWORD\n");
            "YOUR-PASSWORD"
        }
        (None, _) => "YOUR-PASSWORD",
    };
    text.push_str(&format!(
        "\nTake a token:\n\n  \
         curl -s {url}/api/v1/auth/token -d grant_type=password \\\n    \
         --data-urlencode {} --data-urlencode {}\n\n\
         or, on this machine and without a password:\n\n  {} token\n\n",
        quoted(&format!("username={}", config.admin_email)),
        quoted(&format!("password={password}")),
        quoted(&program()),
    ));
    text
}

fn place(config: &Config, database: &Database) -> String {
    match database.private() {
        Some((folder, major)) => format!(
            "{} (private PostgreSQL {major})",
            folder.parent().unwrap_or(Path::new(".")).display()
        ),
        None => format!("the database of DATABASE_URL; keys in {}", config.keys_dir.display()),
    }
}

/// The program as it was called.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "kartoteka".to_owned())
}

/// A word for a shell; left alone when it needs no quotes.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=@%+:,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_when_a_shell_would_read_them_otherwise() {
        assert_eq!(quoted("username=anna@example.com"), "username=anna@example.com");
        assert_eq!(quoted("password=it's $5"), r"'password=it'\''s $5'");
    }
}
