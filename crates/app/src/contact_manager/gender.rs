//! Tags that say the gender a name has (MGR-O).

use std::collections::HashSet;

use uuid::Uuid;

use kartoteka_domain::contact_manager::GenderTags;
use kartoteka_domain::contacts::gender::Gender;
use kartoteka_domain::contacts::gender::guess::{NameCountry, PersonName, guess};
use kartoteka_domain::contacts::name::NameOrder;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::tags::TagSet;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contact_manager::{self as store, NamesOf, TagOf};

use super::actions::tell_changed;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome, applied};
use crate::tags;

/// Puts on each contact the tag of the gender that its name has. A contact whose gender has no tag in the request is
/// skipped: `undetermined` where the name does not say it, `no_tag` otherwise.
pub(super) fn detect(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    (country, order): (NameCountry, NameOrder),
    wanted: &GenderTags,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let known = tags::ensure(tenant, ctx, wanted.all().map(|tag| &tag.name))?;
    let mut dids = Dids::new();
    let mut rows = Vec::with_capacity(ids.len());
    for names in store::names(tenant, ids)? {
        let gender = gender_of(&names, country, order);
        let tag: Option<&TagSet> = match gender {
            Some(Gender::Female) => wanted.female.as_ref(),
            Some(Gender::Male) => wanted.male.as_ref(),
            Some(Gender::Other) | None => wanted.undetermined.as_ref(),
        };
        match tag.and_then(|tag| Some((*known.get(tag.name.key())?, tag.score))) {
            Some((tag, score)) => rows.push(TagOf { contact: names.id, tag, score }),
            None => {
                let reason = if gender.is_some() { "no_tag" } else { "undetermined" };
                dids.insert(names.id, Outcome::Skipped(reason.to_owned()).into());
            }
        }
    }
    let tagged: HashSet<Uuid> = rows.iter().map(|row| row.contact).collect();
    let tagged: Vec<Uuid> = tagged.into_iter().collect();
    dids.extend(applied(&tagged, store::add_tags_of(tenant, &rows, ctx.now)?));
    tell_changed(tenant, ctx, job, &dids, "tags")?;
    Ok(dids)
}

fn gender_of(names: &NamesOf, country: NameCountry, order: NameOrder) -> Option<Gender> {
    let name = PersonName {
        title_before: names.title_before.as_deref(),
        first_name: names.first_name.as_deref(),
        last_name: names.last_name.as_deref(),
    };
    guess(name, order, Some(country)).gender
}
