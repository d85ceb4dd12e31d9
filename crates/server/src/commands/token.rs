//! `kartoteka token`: an access token for whoever runs the installation, without a password.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use kartoteka_api::tokens::Grant;
use kartoteka_app::Context;
use kartoteka_app::access::{audit, tokens};
use kartoteka_app::clock::{Clock, SystemClock};
use kartoteka_app::context::new_id;
use kartoteka_domain::actor::Actor;
use kartoteka_domain::scopes::{Scope, parse_scopes};

use super::{CommandResult, print};
use crate::config::Config;
use crate::keys::Keys;
use crate::opening::{open, pool};
use crate::wiring::api_settings;

#[derive(Debug, Args)]
pub(super) struct TokenArguments {
    /// Whose token; default: KARTOTEKA_ADMIN_EMAIL
    #[arg(long)]
    email: Option<String>,
    /// Name or id of the workspace; default: KARTOTEKA_WORKSPACE
    #[arg(long)]
    workspace: Option<String>,
    /// Scopes, separated by blanks; default: all that the person has
    #[arg(long)]
    scope: Option<String>,
    /// How long it is valid: seconds, or 15m, 8h, 30d
    #[arg(long, default_value = "1h", value_parser = life)]
    expires: Duration,
}

/// Prints a token of a person who may log in, with at most that person's scopes.
pub(super) fn run(config: &Config, arguments: &TokenArguments) -> CommandResult {
    let now = SystemClock.now();
    let keys = Keys::open(&config.keys_dir, now)?;
    let database = open(config, None)?;
    let db = pool(config, &database, "kartoteka token", 1);
    let email = arguments.email.as_ref().unwrap_or(&config.admin_email);
    let workspace = arguments.workspace.as_ref().unwrap_or(&config.workspace);
    let login =
        tokens::logins(&db, email, Some(workspace))?.into_iter().next().ok_or_else(|| {
            format!("nobody with the address {email} may log in to the workspace {workspace}")
        })?;
    let mut granted = tokens::granted_to(&login);
    if let Some(words) = &arguments.scope {
        granted.scopes = narrowed(&granted.scopes, words)?;
    }
    let ctx = Context {
        workspace: granted.workspace,
        actor: Actor::System,
        now,
        request_id: None,
        ip: None,
    };
    db.write(granted.workspace, |tenant| {
        audit::record(tenant, &ctx, "token.create", "user", granted.actor.id(), None)
    })?;
    let settings = api_settings(config, &keys);
    let grant = Grant {
        issuer: &settings.issuer,
        audience: &settings.audience,
        actor: granted.actor,
        workspace: granted.workspace,
        scopes: &granted.scopes,
        now,
        life: arguments.expires,
        id: new_id(now),
    };
    let token = keys.ring()?.sign(&grant.claims())?;
    drop(db);
    database.close()?;
    print(&format!("{token}\n"))
}

fn narrowed(has: &BTreeSet<Scope>, words: &str) -> Result<BTreeSet<Scope>, String> {
    let wanted = parse_scopes(words).map_err(|unknown| unknown.to_string())?;
    match wanted.iter().find(|scope| !has.contains(scope)) {
        Some(missing) => Err(format!("the person does not have the scope {}", missing.as_str())),
        None => Ok(wanted),
    }
}

/// Reads a span of time: a number of seconds, or of minutes, hours or days with its letter.
fn life(text: &str) -> Result<Duration, String> {
    let fault = || format!("{text:?} is no span of time such as 900, 15m, 8h or 30d");
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let unit = match text.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        _ => return Err(fault()),
    };
    let number: u32 = digits.parse().map_err(|_not_a_number| fault())?;
    if number == 0 {
        return Err(fault());
    }
    Ok(Duration::from_secs(u64::from(number) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_and_nonsense_is_refused() {
        for (text, seconds) in
            [("900", 900), ("30s", 30), ("15m", 900), ("8h", 28_800), ("30d", 2_592_000)]
        {
            assert_eq!(life(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0", "-1", "1w", "h", "1hm", "1.5h", "9999999999"] {
            assert!(life(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_never_has_more_scopes_than_its_person() {
        let has = BTreeSet::from([Scope::ContactsRead, Scope::ImportsRead]);
        assert_eq!(narrowed(&has, "contacts:read"), Ok(BTreeSet::from([Scope::ContactsRead])));
        assert!(narrowed(&has, "contacts:read admin").is_err());
        assert!(narrowed(&has, "contacts:fly").is_err());
    }
}
