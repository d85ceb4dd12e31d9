//! Tags put on and taken off (MGR-D).

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::JobId;
use kartoteka_domain::tags::{TagName, TagSet};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contact_manager::{self as store, TagOf};

use super::actions::tell_changed;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome, applied};
use crate::tags;

/// Puts tags on all the contacts; missing ones are made.
pub(super) fn add(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    wanted: &[TagSet],
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let known = tags::ensure(tenant, ctx, wanted.iter().map(|tag| &tag.name))?;
    let wanted: Vec<_> =
        wanted.iter().filter_map(|tag| Some((*known.get(tag.name.key())?, tag.score))).collect();
    let dids = applied(ids, store::add_tags(tenant, ids, &wanted, ctx.now)?);
    tell_changed(tenant, ctx, job, &dids, "tags")?;
    Ok(dids)
}

/// Takes tags off.
pub(super) fn remove(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    unwanted: &[TagName],
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let keys = unwanted.iter().map(|tag| tag.key().to_owned()).collect();
    let dids = applied(ids, store::remove_tags(tenant, ids, keys, ctx.now)?);
    tell_changed(tenant, ctx, job, &dids, "tags")?;
    Ok(dids)
}

/// Puts on each contact the tags that the prefix and the values of its details make. Who has none of the details is
/// `no_detail`; whose values make no tag, because it would be too long or empty, is `invalid_tag`.
pub(super) fn add_from_details(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    names: &[String],
    prefix: &str,
    score: Option<i64>,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let skipped = |reason: &str| Outcome::Skipped(reason.to_owned()).into();
    let mut dids: Dids = ids.iter().map(|id| (*id, skipped("no_detail"))).collect();
    let mut wanted: HashMap<Uuid, Vec<TagName>> = HashMap::new();
    for row in store::details(tenant, ids, names)? {
        let values = names.iter().filter_map(|name| row.details.get(name));
        let mut tags: Vec<TagName> = values.filter_map(|value| tag_of(prefix, value)).collect();
        tags.sort_unstable();
        tags.dedup_by(|one, other| one.key() == other.key());
        if tags.is_empty() {
            dids.insert(row.id, skipped("invalid_tag"));
        } else {
            wanted.insert(row.id, tags);
        }
    }
    let known = tags::ensure(tenant, ctx, wanted.values().flatten())?;
    let open: Vec<Uuid> = wanted.keys().copied().collect();
    let mut rows = Vec::with_capacity(wanted.len());
    for (contact, tags) in wanted {
        let tags = tags.iter().filter_map(|tag| known.get(tag.key()).copied());
        rows.extend(tags.map(|tag| TagOf { contact, tag, score }));
    }
    dids.extend(applied(&open, store::add_tags_of(tenant, &rows, ctx.now)?));
    tell_changed(tenant, ctx, job, &dids, "tags")?;
    Ok(dids)
}

/// `ROZMIARBUTA_` and `43` are `ROZMIARBUTA_43`.
fn tag_of(prefix: &str, value: &Value) -> Option<TagName> {
    let value = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    if value.is_empty() {
        return None;
    }
    TagName::parse(&format!("{prefix}{value}")).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// MGR-D: the example of the source.
    #[test]
    fn prefix_and_value_make_a_tag() {
        let name =
            |prefix: &str, value: Value| tag_of(prefix, &value).map(|tag| tag.as_str().to_owned());
        assert_eq!(name("ROZMIARBUTA_", json!("43")).unwrap(), "ROZMIARBUTA_43");
        assert_eq!(name("ROZMIARBUTA_", json!(43)).unwrap(), "ROZMIARBUTA_43");
        assert_eq!(name("vip: ", json!(true)).unwrap(), "vip: true");
        assert_eq!(name("", json!("  Kůň ")).unwrap(), "Kůň");
        assert_eq!(name("x", json!("  ")), None);
        assert_eq!(name("x", json!("y".repeat(100))), None);
        assert_eq!(name("x", json!(null)), None);
    }
}
